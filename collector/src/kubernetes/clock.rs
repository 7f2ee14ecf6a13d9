//! How far the API server's clock is from ours, by the `Date` of its answers.
//!
//! The header has whole seconds and was written some time between our asking and its arriving, so one answer says: the
//! difference lies in an interval a little over a second wide. All answers together narrow it. When one contradicts the
//! rest, a clock was set, and it counts alone.

use coroner_core::kubernetes::ClockDifference;
use jiff::{SignedDuration, Timestamp};

/// What one answer says of server minus collector: `date` was written between `sent` and `received`.
pub(super) fn by_answer(sent: Timestamp, received: Timestamp, date: Timestamp) -> ClockDifference {
    let low = date.duration_since(received);
    let high = date.duration_since(sent).saturating_add(SignedDuration::from_secs(1));
    // Our own clock may have been set back while we waited.
    ClockDifference { low: Some(low.min(high)), high: Some(high.max(low)) }
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
            by_answer(at(ms), at(ms + 10), at(date))
        };
        let mut all = answer(0);
        for ms in (0..40_000).step_by(1_037) {
            all = all.and(answer(ms)).unwrap();
            let truth = Some(SignedDuration::from_millis(250));
            assert!(all.low <= truth && all.high >= truth);
        }
        let (middle, uncertainty) = (all.middle().unwrap(), all.uncertainty().unwrap());
        assert!((middle.as_secs_f64() - 0.25).abs() <= uncertainty.as_secs_f64() + 1e-9);
        assert!(uncertainty < SignedDuration::from_millis(100), "{uncertainty:?}");
        let set = by_answer(at(30_000), at(30_010), at(90_000));
        assert_eq!(all.and(set), None);
        assert!((set.middle().unwrap().as_secs_f64() - 60.5).abs() < 0.1);
    }
}
