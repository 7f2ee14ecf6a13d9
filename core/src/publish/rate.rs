//! So many in a minute and no more, the first of them at once.

use jiff::{SignedDuration, Timestamp};

/// A bucket of tokens, which fills again evenly.
#[derive(Clone, Debug)]
pub struct Rate {
    most: u32,
    left: u32,
    /// How long one token takes to come.
    every: SignedDuration,
    /// Up to when tokens were counted in; `None` before the first was taken.
    counted: Option<Timestamp>,
}

impl Rate {
    /// So many a minute, and after a quiet minute all of them at once. 0 means 1.
    #[must_use]
    pub fn per_minute(most: u32) -> Self {
        let most = most.max(1);
        let every = SignedDuration::from_micros(60_000_000 / i64::from(most));
        Self { most, left: most, every, counted: None }
    }

    /// Takes a token, if there is one. A clock that is set back gives none and costs none.
    pub fn take(&mut self, now: Timestamp) -> bool {
        let counted = *self.counted.get_or_insert(now);
        let passed = now.duration_since(counted);
        if passed.is_negative() {
            self.counted = Some(now);
        }
        let every = self.every.as_micros().max(1);
        let came = (passed.as_micros() / every).max(0);
        if came > 0 {
            let came = u32::try_from(came).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(came).min(self.most);
            let rest = SignedDuration::from_micros(
                i64::try_from(passed.as_micros() % every).unwrap_or_default(),
            );
            self.counted = Some(now.saturating_sub(rest).unwrap_or(now));
        }
        let taken = self.left > 0;
        self.left = self.left.saturating_sub(1);
        taken
    }

    /// Gives one back that nothing was made of.
    pub fn give_back(&mut self) {
        self.left = self.left.saturating_add(1).min(self.most);
    }
}
