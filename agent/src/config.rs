//! What an agent is told before it starts, and what is wrong with it if something is.
//!
//! Nothing here touches the node. A collector address that can never work is refused before anything is opened, in
//! one sentence; everything else (an absent device, a hierarchy that is not there) is found out by the part that
//! needs it, which says so and goes on.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use coroner_core::finding::Source;
use tonic::transport::Uri;

use crate::headroom::Reserved;

/// Where the kernel log comes from.
#[derive(Clone, Debug)]
pub enum KernelLogSource {
    /// A device like `/dev/kmsg`. Where it cannot be opened, `syslog(2)` stands in.
    Device(PathBuf),
    /// A recording of raw records in a file: `prio,seq,usec,flags;text` lines with their ` KEY=value` lines.
    ReplayFile(PathBuf),
    /// The same, held in memory.
    ReplayBytes(Vec<u8>),
}

impl Default for KernelLogSource {
    fn default() -> Self {
        Self::Device(PathBuf::from("/dev/kmsg"))
    }
}

/// Which records count when nothing is known of an earlier run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartPosition {
    /// From the oldest record the kernel still holds.
    #[default]
    Oldest,
    /// Only what is written from now on.
    Now,
}

/// Everything an agent needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name of the node, as Kubernetes knows it.
    pub node: String,
    /// The collector's gRPC address, `http://HOST:PORT`.
    pub collector: String,
    /// Directory that keeps the acknowledged position; `None` keeps nothing, and a restart reports anew.
    pub state_dir: Option<PathBuf>,
    /// Where health and metrics are served; `None` serves nothing.
    pub http_addr: Option<SocketAddr>,
    /// Where the cgroup hierarchy is mounted; `None` finds it in the mount table.
    pub cgroup_root: Option<PathBuf>,
    /// The host's `/proc`.
    pub proc_root: PathBuf,
    /// Where tracefs is mounted; `None` finds it in the mount table.
    pub tracing_root: Option<PathBuf>,
    /// Name of the trace instance; an agent that finds it in use by another adds a number.
    pub tracing_instance: String,
    /// Where the kernel log comes from.
    pub kernel_log: KernelLogSource,
    /// Log files to follow for what killers in user space write.
    pub log_files: Vec<PathBuf>,
    /// Which records count when nothing is known of an earlier run.
    pub start: StartPosition,
    /// What the kubelet was told to keep for itself and the system, where somebody told us.
    pub reserved: Reserved,
    /// The kubelet's configuration, to take the same from where it is not given.
    pub kubelet_config: Option<PathBuf>,
    /// Sources that are switched off.
    pub disabled: BTreeSet<Source>,
}

impl Config {
    /// A configuration that reads this machine and keeps and serves nothing.
    #[must_use]
    pub fn new(node: impl Into<String>, collector: impl Into<String>) -> Self {
        Self {
            node: node.into(),
            collector: collector.into(),
            state_dir: None,
            http_addr: None,
            cgroup_root: None,
            proc_root: PathBuf::from("/proc"),
            tracing_root: None,
            tracing_instance: "coroner".to_owned(),
            kernel_log: KernelLogSource::default(),
            log_files: Vec::new(),
            start: StartPosition::default(),
            reserved: Reserved::default(),
            kubelet_config: None,
            disabled: BTreeSet::new(),
        }
    }

    /// Whether a source is to be read.
    pub(crate) fn enabled(&self, source: Source) -> bool {
        !self.disabled.contains(&source)
    }
}

/// A setting that can never work.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The collector's address is no address.
    #[error("collector address `{address}` is not an address like http://127.0.0.1:7137: {reason}")]
    Collector {
        /// As given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The node's name cannot be used.
    #[error("node name `{name}` {reason}")]
    Node {
        /// As given, control characters escaped.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// The longest name a Kubernetes node can have (RFC 1123 subdomain), in bytes.
const NODE_NAME_MAX: usize = 253;

/// Checks the node's name against what the protocol allows.
///
/// # Errors
/// When it is empty, too long or holds control characters.
pub(crate) fn check_node(name: &str) -> Result<(), ConfigError> {
    let reason = if name.is_empty() {
        "is empty"
    } else if name.len() > NODE_NAME_MAX {
        "is longer than 253 bytes"
    } else if name.chars().any(char::is_control) {
        "holds control characters"
    } else {
        return Ok(());
    };
    Err(ConfigError::Node { name: coroner_core::escape::terminal(name).to_string(), reason })
}

/// Reads the collector's address.
///
/// # Errors
/// When it has another scheme than `http`, no host, or is no URI at all.
pub(crate) fn collector_uri(address: &str) -> Result<Uri, ConfigError> {
    let wrong = |reason: &str| ConfigError::Collector {
        address: address.to_owned(),
        reason: reason.to_owned(),
    };
    let uri: Uri = address.parse().map_err(|e| wrong(&format!("{e}")))?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return Err(wrong("this build speaks plain http only")),
        Some(_) => return Err(wrong("the scheme must be http")),
        None => return Err(wrong("the scheme http:// is missing")),
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err(wrong("the host is missing"));
    }
    Ok(uri)
}

/// Whether an address can only be reached from this machine.
pub(crate) fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("http://127.0.0.1:7137", true)]
    #[case("http://[::1]:7137", true)]
    #[case("http://localhost", true)]
    #[case("http://collector.coroner.svc:7137", false)]
    fn addresses_that_work(#[case] address: &str, #[case] loopback: bool) {
        assert_eq!(is_loopback(&collector_uri(address).unwrap()), loopback);
    }

    #[rstest]
    #[case("", "")]
    #[case("127.0.0.1:7137", "is not an address like")]
    #[case("https://c:7137", "plain http only")]
    #[case("ftp://c:7137", "scheme must be http")]
    #[case("http://", "is not an address like")]
    fn addresses_that_cannot_work_say_why_in_one_line(#[case] address: &str, #[case] why: &str) {
        let error = collector_uri(address).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(!error.contains('\n'));
    }

    #[rstest]
    #[case("node-1", true)]
    #[case("", false)]
    #[case("a\nb", false)]
    #[case(&"n".repeat(254), false)]
    fn node_names(#[case] name: &str, #[case] good: bool) {
        assert_eq!(check_node(name).is_ok(), good);
    }
}
