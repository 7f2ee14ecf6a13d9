//! How a collector is set up.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use coroner_core::publish::Limits;

use crate::kubernetes::{Access, Pace};
use crate::store::Rules;

/// Port for agents and questions, when nothing else is said.
pub const DEFAULT_GRPC_PORT: u16 = 7137;

/// Port for people and monitoring, when nothing else is said.
pub const DEFAULT_HTTP_PORT: u16 = 8137;

/// How long findings and incidents are kept, when nothing else is said.
pub const DEFAULT_RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How a collector is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where gRPC is served. Port 0 takes any free one; [`Collector::grpc_addr`](crate::Collector::grpc_addr) says
    /// which.
    pub grpc_addr: SocketAddr,
    /// Where HTTP is served; `None` for not at all. Port 0 takes any free one.
    pub http_addr: Option<SocketAddr>,
    /// Directory of the database, made if it is not there.
    pub data_dir: PathBuf,
    /// How long findings and incidents are kept after their arrival.
    pub retention: Duration,
    /// Allows addresses other than loopback although everything is sent in plain text and nobody is asked who they
    /// are.
    pub insecure_listen_anywhere: bool,
    /// How the Kubernetes API is reached, if it is.
    pub kubernetes: Access,
    /// How patient the watch of the Kubernetes API is.
    pub kubernetes_pace: Pace,
    /// How Events about incidents are written, if they are; only where the Kubernetes API is watched.
    pub events: Option<Limits>,
    /// The rules that findings are judged by.
    pub rules: Rules,
}

impl Config {
    /// The defaults: loopback, the usual ports, 30 days, the core's rules.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            grpc_addr: SocketAddr::from(([127, 0, 0, 1], DEFAULT_GRPC_PORT)),
            http_addr: Some(SocketAddr::from(([127, 0, 0, 1], DEFAULT_HTTP_PORT))),
            data_dir: data_dir.into(),
            retention: DEFAULT_RETENTION,
            insecure_listen_anywhere: false,
            kubernetes: Access::Off,
            kubernetes_pace: Pace::default(),
            events: Some(Limits::default()),
            rules: Rules::default(),
        }
    }
}
