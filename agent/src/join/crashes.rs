//! Crashes that the kernel log prints, and the container whose death they may be.
//!
//! `show_signal_msg` and `traps` (arch/x86/mm/fault.c, arch/x86/kernel/traps.c) name a process and no group. Where it was
//! seen in a container before, the crash is about that container's death, should it end; for a process that nobody saw,
//! and for a thread's id, it stands for itself. A handler may catch the signal: the line alone is nobody's death.

use std::time::Instant;

use coroner_core::cgroup::identify;
use coroner_core::finding::FindingId;

use crate::homes::Homes;

/// What a crash of process `pid` is about.
pub(super) fn death_of(
    boot_id: &str,
    pid: Option<u32>,
    homes: &Homes,
    now: Instant,
) -> Option<FindingId> {
    let (group, _) = homes.group_of(pid?, now)?;
    let identity = identify(&group);
    let container = identity.pod_container_id.or(identity.container_id)?;
    Some(FindingId::death(boot_id, &container))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_about_the_container_that_its_process_was_seen_in() {
        let id = "a".repeat(64);
        let (homes, now) = (Homes::new(), Instant::now());
        homes.note(41, &format!("/kubepods/pod00000000-0000-0000-0000-000000000001/{id}"), now);
        homes.note(42, "/system.slice/cron.service", now);
        let about = |pid| death_of("b", pid, &homes, now);
        assert_eq!(about(Some(41)), Some(FindingId::death("b", &id)));
        assert_eq!(about(Some(42)), None, "a process of the host");
        assert_eq!(about(Some(43)), None, "seen by nobody");
        assert_eq!(about(None), None);
    }
}
