//! Groups that come and go.

use std::time::{Duration, Instant};

use coroner_core::finding::Source;
use rustix::io::Errno;

use super::notices::File;
use super::sandbox;
use super::tree::{Kind, Life, Node, ROOT, container_id};
use super::{Look, Watcher};
use crate::cgroup::population::{children, pids};
use crate::cgroup::{Group, Version};
use crate::clock::monotonic_us;
use crate::homes::Homes;

/// When a container's processes are looked at, after somebody was seen in it for the first time: runtimes let some
/// helpers pass through it.
const MAIN_LOOKS: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(500), Duration::from_secs(5)];

/// Until then a new container is looked at whenever it has become half as old again, between these times: version 1
/// does not tell when somebody comes, and who is killed before he was seen is nobody's.
const EMPTY_LOOKS: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// A container that nobody came to by then is looked at no more.
const EMPTY_FOR: Duration = Duration::from_secs(60);

/// The look after which no helper is expected any more.
const HELPERS_GONE: usize = 1;

impl Watcher {
    /// Begins to watch a group and all below it. A group that is `born` now began with all counters at 0; what others
    /// counted before is none of ours. Gives the groups whose counters have to be looked at.
    pub(super) fn adopt(&mut self, id: usize, born: bool) -> Vec<usize> {
        let mut dirty = Vec::new();
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            let path = self.tree.path(id);
            let Ok(group) = self.hierarchy.group(&path) else { continue };
            // First the watch, then the list: what comes in between is told of.
            self.watch(id, &path, &group);
            self.learn(id, &path, &group, born);
            dirty.extend(born.then_some(id));
            for name in children(&group) {
                let Ok(name) = name.to_str() else { continue };
                if self.tree.child(id, name).is_some() {
                    continue;
                }
                match self.tree.add(id, name, monotonic_us()) {
                    Some(child) => stack.push(child),
                    None => self.too_many(),
                }
            }
        }
        dirty
    }

    fn watch(&mut self, id: usize, path: &str, group: &Group) {
        let Some(node) = self.tree.get(id) else { return };
        let (kind, top) = (node.kind, node.parent == Some(ROOT));
        let dir = self.hierarchy.directory(path);
        let v2 = self.hierarchy.version == Version::V2;
        let counters = v2
            && match kind {
                Kind::Pod | Kind::Container => true,
                // What is below is told of here too.
                Kind::Other => top || self.is_shared(node.parent),
                Kind::Shared | Kind::Nested => false,
            };
        let files = [
            (File::Directory, true),
            (File::Counters, counters),
            (if v2 { File::Population } else { File::Members }, kind == Kind::Container),
            // Its own limit alone: what is below moves `memory.events` all the time.
            (File::OwnCounters, v2 && kind == Kind::Shared && id != ROOT),
        ];
        for (at, (file, wanted)) in files.into_iter().enumerate() {
            if !wanted {
                continue;
            }
            match self.notices.watch(id, &dir, file) {
                Ok(watch) => {
                    if let Some(slot) =
                        self.tree.get_mut(id).and_then(|node| node.watches.get_mut(at))
                    {
                        *slot = Some(watch);
                    }
                }
                Err(Errno::NOENT | Errno::NODEV) => {}
                Err(Errno::NOSPC) => self.go_blind(
                    "the user may not have more inotify watches (fs.inotify.max_user_watches)",
                ),
                Err(errno) => self.go_blind(&format!("inotify refuses a watch: {errno}")),
            }
        }
        if let Some(ears) = &mut self.ears {
            let own = matches!(kind, Kind::Shared | Kind::Pod);
            match ears.listen(group, id, own) {
                Ok((ear, own)) => {
                    if let Some(node) = self.tree.get_mut(id) {
                        (node.ear, node.own_ear) = (Some(ear), own);
                    }
                }
                Err(Errno::NOENT | Errno::NODEV) => {}
                // Not one group, not any.
                Err(errno) => {
                    tracing::info!(%errno, "cgroup.event_control cannot be used");
                    self.ears = None;
                }
            }
        }
    }

    fn is_shared(&self, id: Option<usize>) -> bool {
        id.and_then(|id| self.tree.get(id)).is_some_and(|node| node.kind == Kind::Shared)
    }

    /// What a group says when it is met.
    fn learn(&mut self, id: usize, path: &str, group: &Group, born: bool) {
        let reading = group.reading();
        let there = pids(group).unwrap_or_default();
        let now = Instant::now();
        if self.host_pids {
            self.joiner.homes.note_all(&there, path, now);
        }
        let main = self.host_pids.then(|| self.main_of(&there)).flatten();
        let met = self.meets(main);
        let sandbox = main.and_then(|main| sandbox::is_sandbox(&self.proc_root, main));
        let Some(node) = self.tree.get_mut(id) else { return };
        node.sandbox = sandbox.unwrap_or(node.sandbox);
        node.known = if born { reading.at_birth() } else { reading };
        if !there.is_empty() {
            node.life = Life::Populated;
            (node.main_pid, node.main_met_us) = (main, met);
        }
        let node = &*node;
        share_main(&self.joiner.homes, node, path);
        if born && node.kind == Kind::Container {
            let since_us = node.since_us;
            self.looks.insert((now + EMPTY_LOOKS.0, Look::Main(id, 0, since_us)));
        }
    }

    /// Looks who is in a container that began.
    pub(super) fn look_for_main(&mut self, id: usize, nth: usize, since_us: u64) {
        let path = self.tree.path(id);
        // The number may be another group's by now.
        let still = |node: &&Node| {
            node.life != Life::Ended && node.kind == Kind::Container && node.since_us == since_us
        };
        if self.tree.get(id).filter(still).is_none() {
            return;
        }
        let age = Duration::from_micros(monotonic_us().saturating_sub(since_us));
        let there = self.inhabitants(id, &path).unwrap_or_default();
        if !there.is_empty() || nth > 0 {
            self.inhabited(id, &path, &there, nth);
        } else if age < EMPTY_FOR {
            let next = (age / 2).clamp(EMPTY_LOOKS.0, EMPTY_LOOKS.1);
            self.looks.insert((Instant::now() + next, Look::Main(id, 0, since_us)));
        }
    }

    /// Somebody was moved into a container: its first process, or one that is run in it later on.
    pub(super) fn joined(&mut self, id: usize) {
        let path = self.tree.path(id);
        let there = self.inhabitants(id, &path).unwrap_or_default();
        if !there.is_empty() && self.tree.get(id).is_some_and(|node| node.main_pid.is_none()) {
            self.inhabited(id, &path, &there, 0);
        }
    }

    /// These are in a container, at the n-th look since somebody was.
    fn inhabited(&mut self, id: usize, path: &str, there: &[u32], nth: usize) {
        let main = self.host_pids.then(|| self.main_of(there)).flatten();
        let met = self.meets(main);
        let sandbox = main.and_then(|main| sandbox::is_sandbox(&self.proc_root, main));
        let Some(node) = self.tree.get_mut(id) else { return };
        node.sandbox = sandbox.unwrap_or(node.sandbox);
        if !there.is_empty() && node.life != Life::Ended {
            node.life = Life::Populated;
            // Later on the first may be dead already, and whoever is left is not the first.
            let others = nth <= HELPERS_GONE && node.main_pid != main;
            if others || node.main_pid.is_none() {
                (node.main_pid, node.main_met_us) = (main, met);
            }
            share_main(&self.joiner.homes, node, path);
        }
        let since_us = node.since_us;
        if let Some(after) = MAIN_LOOKS.get(nth) {
            self.looks.insert((Instant::now() + *after, Look::Main(id, nth + 1, since_us)));
        }
    }

    /// Who is in a container, its leaf included, noted for whoever asks.
    pub(super) fn inhabitants(&self, id: usize, path: &str) -> Option<Vec<u32>> {
        let mut there = pids(&self.hierarchy.group(path).ok()?)?;
        if there.is_empty() {
            for child in self.tree.get(id)?.children.iter().take(4) {
                let path = self.tree.path(*child);
                there.extend(
                    self.hierarchy.group(&path).ok().and_then(|g| pids(&g)).into_iter().flatten(),
                );
            }
        }
        if self.host_pids {
            self.joiner.homes.note_all(&there, path, Instant::now());
        }
        Some(there)
    }

    /// A group was removed, and all below it.
    pub(super) fn lose(&mut self, id: usize) {
        for id in self.tree.below(id).into_iter().rev() {
            self.end(id, true);
            let path = self.tree.path(id);
            let unit = self.tree.unit(id);
            let Some(node) = self.tree.remove(id) else { continue };
            self.forget(&node);
            self.gone.remove(&id);
            if unit != id && matches!(node.kind, Kind::Container | Kind::Nested) {
                let gone = self.gone.entry(unit).or_insert((path, 0));
                gone.1 += 1;
            }
        }
    }

    fn forget(&mut self, node: &Node) {
        for watch in node.watches.into_iter().flatten() {
            self.notices.forget(watch);
        }
        if let (Some(ears), Some(ear)) = (&mut self.ears, node.ear) {
            ears.release(ear, monotonic_us());
        }
    }

    /// Looks for groups that came or went unseen.
    pub(super) fn rescan(&mut self, why: &str) {
        tracing::warn!("{why}: all groups are looked for again");
        self.rescanned = Instant::now();
        let blind = self.blind.take();
        for id in self.tree.all().into_iter().rev() {
            let path = self.tree.path(id);
            let there = self.tree.get(id).is_none() || self.hierarchy.group(&path).is_ok();
            if id != ROOT && !there {
                self.lose(id);
            }
        }
        let mut dirty = Vec::new();
        for id in self.tree.all() {
            let path = self.tree.path(id);
            let Ok(group) = self.hierarchy.group(&path) else { continue };
            if blind.is_some() {
                self.watch(id, &path, &group);
            }
            for name in children(&group) {
                let Ok(name) = name.to_str() else { continue };
                if self.tree.child(id, name).is_none()
                    && let Some(child) = self.tree.add(id, name, monotonic_us())
                {
                    // It is younger than the agent, so all it counts is new.
                    dirty.extend(self.adopt(child, true));
                }
            }
        }
        for id in dirty {
            self.look(id);
        }
        self.look_at_all();
        let now_us = monotonic_us();
        let again = self.blind.is_none().then_some(now_us);
        self.findings.outbox.coverage.hole(Source::Cgroup, Some(self.complete_us), again);
        self.complete_us = now_us;
    }

    /// There is no room for another group.
    pub(super) fn too_many(&mut self) {
        // Groups a container makes in itself are counted by the container, on v2.
        if self.tree.len() >= super::tree::GROUPS_MAX || self.hierarchy.version == Version::V1 {
            self.go_blind("there are more groups than are kept");
        }
    }

    fn go_blind(&mut self, why: &str) {
        if self.blind.is_none() {
            tracing::warn!("not all groups are watched: {why}");
            self.blind = Some(why.to_owned());
            self.findings.outbox.coverage.hole(Source::Cgroup, Some(self.complete_us), None);
        }
    }
}

/// Tells the other sources which is a container's first process.
pub(super) fn share_main(homes: &Homes, node: &Node, path: &str) {
    if node.kind == Kind::Container
        && let (Some(id), Some(main)) = (container_id(path), node.main_pid)
    {
        homes.note_main(&id, Some(main));
    }
}
