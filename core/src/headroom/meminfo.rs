//! What `/proc/meminfo` says (proc(5)), in bytes. A key that a kernel does not have is `None`.

use crate::finding::{HugePages, KernelMemory};
use crate::keyed::values;

/// The lines that matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meminfo {
    /// All memory.
    pub total: Option<u64>,
    /// What could be had without swapping (since 3.14).
    pub available: Option<u64>,
    /// Shared memory and tmpfs.
    pub shmem: Option<u64>,
    /// Swap that exists.
    pub swap_total: Option<u64>,
    /// What the kernel holds.
    pub kernel: KernelMemory,
    /// Memory set aside as huge pages.
    pub huge_pages: HugePages,
}

impl Meminfo {
    /// Reads the text of the file. Text of something else gives nothing.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let [total, available, shmem, swap_total] =
            values(text, ["MemTotal", "MemAvailable", "Shmem", "SwapTotal"]);
        let [slab_unreclaimable, page_tables, sec_page_tables, stacks, percpu] =
            values(text, ["SUnreclaim", "PageTables", "SecPageTables", "KernelStack", "Percpu"]);
        let [all_sizes, count, free, promised, size] = values(
            text,
            ["Hugetlb", "HugePages_Total", "HugePages_Free", "HugePages_Rsvd", "Hugepagesize"],
        );
        let bytes = |count: Option<u64>| count?.checked_mul(size?);
        // `Hugetlb` counts all sizes; before 4.16 there is only the default one.
        let huge = all_sizes.or_else(|| bytes(count));
        Self {
            total,
            available,
            shmem,
            swap_total,
            kernel: KernelMemory {
                slab_unreclaimable,
                page_tables: page_tables
                    .map(|own| own.saturating_add(sec_page_tables.unwrap_or(0))),
                stacks,
                percpu,
                huge_pages: huge,
            },
            huge_pages: HugePages { total: huge, free: bytes(free), promised: bytes(promised) },
        }
    }
}
