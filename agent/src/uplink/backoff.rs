//! How long to wait before trying again: full jitter, so that a restarted collector does not meet all agents at once.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// The first wait is at most this long.
const BASE: Duration = Duration::from_secs(1);

/// No wait is longer than this.
const CAP: Duration = Duration::from_secs(300);

/// On loopback there is no stampede to avoid, and a collector that starts beside the agent is there in a moment.
const LOOPBACK_FIRST: Duration = Duration::from_millis(50);

/// The tries so far.
#[derive(Debug)]
pub(crate) struct Backoff {
    failures: u32,
    loopback: bool,
}

impl Backoff {
    pub(crate) fn new(loopback: bool) -> Self {
        Self { failures: 0, loopback }
    }

    /// It worked: the next wait is a first one.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The longest that the next wait may be.
    fn ceiling(&self) -> Duration {
        // On loopback the doubling begins lower, so that the first few tries fall within a second.
        let base = if self.loopback { LOOPBACK_FIRST } else { BASE };
        base.saturating_mul(2u32.saturating_pow(self.failures)).min(CAP)
    }

    /// How long to wait before the next try.
    pub(crate) fn next(&mut self) -> Duration {
        let ceiling = self.ceiling();
        self.failures = self.failures.saturating_add(1).min(32);
        ceiling.mul_f64(fraction(random()))
    }
}

/// The standard library seeds its hash maps from the kernel's random numbers; that is random enough for a wait.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// From 0 to 1.
fn fraction(random: u64) -> f64 {
    // 32 bits are exact in an f64.
    let high = u32::try_from(random >> 32).unwrap_or(u32::MAX);
    f64::from(high) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_to_five_minutes_and_falls_back() {
        let mut backoff = Backoff::new(false);
        let mut ceilings = Vec::new();
        for _ in 0..12 {
            let ceiling = backoff.ceiling();
            assert!(backoff.next() <= ceiling);
            ceilings.push(ceiling.as_secs());
        }
        assert_eq!(ceilings, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        for _ in 0..100 {
            backoff.next();
        }
        assert_eq!(backoff.ceiling(), CAP);
        backoff.reset();
        assert_eq!(backoff.ceiling(), BASE);
    }

    #[test]
    fn loopback_tries_again_at_once() {
        assert_eq!(Backoff::new(true).ceiling(), LOOPBACK_FIRST);
    }

    #[test]
    fn waits_spread_over_the_whole_range() {
        assert!(fraction(0) == 0.0 && fraction(u64::MAX) == 1.0);
        let draws: Vec<f64> = (0..200).map(|_| fraction(random())).collect();
        assert!(draws.iter().any(|d| *d < 0.25) && draws.iter().any(|d| *d > 0.75));
    }
}
