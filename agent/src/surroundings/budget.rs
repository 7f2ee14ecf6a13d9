//! How many kills a second are looked at.
//!
//! A look costs about half a millisecond and a few kilobytes on the wire. A burst of twenty is an ordinary group kill; a
//! storm of thousands has one cause, which its first kills show as well as all of them.

use tokio::time::Instant;

/// Looks at once.
const BURST: u32 = 20;

/// Looks a second in the long run.
const PER_SECOND: u32 = 5;

/// A bucket of looks.
#[derive(Debug)]
pub(super) struct Budget {
    left: u32,
    filled: Instant,
}

impl Budget {
    pub(super) fn new(now: Instant) -> Self {
        Self { left: BURST, filled: now }
    }

    /// Whether one more look is allowed at `now`.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let millis = now.saturating_duration_since(self.filled).as_millis();
        let new = u32::try_from(millis * u128::from(PER_SECOND) / 1000).unwrap_or(BURST);
        if new > 0 {
            self.left = self.left.saturating_add(new).min(BURST);
            self.filled = now;
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_and_then_some_a_second() {
        let begin = Instant::now();
        let mut budget = Budget::new(begin);
        let at = |ms| begin + Duration::from_millis(ms);
        assert_eq!((0..100).filter(|_| budget.take(at(0))).count(), 20);
        assert_eq!((0..100).filter(|n| budget.take(at(10 * n))).count(), 4);
        assert_eq!((0..100).filter(|_| budget.take(at(100_000))).count(), 20);
        assert!(!budget.take(at(0)), "a clock that went back gives nothing");
    }
}
