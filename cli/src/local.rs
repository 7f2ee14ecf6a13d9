//! Agent and collector in this process, joined by real gRPC over loopback: the whole path on one machine.
//!
//! The collector comes first, because an agent without one waits before it tries again. Both end within a second.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use coroner_agent::{Agent, KernelLogSource, StartPosition};
use coroner_collector::Collector;
use tracing_subscriber::EnvFilter;

use crate::Error;
use crate::client::Client;

/// Both together have this long to end.
const GRACE: Duration = Duration::from_millis(950);

/// How the two are set up.
pub(crate) struct Settings {
    pub node: String,
    pub data_dir: PathBuf,
    pub grpc_addr: SocketAddr,
    pub http_addr: Option<SocketAddr>,
    pub insecure_listen_anywhere: bool,
    pub kernel_log: KernelLogSource,
    pub start: StartPosition,
    /// Whether a restart goes on where this run ends.
    pub remember: bool,
}

/// Both, running.
pub(crate) struct Local {
    pub collector: Collector,
    pub agent: Agent,
    pub client: Client,
}

impl Local {
    pub(crate) async fn start(settings: Settings) -> Result<Self, Error> {
        let state_dir = settings.remember.then(|| settings.data_dir.join("agent"));
        let collector = Collector::start(coroner_collector::Config {
            grpc_addr: settings.grpc_addr,
            http_addr: settings.http_addr,
            insecure_listen_anywhere: settings.insecure_listen_anywhere,
            ..coroner_collector::Config::new(settings.data_dir)
        })
        .await?;
        let url = format!("http://{}", reachable(collector.grpc_addr()));
        let client = Client::connect(&url).await?;
        let agent = Agent::start(coroner_agent::Config {
            state_dir,
            kernel_log: settings.kernel_log,
            start: settings.start,
            // What an agent of the node left behind is its successor's.
            tracing_instance: "coroner-standalone".to_owned(),
            ..coroner_agent::Config::new(settings.node, url)
        })
        .await?;
        Ok(Self { collector, agent, client })
    }

    /// Ends both, the agent first, so that what it has still arrives.
    pub(crate) async fn shutdown(self) {
        let Self { collector, agent, client } = self;
        drop(client);
        let ended = async {
            agent.shutdown().await;
            collector.shutdown().await;
        };
        // Whatever does not end in time ends with the process; what was acknowledged is on the disk.
        let _ = tokio::time::timeout(GRACE, ended).await;
    }
}

/// Where this process reaches an address it serves: loopback stands in for "every address".
fn reachable(addr: SocketAddr) -> SocketAddr {
    match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => {
            SocketAddr::from((Ipv4Addr::LOCALHOST, addr.port()))
        }
        IpAddr::V6(ip) if ip.is_unspecified() => {
            SocketAddr::from((Ipv6Addr::LOCALHOST, addr.port()))
        }
        IpAddr::V4(_) | IpAddr::V6(_) => addr,
    }
}

/// Log lines to standard error, as much as `CORONER_LOG` asks for.
pub(crate) fn log(default: &str) -> Result<(), Error> {
    let filter = std::env::var("CORONER_LOG").unwrap_or_else(|_| default.to_owned());
    let directives = EnvFilter::try_new(&filter)
        .map_err(|error| Error::LogFilter { filter, problem: error.to_string() })?;
    // Another subscriber is only there when a test set one; it then serves as well.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(directives)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .try_init();
    Ok(())
}
