//! From the kernel log's own stamps to wall-clock time.
//!
//! The kernel stamps records with `local_clock()` (Documentation/ABI/testing/dev-kmsg: "monotonic"), which stops in
//! suspend like `CLOCK_MONOTONIC`, is not disciplined by NTP, and was measured 2 to 25 ms ahead of it. So a record
//! that arrives while we wait is bounded by when we began to wait and by now; an older one gets an uncertainty that
//! grows with what can have gone wrong since boot. No clock is ever used to tell facts apart, only to order them.

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// How far the log's clock was measured to run ahead of `CLOCK_MONOTONIC`, in microseconds.
const LEAD_US: u64 = 25_000;

/// The fastest that Linux lets NTP slew the clock (`adjtimex(2)`: 500 ppm), as one part in so many.
const SLEW: u64 = 2_000;

/// One reading of the clocks, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    /// Wall clock since the epoch.
    pub realtime_us: i64,
    /// Since boot, without suspend.
    pub monotonic_us: u64,
    /// Since boot, with suspend.
    pub boottime_us: u64,
}

/// A moment on the wall clock and how far it may be off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub time: Timestamp,
    pub uncertainty_us: Option<u64>,
}

impl Clocks {
    /// Reads the clocks.
    pub(crate) fn now() -> Self {
        let real = clock_gettime(ClockId::Realtime);
        Self {
            realtime_us: real.tv_sec.saturating_mul(1_000_000).saturating_add(real.tv_nsec / 1000),
            monotonic_us: monotonic_us(),
            boottime_us: micros(ClockId::Boottime),
        }
    }

    /// The wall-clock time of this reading.
    pub(crate) fn timestamp(&self) -> Timestamp {
        Timestamp::from_microsecond(self.realtime_us).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// When a record with the given stamp was written, never later than now.
    ///
    /// `waiting_since_us` is when the log was last seen empty, on `CLOCK_MONOTONIC`: a record that came later cannot
    /// be older. `None` for records that were there before the agent was.
    pub(crate) fn of_record(&self, stamp_us: u64, waiting_since_us: Option<u64>) -> Moment {
        let now = self.monotonic_us;
        let (at, uncertainty) = match waiting_since_us {
            Some(since) => {
                let since = since.min(now);
                let at = stamp_us.clamp(since, now);
                let window = (at - since).max(now - at);
                let plausible = stamp_us >= since && stamp_us <= now + LEAD_US;
                (at, if plausible { window.min(LEAD_US) } else { window })
            }
            None => {
                let suspended = self.boottime_us.saturating_sub(now);
                (stamp_us.min(now), LEAD_US + suspended + now / SLEW)
            }
        };
        let ago = i64::try_from(now - at).unwrap_or(i64::MAX);
        let time = Timestamp::from_microsecond(self.realtime_us.saturating_sub(ago))
            .unwrap_or(Timestamp::UNIX_EPOCH);
        Moment { time, uncertainty_us: Some(uncertainty) }
    }

    /// The wall-clock time of a moment on `CLOCK_MONOTONIC`, never later than now.
    pub(crate) fn of_monotonic(&self, at_us: u64) -> Timestamp {
        let ago = i64::try_from(self.age_us(at_us)).unwrap_or(i64::MAX);
        Timestamp::from_microsecond(self.realtime_us.saturating_sub(ago))
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// How long ago a record with the given stamp was written, in microseconds.
    pub(crate) fn age_us(&self, stamp_us: u64) -> u64 {
        self.monotonic_us.saturating_sub(stamp_us)
    }
}

/// `CLOCK_MONOTONIC` in microseconds.
pub(crate) fn monotonic_us() -> u64 {
    micros(ClockId::Monotonic)
}

fn micros(clock: ClockId) -> u64 {
    let t = clock_gettime(clock);
    let us = t.tv_sec.saturating_mul(1_000_000).saturating_add(t.tv_nsec / 1000);
    u64::try_from(us).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const NOW: Clocks =
        Clocks { realtime_us: 1_000_000_000, monotonic_us: 10_000_000, boottime_us: 10_000_000 };

    #[rstest]
    // A stamp between the beginning of the wait and now is believed, to the lead of the log's clock.
    #[case::within(9_990_000, Some(9_900_000), 999_990_000, 25_000)]
    // A narrow wait bounds it more tightly.
    #[case::narrow(9_999_500, Some(9_999_000), 999_999_500, 500)]
    // The log's clock runs ahead: never later than now.
    #[case::ahead(10_020_000, Some(9_999_000), 1_000_000_000, 1_000)]
    // Far off: only the wait counts.
    #[case::far_ahead(17_000_000, Some(9_000_000), 1_000_000_000, 1_000_000)]
    #[case::far_behind(1_000_000, Some(9_000_000), 999_000_000, 1_000_000)]
    // Written before we looked: lead, plus 500 ppm of the uptime.
    #[case::old(4_000_000, None, 994_000_000, 30_000)]
    #[case::old_ahead(10_002_000, None, 1_000_000_000, 30_000)]
    fn stamps_become_wall_clock_times(
        #[case] stamp: u64,
        #[case] since: Option<u64>,
        #[case] real_us: i64,
        #[case] uncertainty: u64,
    ) {
        let moment = NOW.of_record(stamp, since);
        assert_eq!(moment.time.as_microsecond(), real_us);
        assert_eq!(moment.uncertainty_us, Some(uncertainty));
    }

    #[test]
    fn suspend_makes_old_stamps_uncertain_by_its_whole_length() {
        let slept = Clocks { boottime_us: 70_000_000, ..NOW };
        assert_eq!(slept.of_record(1, None).uncertainty_us, Some(25_000 + 60_000_000 + 5_000));
    }

    #[test]
    fn the_clocks_of_this_machine_agree_with_themselves() {
        let (a, b) = (Clocks::now(), Clocks::now());
        assert!(b.monotonic_us >= a.monotonic_us);
        assert!(a.boottime_us >= a.monotonic_us);
        assert!(a.timestamp() > "2020-01-01T00:00:00Z".parse().unwrap());
    }
}
