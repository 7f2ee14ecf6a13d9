//! Pages and bytes: the kernel counts some figures in pages, of a size that the log does not state.

use super::message::{Killed, Total};
use crate::kernel::{MemInfo, OomReport};

/// Page sizes that Linux has on the machines that run containers, in bytes.
const PAGE_SIZES: [u64; 3] = [4096, 16_384, 65_536];

/// The table counts in pages of an unknown size; the kill line counts in kB. Where both speak of the same
/// process, the page size follows.
pub(super) fn rescale(report: &mut OomReport, page_size: u64, killed: &Killed<'_>) {
    let row = report.tasks.iter().find(|t| t.pid == killed.pid);
    let Some((table, line)) = row.and_then(|t| t.total_vm).zip(killed.total_vm) else { return };
    let pages = table / page_size;
    let Some(size) = line.checked_div(pages) else { return };
    if size == page_size || !line.is_multiple_of(pages) || !PAGE_SIZES.contains(&size) {
        return;
    }
    let rescale = |slot: &mut Option<u64>| {
        *slot = slot.and_then(|v| (v / page_size).checked_mul(size));
    };
    for task in &mut report.tasks {
        rescale(&mut task.total_vm);
        rescale(&mut task.rss);
        rescale(&mut task.swap);
    }
    if let Some(info) = &mut report.mem_info {
        for slot in [
            &mut info.ram,
            &mut info.reserved,
            &mut info.anon,
            &mut info.file,
            &mut info.unevictable,
            &mut info.shmem,
            &mut info.slab_reclaimable,
            &mut info.slab_unreclaimable,
            &mut info.pagetables,
        ] {
            rescale(slot);
        }
    }
}

/// Adds totals of a `Mem-Info:` block; those in pages become bytes.
pub(super) fn add_totals(info: &mut MemInfo, totals: &[(Total, u64)], page_size: u64) {
    for &(total, value) in totals {
        let (slot, unit) = match total {
            Total::Ram => (&mut info.ram, page_size),
            Total::Reserved => (&mut info.reserved, page_size),
            Total::Anon => (&mut info.anon, page_size),
            Total::File => (&mut info.file, page_size),
            Total::Unevictable => (&mut info.unevictable, page_size),
            Total::Shmem => (&mut info.shmem, page_size),
            Total::SlabReclaimable => (&mut info.slab_reclaimable, page_size),
            Total::SlabUnreclaimable => (&mut info.slab_unreclaimable, page_size),
            Total::PageTables => (&mut info.pagetables, page_size),
            Total::ZoneFreeBytes => (&mut info.free, 1),
            Total::SwapTotalBytes => (&mut info.swap_total, 1),
            Total::SwapFreeBytes => (&mut info.swap_free, 1),
            Total::HugeTotalBytes => (&mut info.hugepages_total, 1),
            Total::HugeFreeBytes => (&mut info.hugepages_free, 1),
        };
        *slot = value
            .checked_mul(unit)
            .and_then(|bytes| bytes.checked_add(slot.unwrap_or(0)))
            .or(*slot);
    }
}
