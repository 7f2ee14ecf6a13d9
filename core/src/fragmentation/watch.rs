//! The alarm over samples of free blocks.

use super::{Judgement, Trend};
use crate::finding::BlockShortage;
use crate::hysteresis::{Change, Hysteresis};

/// Samples in a row that raise it: one may be a moment between freeing and merging.
const RAISE_AFTER: u32 = 2;

/// Samples in a row that clear it.
const CLEAR_AFTER: u32 = 3;

/// What a sample changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchChange {
    /// Large blocks have run out.
    Raised(BlockShortage),
    /// They are back, or memory is no longer free.
    Cleared,
}

/// Watches samples.
#[derive(Clone, Debug)]
pub struct Watch {
    alarm: Hysteresis,
    trend: Trend,
}

impl Default for Watch {
    fn default() -> Self {
        Self { alarm: Hysteresis::new(RAISE_AFTER, CLEAR_AFTER), trend: Trend::default() }
    }
}

impl Watch {
    /// Takes a judgement made at `at`, in seconds of a clock that does not go back.
    pub fn sample(&mut self, at: u64, judgement: &Judgement) -> Option<WatchChange> {
        let change = self.alarm.step(judgement.level);
        let earlier = self.trend.earlier(at);
        if let Some(permille) = judgement.unusable_permille {
            self.trend.add(at, permille);
        }
        match change? {
            Change::Raised => {
                let shortage = judgement.shortage.clone()?;
                Some(WatchChange::Raised(BlockShortage { earlier, ..shortage }))
            }
            Change::Cleared => Some(WatchChange::Cleared),
        }
    }

    /// The index of before `at`.
    #[must_use]
    pub fn earlier(&self, at: u64) -> Option<crate::finding::EarlierIndex> {
        self.trend.earlier(at)
    }
}
