//! Probes with all their timings.
//!
//! The API server writes its defaults into what it stores, and leaves out an `initialDelaySeconds` of 0; where anything is
//! absent [`Probe::default`] has what the API documents: 0, 1, 10, 1, 3.

use serde::{Deserialize, Serialize};

/// The probes of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Probes {
    /// Killed when it fails.
    pub liveness: Option<Box<Probe>>,
    /// Taken out of services when it fails; nothing is killed.
    pub readiness: Option<Box<Probe>>,
    /// Killed when it does not succeed in time; the others wait for it.
    pub startup: Option<Box<Probe>>,
}

/// A probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Probe {
    /// What is done.
    pub handler: ProbeHandler,
    /// Seconds after the container's start before the first.
    pub initial_delay_s: u32,
    /// Seconds that an answer may take.
    pub timeout_s: u32,
    /// Seconds from one to the next.
    pub period_s: u32,
    /// Successes in a row that make it succeed.
    pub success_threshold: u32,
    /// Failures in a row that make it fail.
    pub failure_threshold: u32,
    /// The probe's own grace period in seconds, in place of the pod's.
    pub termination_grace_s: Option<u64>,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            handler: ProbeHandler::default(),
            initial_delay_s: 0,
            timeout_s: 1,
            period_s: 10,
            success_threshold: 1,
            failure_threshold: 3,
            termination_grace_s: None,
        }
    }
}

/// What a probe does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProbeHandler {
    /// Nothing that is known here.
    #[default]
    Unknown,
    /// Runs a command in the container; its words.
    Exec(Vec<String>),
    /// Asks over HTTP.
    Http {
        /// Port, a number or a name.
        port: String,
        /// Path.
        path: String,
        /// `HTTP` or `HTTPS`.
        scheme: String,
    },
    /// Opens a connection to this port, a number or a name.
    Tcp(String),
    /// Asks gRPC's health service at this port.
    Grpc(u16),
}
