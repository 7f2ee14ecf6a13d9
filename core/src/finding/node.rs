//! What a node is: the facts that decide how its kernel kills and what can be seen of it.
//!
//! Read once at start, from `uname(2)`, `/proc` and its sysctl tree (Documentation/admin-guide/sysctl/vm.rst). What a
//! kernel does not have, or may not be read, is `None`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Source;

/// The facts of one boot of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFacts {
    /// Kernel release, such as `6.12.48-amd64`.
    pub kernel: String,
    /// The machine's architecture, such as `x86_64`.
    pub machine: String,
    /// Version of the agent.
    pub agent_version: String,
    /// When the machine was started.
    pub booted: Option<Timestamp>,
    /// Version of the hierarchy that the memory controller is in, 1 or 2.
    pub cgroup_version: Option<u32>,
    /// Bytes of a page.
    pub page_size: u64,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Bytes of swap.
    pub swap: Option<u64>,
    /// CPUs that are online.
    pub cpus: Option<u32>,
    /// NUMA nodes and their memory.
    pub numa: Vec<NumaNode>,
    /// `vm.overcommit_memory`: 0 guess, 1 always, 2 never.
    pub overcommit_memory: Option<u32>,
    /// `vm.panic_on_oom`: 1 or 2 panic instead of killing.
    pub panic_on_oom: Option<u32>,
    /// `vm.oom_dump_tasks`: 0 leaves the task table out of reports.
    pub oom_dump_tasks: Option<u32>,
    /// `vm.oom_kill_allocating_task`: 1 kills whoever asks, without looking for the largest.
    pub oom_kill_allocating_task: Option<u32>,
    /// `kernel.dmesg_restrict`: 1 keeps the kernel log from those without `CAP_SYSLOG`.
    pub dmesg_restrict: Option<u32>,
    /// Bytes the kernel tries to keep free (`vm.min_free_kbytes`).
    pub min_free: Option<u64>,
    /// What sources are missing.
    pub lacks: Vec<Lack>,
}

/// One NUMA node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumaNode {
    /// Its number.
    pub node: u32,
    /// Bytes of memory in it.
    pub memory: Option<u64>,
}

/// Something a source would need and does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lack {
    /// Which source.
    pub source: Source,
    /// What it needs, and what happened without, in words.
    pub what: String,
}
