//! The last readings of `total`, so that a kill can be told what stalled in the minute before it.

use std::collections::VecDeque;

use crate::finding::{ResourcePressure, StallBefore};

/// Readings kept: with one in 20 s, two minutes.
const KEPT: usize = 6;

/// What a minute before means, in microseconds.
const MINUTE: u64 = 60_000_000;

/// Readings of one pressure file.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    readings: VecDeque<(u64, Option<u64>, Option<u64>)>,
}

impl Ring {
    /// Takes a reading made at `at_us`, in microseconds of a clock that does not go back.
    pub fn add(&mut self, at_us: u64, read: &ResourcePressure) {
        if self.readings.len() == KEPT {
            self.readings.pop_front();
        }
        let total = |stall: Option<crate::finding::Stall>| stall.map(|stall| stall.total_us);
        self.readings.push_back((at_us, total(read.some), total(read.full)));
    }

    /// What was lost between `now`, read at `at_us`, and the latest reading that is a minute old; where all are
    /// younger, the oldest. The window says how long that was. `None` without an earlier reading.
    #[must_use]
    pub fn before(&self, at_us: u64, now: &ResourcePressure) -> Option<StallBefore> {
        let old = |at: u64| at_us.saturating_sub(at) >= MINUTE;
        let then =
            self.readings.iter().rev().find(|(at, ..)| old(*at)).or(self.readings.front())?;
        let window_us = at_us.checked_sub(then.0).filter(|window| *window > 0)?;
        let lost = |now: Option<crate::finding::Stall>, then: Option<u64>| {
            now?.total_us.checked_sub(then?)
        };
        Some(StallBefore {
            window_us,
            some_us: lost(now.some, then.1),
            full_us: lost(now.full, then.2),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Stall;

    fn reading(some: u64) -> ResourcePressure {
        let stall = Stall { total_us: some, ..Stall::default() };
        ResourcePressure { some: Some(stall), full: None, before: None }
    }

    #[test]
    fn the_minute_before_or_what_is_known_of_it() {
        let mut ring = Ring::default();
        assert_eq!(ring.before(5, &reading(9)), None);
        for n in 0..10 {
            ring.add(n * 20_000_000, &reading(n * 1000));
        }
        let before = ring.before(185_000_000, &reading(20_000)).unwrap();
        // The reading of 120 s is 65 s old; that of 140 s would be too young.
        assert_eq!(
            before,
            StallBefore { window_us: 65_000_000, some_us: Some(14_000), full_us: None }
        );
        let mut young = Ring::default();
        young.add(1_000_000, &reading(5));
        assert_eq!(
            young.before(3_000_000, &reading(8)).map(|b| (b.window_us, b.some_us)),
            Some((2_000_000, Some(3)))
        );
        assert_eq!(young.before(1_000_000, &reading(8)), None, "no time has passed");
        assert_eq!(
            young.before(3_000_000, &reading(1)).and_then(|b| b.some_us),
            None,
            "a counter that went back"
        );
    }
}
