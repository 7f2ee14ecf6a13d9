//! How far the clocks of nodes and of the API server are from ours.
//!
//! The API server's is known by the dates of its answers, a node's by the times that its agent and we tell each other: a batch says when it was sent, and that came before it arrived; and when something of ours was heard, which came after we said
//! it. So each batch bounds the difference from both sides, as narrowly as the way there and back takes. What contradicts the rest
//! means that a clock was set, or that the two drift apart; then the newest counts alone. Kept in memory: every batch tells anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use coroner_core::kubernetes::{ClockDifference, Clocks};
use coroner_proto::v1;
use jiff::Timestamp;

use crate::kubernetes::Health;

/// What is known of all nodes' clocks, node minus collector: a handle that can be cloned.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeClocks {
    known: Arc<Mutex<HashMap<String, ClockDifference>>>,
}

impl NodeClocks {
    /// A batch of that node arrived, with these times in it.
    pub(crate) fn told(
        &self,
        node: &str,
        sent: Option<prost_types::Timestamp>,
        heard: Option<v1::Heard>,
        arrived: Timestamp,
    ) {
        let Some(said) = by_batch(sent, heard, arrived) else { return };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let both = known.get(node).and_then(|known| known.and(said)).unwrap_or(said);
        known.insert(node.to_owned(), both);
    }

    /// What is known of one.
    pub(crate) fn of(&self, node: &str) -> Option<ClockDifference> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(node).copied()
    }
}

/// All that is known of clocks: a handle that can be cloned.
#[derive(Clone, Debug)]
pub(crate) struct ClockBook {
    pub(crate) nodes: NodeClocks,
    pub(crate) kubernetes: Health,
}

impl ClockBook {
    /// What matters to what happened on a node.
    pub(crate) fn around(&self, node: Option<&str>) -> Clocks {
        Clocks { api: self.kubernetes.clock(), node: node.and_then(|node| self.nodes.of(node)) }
    }
}

/// What one batch says; `None` where it says nothing, or nothing that can be.
fn by_batch(
    sent: Option<prost_types::Timestamp>,
    heard: Option<v1::Heard>,
    arrived: Timestamp,
) -> Option<ClockDifference> {
    let sent = ClockDifference::at_least(time(sent)?, arrived);
    match heard.and_then(|heard| Some((time(heard.received)?, time(heard.at)?))) {
        Some((received, said)) => sent.and(ClockDifference::at_most(received, said)),
        None => Some(sent),
    }
}

fn time(wire: Option<prost_types::Timestamp>) -> Option<Timestamp> {
    let wire = wire?;
    Timestamp::new(wire.seconds, wire.nanos).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn wire(ms: i64) -> Option<prost_types::Timestamp> {
        let nanos = i32::try_from(ms.rem_euclid(1000) * 1_000_000).unwrap();
        Some(prost_types::Timestamp { seconds: ms.div_euclid(1000), nanos })
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    /// The node is five minutes ahead; each way takes 4 ms.
    #[test]
    fn each_batch_bounds_the_difference_and_a_set_clock_begins_anew() {
        let clocks = NodeClocks::default();
        let ahead = 300_000;
        let heard = v1::Heard { at: wire(1_000), received: wire(1_004 + ahead) };
        clocks.told("n", wire(2_000 + ahead), None, at(2_004));
        assert_eq!(clocks.of("n").unwrap().high, None);
        clocks.told("n", wire(2_000 + ahead), Some(heard), at(2_004));
        let known = clocks.of("n").unwrap();
        assert_eq!(known.middle(), Some(SignedDuration::from_secs(300)));
        assert_eq!(known.uncertainty(), Some(SignedDuration::from_millis(4)));
        // Somebody set it right.
        let heard = v1::Heard { at: wire(3_000), received: wire(3_004) };
        clocks.told("n", wire(4_000), Some(heard), at(4_004));
        assert_eq!(clocks.of("n").unwrap().middle(), Some(SignedDuration::ZERO));
        assert_eq!(clocks.of("other"), None);
    }

    #[test]
    fn times_that_cannot_be_are_left_out() {
        let clocks = NodeClocks::default();
        let never = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: -1 });
        clocks.told("n", never, None, at(0));
        clocks.told("n", None, None, at(0));
        // Heard later than it was sent after: one of the two is wrong.
        let heard = v1::Heard { at: wire(9_000), received: wire(1_000) };
        clocks.told("n", wire(5_000), Some(heard), at(5_004));
        assert_eq!(clocks.of("n"), None);
    }
}
