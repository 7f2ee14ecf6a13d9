//! How long to wait before asking again: full jitter, so that all collectors of a region do not meet a server that comes
//! back at once.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// The failures in a row so far.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    first: Duration,
    longest: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self { failures: 0, first, longest }
    }

    /// It worked.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// How many failures in a row there were.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// How long to wait after one more failure.
    pub(super) fn next(&mut self) -> Duration {
        let ceiling = self.first.saturating_mul(2_u32.saturating_pow(self.failures));
        self.failures = self.failures.saturating_add(1).min(32);
        jitter(ceiling.min(self.longest))
    }
}

/// Some time up to `ceiling`, and a tenth of it at least.
pub(super) fn jitter(ceiling: Duration) -> Duration {
    // The standard library seeds its hash maps from the kernel's random numbers; 32 bits are exact in an f64.
    let random = RandomState::new().build_hasher().finish() >> 32;
    let share = f64::from(u32::try_from(random).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
    ceiling.mul_f64(0.1 + 0.9 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_fall_back() {
        let (first, longest) = (Duration::from_millis(500), Duration::from_secs(30));
        let mut backoff = Backoff::new(first, longest);
        for ceiling in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            let ceiling = Duration::from_millis(ceiling);
            let wait = backoff.next();
            assert!(wait >= ceiling / 11 && wait <= ceiling, "{wait:?} of {ceiling:?}");
        }
        for _ in 0..100 {
            assert!(backoff.next() <= longest);
        }
        backoff.reset();
        assert!(backoff.next() <= first);
    }
}
