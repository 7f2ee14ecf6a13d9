//! `coroner-agent`: flags and environment in, an agent out.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use coroner_agent::{
    Agent, Config, KernelLogSource, Reserved, ReservedError, StartError, StartPosition, reserved,
};
use coroner_core::finding::Source;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Watches this node's kernel log for kills, adds what their cgroups still say, and reports it to a collector.
///
/// It needs to read /dev/kmsg (CAP_SYSLOG where kernel.dmesg_restrict is 1; in a container the device takes a
/// privileged one). Where it may not, it reads syslog(2), which takes CAP_SYSLOG alone. Who sent SIGKILL
/// it reads in tracefs, as root. It changes nothing on the node but a trace instance of its own, which it removes. Log
/// level: RUST_LOG, default info.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Name of this node as Kubernetes knows it [default: the hostname]
    #[arg(long, env = "NODE_NAME", value_name = "NAME")]
    node_name: Option<String>,

    /// The collector's gRPC address
    #[arg(
        long,
        env = "CORONER_COLLECTOR",
        value_name = "URL",
        default_value = "http://127.0.0.1:7137"
    )]
    collector: String,

    /// Directory that keeps how far the kernel log is acknowledged, so that a restart neither repeats nor loses; without
    /// it a restart reports everything in the kernel's ring again
    #[arg(long, env = "CORONER_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,

    /// Where /healthz, /readyz and /metrics are served
    #[arg(long, env = "CORONER_HTTP_ADDR", value_name = "ADDR", default_value = "127.0.0.1:9137")]
    http_addr: SocketAddr,

    /// The kernel log device
    #[arg(long, env = "CORONER_KMSG", value_name = "PATH", default_value = "/dev/kmsg")]
    kmsg: PathBuf,

    /// Play a recording of raw kernel log records instead of reading the device
    #[arg(long, env = "CORONER_REPLAY", value_name = "FILE", conflicts_with = "kmsg")]
    replay: Option<PathBuf>,

    /// Where the cgroup hierarchy is mounted, such as /host/sys/fs/cgroup [default: found in the mount table]
    #[arg(long, env = "CORONER_CGROUP_ROOT", value_name = "DIR")]
    cgroup_root: Option<PathBuf>,

    /// The host's proc file system, such as /host/proc
    #[arg(long, env = "CORONER_PROC_ROOT", value_name = "DIR", default_value = "/proc")]
    proc_root: PathBuf,

    /// Where tracefs is mounted, such as /host/tracing [default: found in the mount table]
    #[arg(long, env = "CORONER_TRACING_ROOT", value_name = "DIR")]
    tracing_root: Option<PathBuf>,

    /// Name of the trace instance that is made there; a second agent on the node adds a number
    #[arg(long, env = "CORONER_TRACING_INSTANCE", value_name = "NAME", default_value = "coroner")]
    tracing_instance: String,

    /// Which records count when nothing is known of an earlier run
    #[arg(long, env = "CORONER_START", value_name = "WHERE", value_enum, default_value_t)]
    start: Start,

    /// A log file to follow for what systemd-oomd, earlyoom and other killers in user space write. May be repeated
    #[arg(long, env = "CORONER_LOG_FILE", value_name = "FILE", value_delimiter = ',')]
    log_file: Vec<PathBuf>,

    /// What the kubelet keeps for itself: its own --kube-reserved, such as cpu=100m,memory=1Gi, or the memory alone
    #[arg(long, env = "CORONER_KUBE_RESERVED", value_name = "QUANTITY")]
    kube_reserved: Option<String>,

    /// What the kubelet keeps for the system: its own --system-reserved, or the memory alone
    #[arg(long, env = "CORONER_SYSTEM_RESERVED", value_name = "QUANTITY")]
    system_reserved: Option<String>,

    /// The kubelet's configuration file, to read both from
    #[arg(long, env = "CORONER_KUBELET_CONFIG", value_name = "FILE")]
    kubelet_config: Option<PathBuf>,

    /// Do not read a source: kernel-log, cgroup, signal-trace, fragmentation, headroom, pressure or log-file. May be repeated
    #[arg(long, env = "CORONER_WITHOUT", value_name = "SOURCE", value_delimiter = ',')]
    without: Vec<Source>,

    /// How to log to standard error
    #[arg(long, env = "CORONER_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Start {
    /// From the oldest record the kernel still holds
    #[default]
    Oldest,
    /// Only what is written from now on
    Now,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Why the agent does not start, in one sentence.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot watch for {0}: {1}")]
    Signal(&'static str, std::io::Error),
    #[error("this machine has no hostname: give --node-name")]
    NoName,
    #[error("RUST_LOG is `{0}`: {1}")]
    Filter(String, tracing_subscriber::filter::ParseError),
    #[error(transparent)]
    Reserved(#[from] ReservedError),
    #[error(transparent)]
    Start(#[from] StartError),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "coroner-agent: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), Failure> {
    log_to_stderr(args.log_format)?;
    if let Err(errno) = coroner_agent::take_up_syslog() {
        tracing::warn!("CAP_SYSLOG cannot be put into effect: {errno}");
    }
    let watch = |name, kind| signal(kind).map_err(|e| Failure::Signal(name, e));
    let mut terminate = watch("SIGTERM", SignalKind::terminate())?;
    let mut interrupt = watch("SIGINT", SignalKind::interrupt())?;
    let agent = Agent::start(config(args)?).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    agent.shutdown().await;
    Ok(())
}

fn config(args: Args) -> Result<Config, Failure> {
    let node = args.node_name.or_else(coroner_agent::hostname);
    let node = node.ok_or(Failure::NoName)?;
    Ok(Config {
        state_dir: args.state_dir,
        http_addr: Some(args.http_addr),
        cgroup_root: args.cgroup_root,
        proc_root: args.proc_root,
        tracing_root: args.tracing_root,
        tracing_instance: args.tracing_instance,
        kernel_log: match args.replay {
            Some(file) => KernelLogSource::ReplayFile(file),
            None => KernelLogSource::Device(args.kmsg),
        },
        start: match args.start {
            Start::Oldest => StartPosition::Oldest,
            Start::Now => StartPosition::Now,
        },
        log_files: args.log_file,
        reserved: Reserved {
            kube: flag("--kube-reserved", args.kube_reserved)?,
            system: flag("--system-reserved", args.system_reserved)?,
        },
        kubelet_config: args.kubelet_config,
        disabled: args.without.into_iter().collect(),
        ..Config::new(node, args.collector)
    })
}

/// The memory in one of the kubelet's reservations.
fn flag(name: &str, value: Option<String>) -> Result<Option<u64>, ReservedError> {
    Ok(value.map(|value| reserved(name, &value)).transpose()?.flatten())
}

fn log_to_stderr(format: LogFormat) -> Result<(), Failure> {
    // Not `EnvFilter`: its regular expressions weigh more than the rest of the logging, and nobody needs them here.
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) => text.parse::<Targets>().map_err(|e| Failure::Filter(text, e))?,
        Err(_) => Targets::new().with_default(LevelFilter::INFO),
    };
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let (text, json) = match format {
        LogFormat::Text => (Some(log.with_ansi(terminal)), None),
        LogFormat::Json => {
            (None, Some(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr)))
        }
    };
    tracing_subscriber::registry().with(filter).with(text).with(json).init();
    Ok(())
}
