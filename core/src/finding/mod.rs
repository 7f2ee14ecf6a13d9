//! Findings: immutable facts that an agent saw on a node.
//!
//! A finding's id is made of what identifies the fact (for a kernel record: boot id and sequence), never of a time,
//! so the same fact seen twice, by a restarted agent or over a resumed stream, has the same id and is stored once.

mod container;
mod counters;
mod coverage;
mod fragmentation;
mod headroom;
mod node;
mod occasion;
mod population;
mod pressure;
mod signal;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::incident::UnknownName;
use crate::kernel::{KernelEvent, Limit, Position};
pub use container::ContainerEnd;
pub use counters::{CountedKill, CountedLimit, GroupRise};
pub use coverage::CoverageSpan;
pub use fragmentation::{
    BlockShortage, CompactionCounters, EarlierCounters, EarlierIndex, Fragmentation, HugePages,
};
pub use headroom::{
    Concern, GroupUse, Headroom, KernelMemory, MostOutside, ProcessUse, Reservation,
};
pub use node::{Lack, NodeFacts, NumaNode};
pub use occasion::Occasion;
pub use population::{Inhabited, Population, Role};
pub use pressure::{GroupPressure, Pressure, ResourcePressure, Stall, StallBefore};
pub use signal::{OomMark, Process, Sigkill, SignalResult};

/// Identity of a finding: `<source>:<boot id>:<key>`, where the key is unique within source and boot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FindingId(pub String);

impl FindingId {
    /// The fact that stands at `seq` of the kernel log of one boot. One record may hold several facts (a record can
    /// have several lines), told apart by `part`, counted from 0.
    #[must_use]
    pub fn kernel(boot_id: &str, seq: u64, part: u32) -> Self {
        if part == 0 {
            Self(format!("kmsg:{boot_id}:{seq}"))
        } else {
            Self(format!("kmsg:{boot_id}:{seq}.{part}"))
        }
    }

    /// The fact whose first line stands at `position`, of a log with or without sequence numbers.
    ///
    /// The fallback `syslog(2)` gives no sequence; there the kernel's own stamp stands in for it.
    #[must_use]
    pub fn at(boot_id: &str, position: &Position, part: u32) -> Self {
        match (position.seq, position.monotonic_us) {
            (Some(seq), _) => Self::kernel(boot_id, seq, part),
            (None, Some(us)) => Self(format!("klog:{boot_id}:{us}.{part}")),
            (None, None) => Self(format!("line:{boot_id}:{}.{part}", position.line)),
        }
    }

    /// A hole in a source's records, by the first sequence number that was lost.
    #[must_use]
    pub fn gap(source: Source, boot_id: &str, first_lost: u64) -> Self {
        Self(format!("gap:{boot_id}:{source}:{first_lost}"))
    }

    /// A SIGKILL, by when it was traced and the task that got it. Whether that is a thread of another process may no
    /// longer be known when it is read once more, so the process has no part in the identity.
    #[must_use]
    pub fn sigkill(boot_id: &str, sigkill: &Sigkill) -> Self {
        Self(format!("signal:{boot_id}:{}.{}", sigkill.at_us, sigkill.receiver.traced_id()))
    }

    /// The kill that a group's counter counted as its Nth.
    #[must_use]
    pub fn counted(boot_id: &str, kill: &CountedKill) -> Self {
        Self(format!("counter:{boot_id}:{}:{}", kill.oom_kill, kill.group))
    }

    /// The end of a container. Container ids are never used twice.
    #[must_use]
    pub fn container_end(boot_id: &str, container_id: &str) -> Self {
        Self(format!("end:{boot_id}:{container_id}"))
    }

    /// The death of a container that no OOM kill explains: not a finding of its own, but what all findings about it
    /// have in [`Finding::about`], whichever of them comes first.
    #[must_use]
    pub fn death(boot_id: &str, container_id: &str) -> Self {
        Self(format!("death:{boot_id}:{container_id}"))
    }

    /// What a source sampled at `at_us` of `CLOCK_MONOTONIC`, in microseconds.
    #[must_use]
    pub fn sample(boot_id: &str, source: Source, at_us: u64) -> Self {
        Self(format!("sample:{boot_id}:{source}:{at_us}"))
    }

    /// What a source read because of the finding `about`.
    #[must_use]
    pub fn surrounding(about: &Self, what: &str) -> Self {
        Self(format!("{what}:{}", about.0))
    }

    /// What a node was found to be when an agent started, at `at_us` of `CLOCK_MONOTONIC`.
    #[must_use]
    pub fn node(boot_id: &str, at_us: u64) -> Self {
        Self(format!("node:{boot_id}:{at_us}"))
    }

    /// What was read of cgroups because of the finding `about`.
    #[must_use]
    pub fn observation(about: &Self, phase: Phase) -> Self {
        Self(format!("cgroup:{}:{}", phase.as_str(), about.0))
    }
}

impl std::fmt::Display for FindingId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a finding comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The kernel log.
    KernelLog,
    /// cgroup memory files.
    Cgroup,
    /// The trace of signals.
    SignalTrace,
    /// Free blocks of memory by size.
    Fragmentation,
    /// What is reserved for the host against what it uses.
    Headroom,
    /// Pressure stall information.
    Pressure,
    /// Log files that killers in user space write to.
    LogFile,
}

impl Source {
    /// All sources, in the order they are shown.
    pub const ALL: [Self; 7] = [
        Self::KernelLog,
        Self::Cgroup,
        Self::SignalTrace,
        Self::Fragmentation,
        Self::Headroom,
        Self::Pressure,
        Self::LogFile,
    ];
}

impl Source {
    /// The name as in flags and configuration.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::KernelLog => "kernel-log",
            Self::Cgroup => "cgroup",
            Self::SignalTrace => "signal-trace",
            Self::Fragmentation => "fragmentation",
            Self::Headroom => "headroom",
            Self::Pressure => "pressure",
            Self::LogFile => "log-file",
        }
    }
}

impl std::str::FromStr for Source {
    type Err = UnknownName;

    fn from_str(value: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|source| source.flag() == value)
            .ok_or_else(|| UnknownName::new("source", value, &Self::ALL.map(Self::flag)))
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::KernelLog => "kernel log",
            Self::Cgroup => "cgroup",
            Self::SignalTrace => "signal trace",
            Self::Fragmentation => "fragmentation",
            Self::Headroom => "headroom",
            Self::Pressure => "pressure",
            Self::LogFile => "log file",
        })
    }
}

/// One immutable fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Unique over all nodes and boots.
    pub id: FindingId,
    /// Name of the node.
    pub node: String,
    /// The kernel's boot id.
    pub boot_id: String,
    /// When it happened, on the node's wall clock.
    pub time: Timestamp,
    /// How far `time` may be off, in microseconds; `None` where that cannot be told.
    pub time_uncertainty_us: Option<u64>,
    /// Which source saw it.
    pub source: Source,
    /// The fact whose incident this one belongs to, where the agent joined them: one kill that several sources saw is
    /// one incident. `None` for a fact that stands for itself, or that says in its body what it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<FindingId>,
    /// The fact.
    pub body: FindingBody,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
#[allow(
    clippy::large_enum_variant,
    reason = "an observation follows nearly every kill, and few findings live at once"
)]
pub enum FindingBody {
    /// The kernel log says so.
    Kernel(Box<KernelEvent>),
    /// Records were lost.
    Gap(Gap),
    /// What the cgroup files said because of a kill.
    Cgroups(CgroupObservation),
    /// A source started, changed its way of reading, or cannot read.
    SourceStatus(SourceStatus),
    /// Somebody was sent SIGKILL.
    Sigkill(Box<Sigkill>),
    /// A group counted a kill.
    CountedKill(Box<CountedKill>),
    /// A container ended.
    ContainerEnd(Box<ContainerEnd>),
    /// How free memory was cut.
    Fragmentation(Box<Fragmentation>),
    /// What is reserved for the host, and what it uses.
    Headroom(Box<Headroom>),
    /// Time lost for want of memory, CPU or disk.
    Pressure(Box<Pressure>),
    /// Who held the memory when the whole node ran out.
    Population(Box<Population>),
    /// What the node is.
    Node(Box<NodeFacts>),
}

/// A hole in a source's coverage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Which source.
    pub source: Source,
    /// First record lost.
    pub first_lost: Option<u64>,
    /// How many records were lost; `None` where nobody can know.
    pub lost: Option<u64>,
    /// The gap lies after this time ...
    pub from: Option<Timestamp>,
    /// ... and before this one.
    pub to: Option<Timestamp>,
    /// Why, in words.
    pub reason: String,
}

/// How a source is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Which source.
    pub source: Source,
    /// Whether it reads at all.
    pub reading: bool,
    /// How it reads, or why not, in words.
    pub detail: String,
    /// Coverage is complete from here on, until a gap says otherwise.
    pub since: Option<Timestamp>,
}

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
