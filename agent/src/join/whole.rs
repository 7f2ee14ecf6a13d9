//! A group that was killed whole (`memory.oom.group`): one decision of the kernel, so one incident, whoever saw a part.
//!
//! The log names the group behind the first victim, the counters say which it was ([`Whole`]), the trace says nothing
//! of it: a mark belongs to a whole group where one of the others names a group that it is in. Its processes may be of
//! several containers. The first victim is counted, and printed, once more if it is not gone by then, so there can be
//! more counts than victims; each of them belongs to the incident, and none opens one beside it.

use coroner_core::counters::Whole;
use coroner_core::finding::FindingId;

use super::kill::{Kill, within};
use super::kills::Kills;

/// The kernel kills a whole group in one go; on a machine that has no time for its kernel that takes so long at most.
const IN_ONE_GO_US: u64 = 250_000;

impl Kill {
    /// Takes what a witness says of a whole group. A number says more than a name, and a name more than nothing.
    pub(super) fn learn(&mut self, whole: Whole) {
        let says = |whole: &Whole| match whole {
            Whole::Untold => 0,
            Whole::No => 1,
            Whole::Gone { .. } => 2,
            Whole::Group { nth: None, .. } => 3,
            Whole::Group { nth: Some(_), .. } => 4,
        };
        if says(&whole) > says(&self.whole) {
            self.whole = whole;
        }
    }

    /// The group that was killed whole with it.
    pub(super) fn whole_group(&self) -> Option<&str> {
        match &self.whole {
            Whole::Group { path, .. } => Some(path),
            Whole::No | Whole::Gone { .. } | Whole::Untold => None,
        }
    }

    /// Whether its victim was in `group` or below it, as far as is known.
    fn is_in(&self, group: &str) -> bool {
        match &self.group {
            Some(own) => within(own, group),
            None => self.whole_group() == Some(group),
        }
    }

    /// Which of all whole kills of its group it belongs to.
    fn nth(&self) -> Option<u64> {
        match &self.whole {
            Whole::Group { nth, .. } => *nth,
            Whole::No | Whole::Gone { .. } | Whole::Untold => None,
        }
    }

    /// Whether both can be of one whole kill, by its number or else by when they happened.
    fn in_one_go(&self, other: &Self) -> bool {
        match (self.nth(), other.nth()) {
            (Some(one), Some(another)) if self.whole_group() == other.whole_group() => {
                one == another
            }
            _ => {
                let span = other.span_us.map(|(from, to)| {
                    (from.saturating_sub(IN_ONE_GO_US), to.saturating_add(IN_ONE_GO_US))
                });
                self.is_at(span)
            }
        }
    }

    /// Whether a group that is gone by now was killed whole with both.
    fn went_together(&self, other: &Self) -> bool {
        let nested = |one: &str, another: &str| within(one, another) || within(another, one);
        matches!(self.whole, Whole::Gone { .. })
            && self.whole == other.whole
            && self.in_one_go(other)
            && self.group.as_deref().zip(other.group.as_deref()).is_some_and(|(a, b)| nested(a, b))
    }
}

impl Kills {
    /// The incident that a kill belongs to because a whole group was killed with it.
    pub(super) fn with_the_whole(&self, kill: &Kill) -> Option<FindingId> {
        let told = |teller: &&Kill| teller.whole_group().is_some_and(|group| kill.is_in(group));
        let mut told: Vec<&Kill> =
            self.kills.iter().filter(told).filter(|teller| kill.in_one_go(teller)).collect();
        if told.is_empty() && !matches!(kill.whole, Whole::Gone { .. }) {
            return None;
        }
        told.dedup_by(|one, another| one.whole == another.whole);
        let together = |other: &Kill| {
            kill.went_together(other)
                || told.iter().any(|teller| {
                    teller.whole_group().is_some_and(|group| other.is_in(group))
                        && teller.in_one_go(other)
                        && kill.in_one_go(other)
                })
        };
        let mut others = self.kills.iter().rev().filter(|other| other.anchor.is_some());
        others.find(|other| together(other)).and_then(|other| other.anchor.clone())
    }
}
