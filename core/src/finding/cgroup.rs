//! What could be read of control groups because of a kill.
//!
//! Read at the kill and once more a moment later: the first says what the limit was, the second who is left.

use serde::{Deserialize, Serialize};

use super::FindingId;
use crate::kernel::Limit;

/// When the files were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// At once, when the kill was seen.
    AtKill,
    /// A moment later, when those who die with it are gone.
    Aftermath,
}

impl Phase {
    /// The word used in ids and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtKill => "at-kill",
            Self::Aftermath => "aftermath",
        }
    }
}

/// What could be read of the groups around a kill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupObservation {
    /// The kernel finding it belongs to.
    pub about: FindingId,
    /// When it was read.
    pub phase: Phase,
    /// The victim's group where the kernel log did not say it, and how it was found out.
    pub attribution: Option<Attribution>,
    /// The group whose limit was hit.
    pub limit: Option<CgroupState>,
    /// The victim's own group, where it is another.
    pub victim: Option<CgroupState>,
    /// Other groups under the pod's group that hold processes or have a limit: a pod with one container is not a
    /// pod with several.
    pub siblings: Vec<CgroupState>,
}

/// A victim's group that the agent worked out, because the kernel printed a bare kill line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    /// Process id of the victim.
    pub pid: u32,
    /// The victim's group: hostile text.
    pub cgroup: String,
    /// The group whose limit was hit, if that could be told: hostile text.
    pub limit_cgroup: Option<String>,
    /// How it was found out.
    pub method: AttributionMethod,
}

/// How a victim's group was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributionMethod {
    /// `/proc/PID/cgroup` of the dying process.
    ProcCgroup,
    /// The pid was seen in the group shortly before.
    SeenBefore,
    /// The group's `oom_kill` counter rose by exactly the kills that had no other home.
    OomKillCounter,
}

/// What the memory files of one group said. Absent is `None`, never 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupState {
    /// Path from the root of the hierarchy: hostile text.
    pub path: String,
    /// cgroup version, 1 or 2.
    pub version: u32,
    /// False when the group was gone already.
    pub exists: bool,
    /// Bytes in use.
    pub usage: Option<u64>,
    /// Most bytes ever in use.
    pub peak: Option<u64>,
    /// The limit.
    pub limit: Option<Limit>,
    /// How often the limit was hit (`failcnt`, or `max` of `memory.events`).
    pub limit_hits: Option<u64>,
    /// How often the group was out of memory (`oom` of `memory.events`).
    pub oom: Option<u64>,
    /// Processes killed in it (`oom_kill`; on version 2 those of its descendants too).
    pub oom_kill: Option<u64>,
    /// Whether the whole group is killed together (`memory.oom.group`).
    pub oom_group: Option<bool>,
    /// Processes in it and below it, the victim not counted.
    pub processes_left: Option<u64>,
}
