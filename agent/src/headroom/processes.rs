//! The largest processes outside of pods: those of the groups that hold the most.
//!
//! `/proc/PID/statm` has the resident pages (proc(5)), `comm` the name. Processes come and go while they are looked at;
//! one that is gone is not named.

use std::path::Path;

use coroner_core::finding::{GroupUse, ProcessUse};

use crate::cgroup::{Hierarchy, pids, walk};
use crate::node::page_size;

/// Groups whose processes are looked at: those that hold the most.
const GROUPS: usize = 3;

/// Groups below each of these.
const BELOW: usize = 32;

/// Processes looked at.
const LOOKED_AT: usize = 512;

/// Processes named.
const NAMED: usize = 5;

/// The largest processes of the first of `groups`, which are the largest.
pub(super) fn largest(
    hierarchy: &Hierarchy,
    proc_root: &Path,
    groups: &[GroupUse],
) -> Vec<ProcessUse> {
    let mut found = Vec::new();
    for group in groups.iter().take(GROUPS) {
        let Ok(open) = hierarchy.group(&group.group) else { continue };
        walk(open, &group.group, BELOW, &mut |_, inner| {
            let left = LOOKED_AT.saturating_sub(found.len());
            // A process of another pid namespace reads as 0 and has no entry here.
            for pid in pids(inner).unwrap_or_default().into_iter().filter(|p| *p > 0).take(left) {
                found.extend(process(proc_root, pid, &group.group));
            }
        });
    }
    found.sort_by(|a, b| b.rss.cmp(&a.rss).then_with(|| a.pid.cmp(&b.pid)));
    found.truncate(NAMED);
    found
}

fn process(proc_root: &Path, pid: u32, group: &str) -> Option<ProcessUse> {
    let dir = proc_root.join(pid.to_string());
    let statm = std::fs::read_to_string(dir.join("statm")).ok()?;
    let rss: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    let comm = std::fs::read(dir.join("comm")).ok()?;
    Some(ProcessUse {
        pid,
        comm: String::from_utf8_lossy(&comm).trim_end_matches('\n').to_owned(),
        group: Some(group.to_owned()),
        rss: rss.checked_mul(page_size()),
    })
}
