//! `coroner standalone`: the whole of Coroner on one machine, printing each incident as it happens.
//!
//! An incident is printed a moment after its kill, when the groups have been read again and it is known what became of
//! the container; a verdict that changes later is printed again.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use coroner_agent::{KernelLogSource, StartPosition};
use coroner_core::incident::{Cause, Confidence, Incident, Outcome};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::client::{Filter, Watched};
use crate::local::{self, Local, Settings};
use crate::{Error, Exit, output, render};

/// How long an incident may wait for what its groups say afterwards.
const SETTLE: Duration = Duration::from_millis(700);

/// Flags of `coroner standalone`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Other commands on this machine find it at its default address.\n\
    SIGINT or SIGTERM ends it within a second. Log lines go to standard error; CORONER_LOG sets how much (default warn).")]
pub(crate) struct Args {
    /// Directory that keeps incidents, and how far the kernel log was read [default: /var/lib/coroner for root, else
    /// coroner in the user's state directory]
    #[arg(long, env = "CORONER_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where gRPC is served, in plain text, so loopback only; port 0 takes any free one.
    #[arg(long, env = "CORONER_GRPC_ADDR", value_name = "ADDR", default_value = "127.0.0.1:7137")]
    grpc_addr: SocketAddr,
    /// Where HTTP is served, in plain text, so loopback only; port 0 takes any free one.
    #[arg(long, env = "CORONER_HTTP_ADDR", value_name = "ADDR", default_value = "127.0.0.1:8137")]
    http_addr: SocketAddr,
    /// Serve on addresses that other machines can reach, although nothing is encrypted and nobody is asked who they are.
    #[arg(long, env = "CORONER_INSECURE_LISTEN_ANYWHERE")]
    insecure_listen_anywhere: bool,
    /// Name of this machine in incidents [default: the hostname]
    #[arg(long, env = "NODE_NAME", value_name = "NAME")]
    node_name: Option<String>,
    /// The kernel log device.
    #[arg(long, env = "CORONER_KMSG", value_name = "PATH", default_value = "/dev/kmsg")]
    kmsg: PathBuf,
}

pub(crate) async fn run(args: &Args) -> Result<Exit, Error> {
    local::log("warn")?;
    // The store names people's processes and groups: what it creates is for this user alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    // In place before anything is started, so that an early signal ends it politely too.
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Runtime)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Runtime)?;
    let mut local = Local::start(Settings {
        node: args.node_name.clone().or_else(coroner_agent::hostname).ok_or(Error::Nameless)?,
        data_dir: args.data_dir.clone().unwrap_or_else(default_data_dir),
        grpc_addr: args.grpc_addr,
        http_addr: Some(args.http_addr),
        insecure_listen_anywhere: args.insecure_listen_anywhere,
        kernel_log: KernelLogSource::Device(args.kmsg.clone()),
        start: StartPosition::Oldest,
        remember: true,
    })
    .await?;
    output::remark(&format!(
        "watching this machine; gRPC at {}, HTTP at {}; ends on Ctrl-C",
        local.collector.grpc_addr(),
        local.collector.http_addr().map_or_else(|| "none".to_owned(), |addr| addr.to_string())
    ));
    let printing = print_incidents(&local.client);
    let end = tokio::select! {
        _ = terminate.recv() => Ok(Exit::Found),
        _ = interrupt.recv() => Ok(Exit::Found),
        error = printing => Err(error),
        error = local.collector.failed() => Err(error.into()),
    };
    local.shutdown().await;
    end
}

/// Where things are kept when nothing is said: the system's place for root, else the user's.
fn default_data_dir() -> PathBuf {
    let system = PathBuf::from("/var/lib/coroner");
    if rustix::process::geteuid().is_root() {
        return system;
    }
    let set =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_STATE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".local/state")))
        .map_or(system, |state| state.join("coroner"))
}

/// What of a verdict a person would want to see again.
type Verdict = (Cause, Confidence, Option<Outcome>);

fn verdict(incident: &Incident) -> Verdict {
    (incident.cause, incident.confidence, incident.outcome)
}

/// Prints until something goes wrong.
async fn print_incidents(client: &crate::client::Client) -> Error {
    match print_until_error(client.clone()).await {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

async fn print_until_error(
    mut client: crate::client::Client,
) -> Result<std::convert::Infallible, Error> {
    let mut printed: HashMap<String, Verdict> = HashMap::new();
    let mut waiting: Vec<(Instant, Incident)> = Vec::new();
    let all = Filter::default();
    // What an earlier run stored was printed by it.
    let mut watch = client.watch(&all).await?;
    for old in client.list(&all).await?.0 {
        printed.insert(old.id.0.clone(), verdict(&old));
    }
    loop {
        let due = waiting.first().map(|(due, _)| *due);
        let next = tokio::select! {
            next = watch.next() => next?,
            () = until(due) => {
                let (_, incident) = waiting.remove(0);
                print(&incident, &mut printed)?;
                continue;
            }
        };
        match next {
            Watched::Incident(incident) => {
                let place = waiting.iter().position(|(_, held)| held.id == incident.id);
                match place {
                    Some(place) => waiting[place].1 = *incident,
                    None => waiting.push((Instant::now() + SETTLE, *incident)),
                }
                // With the outcome known there is nothing to wait for.
                if let Some(place) = waiting.iter().position(|(_, held)| held.outcome.is_some()) {
                    let (_, incident) = waiting.remove(place);
                    print(&incident, &mut printed)?;
                }
            }
            Watched::Withdrawn(id, _) => {
                waiting.retain(|(_, held)| held.id.0 != id);
                printed.remove(&id);
            }
            Watched::Behind => {
                watch = client.watch(&all).await?;
                for incident in client.list(&all).await?.0.into_iter().rev() {
                    print(&incident, &mut printed)?;
                }
                waiting.clear();
            }
            Watched::End => {
                let message = "it is ending".to_owned();
                return Err(Error::Refused { place: "this process".to_owned(), message });
            }
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

fn print(incident: &Incident, printed: &mut HashMap<String, Verdict>) -> io::Result<()> {
    let now = verdict(incident);
    let before = printed.insert(incident.id.0.clone(), now);
    if before == Some(now) {
        return Ok(());
    }
    let mut out = output::stdout();
    if before.is_some() {
        writeln!(out, "The verdict has changed:")?;
    }
    writeln!(out, "{}", render::why(incident, render::Detail::Short, output::width()))?;
    out.flush()
}
