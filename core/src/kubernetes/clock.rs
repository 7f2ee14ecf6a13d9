//! How far one clock is from another.
//!
//! Nobody can read two clocks at once. But whatever was stamped by one clock before it was seen by another bounds the difference
//! from one side, and what was stamped after it from the other. All bounds together are an interval; when they contradict each
//! other a clock was set in between, and what is known begins anew.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// One clock minus another lies between these; `None` where that side is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockDifference {
    /// It is not less than this.
    pub low: Option<SignedDuration>,
    /// It is not more than this.
    pub high: Option<SignedDuration>,
}

impl ClockDifference {
    /// At least so much: the one clock said `one` before or when the other said `other`.
    #[must_use]
    pub fn at_least(one: Timestamp, other: Timestamp) -> Self {
        Self { low: Some(one.duration_since(other)), high: None }
    }

    /// At most so much: the one clock said `one` when or after the other said `other`.
    #[must_use]
    pub fn at_most(one: Timestamp, other: Timestamp) -> Self {
        Self { low: None, high: Some(one.duration_since(other)) }
    }

    /// What both say; `None` when they contradict each other.
    #[must_use]
    pub fn and(self, other: Self) -> Option<Self> {
        let both = Self {
            low: self.low.max(other.low),
            high: match (self.high, other.high) {
                (Some(one), Some(two)) => Some(one.min(two)),
                (one, two) => one.or(two),
            },
        };
        both.low.zip(both.high).is_none_or(|(low, high)| low <= high).then_some(both)
    }

    /// A minus C, of A minus B (this) and C minus B.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        let minus = |a: Option<SignedDuration>, b: Option<SignedDuration>| {
            a.zip(b).map(|(a, b)| a.saturating_sub(b))
        };
        Self { low: minus(self.low, other.high), high: minus(self.high, other.low) }
    }

    /// The middle, where both sides are known.
    #[must_use]
    pub fn middle(self) -> Option<SignedDuration> {
        let (low, high) = self.low.zip(self.high)?;
        Some(low.saturating_add(high.saturating_sub(low) / 2))
    }

    /// How far the truth may be from the middle, where both sides are known.
    #[must_use]
    pub fn uncertainty(self) -> Option<SignedDuration> {
        let (low, high) = self.low.zip(self.high)?;
        Some(high.saturating_sub(low) / 2)
    }

    /// What the one clock said, at the earliest and the latest, when the other said `other`.
    #[must_use]
    pub fn when(self, other: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
        let at = |by: Option<SignedDuration>| by.and_then(|by| other.checked_add(by).ok());
        (at(self.low), at(self.high))
    }
}

/// Differences of clocks that were measured, around the time of an incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    /// The API server's minus the collector's, by the dates of its answers.
    pub api: Option<ClockDifference>,
    /// The node's minus the collector's, by the times that its agent and the collector told each other.
    pub node: Option<ClockDifference>,
}

impl Clocks {
    /// The node's minus the API server's, as far as it was measured.
    #[must_use]
    pub fn node_to_api(self) -> Option<ClockDifference> {
        Some(self.node?.less(self.api?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    fn between(low: i64, high: i64) -> ClockDifference {
        ClockDifference { low: Some(s(low)), high: Some(s(high)) }
    }

    #[test]
    fn bounds_narrow_each_other_and_contradict_where_a_clock_was_set() {
        let at = |second: i64| Timestamp::from_second(1_763_684_400 + second).unwrap();
        let low = ClockDifference::at_least(at(300), at(2));
        let high = ClockDifference::at_most(at(303), at(1));
        assert_eq!(low.and(high), Some(between(298, 302)));
        assert_eq!(between(298, 302).and(between(300, 400)), Some(between(300, 302)));
        assert_eq!(between(298, 302).and(between(303, 400)), None);
        assert_eq!(low.middle(), None);
        assert_eq!(between(-2, 6).middle(), Some(s(2)));
        assert_eq!(between(-2, 6).uncertainty(), Some(s(4)));
    }

    #[test]
    fn two_differences_make_a_third() {
        // Node minus collector, API minus collector: node minus API.
        let clocks = Clocks { node: Some(between(299, 301)), api: Some(between(-1, 2)) };
        assert_eq!(clocks.node_to_api(), Some(between(297, 302)));
        let half = ClockDifference { high: None, ..between(5, 0) };
        assert_eq!(half.less(between(1, 2)), ClockDifference { low: Some(s(3)), high: None });
        assert_eq!(Clocks { node: None, ..clocks }.node_to_api(), None);
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let all =
            ClockDifference { low: Some(SignedDuration::MIN), high: Some(SignedDuration::MAX) };
        assert!(all.uncertainty().is_some() && all.middle().is_some());
        assert_eq!(all.when(Timestamp::MAX).1, None);
        let _ = all.less(all);
    }
}
