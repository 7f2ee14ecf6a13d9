//! Free memory that is no use: the arithmetic of block sizes.
//!
//! The kernel gives out memory in blocks of 2^order pages. `unusable` is its own index (`mm/vmstat.c`,
//! `unusable_free_index`, seen as `extfrag/unusable_index` in debugfs): the share of the free memory in blocks too
//! small for an order. What is asked here is whether ordinary requests of the kernel (network, fork, slab; up to 64 KiB)
//! find a block while plenty is free.
//!
//! Some zones never count: ZONE_MOVABLE and ZONE_DEVICE, which the kernel's own requests cannot use, and those with
//! less than an eighth of the memory (DMA, and DMA32 of a large machine), which are kept for those that need them and always
//! look bad. An order that is not there has no blocks. With pages of 64 KiB every free page is large enough, and
//! nothing is ever short.

mod trend;
mod watch;

use std::fmt;

use crate::bytes::Bytes;
use crate::finding::BlockShortage;
use crate::hysteresis::Level;
use crate::kernel::FreeArea;

pub use trend::Trend;
pub use watch::{Watch, WatchChange};

/// The largest block that ordinary requests of the kernel need.
pub const ORDINARY: u64 = 64 << 10;

/// Raised at this share of free memory that cannot serve the order, in thousandths ...
const HIGH_PERMILLE: u32 = 990;

/// ... and cleared below this one.
const LOW_PERMILLE: u32 = 950;

/// Memory is called free from this part of it on ...
const FREE_PART: u64 = 16;

/// ... and stays so down to this one.
const STILL_FREE_PART: u64 = 20;

/// A zone with less than this part of all memory does not count.
const SMALL_PART: u64 = 8;

/// What counts as free where the size of zones is not known.
const FREE_UNKNOWN: u64 = 64 << 20;

/// How large a zone is (`managed` of `/proc/zoneinfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneSize {
    /// NUMA node.
    pub node: u32,
    /// Zone name.
    pub zone: String,
    /// Bytes the page allocator manages in it.
    pub managed: u64,
}

/// What one sample says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether blocks are short.
    pub level: Level,
    /// Thousandths of the free memory that cannot serve an ordinary request; `None` where nothing can be said.
    pub unusable_permille: Option<u32>,
    /// The particulars, when they are short.
    pub shortage: Option<BlockShortage>,
}

/// Free bytes of a zone.
#[must_use]
pub fn free(area: &FreeArea) -> u64 {
    area.blocks.iter().fold(0, |sum, (size, n)| sum.saturating_add(size.saturating_mul(*n)))
}

/// The share of the free memory of `areas` that is in blocks smaller than `block` bytes, in thousandths. `None` when
/// nothing is free: that is no fragmentation.
#[must_use]
pub fn unusable_permille<'a>(
    areas: impl Iterator<Item = &'a FreeArea> + Clone,
    block: u64,
) -> Option<u32> {
    let all = areas.clone().map(free).fold(0, u64::saturating_add);
    let blocks = areas.flat_map(|area| &area.blocks).filter(|(size, _)| *size >= block);
    let usable =
        blocks.fold(0_u64, |sum, (size, n)| sum.saturating_add(size.saturating_mul(*n))).min(all);
    let permille = (u128::from(all - usable) * 1000).checked_div(u128::from(all))?;
    u32::try_from(permille).ok()
}

/// The zones that ordinary requests of the kernel are served from.
pub fn counting<'a>(
    areas: &'a [FreeArea],
    sizes: &'a [ZoneSize],
) -> impl Iterator<Item = &'a FreeArea> + Clone {
    let whole = sizes.iter().map(|size| size.managed).fold(0, u64::saturating_add);
    areas.iter().filter(move |area| {
        let managed = sizes.iter().find(|size| size.node == area.node && size.zone == area.zone);
        match (area.zone.as_str(), managed) {
            ("Movable" | "Device", _) => false,
            (_, Some(size)) => size.managed >= whole / SMALL_PART,
            (zone, None) => zone != "DMA",
        }
    })
}

/// Judges free blocks. `sizes` may be empty where they are not known.
#[must_use]
pub fn judge(areas: &[FreeArea], sizes: &[ZoneSize]) -> Judgement {
    let counting = counting(areas, sizes);
    let silent = Judgement { level: Level::Low, unusable_permille: None, shortage: None };
    let page = counting.clone().filter_map(|area| area.blocks.first()).map(|(size, _)| *size).min();
    let Some(page) = page.filter(|page| page.is_power_of_two() && *page < ORDINARY) else {
        return silent;
    };
    let free_bytes = counting.clone().map(free).fold(0, u64::saturating_add);
    let managed = sizes
        .iter()
        .filter(|size| counting.clone().any(|a| a.node == size.node && a.zone == size.zone))
        .map(|size| size.managed)
        .fold(0, u64::saturating_add);
    let (enough, still) = match managed {
        0 => (FREE_UNKNOWN, FREE_UNKNOWN / 2),
        managed => (managed / FREE_PART, managed / STILL_FREE_PART),
    };
    let Some(permille) = unusable_permille(counting.clone(), ORDINARY) else { return silent };
    let level = if permille >= HIGH_PERMILLE && free_bytes >= enough {
        Level::High
    } else if permille < LOW_PERMILLE || free_bytes < still {
        Level::Low
    } else {
        Level::Between
    };
    let left = |block: u64| {
        let blocks = counting.clone().flat_map(|area| &area.blocks);
        blocks
            .filter(|(size, _)| *size >= block)
            .fold(0_u64, |sum, (size, n)| sum.saturating_add((size / block).saturating_mul(*n)))
    };
    // The smallest size of which there is none; where of each there is some, the largest that should be there.
    let block = std::iter::successors(page.checked_mul(2), |block| block.checked_mul(2))
        .take_while(|block| *block <= ORDINARY)
        .find(|block| left(*block) == 0)
        .unwrap_or(ORDINARY);
    let fullest = counting.clone().max_by_key(|area| free(area));
    let shortage = fullest.filter(|_| level == Level::High).map(|zone| BlockShortage {
        node: zone.node,
        zone: zone.zone.clone(),
        order: (block / page).trailing_zeros(),
        block,
        blocks_left: left(block),
        free: free_bytes,
        unusable_permille: unusable_permille(counting.clone(), block).unwrap_or(permille),
        earlier: None,
    });
    Judgement { level, unusable_permille: Some(permille), shortage }
}

/// `3.1 GiB free, but no block of 64 KiB (order 4) in zone Normal; ...`.
impl fmt::Display for BlockShortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (free, block) = (Bytes(self.free), Bytes(self.block));
        let zone = crate::escape::terminal(&self.zone);
        write!(f, "{free} free, but ")?;
        match self.blocks_left {
            0 => write!(f, "no block of {block}")?,
            1 => write!(f, "only 1 block of {block}")?,
            left => write!(f, "only {left} blocks of {block}")?,
        }
        write!(f, " (order {}) in zone {zone}", self.order)?;
        if self.node > 0 {
            write!(f, " of memory node {}", self.node)?;
        }
        f.write_str("; network and fork allocations of that size ")?;
        f.write_str(if self.blocks_left == 0 { "will fail" } else { "will soon fail" })?;
        if let Some(earlier) = self.earlier {
            write!(
                f,
                "; {}.{} % of free memory is in smaller blocks, {}.{} % were {} min before",
                self.unusable_permille / 10,
                self.unusable_permille % 10,
                earlier.unusable_permille / 10,
                earlier.unusable_permille % 10,
                earlier.seconds / 60
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
