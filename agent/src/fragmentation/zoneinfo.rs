//! Of `/proc/zoneinfo` only how large each zone is: `managed` pages (proc(5), since 3.10).
//!
//! The file is a heading a zone, `Node 0, zone   Normal`, and below it lines of `key value`, indented. Whatever else
//! stands there is other kernels' business.

use std::io::BufRead;

use coroner_core::fragmentation::ZoneSize;
use procfs::{FromBufRead, ProcError, ProcResult};

use super::buddyinfo::{heading, unexpected};

/// The pages of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ZonePages {
    /// NUMA node.
    pub node: u32,
    /// Zone name.
    pub zone: String,
    /// Pages that the page allocator manages; `None` where the kernel does not say.
    pub managed: Option<u64>,
}

/// All zones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ZoneInfo {
    /// In the order of the file.
    pub zones: Vec<ZonePages>,
}

impl FromBufRead for ZoneInfo {
    fn from_buf_read<R: BufRead>(reader: R) -> ProcResult<Self> {
        let mut zones: Vec<ZonePages> = Vec::new();
        for line in reader.lines() {
            let line = line?;
            if line.starts_with("Node ") {
                let (node, zone, _) = heading(&line).ok_or_else(|| unexpected(&line))?;
                zones.push(ZonePages { node, zone: zone.to_owned(), managed: None });
            } else if let Some(value) = line.trim_start().strip_prefix("managed ") {
                let zone = zones.last_mut().ok_or_else(|| unexpected(&line))?;
                zone.managed = Some(value.trim().parse().map_err(|_| unexpected(&line))?);
            }
        }
        if zones.is_empty() { Err(ProcError::Incomplete(None)) } else { Ok(Self { zones }) }
    }
}

impl ZoneInfo {
    /// The sizes in bytes of those zones that say one.
    pub(crate) fn sizes(self, page_size: u64) -> Vec<ZoneSize> {
        self.zones
            .into_iter()
            .filter_map(|z| {
                let managed = z.managed?.checked_mul(page_size)?;
                Some(ZoneSize { node: z.node, zone: z.zone, managed })
            })
            .collect()
    }
}
