//! The most that was held outside of pods, over a window of a week: the smallest reservation that would have been enough.
//!
//! One maximum an hour is kept. What an hour's maximum was before the agent started nobody knows, so the answer always
//! goes with the length of time that was watched.

use std::collections::VecDeque;

use crate::finding::MostOutside;

const HOUR: u64 = 3600;

/// Hours kept: a week.
const HOURS: usize = 7 * 24;

/// The maxima of the last week.
#[derive(Clone, Debug, Default)]
pub struct Most {
    since: Option<u64>,
    hours: VecDeque<(u64, u64)>,
}

impl Most {
    /// Takes what was held at `at`, in seconds of a clock that does not go back.
    pub fn add(&mut self, at: u64, bytes: u64) {
        self.since.get_or_insert(at);
        let hour = at / HOUR;
        match self.hours.back_mut() {
            Some((last, most)) if *last >= hour => *most = (*most).max(bytes),
            _ => {
                if self.hours.len() == HOURS {
                    self.hours.pop_front();
                    self.since = self.hours.front().map(|(hour, _)| hour.saturating_mul(HOUR));
                }
                self.hours.push_back((hour, bytes));
            }
        }
    }

    /// The most, and how long was watched, as of `at`.
    #[must_use]
    pub fn at(&self, at: u64) -> Option<MostOutside> {
        let bytes = self.hours.iter().map(|(_, most)| *most).max()?;
        Some(MostOutside { bytes, seconds: at.saturating_sub(self.since?) })
    }
}
