//! How the node's clock stands to the API server's, as far as one case tells.
//!
//! The kubelet's events and `finishedAt` are the node's clock, deletions and conditions of controllers the API server's (theirs are
//! taken for one clock). Both may be minutes apart, so no order is believed that rests on them alone. It is known from what was
//! measured with the agent and with the API server's answers; and from the objects themselves: an event is stored after the kubelet
//! dated it, a pod starts after it was created, and an end is seen after it came. All of that are bounds; where they contradict
//! each other a clock was set in between, and only what was measured counts.

use jiff::{SignedDuration, Timestamp};

use super::api::Api;
use crate::kubernetes::{ClockDifference, ClusterEvent};

/// What a cut to whole seconds may hide.
const CUT: SignedDuration = SignedDuration::from_secs(1);

/// Less than this is not worth a word.
const WORTH_A_WORD: SignedDuration = SignedDuration::from_secs(5);

/// Whose clock dated something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The node's: the kubelet says it.
    Node,
    /// The API server's, or that of a component beside it.
    Api,
}

/// Something that was decided, and when, by whose clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dated {
    pub at: Timestamp,
    pub by: Whose,
}

impl Dated {
    /// By the kubelet's word.
    pub(super) fn by_node(at: Timestamp) -> Self {
        Self { at, by: Whose::Node }
    }

    /// By the API server's.
    pub(super) fn by_api(at: Timestamp) -> Self {
        Self { at, by: Whose::Api }
    }

    /// The first moment of an event, by whoever reports it.
    pub(super) fn of(event: &ClusterEvent) -> Option<Self> {
        let by = if event.component == "kubelet" { Whose::Node } else { Whose::Api };
        event.first.map(|at| Self { at, by })
    }
}

/// The node's clock minus the API server's.
pub(super) fn node_to_api(api: Api<'_>) -> ClockDifference {
    let measured = api.case.clocks.node_to_api().unwrap_or_default();
    let all = bounds(api).try_fold(measured, ClockDifference::and);
    all.unwrap_or(measured)
}

fn bounds(api: Api<'_>) -> impl Iterator<Item = ClockDifference> {
    let events = api.case.events.iter().filter(|event| event.component == "kubelet");
    // Dated within the second after `first`, and stored after that.
    let stored = events.filter_map(|event| {
        Some(ClockDifference::at_least(event.first?.checked_sub(CUT).ok()?, event.created?))
    });
    // A static pod runs before the API server has its mirror.
    let pod = api.pod().filter(|pod| pod.config_hash.is_none());
    let started = pod.and_then(|pod| {
        Some(ClockDifference::at_most(pod.started?.checked_add(CUT).ok()?, pod.created?))
    });
    let seen = api.termination().and_then(|end| {
        let to_collector = ClockDifference::at_least(end.ended.finished_at?, end.first_seen?);
        Some(to_collector.less(api.case.clocks.api?))
    });
    stored.chain(started).chain(seen)
}

/// The difference in one sentence, where it is worth one.
pub(super) fn sentence(api: Api<'_>) -> Option<String> {
    let difference = node_to_api(api);
    let (by, how) = match (difference.low, difference.high) {
        (Some(low), _) if low >= WORTH_A_WORD => (difference.middle().unwrap_or(low), "ahead of"),
        (_, Some(high)) if high <= -WORTH_A_WORD => (difference.middle().unwrap_or(high), "behind"),
        _ => return None,
    };
    let about = if difference.middle().is_some() { "about" } else { "at least" };
    Some(format!(
        "The node's clock is {about} {} s {how} the API server's; times of the two were compared with that taken into account.",
        by.as_secs().unsigned_abs()
    ))
}

/// The bounds as evidence, where they are worth a word.
pub(super) fn evidence(api: Api<'_>) -> Option<String> {
    sentence(api)?;
    let difference = node_to_api(api);
    let bound = |bound: Option<SignedDuration>| {
        bound.map_or_else(|| "not known".to_owned(), |bound| format!("{} s", bound.as_secs()))
    };
    Some(format!(
        "node minus API server: at least {}, at most {}",
        bound(difference.low),
        bound(difference.high)
    ))
}
