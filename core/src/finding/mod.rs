//! Findings: immutable facts that an agent saw on a node.
//!
//! A finding's id is made of what identifies the fact (for a kernel record: boot id and sequence), never of a time,
//! so the same fact seen twice, by a restarted agent or over a resumed stream, has the same id and is stored once.

mod cgroup;
mod container;
mod counters;
mod coverage;
mod fragmentation;
mod headroom;
mod id;
mod node;
mod occasion;
mod population;
mod pressure;
mod signal;
mod source;
mod volumes;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::kernel::KernelEvent;
pub use cgroup::{Attribution, AttributionMethod, CgroupObservation, CgroupState, Phase};
pub use container::ContainerEnd;
pub use counters::{CountedKill, CountedLimit, GroupRise};
pub use coverage::CoverageSpan;
pub use fragmentation::{
    BlockShortage, CompactionCounters, EarlierCounters, EarlierIndex, Fragmentation, HugePages,
};
pub use headroom::{
    Concern, GroupUse, Headroom, KernelMemory, MostOutside, ProcessUse, Reservation,
};
pub use id::FindingId;
pub use node::{Lack, NodeFacts, NumaNode};
pub use occasion::Occasion;
pub use population::{Inhabited, Population, Role};
pub use pressure::{GroupPressure, Pressure, ResourcePressure, Stall, StallBefore};
pub use signal::{OomMark, Process, Sigkill, SignalResult};
pub use source::{Gap, Source, SourceStatus};
pub use volumes::{MemoryVolume, MemoryVolumes};

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
    /// Volumes of a pod that are kept in memory.
    MemoryVolumes(Box<MemoryVolumes>),
    /// What the node is.
    Node(Box<NodeFacts>),
}
