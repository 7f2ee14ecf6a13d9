//! When `syslog(2)` is read: it has no event to wait for.
//!
//! The signal trace and the groups' counters see a kill by the OOM killer at once, but the kernel prints its line a
//! moment after it marks the victim (`__oom_kill_process`), and a slow console holds it up. So when one was seen, the
//! ring is read a little later, and once more. Without such a word it is read every second, or, while one of them
//! watches, every five. A read copies the whole ring; in a storm it takes a tenth of the time at most.

use std::time::{Duration, Instant};

/// After a kill was seen: time enough for its line, and for one that was late.
const SOON: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(150)];

/// While nobody else watches.
const ALONE: Duration = Duration::from_secs(1);

/// While another source does.
const ACCOMPANIED: Duration = Duration::from_secs(5);

/// So many times longer than a read took is waited for the next.
const REST: u32 = 9;

/// Knows when to read next.
#[derive(Debug)]
pub(super) struct Pace {
    read: Instant,
    /// Not before this.
    rested: Instant,
    /// Reads that a kill asked for, the nearest last.
    asked: Vec<Instant>,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { read: now, rested: now, asked: Vec::new() }
    }

    /// A kill was seen that the log should tell of.
    pub(super) fn wanted(&mut self, now: Instant) {
        // Those of the last kill are not put off by the next.
        let nearest = self.asked.last().copied();
        self.asked = SOON.iter().rev().map(|after| now + *after).collect();
        if let (Some(nearest), Some(last)) = (nearest, self.asked.last_mut()) {
            *last = nearest.min(*last);
        }
    }

    /// The ring was read.
    pub(super) fn read(&mut self, begun: Instant, ended: Instant) {
        self.read = ended;
        self.rested = ended + ended.saturating_duration_since(begun) * REST;
        while self.asked.last().is_some_and(|at| *at <= begun) {
            self.asked.pop();
        }
    }

    /// When to read next; `accompanied` while another source tells of kills.
    pub(super) fn next(&self, accompanied: bool) -> Instant {
        let slow = self.read + if accompanied { ACCOMPANIED } else { ALONE };
        self.asked.last().map_or(slow, |at| slow.min(*at)).max(self.rested)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn slow_until_a_kill_is_seen_and_then_twice() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!((pace.next(false), pace.next(true)), (start + MS * 1000, start + MS * 5000));
        let seen = start + MS * 200;
        pace.wanted(seen);
        assert_eq!(pace.next(true), seen + MS * 10);
        pace.wanted(seen + MS * 5);
        assert_eq!(pace.next(true), seen + MS * 10, "the next kill does not put it off");
        pace.read(seen + MS * 10, seen + MS * 11);
        assert_eq!(pace.next(true), seen + MS * 155);
        pace.read(seen + MS * 155, seen + MS * 156);
        assert_eq!(pace.next(true), seen + MS * 5156);
    }

    #[test]
    fn a_large_ring_is_given_a_rest() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.wanted(start);
        pace.read(start + MS * 10, start + MS * 50);
        pace.wanted(start + MS * 51);
        assert_eq!(pace.next(true), start + MS * 50 + MS * 40 * 9);
    }
}
