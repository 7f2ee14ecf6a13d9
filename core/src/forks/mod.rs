//! Forks: which group a process was born into, from a record of births and moves.
//!
//! A process begins in the group of whoever made it and stays there until somebody moves it (cgroups(7)): so whose a
//! process was can be told when it is long gone, if its birth was recorded and its maker's group is known. What the
//! kernel promises: `task:task_newtask` tells of every new task, thread or process, before it runs, with the flags of
//! clone(2), and comes from the task that made it; `cgroup:cgroup_attach_task` tells of every move of a process. A
//! process made with `CLONE_INTO_CGROUP` (5.7) begins elsewhere, and no event says where.
//!
//! The record has no beginning, and the kernel overwrites it when nobody reads. From a time on it is whole, though
//! ([`Forks::whole_since_us`]), and only that part is believed: an id that was used again in it shows there. What it
//! does not tell is `None`, and never a guess.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

/// Births and moves that are kept: forty bytes each.
pub const EVENTS_MAX: usize = 8192;

/// Makers of makers that are looked at.
const HOPS_MAX: usize = 64;

/// The kernel puts a child into its group a moment before it traces the birth, so of a maker that was moved so shortly
/// before it is not known which came first, in microseconds.
const AT_ONCE_US: u64 = 20_000;

/// `CLONE_THREAD` (include/uapi/linux/sched.h).
const CLONE_THREAD: u64 = 0x1_0000;

/// `CLONE_INTO_CGROUP`.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// A process that somebody saw in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The process, where a thread's id was asked for.
    pub process: u32,
    /// The group: hostile text.
    pub group: Arc<str>,
    /// It was there at some time from here, in microseconds of the record's clock ...
    pub from_us: u64,
    /// ... to here.
    pub to_us: u64,
    /// It had begun by then and was the same process until `to_us`, where that is known.
    pub began_by_us: Option<u64>,
}

#[derive(Debug)]
struct Event {
    at_us: u64,
    id: u32,
    what: What,
}

#[derive(Debug)]
enum What {
    Born {
        of: u32,
        thread: bool,
    },
    /// In another group than its maker's.
    BornElsewhere,
    /// Where to; `None` where that cannot be read for sure.
    Moved(Option<Arc<str>>),
}

/// The record.
#[derive(Debug)]
pub struct Forks {
    /// In the order in which they happened.
    events: VecDeque<Event>,
    whole_since_us: u64,
}

impl Forks {
    /// An empty record that is whole from a time on, in microseconds of its clock.
    #[must_use]
    pub fn new(whole_since_us: u64) -> Self {
        Self { events: VecDeque::new(), whole_since_us }
    }

    /// From here on every birth and every move is in it.
    #[must_use]
    pub fn whole_since_us(&self) -> u64 {
        self.whole_since_us
    }

    /// Task `maker` made task `child`, with these flags of clone(2).
    pub fn born(&mut self, at_us: u64, maker: u32, child: u32, flags: u64) {
        let what = if flags & CLONE_INTO_CGROUP == 0 {
            What::Born { of: maker, thread: flags & CLONE_THREAD != 0 }
        } else {
            What::BornElsewhere
        };
        self.push(Event { at_us, id: child, what });
    }

    /// Process `id` was moved to `group`; `None` where it is not known where to, or whether it was this one.
    pub fn moved(&mut self, at_us: u64, id: u32, group: Option<&str>) {
        self.push(Event { at_us, id, what: What::Moved(group.map(Into::into)) });
    }

    /// Events before this time may have been lost.
    pub fn lost_before(&mut self, at_us: u64) {
        self.whole_since_us = self.whole_since_us.max(at_us);
        while self.events.front().is_some_and(|event| event.at_us < self.whole_since_us) {
            self.events.pop_front();
        }
    }

    fn push(&mut self, event: Event) {
        if event.at_us < self.whole_since_us {
            return;
        }
        if self.events.len() >= EVENTS_MAX
            && let Some(oldest_us) = self.events.front().map(|oldest| oldest.at_us)
        {
            self.lost_before(oldest_us.saturating_add(1));
        }
        // Processors are read one after the other, so an event may come a little late.
        let later = self.events.iter().rev().take_while(|other| other.at_us > event.at_us).count();
        self.events.insert(self.events.len() - later, event);
    }

    /// When the task that had this id at `at_us` began, if the record knows.
    #[must_use]
    pub fn began_us(&self, id: u32, at_us: u64) -> Option<u64> {
        self.birth(id, at_us).map(|event| event.at_us)
    }

    /// The group of the task that had this id at `at_us`, while it lived. `seen` gives what is known of a task from
    /// elsewhere.
    pub fn home(
        &self,
        id: u32,
        at_us: u64,
        seen: &mut dyn FnMut(u32) -> Vec<Sighting>,
    ) -> Option<Arc<str>> {
        // The task that had `id` when `lived_us`, and its group at `until_us`.
        let (mut id, mut lived_us, mut until_us) = (id, at_us, at_us);
        let mut moved: Option<&Event> = None;
        for _ in 0..HOPS_MAX {
            if until_us < self.whole_since_us || lived_us < self.whole_since_us {
                return None;
            }
            let birth = self.birth(id, lived_us);
            let from_us = birth.map_or(self.whole_since_us, |birth| birth.at_us);
            // The id may be another task's since then.
            let next = self.births(id).find(|event| event.at_us > lived_us);
            let to_us = next.map_or(until_us, |next| until_us.min(next.at_us.saturating_sub(1)));
            // Of a process's tasks whichever was moved last moved them all.
            moved = moved
                .into_iter()
                .chain(self.moves(id, from_us, to_us).last())
                .max_by_key(|event| event.at_us);
            let of = match birth.map(|birth| &birth.what) {
                Some(What::Born { of, thread: true }) => {
                    (id, lived_us) = (*of, from_us);
                    continue;
                }
                Some(What::Born { of, thread: false }) => Some(*of),
                _ => None,
            };
            if let Some(event) = moved {
                if until_us != at_us && event.at_us.saturating_add(AT_ONCE_US) >= until_us {
                    return None;
                }
                let What::Moved(group) = &event.what else { return None };
                return group.clone();
            }
            let sighting =
                seen(id).into_iter().find(|sighting| self.holds(sighting, id, lived_us, until_us));
            if let Some(sighting) = sighting {
                return Some(sighting.group);
            }
            (id, lived_us, until_us) = (of?, from_us, from_us);
        }
        None
    }

    /// Whether a sighting tells where the task was at `until_us` that had this id when `lived_us`.
    fn holds(&self, sighting: &Sighting, id: u32, lived_us: u64, until_us: u64) -> bool {
        let Sighting { from_us, to_us, .. } = *sighting;
        let span = |at_us: u64| (from_us.min(at_us), to_us.max(at_us));
        let proven =
            sighting.began_by_us.is_some_and(|began| began <= lived_us) && lived_us <= to_us;
        let (from, to) = span(lived_us);
        let same = proven
            || from >= self.whole_since_us
                && self.births(id).all(|birth| birth.at_us <= from || birth.at_us > to);
        let (from, to) = span(until_us);
        let stayed = |id| {
            self.events
                .iter()
                .filter(|event| event.id == id && matches!(event.what, What::Moved(_)))
                .all(|event| event.at_us < from || event.at_us > to)
        };
        same && from >= self.whole_since_us && stayed(id) && stayed(sighting.process)
    }

    fn births(&self, id: u32) -> impl DoubleEndedIterator<Item = &Event> {
        self.events
            .iter()
            .filter(move |event| event.id == id && !matches!(event.what, What::Moved(_)))
    }

    fn birth(&self, id: u32, at_us: u64) -> Option<&Event> {
        self.births(id).rev().find(|event| event.at_us <= at_us)
    }

    fn moves(&self, id: u32, from_us: u64, to_us: u64) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| {
            event.id == id
                && matches!(event.what, What::Moved(_))
                && from_us <= event.at_us
                && event.at_us <= to_us
        })
    }
}
