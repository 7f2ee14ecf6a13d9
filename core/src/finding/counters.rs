//! What cgroup counters say of a kill: one group's `oom_kill` rose.
//!
//! Version 2 counts `oom` and `max` at the group whose limit was hit and all above it, `oom_kill` at the victim's group
//! and all above it; `memory.events.local` counts the group's own alone (cgroup-v2.rst). So a group whose own `oom` rose
//! has the limit, and kills without any `oom` are of the whole node. Version 1 counts `oom_kill` for the victim's own group only, and
//! `failcnt` names the limit. [`crate::counters`] does that arithmetic. What could not be read is `None`.

use serde::{Deserialize, Serialize};

use crate::kernel::Limit;

/// One kill that a group counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedKill {
    /// The group that the victim was in: hostile text. A pod's, where its container's was gone already.
    pub group: String,
    /// cgroup version, 1 or 2.
    pub version: u32,
    /// The group's `oom_kill` with this kill. With the group it identifies the fact within a boot.
    pub oom_kill: u64,
    /// How many kills the reading counted that this one is of.
    pub of: u64,
    /// The kill lies after this, in microseconds of `CLOCK_MONOTONIC` ...
    pub from_us: u64,
    /// ... and before this.
    pub to_us: u64,
    /// The counters of the group and those above it, the group itself first.
    pub lineage: Vec<GroupRise>,
    /// Whose limit it was, as far as the counters tell.
    pub limit: CountedLimit,
    /// The processes of which it took one, where the log names several whose group nobody saw and it is not known which of
    /// them was in this group; empty where that is no question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<u32>,
}

/// How the counters of one group moved around a kill.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRise {
    /// The group: hostile text.
    pub group: String,
    /// Its limit.
    pub limit: Option<Limit>,
    /// Bytes in use.
    pub usage: Option<u64>,
    /// Most bytes ever in use.
    pub peak: Option<u64>,
    /// How far its own `oom` rose (version 2).
    pub oom: Option<u64>,
    /// How far its own `max` (version 2) or `failcnt` (version 1) rose.
    pub limit_hits: Option<u64>,
    /// How far its own `oom_kill` rose.
    pub oom_kill: Option<u64>,
    /// How far its own `oom_group_kill` rose.
    pub oom_group_kill: Option<u64>,
}

/// Whose limit was hit, as counters tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "group")]
pub enum CountedLimit {
    /// This group's: hostile text.
    Group(String),
    /// Nobody's: the whole node was out of memory.
    WholeNode,
    /// The counters do not tell.
    #[default]
    Unknown,
}
