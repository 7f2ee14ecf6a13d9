//! The end of a container, as its control group shows it.
//!
//! The group of a container becomes empty, or is removed, when its last process is gone. Why is not written there: what
//! the signal trace and the counters saw (or, without a hole, did not see) decides it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A container's group became empty or was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerEnd {
    /// The group: hostile text.
    pub group: String,
    /// The container's id, 64 hex digits.
    pub container_id: String,
    /// Its first process, where it was seen.
    pub main_pid: Option<u32>,
    /// When the group was first seen; what happened before that nobody watched.
    pub watched_since: Option<Timestamp>,
    /// The end lies after this time.
    pub not_before: Option<Timestamp>,
    /// Whether a SIGKILL for its first process was traced; `None` where the trace cannot tell, because it was not
    /// running or lost events while the container was watched.
    pub main_sigkilled: Option<bool>,
    /// Processes the OOM killer took in it while it was watched; `None` where no counter could be read.
    pub oom_kills: Option<u64>,
    /// Seconds its processes wanted to run and were not allowed to (`throttled_usec` of `cpu.stat`), in microseconds.
    pub throttled_us: Option<u64>,
    /// Periods in which they were throttled, and all periods.
    pub throttled_periods: Option<(u64, u64)>,
    /// It was seen to be the pod's sandbox, which holds its namespaces and runs nothing (`pause`): the runtime kills it
    /// when the pod is over, and nobody knows it by a name.
    #[serde(default)]
    pub sandbox: bool,
}
