//! A storm of kills: when it is one, which groups it is in, and who was seen there.
//!
//! Only in a storm are kill lines bare, so only then are the processes of the groups that had kills read again and
//! again. It costs nothing before and after.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cgroup::{Hierarchy, pids};
use crate::homes::Homes;

/// So many kills within [`BURST`] are a storm: the kernel stops printing headers after ten in five seconds.
pub(super) const STORM: usize = 3;
const BURST: Duration = Duration::from_secs(5);

/// A storm is over when no kill came for so long.
pub(super) const QUIET: Duration = Duration::from_secs(2);

/// How often the processes of groups with kills are read, for up to eight groups; a hog needs some milliseconds to
/// fill even a small group. With more groups it is less often, so that the share of time stays.
pub(super) const LOOK: Duration = Duration::from_millis(2);

/// Groups whose processes are read.
const ACTIVE_MAX: usize = 32;

/// The kills of late.
#[derive(Debug)]
pub(super) struct Storm {
    homes: Arc<Homes>,
    /// Groups that had kills, the latest last.
    active: VecDeque<Arc<str>>,
    /// When the last few kills were seen.
    kills: VecDeque<Instant>,
    look_at: Option<Instant>,
}

impl Storm {
    pub(super) fn new(homes: Arc<Homes>) -> Self {
        Self { homes, active: VecDeque::new(), kills: VecDeque::new(), look_at: None }
    }

    /// Forgets the kills, not who was seen where.
    pub(super) fn end(&mut self) {
        *self = Self::new(Arc::clone(&self.homes));
    }

    /// A kill was seen.
    pub(super) fn note_kill(&mut self, now: Instant) {
        self.kills.push_back(now);
        while self.kills.len() > STORM {
            self.kills.pop_front();
        }
    }

    /// A group had a kill.
    pub(super) fn activate(&mut self, group: &str) {
        if let Some(at) = self.active.iter().position(|path| &**path == group) {
            if let Some(path) = self.active.remove(at) {
                self.active.push_back(path);
            }
        } else {
            self.active.push_back(group.into());
            if self.active.len() > ACTIVE_MAX {
                self.active.pop_front();
            }
        }
    }

    /// Groups that had kills.
    pub(super) fn active(&self) -> impl Iterator<Item = &Arc<str>> {
        self.active.iter()
    }

    /// Notes who is in the groups that had kills, if it is a storm.
    pub(super) fn look(&mut self, hierarchy: &Hierarchy, now: Instant) {
        if !self.is_on(now) {
            self.look_at = None;
            return;
        }
        for path in &self.active {
            if let Some(there) = hierarchy.group(path).ok().and_then(|group| pids(&group)) {
                self.homes.note_all(&there, path, now);
            }
        }
        let share = u32::try_from(self.active.len() / 8).unwrap_or(0) + 1;
        self.look_at = Some(now + LOOK * share);
    }

    /// When the next look is due.
    pub(super) fn look_at(&self) -> Option<Instant> {
        self.look_at
    }

    /// The group a process was last seen in, and how long ago.
    pub(super) fn group_of(&self, pid: u32, now: Instant) -> Option<(Arc<str>, Duration)> {
        self.homes.group_of(pid, now)
    }

    /// When it is over, unless another kill comes; `None` when there was none.
    pub(super) fn quiet_at(&self) -> Option<Instant> {
        self.kills.back().map(|last| *last + QUIET)
    }

    fn is_on(&self, now: Instant) -> bool {
        let first = self.kills.front();
        self.kills.len() >= STORM && first.is_some_and(|first| now.duration_since(*first) < BURST)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::cgroup::tests::Tree;
    use super::*;

    #[test]
    fn it_takes_a_few_kills_in_a_short_time() {
        let tree = Tree::v2();
        tree.group("/a", &[("cgroup.procs", "7\n")]);
        let (hierarchy, now) = (tree.hierarchy(), Instant::now());
        let mut storm = Storm::new(Arc::new(Homes::new()));
        storm.activate("/a");
        for n in 0..3 {
            storm.note_kill(now + BURST * n);
            storm.look(&hierarchy, now + BURST * n);
            assert_eq!(storm.look_at(), None, "too slow for a storm");
            assert!(storm.group_of(7, now).is_none());
        }
        let now = now + BURST * 3;
        for _ in 0..3 {
            storm.note_kill(now);
        }
        storm.look(&hierarchy, now);
        assert_eq!(storm.look_at(), Some(now + LOOK));
        assert_eq!(&*storm.group_of(7, now).unwrap().0, "/a");
        assert_eq!(storm.quiet_at(), Some(now + QUIET));
    }

    #[test]
    fn only_the_latest_groups_are_followed() {
        let mut storm = Storm::new(Arc::new(Homes::new()));
        for n in 0..40 {
            storm.activate(&format!("/{n}"));
            storm.activate("/0");
        }
        let active: Vec<_> = storm.active().map(|path| path.to_string()).collect();
        assert_eq!(active.len(), ACTIVE_MAX);
        assert!(
            active.contains(&"/0".into())
                && active.contains(&"/39".into())
                && !active.contains(&"/1".into())
        );
    }
}
