//! What is kept for the host against what the host uses.
//!
//! The kubelet gives the pods' group a limit of capacity - kube-reserved - system-reserved; what is left is for
//! everything else, the kernel included. Nothing enforces that the rest keeps to it. Amounts are bytes; what could not be
//! read is `None`.

use serde::{Deserialize, Serialize};

use super::Occasion;
use crate::kernel::Limit;

/// Capacity, the pods' share, and what everything outside of pods holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headroom {
    /// Why it was handed on.
    pub occasion: Occasion,
    /// All memory (`MemTotal`).
    pub capacity: Option<u64>,
    /// What could be had without swapping (`MemAvailable`).
    pub available: Option<u64>,
    /// The group of all pods; `None` where there is none.
    pub pods: Option<GroupUse>,
    /// What is reserved for the host.
    pub reservation: Reservation,
    /// What everything outside of pods holds and cannot give back, the kernel included.
    pub outside: Option<u64>,
    /// What the kernel holds, its part for pods included.
    pub kernel: KernelMemory,
    /// Shared memory and tmpfs of the whole node.
    pub shmem: Option<u64>,
    /// The groups outside of pods that hold the most.
    pub groups: Vec<GroupUse>,
    /// The largest processes outside of pods.
    pub processes: Vec<ProcessUse>,
    /// The most that was ever held outside of pods while it was watched.
    pub most: Option<MostOutside>,
    /// What is wrong now.
    pub concerns: Vec<Concern>,
}

/// What is reserved for the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// kube-reserved, as the kubelet was told.
    pub kube: Option<u64>,
    /// system-reserved, as the kubelet was told.
    pub system: Option<u64>,
    /// Capacity minus the limit of the pods' group; `None` where that has no limit.
    pub enforced: Option<u64>,
}

impl Reservation {
    /// The reservation that counts: what the kubelet was told, else what follows from the pods' limit.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        match (self.kube, self.system) {
            (None, None) => self.enforced,
            (kube, system) => Some(kube.unwrap_or(0).saturating_add(system.unwrap_or(0))),
        }
    }

    /// Whether the kubelet's own numbers are known.
    #[must_use]
    pub fn is_declared(&self) -> bool {
        self.kube.is_some() || self.system.is_some()
    }
}

/// The memory of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupUse {
    /// The group: hostile text.
    pub group: String,
    /// Everything charged to it, file cache included.
    pub usage: Option<u64>,
    /// What it cannot give back: anonymous memory, tmpfs and kernel memory.
    pub held: Option<u64>,
    /// Its limit.
    pub limit: Option<Limit>,
}

/// The memory of one process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessUse {
    /// Process id in the host's namespace.
    pub pid: u32,
    /// Name: hostile text.
    pub comm: String,
    /// Its group: hostile text.
    pub group: Option<String>,
    /// Resident memory.
    pub rss: Option<u64>,
}

/// What the kernel holds for itself and on behalf of others, and cannot give back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelMemory {
    /// Slab that cannot be reclaimed.
    pub slab_unreclaimable: Option<u64>,
    /// Page tables, of virtual machines too.
    pub page_tables: Option<u64>,
    /// Kernel stacks.
    pub stacks: Option<u64>,
    /// Memory of each CPU's own.
    pub percpu: Option<u64>,
    /// Memory set aside as huge pages.
    pub huge_pages: Option<u64>,
}

impl KernelMemory {
    /// All of it, as far as it is known; `None` where nothing is.
    #[must_use]
    pub fn sum(&self) -> Option<u64> {
        let parts =
            [self.slab_unreclaimable, self.page_tables, self.stacks, self.percpu, self.huge_pages];
        parts.into_iter().flatten().reduce(u64::saturating_add)
    }
}

/// The largest use outside of pods over a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MostOutside {
    /// The smallest kube-reserved + system-reserved that would have been enough.
    pub bytes: u64,
    /// How long it was watched, in seconds.
    pub seconds: u64,
}

/// What can be wrong with the headroom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concern {
    /// Use outside of pods is near what is reserved for it.
    NearReservation,
    /// Use outside of pods is more than what is reserved for it.
    OverReservation,
    /// The pods' group has no limit below capacity.
    NoPodsLimit,
    /// The pods' limit and the use outside of pods are together more than there is.
    Overcommitted,
}
