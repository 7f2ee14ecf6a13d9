//! Raising and clearing without flapping.
//!
//! A value that dances on a threshold must not make a finding at each step. So there are two thresholds, and each has to
//! be passed for some samples in a row. Knows no clock: whoever samples decides how long a row is.

/// Where a sample stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// At or above the upper threshold.
    High,
    /// Between the two: nothing changes, and rows begin anew.
    Between,
    /// Below the lower threshold.
    Low,
}

/// What a sample changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It has been high for long enough.
    Raised,
    /// It has been low for long enough.
    Cleared,
}

/// An alarm with two thresholds.
#[derive(Clone, Copy, Debug)]
pub struct Hysteresis {
    raised: bool,
    row: u32,
    raise_after: u32,
    clear_after: u32,
}

impl Hysteresis {
    /// An alarm that is raised after so many high samples in a row, and cleared after so many low ones. 0 means 1.
    #[must_use]
    pub fn new(raise_after: u32, clear_after: u32) -> Self {
        Self {
            raised: false,
            row: 0,
            raise_after: raise_after.max(1),
            clear_after: clear_after.max(1),
        }
    }

    /// Whether it is raised.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.raised
    }

    /// Takes a sample.
    pub fn step(&mut self, level: Level) -> Option<Change> {
        let (against, needed, change) = if self.raised {
            (Level::Low, self.clear_after, Change::Cleared)
        } else {
            (Level::High, self.raise_after, Change::Raised)
        };
        if level != against {
            self.row = 0;
            return None;
        }
        self.row += 1;
        if self.row < needed {
            return None;
        }
        self.row = 0;
        self.raised = !self.raised;
        Some(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(samples: &str) -> String {
        let mut alarm = Hysteresis::new(2, 3);
        let step = |sample| {
            let level = match sample {
                'h' => Level::High,
                'l' => Level::Low,
                _ => Level::Between,
            };
            match alarm.step(level) {
                Some(Change::Raised) => 'R',
                Some(Change::Cleared) => 'C',
                None => '.',
            }
        };
        samples.chars().map(step).collect()
    }

    #[test]
    fn it_takes_a_row_to_raise_and_a_longer_one_to_clear() {
        assert_eq!(changes("hh"), ".R");
        assert_eq!(changes("hhhhlll"), ".R....C");
        assert_eq!(changes("hhlllhhlll"), ".R..C.R..C");
    }

    #[test]
    fn a_value_that_dances_on_the_threshold_says_nothing() {
        assert_eq!(changes("hlhlhl-h-h-h"), "............");
        assert_eq!(changes("hh-l-ll-llh"), ".R.........");
    }
}
