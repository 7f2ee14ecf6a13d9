//! What a group's memory was made of when its limit was hit, as its `memory.stat` in the report says.
//!
//! The kernel prints the names of its version and hierarchy: version 1 has the group's own share first, and what its
//! descendants have as `total_..`. What is not printed is `None`.

use super::OomReport;

/// Bytes by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryParts {
    /// What processes allocated.
    pub anonymous: Option<u64>,
    /// Files in memory: tmpfs and shared memory.
    pub shared: Option<u64>,
    /// Cache of files on disk.
    pub cache: Option<u64>,
    /// Slab, stacks, page tables, sockets.
    pub kernel: Option<u64>,
}

impl MemoryParts {
    /// The parts that the report prints.
    #[must_use]
    pub fn of(report: &OomReport) -> Self {
        let stat = |keys: &[&str]| keys.iter().find_map(|key| report.stat(key));
        let shared = stat(&["total_shmem", "shmem"]);
        // Both names count tmpfs in.
        let cache = stat(&["total_cache", "file", "cache"])
            .map(|file| file.saturating_sub(shared.unwrap_or(0)));
        let kernel = stat(&["kernel"]).or_else(|| {
            let parts = ["slab", "kernel_stack", "pagetables", "percpu", "sock", "vmalloc"];
            let known: Vec<u64> = parts.iter().filter_map(|key| report.stat(key)).collect();
            (!known.is_empty()).then(|| known.iter().copied().fold(0, u64::saturating_add))
        });
        let kernel = kernel.or_else(|| report.kmem.and_then(|kmem| kmem.usage));
        Self { anonymous: stat(&["total_rss", "anon", "rss"]), shared, cache, kernel }
    }

    /// All that is known, in sum; `None` where nothing is.
    #[must_use]
    pub fn sum(&self) -> Option<u64> {
        let known = [self.shared, self.anonymous, self.cache, self.kernel];
        let sum = known.into_iter().flatten().fold(0, u64::saturating_add);
        (sum > 0).then_some(sum)
    }
}
