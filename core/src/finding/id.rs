//! The identity of a finding: made of what identifies the fact, never of a time alone.
//!
//! A fact that is seen twice, by a restarted agent or over a resumed stream, has the same id and is stored once.

use serde::{Deserialize, Serialize};

use super::{CountedKill, Phase, Sigkill, Source};
use crate::kernel::Position;

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
    /// have in [`Finding::about`](super::Finding::about), whichever of them comes first.
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
