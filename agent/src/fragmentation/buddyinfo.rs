//! `/proc/buddyinfo`: free blocks by node, zone and order.
//!
//! A line is `Node 0, zone   Normal   216    55   189 ...`, one number an order from 0 (proc(5)); how many orders there
//! are is a matter of the kernel's configuration. Zones without memory are left out.

use std::io::BufRead;

use coroner_core::kernel::FreeArea;
use procfs::{FromBufRead, ProcError, ProcResult};

/// More orders than any kernel has.
const ORDERS_MAX: usize = 32;

/// More zones than any machine has.
const ZONES_MAX: usize = 4096;

/// The free blocks of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ZoneBlocks {
    /// NUMA node.
    pub node: u32,
    /// Zone name.
    pub zone: String,
    /// Number of free blocks of 2^n pages, for each n from 0.
    pub free: Vec<u64>,
}

/// All zones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BuddyInfo {
    /// In the order of the file.
    pub zones: Vec<ZoneBlocks>,
}

impl FromBufRead for BuddyInfo {
    fn from_buf_read<R: BufRead>(reader: R) -> ProcResult<Self> {
        let mut zones = Vec::new();
        for line in reader.lines() {
            let line = line?;
            if line.is_empty() {
                continue;
            }
            let Some(zone) = zone(&line).filter(|_| zones.len() < ZONES_MAX) else {
                return Err(unexpected(&line));
            };
            zones.push(zone);
        }
        if zones.is_empty() { Err(ProcError::Incomplete(None)) } else { Ok(Self { zones }) }
    }
}

fn zone(line: &str) -> Option<ZoneBlocks> {
    let (node, zone, rest) = heading(line)?;
    let free: Vec<u64> =
        rest.split_ascii_whitespace().map(|n| n.parse().ok()).collect::<Option<_>>()?;
    let good = !free.is_empty() && free.len() <= ORDERS_MAX;
    good.then(|| ZoneBlocks { node, zone: zone.to_owned(), free })
}

/// `Node 0, zone   Normal ...`: node, zone and what follows. The same in `/proc/zoneinfo`.
pub(super) fn heading(line: &str) -> Option<(u32, &str, &str)> {
    let (node, rest) = line.strip_prefix("Node ")?.split_once(", zone ")?;
    let rest = rest.trim_start_matches(' ');
    let end = rest.find(' ').unwrap_or(rest.len());
    let (zone, rest) = rest.split_at(end);
    (!zone.is_empty()).then_some(())?;
    Some((node.parse().ok()?, zone, rest))
}

/// A line that is not the kernel's.
pub(super) fn unexpected(line: &str) -> ProcError {
    let line: String = line.chars().take(80).collect();
    let line = coroner_core::escape::terminal(&line).to_string();
    ProcError::Other(format!("the line `{line}` is not what the kernel writes"))
}

impl BuddyInfo {
    /// The zones with block sizes in bytes.
    pub(crate) fn areas(self, page_size: u64) -> Vec<FreeArea> {
        let blocks = |free: Vec<u64>| {
            let sizes = std::iter::successors(Some(page_size), |size| size.checked_mul(2));
            sizes.zip(free).collect()
        };
        self.zones
            .into_iter()
            .map(|z| FreeArea { node: z.node, zone: z.zone, blocks: blocks(z.free) })
            .collect()
    }
}
