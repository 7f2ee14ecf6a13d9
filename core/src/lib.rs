//! What Coroner thinks with: the kernel-log parser, the identity in a cgroup path, the verdict rules.
//!
//! Everything here takes values and gives values. Nothing opens a file, a socket or a clock, so all of it can be
//! tested with tables of real inputs and fuzzed. The edges (agent, collector, command line) read and write; this
//! crate decides.

pub mod absence;
pub mod bytes;
pub mod cgroup;
pub mod counters;
pub mod escape;
pub mod exit_code;
pub mod explain;
pub mod finding;
pub mod forks;
pub mod fragmentation;
pub mod headroom;
pub mod hysteresis;
pub mod incident;
pub mod kernel;
pub mod kernel_log;
pub mod keyed;
pub mod kubelet;
pub mod kubernetes;
pub mod node;
pub mod node_report;
pub mod population;
pub mod pressure;
pub mod publish;
pub mod signal;
pub mod spans;
pub mod timeline;
pub mod verdict;
