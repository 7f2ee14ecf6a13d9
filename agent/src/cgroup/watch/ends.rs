//! The end of containers: a group that became empty or was removed, and what can be said of its life.
//!
//! `populated` of `cgroup.events` (v2) says whether anybody is in a group or below it, and the kernel tells when it
//! changes; on v1 only the removal shows. Nobody is told of as ended who was never seen alive. The first process is the
//! one with id 1 in a pid namespace of its own, or the one that began first: runtimes let some of their own pass
//! through a new container.

use coroner_core::counters::value;
use coroner_core::finding::ContainerEnd;

use super::Watcher;
use super::found::share_main;
use super::tree::{Kind, Life, container_id};
use crate::cgroup::Version;
use crate::clock::{Clocks, monotonic_us};

/// Processes that are asked when they began; a container's first is among the lowest ids unless they came round.
const ASKED_MAX: usize = 64;

impl Watcher {
    /// `cgroup.events` of a container moved.
    pub(super) fn population(&mut self, id: usize) {
        let path = self.tree.path(id);
        let group = self.hierarchy.group(&path).ok();
        let events = group.and_then(|group| group.text("cgroup.events"));
        match events.and_then(|text| value(&text, "populated")) {
            Some(0) => {
                self.look(id);
                self.end(id, false);
            }
            Some(_) => {
                let there = self.inhabitants(id, &path).unwrap_or_default();
                let main = self.host_pids.then(|| self.main_of(&there)).flatten();
                let met = self.meets(main);
                if let Some(node) = self.tree.get_mut(id) {
                    node.life = Life::Populated;
                    if node.main_pid.is_none() {
                        (node.main_pid, node.main_met_us) = (main, met);
                    }
                    share_main(&self.joiner.homes, node, &path);
                }
            }
            // Gone: the notice of that comes.
            None => {}
        }
    }

    /// Tells of a container's end, once.
    pub(super) fn end(&mut self, id: usize, removed: bool) {
        let Some(node) = self.tree.get_mut(id) else { return };
        let seen = node.life == Life::Populated || (removed && node.kills > 0);
        if node.kind != Kind::Container || node.life == Life::Ended || !seen {
            return;
        }
        node.life = Life::Ended;
        let counts = node.known.kills.is_some() || node.known.tree_kills.is_some();
        let (main_pid, since_us, kills) = (node.main_pid, node.since_us, node.kills);
        let sandbox = node.sandbox;
        let unseen_us = node.main_met_us.map(|met_us| (since_us, met_us));
        let group = self.tree.path(id);
        let Some(container_id) = container_id(&group) else { return };
        self.joiner.homes.note_main(&container_id, None);
        let throttled = self.throttling(&group);
        let now = Clocks::now();
        let end = ContainerEnd {
            group,
            container_id,
            main_pid,
            watched_since: Some(now.of_monotonic(since_us)),
            not_before: None,
            main_sigkilled: None,
            oom_kills: counts.then_some(u64::from(kills)),
            throttled_us: throttled.as_deref().and_then(throttled_us),
            throttled_periods: throttled
                .as_deref()
                .and_then(|text| Some((value(text, "nr_throttled")?, value(text, "nr_periods")?))),
            sandbox,
        };
        self.joiner.container_ended(end, unseen_us);
        self.look_at_total();
    }

    /// `cpu.stat`, as far as it can still be read.
    fn throttling(&self, group: &str) -> Option<String> {
        match self.hierarchy.version {
            Version::V2 => self.hierarchy.group(group).ok()?.text("cpu.stat"),
            Version::V1 => {
                // The kubelet and the runtimes use one path in all hierarchies.
                let hierarchy = self.cpu.as_ref()?;
                let path = hierarchy.join(group.trim_start_matches('/')).join("cpu.stat");
                std::fs::read_to_string(path).ok()
            }
        }
    }

    /// When a container's first process was seen first; `None` where its pid namespace shows that it is the first.
    pub(super) fn meets(&self, main: Option<u32>) -> Option<u64> {
        main.filter(|main| !self.is_namespace_init(*main)).map(|_| monotonic_us())
    }

    /// The first of some processes.
    pub(super) fn main_of(&self, pids: &[u32]) -> Option<u32> {
        let known: Vec<u32> =
            pids.iter().copied().filter(|pid| *pid != 0).take(ASKED_MAX).collect();
        if let [only] = known.as_slice() {
            return Some(*only);
        }
        let first_of_namespace = known.iter().copied().find(|pid| self.is_namespace_init(*pid));
        first_of_namespace.or_else(|| {
            let began = |pid: &u32| Some((self.processes.began_us(*pid)?, *pid));
            known.iter().filter_map(began).min().map(|(_, pid)| pid)
        })
    }

    /// Whether a process is the first of a pid namespace that is not ours.
    fn is_namespace_init(&self, pid: u32) -> bool {
        let path = self.proc_root.join(pid.to_string()).join("status");
        let Ok(text) = std::fs::read_to_string(path) else { return false };
        let ids = text.lines().find_map(|line| line.strip_prefix("NSpid:"));
        ids.is_some_and(|ids| {
            let mut ids = ids.split_whitespace();
            ids.next_back() == Some("1") && ids.next().is_some()
        })
    }
}

/// Time of being held back, in microseconds: `throttled_usec` (v2), `throttled_time` in nanoseconds (v1).
fn throttled_us(text: &str) -> Option<u64> {
    value(text, "throttled_usec").or_else(|| value(text, "throttled_time").map(|ns| ns / 1000))
}

#[cfg(test)]
mod tests {
    use super::throttled_us;

    #[test]
    fn throttling_of_both_versions() {
        let v2 = "usage_usec 5\nnr_periods 4\nnr_throttled 2\nthrottled_usec 1234\n";
        let v1 = "nr_periods 4\nnr_throttled 2\nthrottled_time 1234567\n";
        assert_eq!(
            (throttled_us(v2), throttled_us(v1), throttled_us("")),
            (Some(1234), Some(1234), None)
        );
    }
}
