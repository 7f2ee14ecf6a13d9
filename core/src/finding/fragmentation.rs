//! Free memory by the size of its blocks.
//!
//! `/proc/buddyinfo` counts free blocks by node, zone and order (proc(5)); `/proc/vmstat` counts what the kernel did to
//! get larger ones. What a kernel does not show is `None`.

use serde::{Deserialize, Serialize};

use super::Occasion;
use crate::kernel::FreeArea;

/// How free memory was cut at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragmentation {
    /// Why it was handed on.
    pub occasion: Occasion,
    /// Free blocks of each zone.
    pub areas: Vec<FreeArea>,
    /// Which blocks have run out although memory is free; `None` when none has.
    pub shortage: Option<BlockShortage>,
    /// What the kernel counted since boot.
    pub counters: CompactionCounters,
    /// The same some time before.
    pub earlier: Option<EarlierCounters>,
    /// Memory set aside as huge pages.
    pub huge_pages: HugePages,
}

/// Blocks of a size are gone, or nearly, while memory is free.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockShortage {
    /// NUMA node of the zone that holds the most of the free memory.
    pub node: u32,
    /// That zone's name.
    pub zone: String,
    /// The smallest order that is short.
    pub order: u32,
    /// Bytes of one block of it.
    pub block: u64,
    /// Blocks of that size that could still be had, in all zones that count.
    pub blocks_left: u64,
    /// Free bytes in all zones that count.
    pub free: u64,
    /// Thousandths of the free memory that cannot serve the order.
    pub unusable_permille: u32,
    /// The same some time before.
    pub earlier: Option<EarlierIndex>,
}

/// An unusable-free-space index of before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierIndex {
    /// How long before, in seconds.
    pub seconds: u64,
    /// Thousandths of the memory that was free then and could not serve the order.
    pub unusable_permille: u32,
}

/// What the kernel counted since boot (`/proc/vmstat`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompactionCounters {
    /// Requests that had to wait while memory was moved together.
    pub stalls: Option<u64>,
    /// Of these, those that got no block afterwards.
    pub failed: Option<u64>,
    /// Of these, those that got one.
    pub succeeded: Option<u64>,
    /// Requests that had to reclaim memory themselves, over all zones.
    pub reclaim_stalls: Option<u64>,
    /// Page faults that got a transparent huge page.
    pub huge_faults: Option<u64>,
    /// Page faults that wanted one and got small pages.
    pub huge_fallbacks: Option<u64>,
    /// Processes killed by the OOM killer, those of groups included.
    pub oom_kills: Option<u64>,
}

/// Counters of before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierCounters {
    /// How long before, in seconds.
    pub seconds: u64,
    /// What they were.
    pub counters: CompactionCounters,
}

/// Memory set aside as huge pages, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HugePages {
    /// Of all sizes together.
    pub total: Option<u64>,
    /// Of the default size, not in use.
    pub free: Option<u64>,
    /// Of the free ones, those promised to somebody.
    pub promised: Option<u64>,
}
