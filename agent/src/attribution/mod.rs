//! Whose process was it? For kill lines that came without a path.
//!
//! In a storm the kernel prints a header for ten kills in five seconds and a bare kill line for every one. Three
//! things can name the victim's group then, in the order of trust: `/proc/PID/cgroup` while the victim is still
//! there, the group it was seen in shortly before, and the group's own count of kills. What none of them decides stays
//! unattributed. Nothing is read while no kills come.
//!
//! Counters and log are read one after the other, so they may disagree for a moment. A decision therefore takes three
//! steps: the log is read to its end, the counters are read ([`Attributor::count`]), and only when the log still has
//! nothing new the two are compared ([`Attributor::decide`]).

mod ledger;
mod storm;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coroner_core::finding::{Attribution, AttributionMethod, FindingId};
use coroner_core::kernel::{Scope, Victim};

use crate::cgroup::{Hierarchy, lineage};
use crate::homes::{FRESH, Homes};
use crate::position::Mark;
use crate::process::Processes;
use ledger::{Answer, GROUPS_MAX, Ledger};
use storm::{LOOK, Storm};

/// How long kills wait for lines or counters that are still to come.
const PATIENCE: Duration = Duration::from_millis(500);

/// All groups are read at most so often.
const SCAN_EVERY: Duration = Duration::from_millis(100);

/// Kills that wait for an answer.
const PENDING_MAX: usize = 1024;

/// A kill whose group the log does not say.
#[derive(Clone, Debug)]
pub(crate) struct Bare {
    /// Its finding.
    pub about: FindingId,
    /// Its place in the log.
    pub mark: Mark,
    /// Who was killed.
    pub victim: Victim,
    /// How far the shortage reached.
    pub scope: Scope,
}

/// Where a victim was, as far as that was seen.
#[derive(Debug)]
struct Home {
    path: String,
    method: AttributionMethod,
    /// Seen so long ago that the id may be another process's by now.
    aged: bool,
}

/// A bare kill that waits.
#[derive(Debug)]
struct Pending {
    bare: Bare,
    since: Instant,
    home: Option<Home>,
}

/// Works out the groups of victims.
#[derive(Debug)]
pub(crate) struct Attributor {
    processes: Processes,
    /// Process ids we read are those the kernel prints.
    host_pids: bool,
    ledger: Ledger,
    storm: Storm,
    pending: Vec<Pending>,
    scanned: Option<Instant>,
    /// Records were lost: counters and log no longer fit.
    broken: bool,
    /// Kills of this storm that nobody could tell: they still show in the counts of their groups.
    given_up: u64,
}

impl Attributor {
    pub(crate) fn new(processes: Processes, host_pids: bool, homes: Arc<Homes>) -> Self {
        Self {
            processes,
            host_pids,
            ledger: Ledger::default(),
            storm: Storm::new(homes),
            pending: Vec::new(),
            scanned: None,
            broken: false,
            given_up: 0,
        }
    }

    /// Reads all groups, and takes what they count as known. Some 30 microseconds a group.
    pub(crate) fn begin(&mut self, hierarchy: &Hierarchy) {
        let mut groups = Vec::new();
        let complete = hierarchy
            .all(GROUPS_MAX, &mut |path, group| groups.push((path.to_owned(), group.counters())));
        self.ledger.begin(groups, complete);
        self.given_up = 0;
    }

    /// A kill whose group the log names.
    pub(crate) fn named(&mut self, hierarchy: &Hierarchy, group: &str, now: Instant) {
        self.storm.note_kill(now);
        if !self.ledger.contains(group) {
            self.read(hierarchy, group);
        }
        self.ledger.known(group);
        self.storm.activate(group);
        self.look(hierarchy, now);
    }

    /// A kill whose group the log does not name.
    pub(crate) fn bare(&mut self, hierarchy: &Hierarchy, bare: Bare, now: Instant) {
        let home = self.home_of(hierarchy, &bare.victim, now);
        self.storm.note_kill(now);
        if self.pending.len() >= PENDING_MAX {
            // The next decision gives the oldest up.
            self.broken = true;
        }
        self.pending.push(Pending { bare, since: now, home });
        self.look(hierarchy, now);
    }

    /// Records were lost, and kills with them.
    pub(crate) fn lost(&mut self) {
        self.broken = true;
    }

    /// Reads the counters, if there is anything to decide.
    pub(crate) fn count(&mut self, hierarchy: &Hierarchy, now: Instant) -> bool {
        if self.pending.is_empty() {
            return false;
        }
        if self.broken {
            self.begin(hierarchy);
            return true;
        }
        for at in 0..self.pending.len() {
            // Whoever saw it may have come later than its line.
            let Some(pending) = self.pending.get(at).filter(|p| p.home.is_none()) else { continue };
            let home = self.seen_home_of(pending.bare.victim.pid, now);
            if let Some(pending) = self.pending.get_mut(at) {
                pending.home = home;
            }
        }
        let homes =
            self.pending.iter().filter_map(|p| p.home.as_ref().map(|home| home.path.clone()));
        let groups: BTreeSet<String> =
            homes.chain(self.storm.active().map(|path| path.to_string())).collect();
        self.read_lineages(hierarchy, groups.iter().map(String::as_str));
        let all = u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
        let recent = self.scanned.is_some_and(|at| now.duration_since(at) < SCAN_EVERY);
        if self.ledger.whose(all) == Answer::Missing && !recent {
            self.scan(hierarchy, now);
            // Where one kill came from, more may come from.
            for group in self.ledger.unexplained() {
                self.storm.activate(&group);
            }
        }
        true
    }

    /// Compares counters and log: gives the kills that are decided, `None` for those that nobody can tell.
    pub(crate) fn decide(
        &mut self,
        hierarchy: &Hierarchy,
        now: Instant,
    ) -> Vec<(Bare, Option<Attribution>)> {
        let mut decided = Vec::new();
        // The counts were begun anew with these kills in them: only what else is known can tell.
        let broken = std::mem::take(&mut self.broken);
        let mut homeless = Vec::new();
        for pending in std::mem::take(&mut self.pending) {
            match pending.home {
                // The counter rises before the line is printed, so it must allow what was only seen before.
                Some(Home { path, method, aged })
                    if (broken && !aged)
                        || method == AttributionMethod::ProcCgroup
                        || (!broken && self.ledger.allows(&path)) =>
                {
                    if !broken {
                        self.ledger.known(&path);
                    }
                    decided.push(self.found(hierarchy, pending.bare, path, method));
                }
                _ => homeless.push(Pending { home: None, ..pending }),
            }
        }
        let count = u64::try_from(homeless.len()).unwrap_or(u64::MAX);
        let waited = broken
            || homeless.first().is_some_and(|first| now.duration_since(first.since) > PATIENCE);
        let count = count.saturating_add(self.given_up);
        let answer = if broken { Answer::Missing } else { self.ledger.whose(count) };
        match answer {
            _ if homeless.is_empty() => {}
            Answer::One(path) => {
                for pending in homeless {
                    self.ledger.known(&path);
                    decided.push(self.found(
                        hierarchy,
                        pending.bare,
                        path.clone(),
                        AttributionMethod::OomKillCounter,
                    ));
                }
            }
            _ if !waited => self.pending = homeless,
            _ => {
                // Only those that waited: the others' groups may still be seen. What is given up stays in the counts
                // until the storm is over, or those of kills that are still to come would be taken away with it.
                let patient =
                    |pending: &Pending| broken || now.duration_since(pending.since) > PATIENCE;
                let (over, rest): (Vec<_>, Vec<_>) = homeless.into_iter().partition(patient);
                if answer == Answer::Ambiguous && rest.is_empty() {
                    // The numbers fit, so no other kill is on its way.
                    self.ledger.settle(None);
                    self.given_up = 0;
                } else if !broken {
                    self.given_up += u64::try_from(over.len()).unwrap_or(0);
                }
                decided.extend(over.into_iter().map(|pending| (pending.bare, None)));
                self.pending = rest;
            }
        }
        let homes: BTreeSet<String> = decided
            .iter()
            .filter_map(|(_, found)| found.as_ref().map(|found| found.cgroup.clone()))
            .collect();
        for home in homes {
            self.ledger.settle(Some(&home));
            self.storm.activate(&home);
        }
        decided
    }

    /// Kills that wait for an answer.
    pub(crate) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Looks who is there, and settles the ledger when the storm is over.
    pub(crate) fn tick(&mut self, hierarchy: &Hierarchy, now: Instant) {
        if self.storm.quiet_at().is_some_and(|at| at <= now) && self.pending.is_empty() {
            if self.broken {
                self.begin(hierarchy);
                self.broken = false;
            } else {
                let active: Vec<_> = self.storm.active().cloned().collect();
                self.read_lineages(hierarchy, active.iter().map(|path| &**path));
                self.ledger.settle(None);
            }
            self.given_up = 0;
            self.storm.end();
        }
        if self.storm.look_at().is_some_and(|at| at <= now) {
            self.look(hierarchy, now);
        }
    }

    /// When [`Attributor::tick`] has something to do; soon while kills wait.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        let waiting = (!self.pending.is_empty()).then(|| now + LOOK);
        [self.storm.quiet_at(), self.storm.look_at(), waiting].into_iter().flatten().min()
    }

    fn found(
        &self,
        hierarchy: &Hierarchy,
        bare: Bare,
        path: String,
        method: AttributionMethod,
    ) -> (Bare, Option<Attribution>) {
        let limit = match bare.scope {
            Scope::Cgroup => self.ledger.limit_of(&path).or_else(|| only_limit(hierarchy, &path)),
            Scope::Unknown => self.ledger.limit_of(&path),
            _ => None,
        };
        let limit_cgroup = limit.map(str::to_owned);
        let attribution = Attribution { pid: bare.victim.pid, limit_cgroup, cgroup: path, method };
        (bare, Some(attribution))
    }

    fn home_of(&self, hierarchy: &Hierarchy, victim: &Victim, now: Instant) -> Option<Home> {
        let numbers = self.host_pids || self.processes.are_hosts();
        let there =
            if numbers { self.processes.cgroup_of(victim, hierarchy.version) } else { None };
        if let Some(path) = there {
            return Some(Home { path, method: AttributionMethod::ProcCgroup, aged: false });
        }
        self.seen_home_of(victim.pid, now)
    }

    fn seen_home_of(&self, pid: u32, now: Instant) -> Option<Home> {
        let (path, age) = self.storm.group_of(pid, now)?;
        let method = AttributionMethod::SeenBefore;
        Some(Home { path: path.to_string(), method, aged: age > FRESH })
    }

    /// Process ids of another namespace than the log's would name the wrong groups.
    fn look(&mut self, hierarchy: &Hierarchy, now: Instant) {
        if self.host_pids {
            self.storm.look(hierarchy, now);
        }
    }

    fn read(&mut self, hierarchy: &Hierarchy, path: &str) {
        let counters = hierarchy.group(path).ok().map(|group| group.counters());
        self.ledger.read(path, counters);
    }

    fn read_lineages<'a>(&mut self, hierarchy: &Hierarchy, groups: impl Iterator<Item = &'a str>) {
        let all: BTreeSet<&str> = groups.flat_map(lineage).collect();
        for path in all {
            self.read(hierarchy, path);
        }
    }

    /// Reads all groups: there may be new ones, and some may be gone.
    fn scan(&mut self, hierarchy: &Hierarchy, now: Instant) {
        let mut there = BTreeSet::new();
        let ledger = &mut self.ledger;
        let complete = hierarchy.all(GROUPS_MAX, &mut |path, group| {
            ledger.read(path, Some(group.counters()));
            there.insert(path.to_owned());
        });
        if complete {
            self.ledger.all_read(&there);
        }
        self.scanned = Some(now);
    }
}

/// The one group, of this and those above it, whose limit can have been hit.
fn only_limit<'a>(hierarchy: &Hierarchy, path: &'a str) -> Option<&'a str> {
    let mut only = None;
    for group in lineage(path) {
        if hierarchy.group(group).ok()?.can_have_hit_limit()? && only.replace(group).is_some() {
            return None;
        }
    }
    only
}

#[cfg(test)]
mod tests;
