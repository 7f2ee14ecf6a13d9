//! Incidents and verdicts: the answer that people and machines are shown.
//!
//! The serialised form of [`Incident`] is the JSON of `coroner list -o json` and `coroner why -o json`; its keys
//! are an interface. Unknown is `null`, never a made-up value.

mod cause;
mod cluster;
mod told;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

pub use cause::Cause;
pub use cluster::{EarlierEnd, OwnerRef, RevisedFrom, SigkillFacts};
pub use told::whole_seconds;

use crate::finding::FindingId;
use crate::kernel::{Level, Scope};
use crate::kubernetes::Terminated;

/// A name that is not in a closed list.
#[derive(Debug, thiserror::Error)]
#[error("`{value}` is no {what}; expected one of {expected}")]
pub struct UnknownName {
    what: &'static str,
    value: String,
    expected: String,
}

impl UnknownName {
    pub(crate) fn new(what: &'static str, value: &str, expected: &[&str]) -> Self {
        Self { what, value: value.to_owned(), expected: expected.join(", ") }
    }
}

/// What became of the one who was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// The container ended.
    ContainerExited,
    /// A process of it was killed, and the container lives: the kill Kubernetes never shows.
    ContainerSurvived,
    /// A process outside containers was killed.
    HostProcessKilled,
    /// It never ran.
    NeverStarted,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::ContainerExited,
        Self::ContainerSurvived,
        Self::HostProcessKilled,
        Self::NeverStarted,
    ];

    /// The name, as in JSON and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ContainerExited => "ContainerExited",
            Self::ContainerSurvived => "ContainerSurvived",
            Self::HostProcessKilled => "HostProcessKilled",
            Self::NeverStarted => "NeverStarted",
        }
    }
}

impl std::str::FromStr for Outcome {
    type Err = UnknownName;

    /// Accepts the name in any case.
    fn from_str(value: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.name().eq_ignore_ascii_case(value))
            .ok_or_else(|| UnknownName::new("outcome", value, &Self::ALL.map(Self::name)))
    }
}

impl std::str::FromStr for Confidence {
    type Err = UnknownName;

    /// Accepts the name in any case.
    fn from_str(value: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|confidence| confidence.name().eq_ignore_ascii_case(value))
            .ok_or_else(|| UnknownName::new("confidence", value, &Self::ALL.map(Self::name)))
    }
}

/// How sure the verdict is. Ordered from unsure to sure.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub enum Confidence {
    /// Evidence is missing.
    #[default]
    Unknown,
    /// Consistent, nothing contradicts, something is missing.
    Possible,
    /// One source of two, or matched by pod and time.
    Likely,
    /// Matched by id, and the source had no gap.
    Confirmed,
}

impl Confidence {
    /// All of them, from unsure to sure.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Possible, Self::Likely, Self::Confirmed];

    /// The name, as in JSON and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Possible => "Possible",
            Self::Likely => "Likely",
            Self::Confirmed => "Confirmed",
        }
    }
}

/// Short, stable identity of an incident, derived from the identity of the fact that opened it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub String);

impl IncidentId {
    /// The incident that the finding `opened_by` opens, on whichever node.
    #[must_use]
    pub fn of(opened_by: &FindingId) -> Self {
        Self(format!("inc-{:016x}", xxh3_64(opened_by.0.as_bytes())))
    }
}

impl std::fmt::Display for IncidentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One death, one kill that was survived, or one failure, with its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Stable id.
    pub id: IncidentId,
    /// When it happened.
    pub time: Timestamp,
    /// On which node.
    pub node: String,
    /// Why.
    pub cause: Cause,
    /// What became of it; `null` where nobody could see.
    pub outcome: Option<Outcome>,
    /// How sure.
    pub confidence: Confidence,
    /// Other causes that the evidence speaks for as much; then it is no surer than possible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Cause>,
    /// One sentence.
    pub summary: String,
    /// Sentences that explain the verdict.
    pub explanation: Vec<String>,
    /// What to change.
    pub remedies: Vec<String>,
    /// The pod, where known.
    pub pod: Option<PodRef>,
    /// The container, where known.
    pub container: Option<ContainerRef>,
    /// The end of the container as Kubernetes reports it.
    pub termination: Option<Terminated>,
    /// Kubernetes' own word for it, and whether that is right.
    #[serde(default)]
    pub kubernetes: Option<KubernetesSays>,
    /// What the kernel said; `null` for an incident the kernel did not see.
    pub kernel: Option<KernelFacts>,
    /// Who sent SIGKILL; `null` where none was traced that decides it.
    pub sigkill: Option<SigkillFacts>,
    /// What each sentence rests on.
    pub evidence: Vec<Evidence>,
    /// What is missing.
    pub gaps: Vec<String>,
    /// Earlier ends of the same container, the newest first.
    pub previous: Vec<EarlierEnd>,
    /// The verdict that stood before this one; `null` for the first.
    pub revised_from: Option<RevisedFrom>,
    /// True for an end that was meant, with exit code 0: a Job's, an init container's, a deleted pod's that stopped in order.
    /// Lists leave these out unless they are asked for.
    #[serde(default)]
    pub orderly: bool,
}

/// Kubernetes' own word for an end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubernetesSays {
    /// `OOMKilled`, `Error`, `Completed`, ..., as its status says.
    pub reason: Option<String>,
    /// Whether the verdict says otherwise.
    pub disagrees: bool,
    /// The proof, in one sentence, where it does.
    pub why: Option<String>,
}

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodRef {
    /// Namespace.
    pub namespace: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Uid, with dashes; 32 hex digits without dashes for a static pod.
    pub uid: Option<String>,
    /// The topmost owner that is known.
    pub owner: Option<OwnerRef>,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerRef {
    /// Name in its pod.
    pub name: Option<String>,
    /// 64 hex digits.
    pub id: Option<String>,
}

/// What the kernel said about an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelFacts {
    /// How far the shortage reached.
    pub scope: Scope,
    /// What kind of group hit its limit.
    pub level: Level,
    /// The group whose limit was hit.
    pub limit_cgroup: Option<String>,
    /// Its limit in bytes; `null` when unknown or none.
    pub limit_bytes: Option<u64>,
    /// Its usage in bytes.
    pub usage_bytes: Option<u64>,
    /// Who asked for the memory.
    pub trigger: Option<TriggerFacts>,
    /// Who was killed.
    pub victims: Vec<VictimFacts>,
}

/// Who asked for the memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerFacts {
    /// Name.
    pub comm: String,
    /// Thread id.
    pub pid: Option<u32>,
    /// Order of the allocation.
    pub order: Option<i32>,
    /// Flags of the allocation.
    pub gfp_mask: Option<String>,
}

/// Who was killed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VictimFacts {
    /// Process id on the host.
    pub pid: u32,
    /// Name.
    pub comm: String,
    /// Resident anonymous memory in KiB.
    pub anon_rss_kb: Option<u64>,
}

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Which source.
    pub source: String,
    /// What it said.
    pub detail: String,
    /// When.
    pub time: Option<Timestamp>,
}
