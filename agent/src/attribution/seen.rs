//! Which group a process was in when it was last seen there.
//!
//! While kills come fast, the processes of the groups that had kills are read again and again: who is started in the
//! place of a victim is then known by its id when its own turn comes. Nothing is remembered for longer than ids take
//! to be used again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Ids are given out one after the other, 32,768 of them at least: they do not come round in a few seconds.
const MEMORY: Duration = Duration::from_secs(10);

/// Processes remembered at most.
const PROCESSES_MAX: usize = 8192;

/// Process ids and their groups.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    groups: HashMap<u32, (Arc<str>, Instant)>,
}

impl Seen {
    /// Notes who is in a group now.
    pub(crate) fn note(&mut self, group: &Arc<str>, pids: &[u32], now: Instant) {
        if self.groups.len() + pids.len() > PROCESSES_MAX {
            self.groups.retain(|_, (_, at)| now.duration_since(*at) < MEMORY);
        }
        for pid in pids.iter().filter(|pid| **pid != 0) {
            if self.groups.len() < PROCESSES_MAX || self.groups.contains_key(pid) {
                self.groups.insert(*pid, (Arc::clone(group), now));
            }
        }
    }

    /// The group a process was last seen in.
    pub(crate) fn group_of(&self, pid: u32, now: Instant) -> Option<&str> {
        let (group, at) = self.groups.get(&pid)?;
        (now.duration_since(*at) < MEMORY).then_some(&**group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_group_counts_and_only_for_a_while() {
        let (a, b): (Arc<str>, Arc<str>) = ("/a".into(), "/b".into());
        let start = Instant::now();
        let mut seen = Seen::default();
        seen.note(&a, &[1, 2, 0], start);
        seen.note(&b, &[2], start + Duration::from_secs(5));
        let later = start + Duration::from_secs(6);
        assert_eq!((seen.group_of(1, later), seen.group_of(2, later)), (Some("/a"), Some("/b")));
        assert_eq!((seen.group_of(0, later), seen.group_of(9, later)), (None, None));
        let late = start + Duration::from_secs(12);
        assert_eq!((seen.group_of(1, late), seen.group_of(2, late)), (None, Some("/b")));
    }

    #[test]
    fn memory_is_bounded() {
        let group: Arc<str> = "/a".into();
        let now = Instant::now();
        let mut seen = Seen::default();
        let pids: Vec<u32> = (1..20_000).collect();
        seen.note(&group, &pids, now);
        assert_eq!(seen.groups.len(), PROCESSES_MAX);
        seen.note(&group, &[50_000], now + MEMORY * 2);
        assert_eq!(seen.groups.len(), 1);
    }
}
