//! The parts an out-of-memory report is made of.

use serde::{Deserialize, Serialize};

/// Where a line stood. Identity of a kernel record is (boot id, sequence); the rest orders and explains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Sequence number of the kernel record, restarting at 0 with every boot. Only raw records have one.
    pub seq: Option<u64>,
    /// The kernel's own stamp in microseconds since boot. It stops in suspend.
    pub monotonic_us: Option<u64>,
    /// The stamp as the text shows it, without brackets; `None` where the text has none.
    pub stamp: Option<String>,
    /// Number of the line in the text, from 1; 0 for a record that is not from a text.
    pub line: u64,
}

/// A limit in bytes, or none set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit {
    /// Bytes.
    Bytes(u64),
    /// No limit is set.
    Unlimited,
}

impl Limit {
    /// The kernel prints "no limit" as a huge number that depends on its version and page size: everything from
    /// one exbibyte (2^60 bytes) up is no limit.
    #[must_use]
    pub fn from_bytes(bytes: u64) -> Self {
        if bytes >= 1 << 60 { Self::Unlimited } else { Self::Bytes(bytes) }
    }

    /// The limit in bytes, if there is one.
    #[must_use]
    pub fn bytes(self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Unlimited => None,
        }
    }
}

/// One `usage, limit, failcnt` line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Bytes in use.
    pub usage: Option<u64>,
    /// The limit.
    pub limit: Option<Limit>,
    /// How often the limit was hit.
    pub failcnt: Option<u64>,
}

/// The machine's totals in bytes, from the `Mem-Info:` block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemInfo {
    /// All RAM.
    pub ram: Option<u64>,
    /// RAM the kernel keeps from everyone.
    pub reserved: Option<u64>,
    /// Anonymous memory, active and inactive.
    pub anon: Option<u64>,
    /// Page cache, active and inactive.
    pub file: Option<u64>,
    /// Memory that cannot be reclaimed because it is locked.
    pub unevictable: Option<u64>,
    /// Shared memory and tmpfs.
    pub shmem: Option<u64>,
    /// Kernel slab that can be reclaimed.
    pub slab_reclaimable: Option<u64>,
    /// Kernel slab that cannot.
    pub slab_unreclaimable: Option<u64>,
    /// Page tables.
    pub pagetables: Option<u64>,
    /// Free memory over all zones.
    pub free: Option<u64>,
    /// Swap that exists.
    pub swap_total: Option<u64>,
    /// Swap that is free.
    pub swap_free: Option<u64>,
    /// Memory set aside as huge pages and not in use.
    pub hugepages_free: Option<u64>,
    /// Memory set aside as huge pages.
    pub hugepages_total: Option<u64>,
}

/// Free blocks of one zone, from a line such as `Node 0 DMA32: 40879*4kB (UME) 8*8kB ... = 163628kB`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreeArea {
    /// NUMA node.
    pub node: u32,
    /// Zone name.
    pub zone: String,
    /// (block size in bytes, number of free blocks), ascending.
    pub blocks: Vec<(u64, u64)>,
}

/// One row of the kernel's task table, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRow {
    /// Process id in the host's namespace.
    pub pid: u32,
    /// Thread group id; the same as the pid for a process.
    pub tgid: Option<u32>,
    /// User id.
    pub uid: Option<u32>,
    /// Virtual size in bytes.
    pub total_vm: Option<u64>,
    /// Resident memory in bytes.
    pub rss: Option<u64>,
    /// Page tables in bytes.
    pub pgtables: Option<u64>,
    /// Swapped out, in bytes.
    pub swap: Option<u64>,
    /// Badness adjustment.
    pub oom_score_adj: Option<i32>,
    /// Name, as the task chose it: hostile text.
    pub comm: String,
}
