//! The alarms over samples of headroom: each concern has two thresholds of its own.

use crate::finding::{Concern, GroupUse, Reservation};
use crate::hysteresis::{self, Hysteresis, Level};
use crate::kernel::Limit;

/// Samples in a row that raise a concern.
const RAISE_AFTER: u32 = 2;

/// Samples in a row that clear it.
const CLEAR_AFTER: u32 = 3;

/// Whether samples changed what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Something new is wrong.
    Raised,
    /// Something is no longer wrong.
    Cleared,
}

/// The alarms.
#[derive(Clone, Debug)]
pub struct Alarms {
    near: Hysteresis,
    over: Hysteresis,
    no_limit: Hysteresis,
    overcommitted: Hysteresis,
}

impl Default for Alarms {
    fn default() -> Self {
        let alarm = Hysteresis::new(RAISE_AFTER, CLEAR_AFTER);
        // A missing limit is a setting, no measurement.
        Self { near: alarm, over: alarm, no_limit: Hysteresis::new(1, 1), overcommitted: alarm }
    }
}

impl Alarms {
    /// Takes a sample. Where both happen at once, what is new counts.
    pub fn sample(
        &mut self,
        capacity: Option<u64>,
        pods: Option<&GroupUse>,
        reservation: &Reservation,
        outside: Option<u64>,
    ) -> Option<Change> {
        let part = |of: Option<u64>, high: u64, low: u64| match (outside, of) {
            (Some(used), Some(of)) => level(used, percent(of, high), percent(of, low)),
            _ => Level::Between,
        };
        let reserved = reservation.bytes();
        // Without the kubelet's own numbers it is the same question as the one before.
        let shared = reservation.enforced.filter(|_| reservation.is_declared());
        let steps = [
            self.near.step(part(reserved, 90, 85)),
            self.over.step(part(reserved, 100, 95)),
            self.overcommitted.step(part(shared, 100, 95)),
            self.no_limit.step(limitless(capacity, pods)),
        ];
        if steps.contains(&Some(hysteresis::Change::Raised)) {
            Some(Change::Raised)
        } else {
            steps.iter().any(Option::is_some).then_some(Change::Cleared)
        }
    }

    /// What is wrong, the worst first.
    #[must_use]
    pub fn concerns(&self) -> Vec<Concern> {
        let over = self.over.is_raised();
        [
            (over, Concern::OverReservation),
            (self.overcommitted.is_raised(), Concern::Overcommitted),
            (self.near.is_raised() && !over, Concern::NearReservation),
            (self.no_limit.is_raised(), Concern::NoPodsLimit),
        ]
        .into_iter()
        .filter_map(|(raised, concern)| raised.then_some(concern))
        .collect()
    }
}

fn level(used: u64, high: u64, low: u64) -> Level {
    if used > high {
        Level::High
    } else if used < low {
        Level::Low
    } else {
        Level::Between
    }
}

/// Whether nothing keeps the pods from taking all there is.
fn limitless(capacity: Option<u64>, pods: Option<&GroupUse>) -> Level {
    match (pods.and_then(|pods| pods.limit), capacity) {
        (Some(Limit::Unlimited), _) => Level::High,
        (Some(Limit::Bytes(limit)), Some(capacity)) if limit >= capacity => Level::High,
        (Some(Limit::Bytes(_)), Some(_)) => Level::Low,
        _ => Level::Between,
    }
}

fn percent(bytes: u64, percent: u64) -> u64 {
    u64::try_from(u128::from(bytes) * u128::from(percent) / 100).unwrap_or(u64::MAX)
}
