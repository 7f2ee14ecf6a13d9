//! The fragmentation source: whether free memory is in blocks that are of use.
//!
//! `/proc/buddyinfo` is read now and then and at an event, `/proc/vmstat` only when something is reported and once a
//! minute, `/proc/zoneinfo` (large, and the same until memory is plugged) once. All are readable by everyone. A kernel
//! without the first has no such source; without the others less is said.

mod buddyinfo;
#[cfg(test)]
mod tests;
mod zoneinfo;

use std::path::Path;

use coroner_core::finding::{
    BlockShortage, CompactionCounters, EarlierCounters, Fragmentation, HugePages, Occasion,
};
use coroner_core::fragmentation::{Watch, WatchChange, ZoneSize, judge};
use coroner_core::kernel::FreeArea;
use coroner_core::keyed;
use procfs::{FromBufRead as _, ProcError};

use crate::kernel_file::{KernelFile, KernelFileError};
use buddyinfo::BuddyInfo;
use zoneinfo::ZoneInfo;

/// Free blocks cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FragmentationError {
    #[error("free blocks are not watched: {0}")]
    File(#[from] KernelFileError),
    #[error("free blocks are not watched: {path}: {what}")]
    Content { path: String, what: String },
}

/// Reads free blocks.
#[derive(Debug)]
pub(crate) struct FreeBlocks {
    buddyinfo: KernelFile,
    vmstat: Option<KernelFile>,
    sizes: Vec<ZoneSize>,
    page_size: u64,
    watch: Watch,
    /// When the counters were kept last, and what they were, for each of the last two times.
    counters: [Option<(u64, CompactionCounters)>; 2],
    buffer: Vec<u8>,
}

/// Seconds between two readings of the counters that are kept to compare with.
const COUNTERS_EVERY: u64 = 60;

impl FreeBlocks {
    /// Opens the files of a `/proc`.
    ///
    /// # Errors
    /// When there is no `buddyinfo`, or it does not hold what the kernel writes.
    pub(crate) fn open(proc_root: &Path, page_size: u64) -> Result<Self, FragmentationError> {
        let buddyinfo = KernelFile::open(proc_root.join("buddyinfo"))?;
        let mut buffer = Vec::new();
        let sizes = KernelFile::open(proc_root.join("zoneinfo"))
            .ok()
            .and_then(|file| ZoneInfo::from_buf_read(file.read(&mut buffer).ok()?.as_bytes()).ok())
            .map(|zones| zones.sizes(page_size))
            .unwrap_or_default();
        let mut new = Self {
            buddyinfo,
            vmstat: KernelFile::open(proc_root.join("vmstat")).ok(),
            sizes,
            page_size,
            watch: Watch::default(),
            counters: [None; 2],
            buffer: Vec::new(),
        };
        new.areas()?;
        Ok(new)
    }

    /// What is read, in words.
    pub(crate) fn detail(&self) -> String {
        let path = self.buddyinfo.path().display();
        let without = match (&self.vmstat, self.sizes.is_empty()) {
            (Some(_), false) => "",
            (None, false) => ", without vmstat: no counters of compaction",
            (Some(_), true) => ", without zoneinfo: the size of zones is not known",
            (None, true) => {
                ", without vmstat and zoneinfo: no counters, and zones of any size count"
            }
        };
        format!(
            "reads {path} every {} s and at kills{without}",
            crate::surroundings::EVERY.as_secs()
        )
    }

    /// Takes a look at `at`, in seconds; a finding when something changed.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(crate) fn sample(
        &mut self,
        at: u64,
        huge_pages: HugePages,
    ) -> Result<Option<Fragmentation>, FragmentationError> {
        let areas = self.areas()?;
        let change = self.watch.sample(at, &judge(&areas, &self.sizes));
        self.keep_counters(at);
        let (occasion, shortage) = match change {
            None => return Ok(None),
            Some(WatchChange::Raised(shortage)) => (Occasion::Raised, Some(shortage)),
            Some(WatchChange::Cleared) => (Occasion::Cleared, None),
        };
        Ok(Some(self.finding(at, occasion, areas, shortage, huge_pages)))
    }

    /// What it is now, whatever it is.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub(crate) fn now(
        &mut self,
        at: u64,
        occasion: Occasion,
        huge_pages: HugePages,
    ) -> Result<Fragmentation, FragmentationError> {
        let areas = self.areas()?;
        let shortage = judge(&areas, &self.sizes)
            .shortage
            .map(|shortage| BlockShortage { earlier: self.watch.earlier(at), ..shortage });
        Ok(self.finding(at, occasion, areas, shortage, huge_pages))
    }

    fn finding(
        &mut self,
        at: u64,
        occasion: Occasion,
        areas: Vec<FreeArea>,
        shortage: Option<BlockShortage>,
        huge_pages: HugePages,
    ) -> Fragmentation {
        let earlier = self.counters.iter().flatten().next().and_then(|(then, counters)| {
            let seconds = at.checked_sub(*then).filter(|seconds| *seconds > 0)?;
            Some(EarlierCounters { seconds, counters: *counters })
        });
        let counters = self.read_counters();
        Fragmentation { occasion, areas, shortage, counters, earlier, huge_pages }
    }

    fn areas(&mut self) -> Result<Vec<FreeArea>, FragmentationError> {
        let text = self.buddyinfo.read(&mut self.buffer)?;
        match BuddyInfo::from_buf_read(text.as_bytes()) {
            Ok(info) => Ok(info.areas(self.page_size)),
            Err(error) => Err(FragmentationError::Content {
                path: self.buddyinfo.path().display().to_string(),
                what: match error {
                    ProcError::Other(what) => what,
                    ProcError::Incomplete(_) => "it holds no zone".to_owned(),
                    other => other.to_string(),
                },
            }),
        }
    }

    /// Keeps two readings, so that there is always one between one and two minutes old.
    fn keep_counters(&mut self, at: u64) {
        let due = |(then, _): &(u64, _)| at.saturating_sub(*then) >= COUNTERS_EVERY;
        if self.counters[1].as_ref().is_none_or(due) {
            let counters = self.read_counters();
            self.counters = [self.counters[1], Some((at, counters))];
        }
    }

    fn read_counters(&mut self) -> CompactionCounters {
        let text = self.vmstat.as_ref().and_then(|file| file.read(&mut self.buffer).ok());
        counters(text.unwrap_or_default())
    }
}

/// The counters of `/proc/vmstat`.
fn counters(text: &str) -> CompactionCounters {
    let [stalls, failed, succeeded, huge_faults, huge_fallbacks, oom_kills] = keyed::values(
        text,
        [
            "compact_stall",
            "compact_fail",
            "compact_success",
            "thp_fault_alloc",
            "thp_fault_fallback",
            "oom_kill",
        ],
    );
    CompactionCounters {
        stalls,
        failed,
        succeeded,
        reclaim_stalls: keyed::sum(text, "allocstall_"),
        huge_faults,
        huge_fallbacks,
        oom_kills,
    }
}
