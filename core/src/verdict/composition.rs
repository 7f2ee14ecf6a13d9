//! What a group's memory was made of when its limit was hit, and what can be done about each kind.
//!
//! tmpfs, page cache and kernel memory belong to no process: no list of processes shows them, and the process that is
//! killed for them may be tiny.

use super::telling;
use super::words::size;
use crate::bytes::Bytes;
use crate::kernel::{MemoryParts, OomReport};

/// What most of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mostly {
    /// Memory the processes allocated.
    Anonymous,
    /// Files in memory that no process holds: tmpfs, an emptyDir of medium Memory, /dev/shm.
    Tmpfs,
    /// Shared memory that the processes have mapped.
    Shared,
    /// Cache of files on disk that could not be dropped.
    PageCache,
    /// Slab, stacks, page tables, sockets.
    Kernel,
    /// Less is listed with the processes than was in use, and the statistics are missing.
    NotInProcesses,
}

/// What most of the memory was, how much of it, and the sentence that says so.
pub(super) struct Composition {
    pub mostly: Mostly,
    pub bytes: u64,
    pub sentence: String,
}

/// `None` where the report does not show it.
pub(super) fn composition(report: &OomReport, usage: Option<u64>) -> Option<Composition> {
    let rss = report.tasks_rss();
    let parts = MemoryParts::of(report);
    let MemoryParts { anonymous: anon, shared: shmem, cache, kernel } = parts;
    let whole = usage.or_else(|| parts.sum())?;
    let half = |bytes: Option<u64>| bytes.filter(|bytes| *bytes > 0 && *bytes >= whole / 2);

    let (mostly, bytes, sentence) = if let Some(bytes) = half(shmem) {
        if rss.is_some_and(|rss| rss >= whole / 2) {
            let text =
                format!("{} of it is shared memory that the processes have mapped.", Bytes(bytes));
            (Mostly::Shared, bytes, text)
        } else {
            let processes = rss
                .map(|rss| format!("; the processes together hold {}", Bytes(rss)))
                .unwrap_or_default();
            let text = format!(
                "{} of it is files in memory (tmpfs, such as an emptyDir of medium Memory or /dev/shm), which belong \
                 to no process{processes}.",
                Bytes(bytes)
            );
            (Mostly::Tmpfs, bytes, text)
        }
    } else if let Some(bytes) = half(anon) {
        let text =
            format!("{} of it is anonymous memory, which the processes allocated.", Bytes(bytes));
        (Mostly::Anonymous, bytes, text)
    } else if let Some(bytes) = half(kernel) {
        let text = format!(
            "{} of it is kernel memory (slab, stacks, page tables, sockets), which no list of processes shows.",
            Bytes(bytes)
        );
        (Mostly::Kernel, bytes, text)
    } else if let Some(bytes) = half(cache) {
        let text = format!(
            "{} of it is cached file data that could not be dropped in time.",
            Bytes(bytes)
        );
        (Mostly::PageCache, bytes, text)
    } else if report.stats.is_empty()
        && report.tasks_dropped == 0
        && rss.is_some_and(|rss| rss < whole / 2)
    {
        let rss = rss.unwrap_or(0);
        let text = format!(
            "The processes together hold only {} of {}; the rest is tmpfs, file cache or kernel memory.",
            Bytes(rss),
            Bytes(whole)
        );
        (Mostly::NotInProcesses, whole.saturating_sub(rss), text)
    } else {
        return None;
    };
    Some(Composition { mostly, bytes, sentence })
}

/// `Raise X, or ..`: the second half depends on what the memory was.
pub(super) fn remedies(
    report: &OomReport,
    composition: Option<&Composition>,
    raise: &str,
) -> Vec<String> {
    // The runtime's own helper, before the program: there is nothing in it to be found out.
    if report.victims.first().is_some_and(|victim| victim.comm.starts_with("runc:[")) {
        return vec![format!(
            "{raise}: not even the runtime could start a container in it. Measure what the program needs once it runs \
             (memory.peak)."
        )];
    }
    let or = match composition.map(|c| (c.mostly, c.bytes)) {
        Some((Mostly::Tmpfs, bytes)) => format!(
            "keep less in tmpfs: {} is in an emptyDir of medium Memory, /dev/shm or another tmpfs; give it a sizeLimit \
             below the memory limit",
            Bytes(bytes)
        ),
        Some((Mostly::Shared, bytes)) => {
            format!(
                "make the shared memory smaller: it holds {} (shared_buffers, /dev/shm, a large heap in shm)",
                Bytes(bytes)
            )
        }
        Some((Mostly::Kernel, bytes)) => format!(
            "find what makes the kernel hold {} for it: very many open files, sockets, threads or mounts",
            Bytes(bytes)
        ),
        Some((Mostly::PageCache, bytes)) => {
            format!(
                "write less at once, or flush sooner: {} of dirty or locked file data filled it",
                Bytes(bytes)
            )
        }
        Some((Mostly::NotInProcesses, bytes)) => {
            format!("look for {} in tmpfs and kernel memory: no process holds it", Bytes(bytes))
        }
        Some((Mostly::Anonymous, _)) | None => match (telling::hog(report), report.victims.first())
        {
            (Some(hog), victim)
                if victim
                    .is_none_or(|victim| victim.pid != hog.pid || victim.anon_rss.is_none()) =>
            {
                format!("find out why {} grew: it held {}", hog.comm, size(hog.rss))
            }
            (_, victim) => match victim {
                Some(victim) if victim.anon_rss.is_some() => format!(
                    "find out why {} grew: it held {} of anonymous memory",
                    victim.comm,
                    size(victim.anon_rss)
                ),
                Some(victim) => format!("find out why {} grew", victim.comm),
                None => "find out what grew".to_owned(),
            },
        },
    };
    vec![format!("{raise}, or {or}.")]
}
