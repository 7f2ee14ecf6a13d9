//! Positions and amounts of memory.

use coroner_core::kernel as k;

use super::{ConvertError, all, optional};
use crate::v1;

impl From<k::Position> for v1::Position {
    fn from(p: k::Position) -> Self {
        Self { seq: p.seq, monotonic_us: p.monotonic_us, stamp: p.stamp, line: p.line }
    }
}

impl From<v1::Position> for k::Position {
    fn from(p: v1::Position) -> Self {
        Self { seq: p.seq, monotonic_us: p.monotonic_us, stamp: p.stamp, line: p.line }
    }
}

impl From<k::Limit> for v1::Limit {
    fn from(limit: k::Limit) -> Self {
        Self {
            limit: Some(match limit {
                k::Limit::Bytes(bytes) => v1::limit::Limit::Bytes(bytes),
                k::Limit::Unlimited => v1::limit::Limit::Unlimited(v1::limit::Unlimited {}),
            }),
        }
    }
}

impl TryFrom<v1::Limit> for k::Limit {
    type Error = ConvertError;

    fn try_from(limit: v1::Limit) -> Result<Self, ConvertError> {
        match limit.limit {
            Some(v1::limit::Limit::Bytes(bytes)) => Ok(Self::Bytes(bytes)),
            Some(v1::limit::Limit::Unlimited(_)) => Ok(Self::Unlimited),
            None => Err(ConvertError {
                field: "limit".to_owned(),
                problem: "holds neither of its values".to_owned(),
            }),
        }
    }
}

impl From<k::Usage> for v1::Usage {
    fn from(u: k::Usage) -> Self {
        Self { usage_bytes: u.usage, limit: u.limit.map(Into::into), failcnt: u.failcnt }
    }
}

impl TryFrom<v1::Usage> for k::Usage {
    type Error = ConvertError;

    fn try_from(u: v1::Usage) -> Result<Self, ConvertError> {
        Ok(Self { usage: u.usage_bytes, limit: optional("limit", u.limit)?, failcnt: u.failcnt })
    }
}

impl From<k::MemInfo> for v1::MemInfo {
    fn from(m: k::MemInfo) -> Self {
        Self {
            ram_bytes: m.ram,
            reserved_bytes: m.reserved,
            anon_bytes: m.anon,
            file_bytes: m.file,
            unevictable_bytes: m.unevictable,
            shmem_bytes: m.shmem,
            slab_reclaimable_bytes: m.slab_reclaimable,
            slab_unreclaimable_bytes: m.slab_unreclaimable,
            pagetables_bytes: m.pagetables,
            free_bytes: m.free,
            swap_total_bytes: m.swap_total,
            swap_free_bytes: m.swap_free,
            hugepages_free_bytes: m.hugepages_free,
            hugepages_total_bytes: m.hugepages_total,
        }
    }
}

impl From<v1::MemInfo> for k::MemInfo {
    fn from(m: v1::MemInfo) -> Self {
        Self {
            ram: m.ram_bytes,
            reserved: m.reserved_bytes,
            anon: m.anon_bytes,
            file: m.file_bytes,
            unevictable: m.unevictable_bytes,
            shmem: m.shmem_bytes,
            slab_reclaimable: m.slab_reclaimable_bytes,
            slab_unreclaimable: m.slab_unreclaimable_bytes,
            pagetables: m.pagetables_bytes,
            free: m.free_bytes,
            swap_total: m.swap_total_bytes,
            swap_free: m.swap_free_bytes,
            hugepages_free: m.hugepages_free_bytes,
            hugepages_total: m.hugepages_total_bytes,
        }
    }
}

impl From<(u64, u64)> for v1::FreeBlocks {
    fn from((block_bytes, count): (u64, u64)) -> Self {
        Self { block_bytes, count }
    }
}

impl From<v1::FreeBlocks> for (u64, u64) {
    fn from(b: v1::FreeBlocks) -> Self {
        (b.block_bytes, b.count)
    }
}

impl From<k::FreeArea> for v1::FreeArea {
    fn from(a: k::FreeArea) -> Self {
        Self { node: a.node, zone: a.zone, blocks: all(a.blocks) }
    }
}

impl From<v1::FreeArea> for k::FreeArea {
    fn from(a: v1::FreeArea) -> Self {
        Self { node: a.node, zone: a.zone, blocks: all(a.blocks) }
    }
}
