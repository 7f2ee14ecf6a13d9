//! Looks up the group of every process in the kernel's table, while they are still there.
//!
//! `/proc/PID/cgroup` of a process that has begun to exit reads `/` on v1, so the victim's is taken from the report. A pid
//! that was used again since is told by its name; one that has another name now is not placed.

use std::path::Path;

use coroner_core::finding::Population;
use coroner_core::kernel::OomReport;
use coroner_core::population::count;

use crate::cgroup::Hierarchy;
use crate::process::Processes;

/// Counts who holds what; `None` where no group can be known.
pub(super) fn population(
    report: &OomReport,
    processes: &Processes,
    hierarchy: &Hierarchy,
) -> Population {
    let mut population = count(report, |pid| {
        let task = report.tasks.iter().find(|task| task.pid == pid);
        let printed = report.victims.iter().find(|victim| victim.pid == pid);
        if let Some(group) = printed.and_then(|victim| victim.cgroup.clone()) {
            return Some(group);
        }
        processes.group_of(pid, task.map(|task| task.comm.as_str()), hierarchy.version)
    });
    for entry in &mut population.groups {
        let Ok(group) = hierarchy.group(&entry.group) else { continue };
        let (usage, limit) = match group.version() {
            crate::cgroup::Version::V1 => ("memory.usage_in_bytes", "memory.limit_in_bytes"),
            crate::cgroup::Version::V2 => ("memory.current", "memory.max"),
        };
        entry.usage = group.number(usage);
        entry.limit = group.limit(limit);
    }
    population
}

/// A hierarchy of its own: the lookup runs on another thread than what else reads groups.
pub(super) fn hierarchy(proc_root: &Path, cgroup_root: Option<&Path>) -> Option<Hierarchy> {
    Hierarchy::find(proc_root, cgroup_root).ok()
}
