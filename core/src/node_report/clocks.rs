//! How a node's clock stands, in numbers and in words.

use serde::{Deserialize, Serialize};

use super::NodeReport;
use crate::kubernetes::ClockDifference;

/// Seconds that clocks may be apart before it is worth a word.
const APART_S: f64 = 2.0;

/// How far a clock is ahead of the collector's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockAhead {
    /// Seconds, less than 0 where it is behind.
    pub seconds: f64,
    /// How far the truth may be from that, in seconds.
    pub uncertainty_seconds: f64,
}

impl ClockAhead {
    /// What is known of a difference; `None` unless it is bounded from both sides.
    #[must_use]
    pub fn of(difference: ClockDifference) -> Option<Self> {
        Some(Self {
            seconds: difference.middle()?.as_secs_f64(),
            uncertainty_seconds: difference.uncertainty()?.as_secs_f64(),
        })
    }
}

/// How far its clock and the API server's are from the collector's, and what follows where that is much.
#[must_use]
pub fn clocks(node: &NodeReport) -> Vec<String> {
    let told = |whose: &str, clock: ClockAhead| {
        let how = if clock.seconds < 0.0 { "behind" } else { "ahead of" };
        format!(
            "{whose} clock is {:.3} s {how} the collector's, within {:.3} s.",
            clock.seconds.abs(),
            clock.uncertainty_seconds
        )
    };
    let mut said: Vec<String> =
        node.clock.map(|clock| told("The node's", clock)).into_iter().collect();
    said.extend(node.api_clock.map(|clock| told("The API server's", clock)));
    let seconds = |clock: Option<ClockAhead>| clock.map_or(0.0, |clock| clock.seconds);
    let apart = seconds(node.clock) - seconds(node.api_clock);
    if node.clock.is_some() && apart.abs() >= APART_S {
        said.push(
            "That is much: find out whether time is synchronised there. Verdicts take it into account."
                .to_owned(),
        );
    }
    said
}
