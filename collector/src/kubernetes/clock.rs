//! How far the API server's clock is from ours, by the `Date` of its answers.
//!
//! The header has whole seconds and was written some time between our asking and its arriving, so one answer says: the
//! difference lies in an interval a little over a second wide. All answers together narrow it. When one contradicts the
//! rest, a clock was set, and it counts alone.

use jiff::{SignedDuration, Timestamp};

/// What is known of the difference: server minus collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    low: SignedDuration,
    high: SignedDuration,
}

impl Difference {
    /// What one answer says: `date` was written between `sent` and `received`.
    pub(super) fn of(sent: Timestamp, received: Timestamp, date: Timestamp) -> Self {
        let low = date.duration_since(received);
        let high = date.duration_since(sent).saturating_add(SignedDuration::from_secs(1));
        // Our own clock may have been set back while we waited.
        Self { low: low.min(high), high: high.max(low) }
    }

    /// What both say.
    pub(super) fn and(self, newer: Self) -> Self {
        let both = Self { low: self.low.max(newer.low), high: self.high.min(newer.high) };
        if both.low <= both.high { both } else { newer }
    }

    /// The middle, in seconds.
    pub(super) fn middle(self) -> f64 {
        (self.low.as_secs_f64() + self.high.as_secs_f64()) / 2.0
    }

    /// How far the truth may be from the middle, in seconds.
    pub(super) fn uncertainty(self) -> f64 {
        (self.high.as_secs_f64() - self.low.as_secs_f64()) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
    }

    #[test]
    fn answers_narrow_the_difference_and_a_set_clock_begins_anew() {
        // The server is 250 ms ahead; an answer takes 10 ms, and its Date is cut to the second.
        let answer = |ms: i64| {
            let date = (ms + 5 + 250).div_euclid(1000) * 1000;
            Difference::of(at(ms), at(ms + 10), at(date))
        };
        let mut all = answer(0);
        for ms in (0..40_000).step_by(1_037) {
            all = all.and(answer(ms));
            assert!(all.low <= SignedDuration::from_millis(250));
            assert!(all.high >= SignedDuration::from_millis(250));
        }
        assert!((all.middle() - 0.25).abs() <= all.uncertainty() + 1e-9);
        assert!(all.uncertainty() < 0.1, "{}", all.uncertainty());
        let set = Difference::of(at(30_000), at(30_010), at(90_000));
        assert_eq!(all.and(set), set);
        assert!((set.middle() - 60.5).abs() < 0.1);
    }
}
