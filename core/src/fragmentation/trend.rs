//! How the index moved: one value a minute for an hour, so that an alarm can say where it came from.

use std::collections::VecDeque;

use crate::finding::EarlierIndex;

/// Seconds between two values that are kept.
const EVERY: u64 = 60;

/// Values kept.
const KEPT: usize = 60;

/// The index of the last hour.
#[derive(Clone, Debug, Default)]
pub struct Trend {
    values: VecDeque<(u64, u32)>,
}

impl Trend {
    /// Takes the index at `at`, in seconds of any clock that does not go back. What comes too soon is not kept.
    pub fn add(&mut self, at: u64, unusable_permille: u32) {
        if self.values.back().is_some_and(|(last, _)| at.saturating_sub(*last) < EVERY) {
            return;
        }
        if self.values.len() == KEPT {
            self.values.pop_front();
        }
        self.values.push_back((at, unusable_permille));
    }

    /// The oldest index that is known, if it is at least a minute old at `at`.
    #[must_use]
    pub fn earlier(&self, at: u64) -> Option<EarlierIndex> {
        let (then, unusable_permille) = *self.values.front()?;
        let seconds = at.checked_sub(then).filter(|seconds| *seconds >= EVERY)?;
        Some(EarlierIndex { seconds, unusable_permille })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_kept_at_one_value_a_minute() {
        let mut trend = Trend::default();
        assert_eq!(trend.earlier(0), None);
        for second in (0..7200).step_by(10) {
            trend.add(second, u32::try_from(second / 10).unwrap());
        }
        assert_eq!(trend.values.len(), KEPT);
        let earlier = trend.earlier(7200).unwrap();
        assert_eq!((earlier.seconds, earlier.unusable_permille), (3600, 360));
        assert_eq!(Trend::default().earlier(9), None);
    }

    #[test]
    fn a_clock_that_stands_still_adds_nothing() {
        let mut trend = Trend::default();
        trend.add(5, 1);
        trend.add(5, 2);
        trend.add(4, 3);
        assert_eq!(trend.values.len(), 1);
        assert_eq!(trend.earlier(5), None);
        assert_eq!(trend.earlier(3), None);
    }
}
