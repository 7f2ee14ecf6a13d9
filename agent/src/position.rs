//! How far the log is done with: read, reported and acknowledged.
//!
//! The kernel keeps its log in a ring and hands it out again from the oldest record to every new reader, so an agent
//! needs no spool for it: it remembers what was acknowledged, and after a restart reads again what was not. Raw
//! records are counted by number; `syslog(2)` gives none, there the kernel's stamp stands in.

use std::collections::BTreeMap;

use coroner_core::finding::FindingId;
use coroner_core::kernel;
use serde::{Deserialize, Serialize};

/// A place in the log. Ordered by number where there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Number of the record.
    pub seq: Option<u64>,
    /// The kernel's stamp in microseconds since boot.
    pub monotonic_us: Option<u64>,
}

impl Mark {
    /// The place of an event.
    pub(crate) fn of(position: &kernel::Position) -> Self {
        Self { seq: position.seq, monotonic_us: position.monotonic_us }
    }

    /// The last place before this one; `None` where nothing can be before it.
    fn before(self) -> Option<Self> {
        let less = |n: Option<u64>| n.map(|n| n.checked_sub(1));
        match (less(self.seq), less(self.monotonic_us)) {
            (Some(None), _) | (None, Some(None) | None) => None,
            (seq, us) => Some(Self { seq: seq.flatten(), monotonic_us: us.flatten() }),
        }
    }

    /// Whether `other` stands at or before this place. Numbers decide where both have one.
    pub(crate) fn covers(self, other: Self) -> bool {
        match (self.seq, other.seq) {
            (Some(done), Some(seq)) => seq <= done,
            _ => {
                matches!((self.monotonic_us, other.monotonic_us), (Some(done), Some(us)) if us <= done)
            }
        }
    }
}

/// What is remembered of the log of one boot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Which boot's log.
    pub boot_id: String,
    /// Everything up to here, and here, is acknowledged.
    pub through: Option<Mark>,
    /// Findings acknowledged beyond that, because something before them is still open.
    pub ahead: BTreeMap<FindingId, Mark>,
}

/// Follows what is read, outstanding and acknowledged, and derives how far everything is done.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    position: Position,
    /// Read to here with no report open.
    read: Option<Mark>,
    /// Places that something outstanding belongs to, and how many.
    holds: BTreeMap<Mark, usize>,
}

/// More findings than this are not remembered singly: the collector recognises those sent again.
const AHEAD_MAX: usize = 4096;

impl Progress {
    /// Goes on from where an earlier run of this boot was.
    pub(crate) fn resume(position: Position) -> Self {
        Self { read: position.through, position, holds: BTreeMap::new() }
    }

    /// Everything up to `mark` was read, and whatever it gave was handed out.
    pub(crate) fn read(&mut self, mark: Mark) {
        if self.read.is_none_or(|read| read < mark) {
            self.read = Some(mark);
        }
        self.advance();
    }

    /// Something that belongs to `mark` is outstanding.
    pub(crate) fn hold(&mut self, mark: Mark) {
        *self.holds.entry(mark).or_default() += 1;
    }

    /// It is no longer. `id` names the finding that was acknowledged, if it was.
    pub(crate) fn release(&mut self, mark: Mark, id: Option<FindingId>) {
        if let Some(count) = self.holds.get_mut(&mark) {
            *count -= 1;
            if *count == 0 {
                self.holds.remove(&mark);
            }
        }
        if let Some(id) = id
            && self.position.ahead.len() < AHEAD_MAX
        {
            self.position.ahead.insert(id, mark);
        }
        self.advance();
    }

    /// How far everything is done.
    pub(crate) fn position(&self) -> &Position {
        &self.position
    }

    fn advance(&mut self) {
        let held = self.holds.first_key_value().map(|(mark, _)| mark.before());
        let through = match (self.read, held) {
            (_, Some(None)) | (None, _) => return,
            (Some(read), None) => read,
            (Some(read), Some(Some(held))) => read.min(held),
        };
        if self.position.through.is_none_or(|old| old < through) {
            self.position.through = Some(through);
        }
        if let Some(done) = self.position.through {
            self.position.ahead.retain(|_, mark| !done.covers(*mark));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seq: u64) -> Mark {
        Mark { seq: Some(seq), monotonic_us: Some(seq * 10) }
    }

    fn through(progress: &Progress) -> Option<u64> {
        progress.position().through.and_then(|m| m.seq)
    }

    #[test]
    fn plain_records_need_nobody_to_acknowledge_them() {
        let mut progress = Progress::default();
        assert_eq!(through(&progress), None);
        progress.read(at(7));
        assert_eq!(through(&progress), Some(7));
        progress.read(at(3));
        assert_eq!(through(&progress), Some(7), "it never goes back");
    }

    #[test]
    fn what_is_outstanding_keeps_it_back_and_what_came_after_is_remembered() {
        let mut progress = Progress::default();
        progress.read(at(5));
        progress.hold(at(10));
        progress.hold(at(12));
        progress.read(at(20));
        assert_eq!(through(&progress), Some(9));
        progress.release(at(12), Some(FindingId("b".into())));
        assert_eq!(through(&progress), Some(9));
        assert!(progress.position().ahead.contains_key(&FindingId("b".into())));
        progress.release(at(10), Some(FindingId("a".into())));
        assert_eq!(through(&progress), Some(20));
        assert!(progress.position().ahead.is_empty());
    }

    #[test]
    fn an_open_report_straddles_the_position() {
        // The report opened at 10 and its first victim was acknowledged, but it is still open: `read` stays at 9.
        let mut progress = Progress::default();
        progress.read(at(9));
        progress.hold(at(10));
        progress.release(at(10), Some(FindingId("first".into())));
        assert_eq!(through(&progress), Some(9));
        let saved = progress.position().clone();
        let mut again = Progress::resume(saved);
        assert!(again.position().ahead.contains_key(&FindingId("first".into())));
        again.read(at(30));
        assert_eq!(through(&again), Some(30));
        assert!(again.position().ahead.is_empty());
    }

    #[test]
    fn two_facts_of_one_record_both_count() {
        let mut progress = Progress::default();
        progress.hold(at(4));
        progress.hold(at(4));
        progress.read(at(6));
        progress.release(at(4), None);
        assert_eq!(through(&progress), Some(3));
        progress.release(at(4), None);
        assert_eq!(through(&progress), Some(6));
    }

    #[test]
    fn the_first_record_of_a_boot_has_nothing_before_it() {
        let mut progress = Progress::default();
        progress.hold(at(0));
        progress.read(at(6));
        assert_eq!(through(&progress), None);
        progress.release(at(0), None);
        assert_eq!(through(&progress), Some(6));
    }

    #[test]
    fn stamps_stand_in_for_numbers_when_either_side_has_none() {
        let stamp = |us| Mark { seq: None, monotonic_us: Some(us) };
        assert!(at(5).covers(stamp(50)));
        assert!(!at(5).covers(stamp(51)));
        assert!(stamp(50).covers(at(5)));
        assert!(at(5).covers(Mark { seq: Some(5), monotonic_us: Some(99) }));
        assert!(!Mark::default().covers(stamp(0)));
    }
}
