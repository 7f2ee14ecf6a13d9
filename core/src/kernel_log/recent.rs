//! Who was killed a moment ago: the one who is printed again is no second victim.
//!
//! The kernel prints a victim twice when its group is killed as a whole, prints a process under the id of one of its
//! threads, repeats itself when SysRq-f picks the same stuck process again, and people paste the same lines twice.

use std::collections::{HashMap, VecDeque};

use super::message::Killed;
use crate::kernel::{OomReport, Position, Scope, Victim};

/// Victims remembered. A whole group may be killed at once; larger groups are still caught by their report.
const MOST: usize = 512;
/// A pid is not used again for another process within this time, in microseconds.
const SAME_PROCESS_US: u64 = 60_000_000;
/// The members of a group die within this time of each other, in microseconds.
const GROUP_US: u64 = 5_000_000;

/// The last victims, oldest first.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<Victim>);

impl Recent {
    pub(super) fn add(&mut self, victim: &Victim) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(victim.clone());
    }

    /// Whether this very process was given already.
    pub(super) fn knows(&self, victim: &Victim) -> bool {
        self.0.iter().rev().filter(|v| v.pid == victim.pid && v.comm == victim.comm).any(|v| {
            match (v.position.monotonic_us, victim.position.monotonic_us) {
                (Some(a), Some(b)) => a.abs_diff(b) < SAME_PROCESS_US,
                // Without times, only equal sizes say that it is the same line again.
                _ => v.total_vm == victim.total_vm && v.anon_rss == victim.anon_rss,
            }
        })
    }
}

/// A report whose first victim was given: more may follow.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) report: Position,
    pub(super) scope: Scope,
    /// Set by `Tasks in .. are going to be killed due to memory.oom.group set`.
    pub(super) group: Option<String>,
    trigger_pid: Option<u32>,
    pids: HashMap<u32, Option<i32>>,
    pids_cut: bool,
    victims: Vec<(Option<u64>, Option<u64>, Option<u32>)>,
    last_us: Option<u64>,
}

/// What a kill line behind a group kill is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// One more process of the group.
    Another,
    /// A thread of one that was given.
    Thread,
    /// Not of this group.
    Stranger,
}

impl Given {
    pub(super) fn new(report: &OomReport, pids: HashMap<u32, Option<i32>>, pids_cut: bool) -> Self {
        let mut given = Self {
            report: report.position.clone(),
            scope: report.scope,
            group: report.oom_group.clone(),
            trigger_pid: report.trigger.as_ref().and_then(|t| t.pid),
            pids,
            pids_cut,
            victims: Vec::new(),
            last_us: None,
        };
        for victim in &report.victims {
            given.add(victim);
        }
        given
    }

    pub(super) fn add(&mut self, victim: &Victim) {
        self.victims.push((victim.total_vm, victim.pgtables, victim.uid));
        self.last_us = victim.position.monotonic_us.or(self.last_us);
    }

    /// The badness adjustment that the table shows for a process.
    pub(super) fn adjustment(&self, pid: u32) -> Option<i32> {
        self.pids.get(&pid).copied().flatten()
    }

    /// Whether a kill line tells of one more member of the group.
    pub(super) fn member(&self, killed: &Killed<'_>, us: Option<u64>) -> Member {
        let late = self.last_us.zip(us).is_some_and(|(a, b)| a.abs_diff(b) > GROUP_US);
        let system = |s: Scope| s != Scope::Cgroup;
        let other_scope = killed.scope.is_some_and(|s| system(s) != system(self.scope));
        if self.group.is_none() || late || other_scope {
            return Member::Stranger;
        }
        if self.pids.is_empty() || self.pids_cut || self.pids.contains_key(&killed.pid) {
            return Member::Another;
        }
        // The table lists processes. A pid that is not in it is a thread, printed under its own id and name: its sizes
        // are those of its process.
        let twin = self.victims.contains(&(killed.total_vm, killed.pgtables, killed.uid));
        if twin || self.trigger_pid == Some(killed.pid) { Member::Thread } else { Member::Stranger }
    }
}
