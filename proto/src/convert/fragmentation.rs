//! Free blocks of memory.

use coroner_core::finding as f;

use super::enums::{Numbered as _, known};
use super::{ConvertError, all, optional, required};
use crate::v1;

impl From<f::EarlierIndex> for v1::EarlierIndex {
    fn from(x: f::EarlierIndex) -> Self {
        Self { seconds: x.seconds, unusable_permille: x.unusable_permille }
    }
}

impl From<v1::EarlierIndex> for f::EarlierIndex {
    fn from(x: v1::EarlierIndex) -> Self {
        Self { seconds: x.seconds, unusable_permille: x.unusable_permille }
    }
}

impl From<f::BlockShortage> for v1::BlockShortage {
    fn from(x: f::BlockShortage) -> Self {
        Self {
            node: x.node,
            zone: x.zone,
            order: x.order,
            block_bytes: x.block,
            blocks_left: x.blocks_left,
            free_bytes: x.free,
            unusable_permille: x.unusable_permille,
            earlier: x.earlier.map(Into::into),
        }
    }
}

impl From<v1::BlockShortage> for f::BlockShortage {
    fn from(x: v1::BlockShortage) -> Self {
        Self {
            node: x.node,
            zone: x.zone,
            order: x.order,
            block: x.block_bytes,
            blocks_left: x.blocks_left,
            free: x.free_bytes,
            unusable_permille: x.unusable_permille,
            earlier: x.earlier.map(Into::into),
        }
    }
}

impl From<f::CompactionCounters> for v1::CompactionCounters {
    fn from(x: f::CompactionCounters) -> Self {
        Self {
            stalls: x.stalls,
            failed: x.failed,
            succeeded: x.succeeded,
            reclaim_stalls: x.reclaim_stalls,
            huge_faults: x.huge_faults,
            huge_fallbacks: x.huge_fallbacks,
            oom_kills: x.oom_kills,
        }
    }
}

impl From<v1::CompactionCounters> for f::CompactionCounters {
    fn from(x: v1::CompactionCounters) -> Self {
        Self {
            stalls: x.stalls,
            failed: x.failed,
            succeeded: x.succeeded,
            reclaim_stalls: x.reclaim_stalls,
            huge_faults: x.huge_faults,
            huge_fallbacks: x.huge_fallbacks,
            oom_kills: x.oom_kills,
        }
    }
}

impl From<f::EarlierCounters> for v1::EarlierCounters {
    fn from(x: f::EarlierCounters) -> Self {
        Self { seconds: x.seconds, counters: Some(x.counters.into()) }
    }
}

impl TryFrom<v1::EarlierCounters> for f::EarlierCounters {
    type Error = ConvertError;

    fn try_from(x: v1::EarlierCounters) -> Result<Self, ConvertError> {
        Ok(Self { seconds: x.seconds, counters: required("counters", x.counters)? })
    }
}

impl From<f::HugePages> for v1::HugePages {
    fn from(x: f::HugePages) -> Self {
        Self { total_bytes: x.total, free_bytes: x.free, promised_bytes: x.promised }
    }
}

impl From<v1::HugePages> for f::HugePages {
    fn from(x: v1::HugePages) -> Self {
        Self { total: x.total_bytes, free: x.free_bytes, promised: x.promised_bytes }
    }
}

impl From<f::Fragmentation> for v1::Fragmentation {
    fn from(x: f::Fragmentation) -> Self {
        Self {
            occasion: x.occasion.number(),
            areas: all(x.areas),
            shortage: x.shortage.map(Into::into),
            counters: Some(x.counters.into()),
            earlier: x.earlier.map(Into::into),
            huge_pages: Some(x.huge_pages.into()),
        }
    }
}

impl TryFrom<v1::Fragmentation> for f::Fragmentation {
    type Error = ConvertError;

    fn try_from(x: v1::Fragmentation) -> Result<Self, ConvertError> {
        Ok(Self {
            occasion: known("occasion", x.occasion)?,
            areas: all(x.areas),
            shortage: x.shortage.map(Into::into),
            counters: required("counters", x.counters)?,
            earlier: optional("earlier", x.earlier)?,
            huge_pages: required("huge_pages", x.huge_pages)?,
        })
    }
}
