//! Coroner on the node: reads the evidence where it is and reports it.
//!
//! Sources find facts (the kernel log, and at a kill the cgroup files around it), the outbox keeps them, the uplink
//! brings them to a collector and learns what is durable there. Nothing here judges: what a fact means is decided
//! where all facts meet. [`Agent`] is the whole, `coroner-agent` a thin program around it.

mod agent;
mod attribution;
mod capability;
mod cgroup;
mod clock;
mod config;
mod coverage;
mod findings;
mod fragmentation;
mod headroom;
mod homes;
mod http;
mod join;
mod kernel_file;
mod kernel_log;
mod log_file;
mod metrics;
mod node;
mod outbox;
mod position;
mod pressure;
mod process;
mod signal_trace;
mod sources;
mod standing;
mod state;
mod stop;
mod surroundings;
mod uplink;
mod witness;

pub use agent::{Agent, StartError};
pub use capability::take_up_syslog;
pub use config::{Config, ConfigError, KernelLogSource, StartPosition};
pub use headroom::{Reserved, ReservedError, reserved};
pub use http::HttpError;
pub use kernel_log::ReplayError;
pub use node::{NodeError, hostname};
pub use state::StateError;
