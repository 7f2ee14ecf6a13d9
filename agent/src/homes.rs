//! Homes: which memory group a process was in when it was last seen there.
//!
//! A bare kill line names a process id and nothing else, and by the time it is read `/proc` has forgotten the process.
//! Whoever reads the processes of a group for reasons of its own notes them here: the group's own watcher when a group
//! appears or counts something, the signal trace for every receiver, the storm's looks. Nothing is read to fill this.
//! Ids are used again (the kernel gives them out in turn, 32,768 at least), so an old note is worth less than a fresh
//! one, and who asks is told its age. Bounded: the oldest half goes when it is full.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use coroner_core::forks::Sighting;

use crate::clock::monotonic_us;

/// Processes remembered at most: sixteen bytes each, and room.
const PROCESSES_MAX: usize = 32_768;

/// In this time ids do not come round.
pub(crate) const FRESH: Duration = Duration::from_secs(10);

/// A note: number of the group, and milliseconds since the table was made when the look began and when it was noted.
#[derive(Clone, Copy, Debug)]
struct Note {
    group: u32,
    at_ms: u32,
    until_ms: u32,
}

#[derive(Debug)]
struct Table {
    began: Instant,
    /// The same in microseconds of `CLOCK_MONOTONIC`.
    began_us: u64,
    processes: HashMap<u32, Note>,
    /// Names of groups by number.
    groups: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

/// Process ids and their groups, for whoever sees or asks.
#[derive(Debug)]
pub(crate) struct Homes {
    table: Mutex<Table>,
    /// First processes of the containers that are watched, by container id.
    mains: Mutex<HashMap<String, u32>>,
}

impl Homes {
    pub(crate) fn new() -> Self {
        let table = Table {
            began_us: monotonic_us(),
            began: Instant::now(),
            processes: HashMap::new(),
            groups: Vec::new(),
            numbers: HashMap::new(),
        };
        Self { table: Mutex::new(table), mains: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing in here panics half-way; a poisoned lock still holds whole values.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Process `pid` was seen in `group`.
    pub(crate) fn note(&self, pid: u32, group: &str, at: Instant) {
        self.note_all(&[pid], group, at);
    }

    /// All of `pids` were seen in `group`. Ids of other pid namespaces read as 0 and are passed over.
    pub(crate) fn note_all(&self, pids: &[u32], group: &str, at: Instant) {
        if pids.iter().all(|pid| *pid == 0) {
            return;
        }
        let mut table = self.lock();
        let at_ms = millis(at.saturating_duration_since(table.began));
        let until_ms = millis(table.began.elapsed()).max(at_ms);
        let mut group = (table.number(group), group);
        for pid in pids.iter().filter(|pid| **pid != 0) {
            if table.processes.len() >= PROCESSES_MAX && !table.processes.contains_key(pid) {
                table.forget_older_half();
                group.0 = table.number(group.1);
            }
            table.processes.insert(*pid, Note { group: group.0, at_ms, until_ms });
        }
    }

    /// The group that a process was last seen in, and how long ago.
    pub(crate) fn group_of(&self, pid: u32, now: Instant) -> Option<(Arc<str>, Duration)> {
        let table = self.lock();
        let note = table.processes.get(&pid)?;
        let group = table.groups.get(usize::try_from(note.group).ok()?)?;
        let seen = table.began + Duration::from_millis(u64::from(note.at_ms));
        Some((Arc::clone(group), now.saturating_duration_since(seen)))
    }

    /// The same with the time in which that was, in microseconds of `CLOCK_MONOTONIC`.
    pub(crate) fn sighting(&self, pid: u32) -> Option<Sighting> {
        let table = self.lock();
        let note = table.processes.get(&pid)?;
        let group = Arc::clone(table.groups.get(usize::try_from(note.group).ok()?)?);
        let us = |ms: u32| table.began_us + u64::from(ms) * 1000;
        let (from_us, to_us) = (us(note.at_ms), us(note.until_ms.saturating_add(2)));
        Some(Sighting { process: pid, group, from_us, to_us, began_by_us: None })
    }

    fn mains(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.mains.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first process of a container, as its group's watcher knows it; `None` once the container has ended.
    pub(crate) fn note_main(&self, container_id: &str, pid: Option<u32>) {
        let mut mains = self.mains();
        match pid {
            Some(pid) if mains.len() < PROCESSES_MAX => {
                mains.insert(container_id.to_owned(), pid);
            }
            _ => _ = mains.remove(container_id),
        }
    }

    /// The first process of a container that is watched.
    pub(crate) fn main_of(&self, container_id: &str) -> Option<u32> {
        self.mains().get(container_id).copied()
    }

    /// Processes remembered now.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.lock().processes.len()
    }
}

impl Table {
    fn number(&mut self, group: &str) -> u32 {
        if let Some(number) = self.numbers.get(group) {
            return *number;
        }
        if self.groups.len() > PROCESSES_MAX {
            // Groups that came and went; those of remembered processes stay.
            self.keep_groups_in_use();
        }
        let number = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        let name: Arc<str> = group.into();
        self.groups.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }

    fn forget_older_half(&mut self) {
        let mut times: Vec<u32> = self.processes.values().map(|note| note.at_ms).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        let mut room = middle;
        self.processes.retain(|_, note| {
            // Those of the median's own moment are many in a storm; only as many as fit stay.
            let keep = note.at_ms >= median && room > 0;
            room -= usize::from(keep);
            keep
        });
        self.keep_groups_in_use();
    }

    fn keep_groups_in_use(&mut self) {
        let old = std::mem::take(&mut self.groups);
        self.numbers.clear();
        for note in self.processes.values_mut() {
            let Some(name) = usize::try_from(note.group).ok().and_then(|at| old.get(at)) else {
                continue;
            };
            let next = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
            note.group = *self.numbers.entry(Arc::clone(name)).or_insert_with(|| {
                self.groups.push(Arc::clone(name));
                next
            });
        }
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(homes: &Homes, pid: u32, now: Instant) -> Option<(String, Duration)> {
        homes.group_of(pid, now).map(|(group, age)| (group.to_string(), age))
    }

    #[test]
    fn the_last_group_counts_and_says_how_old_it_is() {
        let (homes, start) = (Homes::new(), Instant::now());
        let later = start + Duration::from_secs(5);
        homes.note_all(&[1, 2, 0], "/a", start);
        homes.note(2, "/b", later);
        let now = start + Duration::from_secs(6);
        let (group, age) = seen(&homes, 1, now).unwrap();
        assert!(group == "/a" && age >= Duration::from_secs(6) && age < FRESH, "{age:?}");
        assert_eq!(seen(&homes, 2, now).unwrap().0, "/b");
        assert_eq!((seen(&homes, 0, now), seen(&homes, 9, now)), (None, None));
        // When that was, for whoever compares it with what the kernel recorded.
        let now_us = monotonic_us();
        homes.note(3, "/c", Instant::now());
        let sighting = homes.sighting(3).unwrap();
        assert!(sighting.from_us <= now_us + 1000 && monotonic_us() <= sighting.to_us + 1_000_000);
        assert!(sighting.from_us < sighting.to_us && &*sighting.group == "/c");
        assert_eq!(homes.sighting(9), None);
    }

    #[test]
    fn first_processes_are_known_until_their_container_ends() {
        let homes = Homes::new();
        homes.note_main("a", Some(7));
        homes.note_main("a", Some(8));
        assert_eq!((homes.main_of("a"), homes.main_of("b")), (Some(8), None));
        homes.note_main("a", None);
        assert_eq!(homes.main_of("a"), None);
        for n in 0..40_000 {
            homes.note_main(&n.to_string(), Some(n + 1));
        }
        assert_eq!(homes.mains().len(), PROCESSES_MAX);
    }

    #[test]
    fn memory_is_bounded_and_the_latest_stay() {
        let (homes, start) = (Homes::new(), Instant::now());
        for round in 0..5_u32 {
            let pids: Vec<u32> = (1..=10_000).map(|n| n + round * 10_000).collect();
            let at = start + Duration::from_secs(u64::from(round));
            homes.note_all(&pids, &format!("/{round}"), at);
        }
        assert!(homes.len() <= PROCESSES_MAX && homes.len() >= PROCESSES_MAX / 2);
        let now = start + Duration::from_secs(5);
        assert_eq!(seen(&homes, 50_000, now).unwrap().0, "/4");
        assert_eq!(seen(&homes, 1, now), None);
    }

    #[test]
    fn groups_that_went_leave_nothing_behind() {
        let (homes, now) = (Homes::new(), Instant::now());
        for n in 0..100_000_u32 {
            homes.note(1 + n % 7, &format!("/{n}"), now);
        }
        let table = homes.lock();
        assert!(
            table.groups.len() <= PROCESSES_MAX + 1 && table.numbers.len() == table.groups.len()
        );
        drop(table);
        assert_eq!(seen(&homes, 1 + 99_999 % 7, now).unwrap().0, "/99999");
    }

    #[test]
    fn a_crowd_of_one_moment_is_bounded_too() {
        let (homes, now) = (Homes::new(), Instant::now());
        let pids: Vec<u32> = (1..100_000).collect();
        homes.note_all(&pids, "/a", now);
        assert!(homes.len() <= PROCESSES_MAX);
        assert_eq!(seen(&homes, 99_999, now).unwrap().0, "/a");
    }
}
