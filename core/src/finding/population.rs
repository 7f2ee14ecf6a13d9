//! Who held the memory when the whole node ran out.
//!
//! The kernel's task table names processes, not groups. Which group each of them is in was read from `/proc` at once;
//! those that were gone by then are counted as `unplaced`. Amounts are bytes.

use serde::{Deserialize, Serialize};

use crate::kernel::Limit;

/// The memory of a node by pod, by host service and by kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Population {
    /// Pods and host services, those with the most memory first.
    pub groups: Vec<Inhabited>,
    /// Groups that are not listed; their memory is counted below.
    pub groups_beyond: u64,
    /// Resident memory of all listed processes in pods.
    pub pods: u64,
    /// Resident memory of all listed processes outside of pods.
    pub host: u64,
    /// Resident memory of the processes whose group is not known.
    pub unplaced: u64,
    /// How many these are.
    pub unplaced_processes: u64,
    /// Bytes that the oom_score_adj counts in: memory and swap.
    pub total: Option<u64>,
    /// Who asked for memory.
    pub trigger: Option<Role>,
    /// Who was killed.
    pub victim: Option<Role>,
    /// Who held the most.
    pub hog: Option<Role>,
}

/// A pod or a host service with its processes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inhabited {
    /// The pod's group, or that of the service: hostile text.
    pub group: String,
    /// The pod's uid; `None` outside of pods.
    pub pod_uid: Option<String>,
    /// Its processes in the kernel's table.
    pub processes: u64,
    /// Their resident memory.
    pub rss: u64,
    /// Everything charged to the group, where it could be read a moment later.
    pub usage: Option<u64>,
    /// The group's own limit.
    pub limit: Option<Limit>,
    /// The process that held the most.
    pub largest: Option<Role>,
}

/// A process that plays a part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Process id in the host's namespace.
    pub pid: u32,
    /// Name: hostile text.
    pub comm: String,
    /// Its group: hostile text.
    pub group: Option<String>,
    /// Resident memory.
    pub rss: Option<u64>,
    /// Badness adjustment.
    pub oom_score_adj: Option<i32>,
    /// The kernel's score, in bytes: memory, swap and page tables, plus the adjustment's share of the total. `None`
    /// where it cannot be worked out, or the process is exempt.
    pub badness: Option<i64>,
}
