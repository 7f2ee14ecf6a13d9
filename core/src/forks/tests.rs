use std::collections::BTreeMap;

use super::*;
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;

const THREAD: u64 = CLONE_THREAD;
const MS: u64 = 1000;

fn nobody(_: u32) -> Vec<Sighting> {
    Vec::new()
}

fn home(forks: &Forks, id: u32, at_us: u64) -> Option<String> {
    let seen =
        &mut |id| vec![point(id, "/p", 1000 * MS)].into_iter().filter(|_| id == 10).collect();
    forks.home(id, at_us, seen).map(|group| group.to_string())
}

/// `id` was seen in `group` at one moment.
fn point(id: u32, group: &str, at_us: u64) -> Sighting {
    let group = group.into();
    Sighting { process: id, group, from_us: at_us, to_us: at_us, began_by_us: None }
}

/// A record that is whole from 0 on; process 10 was seen in `/p` at 1 s.
fn forks() -> Forks {
    Forks::new(0)
}

#[test]
fn a_child_is_where_its_maker_is_over_threads_and_generations() {
    let mut forks = forks();
    forks.born(1100 * MS, 10, 11, THREAD);
    forks.born(1200 * MS, 11, 12, 0);
    forks.born(1300 * MS, 12, 13, 17);
    for id in [10, 11, 12, 13] {
        assert_eq!(home(&forks, id, 1400 * MS).as_deref(), Some("/p"), "{id}");
    }
    assert_eq!(home(&forks, 14, 1400 * MS), None, "nobody knows it");
    assert_eq!(forks.began_us(12, 1400 * MS), Some(1200 * MS));
    assert_eq!(forks.began_us(12, 1100 * MS), None);
}

#[test]
fn a_move_counts_for_children_born_later_and_for_all_threads() {
    let mut forks = forks();
    forks.born(1100 * MS, 10, 11, THREAD);
    forks.born(1200 * MS, 10, 12, 0);
    forks.moved(1300 * MS, 10, Some("/q"));
    forks.born(1400 * MS, 11, 13, 0);
    forks.born(1500 * MS, 12, 14, 0);
    let at = 1600 * MS;
    assert_eq!(home(&forks, 12, at).as_deref(), Some("/p"), "born before");
    assert_eq!(home(&forks, 14, at).as_deref(), Some("/p"), "its maker stayed");
    for id in [10, 11, 13] {
        assert_eq!(home(&forks, id, at).as_deref(), Some("/q"), "{id}");
    }
    assert_eq!(home(&forks, 11, 1250 * MS).as_deref(), Some("/p"), "at that time");
}

#[test]
fn what_is_not_known_for_sure_is_not_said() {
    let mut forks = forks();
    forks.born(1100 * MS, 10, 11, CLONE_INTO_CGROUP);
    forks.moved(1200 * MS, 10, None);
    forks.born(1300 * MS, 10, 12, 0);
    forks.moved(1400 * MS, 10, Some("/q"));
    forks.born(1400 * MS + AT_ONCE_US, 10, 13, 0);
    forks.born(1401 * MS + AT_ONCE_US, 10, 14, 0);
    let at = 1500 * MS;
    assert_eq!(home(&forks, 11, at), None, "born elsewhere");
    assert_eq!(home(&forks, 12, at), None, "its maker was moved nobody knows where");
    assert_eq!(home(&forks, 13, at), None, "its maker was moved just then");
    assert_eq!(home(&forks, 14, at).as_deref(), Some("/q"));
    forks.moved(1450 * MS, 11, Some("/r"));
    assert_eq!(home(&forks, 11, at).as_deref(), Some("/r"), "moved since");
}

#[test]
fn an_id_that_is_used_again_is_another_process() {
    let mut forks = forks();
    forks.born(1100 * MS, 10, 11, 0);
    forks.born(1200 * MS, 99, 10, 0);
    forks.born(1300 * MS, 10, 12, 0);
    assert_eq!(home(&forks, 11, 1400 * MS).as_deref(), Some("/p"));
    assert_eq!(
        home(&forks, 12, 1400 * MS),
        None,
        "its maker only has the id of the one that was seen"
    );
    assert_eq!(home(&forks, 10, 1150 * MS).as_deref(), Some("/p"));
    assert_eq!(home(&forks, 10, 1250 * MS), None);
}

/// The maker was a thread whose id another process has by now.
#[test]
fn a_move_of_whoever_has_the_makers_id_now_is_not_the_makers() {
    let mut forks = forks();
    forks.born(1100 * MS, 10, 11, THREAD);
    forks.born(1200 * MS, 11, 12, THREAD);
    forks.born(1300 * MS, 99, 11, 0);
    forks.moved(1400 * MS, 11, Some("/q"));
    assert_eq!(home(&forks, 11, 1500 * MS).as_deref(), Some("/q"));
    assert_eq!(home(&forks, 12, 1500 * MS).as_deref(), Some("/p"));
}

#[test]
fn only_the_whole_part_of_the_record_is_believed() {
    let mut forks = forks();
    forks.born(1100 * MS, 10, 11, 0);
    forks.lost_before(1050 * MS);
    assert_eq!(home(&forks, 11, 1200 * MS), None, "10 was seen before the loss");
    let lives = |began| {
        move |id: u32| {
            let sighting = point(id, "/p", 1200 * MS);
            if id == 10 {
                vec![Sighting { began_by_us: Some(began), ..sighting }]
            } else {
                Vec::new()
            }
        }
    };
    let asked = |began| forks.home(11, 1200 * MS, &mut lives(began)).is_some();
    assert!(asked(900 * MS), "it lives, and is older than its child");
    assert!(asked(1300 * MS), "or was seen after it, and no other of that id was born since");
    forks.lost_before(1150 * MS);
    assert_eq!((forks.home(11, 1200 * MS, &mut nobody), forks.whole_since_us()), (None, 1150 * MS));
    assert_eq!(forks.began_us(11, 1200 * MS), None);
    forks.born(1100 * MS, 10, 12, 0);
    assert_eq!(forks.began_us(12, 1200 * MS), None, "it comes too late to be of use");
}

#[test]
fn memory_is_bounded_and_what_goes_is_lost() {
    let mut forks = forks();
    for n in 0..20_000 {
        forks.born(2000 * MS + n, 10, 11 + u32::try_from(n).unwrap(), 0);
    }
    assert_eq!(forks.events.len(), EVENTS_MAX);
    assert_eq!(forks.whole_since_us(), forks.events.front().unwrap().at_us);
    // A chain without end.
    let mut forks = self::forks();
    for n in 0..4000 {
        forks.born(n, u32::try_from(n).unwrap(), u32::try_from(n + 1).unwrap(), THREAD);
    }
    assert_eq!(forks.home(4000, 5000, &mut nobody), None);
}

#[derive(Clone, Debug)]
struct Task {
    process: u32,
    born_us: u64,
}

#[derive(Clone, Debug)]
enum Traced {
    Born(u32, u32, u64),
    Moved(u32, String),
}

/// A machine of two processors with a dozen ids, whose trace holds some events for each.
struct World {
    now_us: u64,
    next: u32,
    tasks: BTreeMap<u32, Task>,
    groups: BTreeMap<u32, String>,
    rings: [VecDeque<(u64, Traced)>; 2],
    overwritten: [bool; 2],
    room: usize,
    notes: Vec<Sighting>,
    killed: Vec<(u32, u64, String)>,
    forks: Forks,
}

impl World {
    fn new(room: usize) -> Self {
        let mut world = Self {
            now_us: 1_000_000,
            next: 0,
            tasks: BTreeMap::new(),
            groups: BTreeMap::new(),
            rings: [VecDeque::new(), VecDeque::new()],
            overwritten: [false; 2],
            room,
            notes: Vec::new(),
            killed: Vec::new(),
            forks: Forks::new(0),
        };
        for id in 1..=3 {
            world.tasks.insert(id, Task { process: id, born_us: 0 });
            world.groups.insert(id, format!("/{id}"));
            world.notes.push(point(id, &format!("/{id}"), 1_000_000));
        }
        world
    }

    fn trace(&mut self, cpu: u8, event: Traced) {
        let cpu = usize::from(cpu % 2);
        self.rings[cpu].push_back((self.now_us, event));
        if self.rings[cpu].len() > self.room {
            self.rings[cpu].pop_front();
            self.overwritten[cpu] = true;
        }
    }

    fn drain(&mut self) {
        let mut all = Vec::new();
        for (ring, overwritten) in self.rings.iter_mut().zip(&mut self.overwritten) {
            if std::mem::take(overwritten) {
                self.forks.lost_before(ring.front().unwrap().0);
            }
            all.extend(ring.drain(..));
        }
        all.sort_by_key(|(at_us, _)| *at_us);
        for (at_us, event) in all {
            match event {
                Traced::Born(maker, child, flags) => self.forks.born(at_us, maker, child, flags),
                Traced::Moved(id, group) => self.forks.moved(at_us, id, Some(&group)),
            }
        }
    }

    fn one(&self, pick: u8) -> Option<u32> {
        let ids: Vec<u32> = self.tasks.keys().copied().collect();
        ids.get(usize::from(pick) % ids.len().max(1)).copied()
    }

    fn group(&self, id: u32) -> String {
        self.groups[&self.tasks[&id].process].clone()
    }

    fn act(&mut self, (what, pick, how): (u8, u8, u8)) {
        self.now_us += 1 + u64::from(how) * 300;
        let Some(id) = self.one(pick) else { return };
        let process = self.tasks[&id].process;
        match what % 8 {
            0..=2 => {
                // Ids are given out in turn.
                let free = (0..12).map(|n| 1 + (self.next + n) % 12);
                let Some(child) = free.into_iter().find(|id| !self.tasks.contains_key(id)) else {
                    return;
                };
                self.next = child;
                let (own, flags, group) = match how % 5 {
                    0 => (process, CLONE_THREAD, None),
                    1 => (child, CLONE_INTO_CGROUP, Some("/into".to_owned())),
                    _ => (child, 17, Some(self.group(id))),
                };
                self.tasks.insert(child, Task { process: own, born_us: self.now_us });
                if let Some(group) = group {
                    self.groups.insert(child, group);
                }
                self.trace(how, Traced::Born(id, child, flags));
            }
            3 => {
                let group = format!("/{}", how % 4);
                self.groups.insert(process, group.clone());
                self.trace(how, Traced::Moved(process, group));
            }
            4 | 5 => {
                let gone = if id == process { process } else { id };
                self.killed.push((id, self.now_us, self.group(id)));
                self.tasks.retain(|other, task| *other != gone && task.process != gone);
            }
            6 => {
                let slack = u64::from(how) * 100;
                let mut note = point(process, &self.group(id), self.now_us);
                (note.from_us, note.to_us) = (self.now_us - slack, self.now_us + slack);
                self.notes.push(note);
            }
            _ => self.drain(),
        }
    }

    fn asked(&self, id: u32, at_us: u64) -> Option<String> {
        let seen = &mut |id: u32| {
            let notes =
                self.notes.iter().filter(|note| note.process == id && note.to_us <= self.now_us);
            let mut all: Vec<Sighting> = notes.cloned().collect();
            if let Some(task) = self.tasks.get(&id) {
                let mut alive = point(task.process, &self.group(id), self.now_us);
                alive.began_by_us = Some(task.born_us);
                all.push(alive);
            }
            all
        };
        self.forks.home(id, at_us, seen).map(|group| group.to_string())
    }

    fn never_wrong(&mut self) -> Result<(), TestCaseError> {
        self.drain();
        self.now_us += 1;
        for (id, at_us, group) in &self.killed {
            if let Some(said) = self.asked(*id, *at_us) {
                prop_assert_eq!(&said, group, "{} at {}", id, at_us);
            }
        }
        for id in self.tasks.keys() {
            if let Some(said) = self.asked(*id, self.now_us) {
                prop_assert_eq!(said, self.group(*id), "{} now", id);
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn unknown_and_never_wrong(
        room in 1..24_usize,
        acts in prop::collection::vec(any::<(u8, u8, u8)>(), 0..120),
    ) {
        let mut world = World::new(room);
        for (n, act) in acts.into_iter().enumerate() {
            world.act(act);
            if n % 7 == 0 {
                world.never_wrong()?;
            }
        }
        world.never_wrong()?;
    }

    #[test]
    fn where_nothing_was_lost_every_process_is_known(
        acts in prop::collection::vec((0..3_u8, any::<u8>(), 2..5_u8), 0..9),
    ) {
        let mut world = World::new(64);
        for act in acts {
            world.act(act);
        }
        world.drain();
        world.now_us += 1;
        for id in world.tasks.keys() {
            prop_assert!(world.asked(*id, world.now_us).is_some(), "{}", id);
        }
    }

    #[test]
    fn no_record_is_too_bad(
        events in prop::collection::vec(any::<(u64, u32, u32, u64)>(), 0..200),
        id in any::<u32>(),
        at in any::<u64>(),
    ) {
        let mut forks = Forks::new(0);
        for (at_us, maker, child, flags) in events {
            match flags % 4 {
                0 => forks.moved(at_us, child, None),
                1 => forks.lost_before(at_us / 2),
                _ => forks.born(at_us, maker % 8, child % 8, flags),
            }
        }
        let _ = forks.home(id % 8, at, &mut |id| vec![point(id, "/x", at / 2)]);
    }
}
