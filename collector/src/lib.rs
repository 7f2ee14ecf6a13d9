//! Takes findings from agents, stores them, judges them and answers questions about them.
//!
//! ```text
//! agents ── gRPC ──▶ ingest ──▶ store (one SQLite file) ──▶ query ── gRPC ──▶ command line
//!        ◀── acks ──             └─ verdicts, in the        http ── HTTP ──▶ people, monitoring
//!                                   same commit
//! ```
//!
//! Without a collector agents keep what they find; without agents a collector answers from what it has. It depends on
//! nothing but a directory it can write in.

mod clocks;
mod config;
mod http;
mod ingest;
pub mod kubernetes;
mod listen;
mod metrics;
mod query;
mod server;
mod store;

pub use config::{Config, DEFAULT_GRPC_PORT, DEFAULT_HTTP_PORT, DEFAULT_RETENTION};
pub use kubernetes::KubernetesInput;
pub use listen::ListenError;
pub use server::{Collector, CollectorError};
pub use store::{Rules, StoreError};
