//! What a group cannot give back: anonymous memory, tmpfs and kernel memory, out of its `memory.stat`.
//!
//! File cache is charged to a group too, and goes when somebody else needs the room. Version 2 has `kernel` since 5.18
//! (`cgroup-v2.rst`), before that only its parts. Version 1 counts kernel memory in a file of its own.

use crate::keyed::values;

/// Of a version 2 group; `None` where the text does not say.
#[must_use]
pub fn held_v2(stat: &str) -> Option<u64> {
    let [anon, shmem, kernel, reclaimable, sock] =
        values(stat, ["anon", "shmem", "kernel", "slab_reclaimable", "sock"]);
    let kernel = match kernel {
        Some(kernel) => kernel.saturating_sub(reclaimable.unwrap_or(0)),
        None => values(stat, ["slab_unreclaimable", "kernel_stack", "pagetables", "percpu"])
            .into_iter()
            .flatten()
            .fold(0, u64::saturating_add),
    };
    let parts = [anon?, shmem.unwrap_or(0), kernel, sock.unwrap_or(0)];
    Some(parts.into_iter().fold(0, u64::saturating_add))
}

/// Of a version 1 group, with those below it; `kmem` is `memory.kmem.usage_in_bytes`.
#[must_use]
pub fn held_v1(stat: &str, kmem: Option<u64>) -> Option<u64> {
    let [rss, shmem] = values(stat, ["total_rss", "total_shmem"]);
    let parts = [rss?, shmem.unwrap_or(0), kmem.unwrap_or(0)];
    Some(parts.into_iter().fold(0, u64::saturating_add))
}
