//! `coroner-collector`: reads its flags, starts the collector, and ends it on SIGTERM or SIGINT.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use coroner_collector::kubernetes::Access;
use coroner_collector::{Collector, Config};
use coroner_core::publish::Limits;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Takes findings from Coroner's agents, stores them, judges them and answers questions about them.
///
/// Agents connect to the gRPC address, and so does `coroner list` and `coroner why`. The HTTP address serves /healthz,
/// /readyz (whether a finding could be stored now), /metrics (OpenMetrics) and pages for a browser.
///
/// Everything is kept in one SQLite file, coroner.db in the data directory. SIGTERM and SIGINT end the collector within
/// a second; what it had acknowledged is on the disk, and agents keep the rest and send it again.
#[derive(Debug, Parser)]
#[command(version)]
struct Flags {
    /// Where to serve gRPC, for agents and questions. Plain text, so loopback only; port 0 takes any free one.
    #[arg(long, env = "CORONER_GRPC_ADDR", value_name = "ADDR", default_value = "127.0.0.1:7137")]
    grpc_addr: SocketAddr,

    /// Where to serve HTTP, for people and monitoring. Plain text, so loopback only; port 0 takes any free one.
    #[arg(long, env = "CORONER_HTTP_ADDR", value_name = "ADDR", default_value = "127.0.0.1:8137")]
    http_addr: SocketAddr,

    /// Directory of the database; made, for its owner only, if it is not there.
    #[arg(long, env = "CORONER_DATA_DIR", value_name = "DIR", default_value = "/var/lib/coroner")]
    data_dir: PathBuf,

    /// Days that findings and incidents are kept after their arrival.
    #[arg(long, env = "CORONER_RETENTION_DAYS", value_name = "DAYS", default_value_t = 30,
          value_parser = clap::value_parser!(u16).range(1..))]
    retention_days: u16,

    /// Serve on addresses that other machines can reach, although nothing is encrypted and nobody is asked who they
    /// are: anyone who reaches them can read every incident and report what they like.
    #[arg(long, env = "CORONER_INSECURE_LISTEN_ANYWHERE")]
    insecure_listen_anywhere: bool,

    /// Whether the Kubernetes API is watched, for pods, events and nodes: `auto` does so in a pod, or with --kubeconfig;
    /// `on` refuses to start without a cluster.
    #[arg(long, env = "CORONER_KUBERNETES", value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    kubernetes: When,

    /// Kubeconfig to reach the Kubernetes API with, instead of as the pod that the collector runs in.
    #[arg(long, env = "CORONER_KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig, instead of its current one.
    #[arg(long, env = "CORONER_CONTEXT", value_name = "NAME", requires = "kubeconfig")]
    context: Option<String>,

    /// Whether an Event is written about each incident, on its pod or node, for `kubectl describe`; only where the
    /// Kubernetes API is watched.
    #[arg(long, env = "CORONER_EVENTS", value_enum, value_name = "SWITCH", default_value_t = Switch::On)]
    events: Switch,

    /// How log lines look, on standard error.
    #[arg(long, env = "CORONER_LOG_FORMAT", value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    /// What to log: error, warn, info, debug, trace, or directives such as `coroner_collector=debug`.
    #[arg(long, env = "CORONER_LOG", value_name = "FILTER", default_value = "info")]
    log: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    /// In a pod, or with --kubeconfig.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    /// Yes.
    On,
    /// No.
    Off,
}

impl Flags {
    fn kubernetes(&self) -> Access {
        match (self.kubernetes, &self.kubeconfig) {
            (When::Off, _) => Access::Off,
            (_, Some(path)) => {
                Access::Kubeconfig { path: path.clone(), context: self.context.clone() }
            }
            (When::Auto, None) => Access::IfInPod,
            (When::On, None) => Access::InPod,
        }
    }
}

fn main() -> ExitCode {
    match run(Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            // Before the log is set up, or when it is turned off, there is still standard error.
            if tracing::enabled!(tracing::Level::ERROR) {
                tracing::error!("{e:#}");
            } else {
                let _ = writeln!(std::io::stderr(), "coroner-collector: {e:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(flags: Flags) -> anyhow::Result<()> {
    // kube logs every request that finds nobody as an error of its own; we tell once that the server is away.
    let quiet = if flags.log.contains("kube_client") { "" } else { ",kube_client=off" };
    let filter = EnvFilter::try_new(format!("{}{quiet}", flags.log))
        .with_context(|| format!("--log `{}` is no filter", flags.log))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    match flags.log_format {
        LogFormat::Text => log.with_ansi(terminal).init(),
        LogFormat::Json => log.json().init(),
    }
    // The store names people's processes and groups: what it creates is for this user alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    if let Err(e) = raise_open_files() {
        tracing::warn!(error = %e, "cannot raise the limit on open files; many agents may not fit");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let end = runtime.block_on(serve(flags));
    // A question that the disk still works on must not hold up the end.
    runtime.shutdown_timeout(Duration::from_millis(100));
    end
}

/// Each agent is an open file, and the limit that a shell or systemd sets first is 1024.
fn raise_open_files() -> std::io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

async fn serve(flags: Flags) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut collector = Collector::start(Config {
        grpc_addr: flags.grpc_addr,
        http_addr: Some(flags.http_addr),
        retention: Duration::from_secs(u64::from(flags.retention_days) * 24 * 60 * 60),
        insecure_listen_anywhere: flags.insecure_listen_anywhere,
        kubernetes: flags.kubernetes(),
        events: (flags.events == Switch::On).then(Limits::default),
        ..Config::new(flags.data_dir)
    })
    .await?;
    let http = collector.http_addr().map(tracing::field::display);
    tracing::info!(grpc = %collector.grpc_addr(), http, "serving");
    tokio::select! {
        _ = terminate.recv() => tracing::info!("ending on SIGTERM"),
        _ = interrupt.recv() => tracing::info!("ending on SIGINT"),
        e = collector.failed() => return Err(e.into()),
    }
    collector.shutdown().await;
    Ok(())
}
