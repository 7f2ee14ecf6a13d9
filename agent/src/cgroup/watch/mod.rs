//! The watch on all groups: kills that counters show, and containers that end.
//!
//! All groups are found at the start and followed as they come and go ([`notices`]). On cgroup v2 the kernel tells when
//! a container's or a pod's counters move; on v1 it tells when a group is out of memory ([`ears`]), a moment before the kill
//! is counted. In between nothing is read but one number of the whole machine every ten seconds ([`total`]): as long as
//! it equals what was reported, nothing was missed. What it counts beyond that is looked for in all groups, and if it
//! is in none of them the source's coverage has a hole there.
//!
//! No file is held open for a group: a descriptor reads ENODEV as soon as its group is gone, so holding one would save
//! nothing. v2 needs one descriptor for all groups, v1 at most 130. Kills from before the start are never reported.

mod ears;
mod ends;
mod found;
mod kills;
mod notices;
mod sandbox;
#[cfg(test)]
mod tests;
mod total;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use coroner_core::finding::Source;

use super::{Hierarchy, Version};
use crate::clock::{Clocks, monotonic_us};
use crate::findings::Findings;
use crate::join::Joiner;
use crate::kernel_log::Sweep;
use crate::node::sees_host_pids;
use crate::process::Processes;
use crate::stop::Stop;
use ears::Ears;
use notices::{Notice, Notices};
use total::Total;
use tree::{ROOT, Tree};

/// How often the whole machine's count is compared.
const SWEEP: Duration = Duration::from_secs(10);

/// A kill that another source saw is counted within this time; v2 tells of it within 16 ms.
const COUNTED_WITHIN: Duration = Duration::from_millis(30);

/// What is missing after a look into all groups is looked for once more after this.
const SECOND_LOOK: Duration = Duration::from_millis(200);

/// All groups are looked into at most so often.
const SCAN_EVERY: Duration = Duration::from_millis(200);

/// A group whose counters move all the time (its cache fills its limit) is read at most so often.
const READ_EVERY_US: u64 = 20_000;

/// Where watching failed, new groups are looked for so often.
const RETRY: Duration = Duration::from_secs(60);

/// Looks after an OOM was told of, until its kill is counted.
const AFTER_TOLD: [Duration; 5] = [
    Duration::from_millis(1),
    Duration::from_millis(4),
    Duration::from_millis(20),
    Duration::from_millis(80),
    Duration::from_millis(400),
];

/// Why a group is looked at later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    /// An ear was told: for the n-th time, the kill may be counted by now.
    Told(u8, usize),
    /// Its counters moved again so soon that they were left for later.
    Counters(usize),
    /// A container began, then; for the n-th time, who is its first process?
    Main(usize, usize, u64),
    /// Another source saw a kill, or some are missing.
    Total,
}

/// The source.
#[derive(Debug)]
pub(crate) struct Watcher {
    hierarchy: Hierarchy,
    proc_root: PathBuf,
    processes: Processes,
    host_pids: bool,
    findings: Findings,
    joiner: Arc<Joiner>,
    tree: Tree,
    notices: Notices,
    ears: Option<Ears>,
    total: Total,
    /// The cpu controller's own hierarchy; version 1.
    cpu: Option<PathBuf>,
    looks: BTreeSet<(Instant, Look)>,
    /// Containers that went since their pod was read last, and how many.
    gone: BTreeMap<usize, (String, u32)>,
    /// Nothing was missed up to here.
    complete_us: u64,
    /// Why not all groups are watched.
    blind: Option<String>,
    rescanned: Instant,
    scanned: Option<Instant>,
    /// Kills are missing since the last scan.
    looked_once: bool,
}

impl Watcher {
    /// Finds all groups and begins to watch.
    ///
    /// # Errors
    /// When the kernel gives no inotify.
    pub(crate) fn open(
        hierarchy: Hierarchy,
        proc_root: &Path,
        findings: Findings,
        joiner: Arc<Joiner>,
    ) -> std::io::Result<Self> {
        let now_us = monotonic_us();
        let ears = (hierarchy.version == Version::V1).then(Ears::open).transpose()?;
        let cpu = match hierarchy.version {
            Version::V1 => super::mount::controller(&proc_root.join("self/mountinfo"), "cpu"),
            Version::V2 => None,
        };
        let whole = hierarchy.prefix == "/";
        let mut watcher = Self {
            tree: Tree::new(&hierarchy.prefix, now_us),
            hierarchy,
            proc_root: proc_root.to_owned(),
            processes: Processes::new(proc_root),
            host_pids: sees_host_pids(),
            findings,
            joiner,
            notices: Notices::open()?,
            ears,
            // Kills outside of what is mounted here are counted there too.
            total: Total::new(whole.then_some(proc_root)),
            cpu,
            looks: BTreeSet::new(),
            gone: BTreeMap::new(),
            complete_us: now_us,
            blind: None,
            rescanned: Instant::now(),
            scanned: None,
            looked_once: false,
        };
        watcher.adopt(ROOT, false);
        Ok(watcher)
    }

    /// Watches until the agent ends.
    pub(crate) async fn run(mut self, mut stop: Stop) {
        self.announce();
        let sweep = Sweep::every(SWEEP);
        let joiner = Arc::clone(&self.joiner);
        while !stop.is_set() {
            self.findings.outbox.standing().turned(Source::Cgroup);
            let due = self.looks.first().map(|(at, _)| *at);
            let mut swept = false;
            tokio::select! {
                () = self.notices.ready() => {}
                () = told(self.ears.as_ref()) => {}
                () = sweep.tick() => swept = true,
                () = joiner.count_wanted.notified() => self.look_at_total(),
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {}
                () = stop.wait() => {}
            }
            while self.turn() {
                tokio::task::yield_now().await;
            }
            if swept {
                self.sweep();
            }
        }
        self.compare();
    }

    /// Does what has come up. True when there may be more.
    fn turn(&mut self) -> bool {
        let mut notices = Vec::new();
        let more = self.notices.read(&mut notices);
        let mut dirty = BTreeSet::new();
        let mut populated = BTreeSet::new();
        let (mut hit, mut joined) = (BTreeSet::new(), BTreeSet::new());
        for notice in notices {
            match notice {
                Notice::Made(parent, name) => {
                    if let Some(id) = self.tree.add(parent, &name, monotonic_us()) {
                        dirty.extend(self.adopt(id, true));
                    } else if self.tree.child(parent, &name).is_none() {
                        self.too_many();
                    }
                }
                Notice::Removed(parent, name) => {
                    // What it counted last may only be seen in the group above it.
                    if let Some(id) = self.tree.child(parent, &name) {
                        self.read_now(&mut dirty, &mut populated);
                        self.lose(id);
                    }
                    dirty.insert(parent);
                }
                Notice::Counted(id) => _ = dirty.insert(id),
                Notice::Hit(id) => _ = hit.insert(id),
                Notice::Joined(id) => _ = joined.insert(id),
                Notice::Populated(id) => _ = populated.insert(id),
                Notice::Lost => self.rescan("the kernel's queue of notices overflowed"),
            }
        }
        for id in joined {
            self.joined(id);
        }
        for id in hit {
            self.note_hit(id);
        }
        self.read_now(&mut dirty, &mut populated);
        self.hear();
        self.do_what_is_due();
        more
    }

    /// Reads the groups that moved, and tells of those that ended.
    fn read_now(&mut self, dirty: &mut BTreeSet<usize>, populated: &mut BTreeSet<usize>) {
        let now_us = monotonic_us();
        for id in std::mem::take(dirty) {
            let Some(looked_us) = self.tree.get(id).map(|node| node.looked_us) else { continue };
            let again_us = looked_us.saturating_add(READ_EVERY_US);
            if again_us > now_us && !self.gone.contains_key(&id) {
                let at = Instant::now() + Duration::from_micros(again_us - now_us);
                self.looks.insert((at, Look::Counters(id)));
            } else {
                self.look(id);
            }
        }
        for id in std::mem::take(populated) {
            self.population(id);
        }
    }

    /// Ears that were told.
    fn hear(&mut self) {
        let Some(ears) = &mut self.ears else { return };
        let now = Instant::now();
        for ear in ears.read(monotonic_us()) {
            self.looks.retain(|(_, look)| !matches!(look, Look::Told(other, _) if *other == ear));
            self.note_inhabitants(ear);
            if !self.listen(ear) {
                self.looks.insert((now + AFTER_TOLD[0], Look::Told(ear, 0)));
            }
        }
    }

    fn do_what_is_due(&mut self) {
        let now = Instant::now();
        while let Some((at, look)) = self.looks.first().copied()
            && at <= now
        {
            self.looks.pop_first();
            match look {
                Look::Told(ear, nth) => {
                    if let (false, Some(after)) = (self.listen(ear), AFTER_TOLD.get(nth + 1)) {
                        self.looks.insert((now + *after, Look::Told(ear, nth + 1)));
                    }
                }
                Look::Counters(id) => _ = self.look(id),
                Look::Main(id, nth, since_us) => self.look_for_main(id, nth, since_us),
                Look::Total => self.compare(),
            }
        }
    }

    /// Another source saw a kill: it must be counted in a moment.
    fn look_at_total(&mut self) {
        if !self.looks.iter().any(|(_, look)| *look == Look::Total) {
            self.looks.insert((Instant::now() + COUNTED_WITHIN, Look::Total));
        }
    }

    /// Compares the machine's count with what was reported; what is missing is looked for.
    fn compare(&mut self) {
        let now = Instant::now();
        let now_us = monotonic_us();
        let total = self.total.read();
        let mut missing = self.total.missing(total).unwrap_or(0);
        if missing > 0 {
            if let Some(next) = self.scanned.map(|at| at + SCAN_EVERY).filter(|next| *next > now) {
                self.looks.insert((next, Look::Total));
                return;
            }
            self.scanned = Some(now);
            self.look_at_all();
            missing = self.total.missing(total).unwrap_or(0);
        }
        tracing::debug!(total, missing, "compared with the machine's count");
        let coverage = &self.findings.outbox.coverage;
        if missing == 0 {
            self.looked_once = false;
            if self.blind.is_none() {
                self.complete_us = now_us;
                coverage.covered(Source::Cgroup, now_us);
            }
        } else if std::mem::replace(&mut self.looked_once, false) {
            tracing::warn!(
                kills = missing,
                "the kernel counts kills that no group shows: they were in groups that are gone, or in none"
            );
            self.total.settle(total);
            coverage.hole(Source::Cgroup, Some(self.complete_us), Some(now_us));
            self.complete_us = now_us;
        } else {
            self.looked_once = true;
            self.looks.insert((now + SECOND_LOOK, Look::Total));
        }
    }

    fn sweep(&mut self) {
        if self.blind.is_some() && self.rescanned.elapsed() >= RETRY {
            self.rescan("not all groups can be watched");
        }
        let untold = self.hierarchy.version == Version::V1 && self.ears.is_none();
        if untold && self.total.read().is_none() {
            self.look_at_all();
        }
        self.compare();
    }

    /// Says what is watched.
    fn announce(&mut self) {
        let groups = self.tree.len();
        let version = self.hierarchy.version.number();
        let mount = self.hierarchy.mount.display().to_string();
        let mount = coroner_core::escape::terminal(&mount);
        let mut detail = format!("watches {groups} groups of cgroup v{version} at {mount}");
        if self.hierarchy.version == Version::V1 && self.ears.is_none() {
            detail.push_str(
                "; the kernel may not tell of an OOM (cgroup.event_control cannot be written), so \
                 counters are read when another source sees a kill and every 10 s",
            );
        }
        if self.total.read().is_none() {
            detail.push_str("; the kernel keeps no count of all kills (/proc/vmstat)");
        }
        if !self.host_pids {
            detail.push_str("; process ids cannot be known outside the host's pid namespace");
        }
        if let Some(blind) = &self.blind {
            detail.push_str("; not all groups are watched: ");
            detail.push_str(blind);
        } else {
            self.findings.outbox.coverage.begin(Source::Cgroup, self.complete_us);
        }
        let since = Clocks::now().of_monotonic(self.complete_us);
        self.findings.status(Source::Cgroup, true, detail, Some(since));
    }
}

async fn told(ears: Option<&Ears>) {
    match ears {
        Some(ears) => ears.ready().await,
        None => std::future::pending().await,
    }
}
