//! Who held the memory when the whole node ran out: the kernel's task table joined with groups.
//!
//! The table has resident memory, swap, page tables and oom_score_adj of every process that can be killed
//! (`dump_tasks`, mm/oom_kill.c), but no groups; kernel threads are not in it. A pod is one entry however many containers
//! and processes it has, and so is a service of the host. Sums of resident memory count shared pages once for each
//! process, so they may be more than there is.

mod badness;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeMap;

use crate::cgroup::identify;
use crate::finding::{Inhabited, Population, Role};
use crate::kernel::{OomReport, TaskRow};

pub use badness::{badness, total};
pub use told::{class, why};

/// Groups that are listed.
const LISTED: usize = 24;

/// Counts the table of a report. `home` gives the group of a process; `None` where it is not known.
#[must_use]
pub fn count(report: &OomReport, home: impl Fn(u32) -> Option<String>) -> Population {
    let total = total(report);
    let mut found: BTreeMap<String, Inhabited> = BTreeMap::new();
    let mut out = Population { total, ..Population::default() };
    let role = |task: &TaskRow, group: Option<String>| Role {
        pid: task.pid,
        comm: task.comm.clone(),
        group,
        rss: task.rss,
        oom_score_adj: task.oom_score_adj,
        badness: badness(task, total),
    };
    for task in &report.tasks {
        let rss = task.rss.unwrap_or(0);
        let Some(group) = home(task.pid) else {
            out.unplaced = out.unplaced.saturating_add(rss);
            out.unplaced_processes += 1;
            continue;
        };
        let (key, pod_uid) = household(&group);
        let sum = if pod_uid.is_some() { &mut out.pods } else { &mut out.host };
        *sum = sum.saturating_add(rss);
        let entry = found.entry(key.to_owned()).or_insert_with(|| Inhabited {
            group: key.to_owned(),
            pod_uid,
            ..Inhabited::default()
        });
        entry.processes += 1;
        entry.rss = entry.rss.saturating_add(rss);
        if entry.largest.as_ref().is_none_or(|largest| largest.rss < task.rss) {
            entry.largest = Some(role(task, Some(group)));
        }
    }
    let row = |pid: u32| report.tasks.iter().find(|task| task.pid == pid);
    let placed = |task: &TaskRow| role(task, home(task.pid));
    out.hog = report
        .tasks
        .iter()
        .filter(|task| task.rss.is_some_and(|rss| rss > 0))
        .max_by_key(|task| (task.rss, std::cmp::Reverse(task.pid)))
        .map(placed);
    out.victim = report.victims.first().map(|victim| {
        let known = row(victim.pid).map(placed).unwrap_or_default();
        Role {
            pid: victim.pid,
            comm: victim.comm.clone(),
            group: victim.cgroup.clone().or(known.group),
            rss: known.rss.or_else(|| held(victim)),
            oom_score_adj: known.oom_score_adj.or(victim.oom_score_adj),
            badness: known.badness,
        }
    });
    out.trigger = report.trigger.as_ref().map(|trigger| {
        let known = trigger.pid.and_then(row).map(placed).unwrap_or_default();
        Role {
            pid: trigger.pid.unwrap_or(0),
            comm: trigger.comm.clone(),
            group: known.group.or_else(|| home(trigger.pid?)),
            rss: known.rss,
            oom_score_adj: known.oom_score_adj.or(trigger.oom_score_adj),
            badness: known.badness,
        }
    });
    let mut groups: Vec<Inhabited> = found.into_values().collect();
    groups.sort_by(|a, b| b.rss.cmp(&a.rss).then_with(|| a.group.cmp(&b.group)));
    out.groups_beyond = u64::try_from(groups.len().saturating_sub(LISTED)).unwrap_or(u64::MAX);
    groups.truncate(LISTED);
    out.groups = groups;
    out
}

fn held(victim: &crate::kernel::Victim) -> Option<u64> {
    let parts = [victim.anon_rss, victim.file_rss, victim.shmem_rss];
    parts.into_iter().flatten().reduce(u64::saturating_add)
}

/// The pod or host service that a group is of, and the pod's uid.
#[must_use]
pub fn household(group: &str) -> (&str, Option<String>) {
    let identity = identify(group);
    let Some(uid) = identity.pod_uid else { return (service(group), None) };
    // The shortest path that already names this pod is the pod's own.
    let pod = group
        .match_indices('/')
        .map(|(at, _)| &group[..at])
        .filter(|prefix| !prefix.is_empty())
        .find(|prefix| identify(prefix).pod_uid.as_ref() == Some(&uid))
        .unwrap_or(group);
    (pod, Some(uid))
}

/// The first service or scope in the path, else its first two names.
fn service(group: &str) -> &str {
    let mut names = 0;
    for (at, name) in parts(group) {
        names += 1;
        let end = at + name.len();
        let unit = name.ends_with(".service") || name.ends_with(".scope");
        if unit || names == 2 && !name.ends_with(".slice") || names == 4 {
            return &group[..end];
        }
    }
    group
}

/// The names of a path with where each begins.
fn parts(path: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    path.split('/').filter_map(move |name| {
        let begin = at;
        at += name.len() + 1;
        (!name.is_empty()).then_some((begin, name))
    })
}
