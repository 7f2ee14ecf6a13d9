//! Clocks of node and API server that lie apart: the right cause or a less sure one, never a wrong one.

use jiff::SignedDuration;
use rstest::rstest;

use super::kubernetes::{at_time, deleted, ended, event, judged, of_pod};
use super::*;
use crate::incident::Cause as C;
use crate::kubernetes::{ClockDifference, Clocks, ClusterEvent, Deletion, KubernetesCase};

fn s(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// What is known of the clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    /// Agent and API server told the time.
    Measured,
    /// Only what objects and events say.
    ByObjects,
    /// Objects without events, and the collector saw the end at once; the API server told the time.
    BySeeing,
    /// Nothing.
    Nothing,
}

/// True times in seconds after 11:59:00: the container began at 0 and ended at `end`; its deletion was asked for at `deletion`. The
/// node's clock is `node` ahead of the truth, the API server's `api`; the collector's is right.
struct Story {
    code: i32,
    end: i64,
    deletion: i64,
    stopped: bool,
    node: i64,
    api: i64,
    known: Known,
}

impl Story {
    fn node_time(&self, second: i64) -> Timestamp {
        at_time("11:59:00") + s(second + self.node)
    }

    fn api_time(&self, second: i64) -> Timestamp {
        at_time("11:59:00") + s(second + self.api)
    }

    /// An event of the kubelet's, which the API server stored a moment later.
    fn event(&self, reason: &str, message: &str, second: i64) -> ClusterEvent {
        ClusterEvent {
            first: Some(self.node_time(second)),
            last: Some(self.node_time(second)),
            created: Some(self.api_time(second)),
            ..event(reason, message, "11:59:00")
        }
    }

    fn case(&self) -> KubernetesCase {
        let known = self.known;
        let mut case = of_pod(ended(self.code, "Error"), |pod| {
            deleted(pod);
            pod.deletion =
                Some(Deletion { deadline: self.api_time(self.deletion + 30), grace_s: Some(30) });
            pod.created = (known != Known::Nothing).then(|| self.api_time(-3));
            pod.started = (known != Known::Nothing).then(|| self.node_time(-2));
        });
        case.events.clear();
        if matches!(known, Known::Measured | Known::ByObjects) {
            case.events.push(self.event("Started", "Container started", 0));
            if self.stopped {
                case.events.push(self.event("Killing", "Stopping container app", self.deletion));
            }
        }
        let termination = case.termination.as_mut().expect("it ended");
        termination.ended.started_at = Some(self.node_time(0));
        termination.ended.finished_at = Some(self.node_time(self.end));
        termination.first_seen = Some(at_time("11:59:00") + s(self.end + 1));
        let about = |seconds: i64| {
            Some(ClockDifference { low: Some(s(seconds - 1)), high: Some(s(seconds + 1)) })
        };
        case.clocks = match known {
            Known::Measured => Clocks { api: about(self.api), node: about(self.node) },
            Known::BySeeing => Clocks { api: about(self.api), node: None },
            Known::ByObjects | Known::Nothing => Clocks::default(),
        };
        case
    }
}

#[rstest]
fn an_end_before_the_deletion_is_not_its_and_one_after_is(
    #[values(0, 300, -300)] node: i64,
    #[values(0, 3600, -3600)] api: i64,
    #[values(Known::Measured, Known::ByObjects, Known::BySeeing, Known::Nothing)] known: Known,
) {
    let story =
        |code, end, deletion, stopped| Story { code, end, deletion, stopped, node, api, known };
    // It failed by itself, and somebody deleted the pod two minutes later.
    let failed = judged(story(1, 60, 180, false).case(), Vec::new());
    // Somebody deleted the pod, and ten seconds later it had ended.
    let stopped = judged(story(143, 130, 120, true).case(), Vec::new());
    for (incident, truth) in [(&failed, C::ApplicationExit), (&stopped, C::PodDeleted)] {
        let right = incident.cause == truth;
        let open = incident.confidence <= Confidence::Possible;
        assert!(right || open, "{truth}: {incident:#?}");
        if known != Known::Nothing {
            assert!(right, "{truth}: {incident:#?}");
        } else if !right {
            assert!(incident.alternatives.contains(&truth) || truth == C::PodDeleted);
        }
    }
    if known == Known::Measured {
        assert!(
            failed.confidence >= Confidence::Likely && stopped.confidence >= Confidence::Likely
        );
    }
    let apart = node != api;
    let said = |incident: &Incident| {
        let told = |line: &String| line.starts_with("The node's clock is ");
        incident.explanation.iter().any(told)
            && incident.evidence.iter().any(|evidence| evidence.source == "clocks")
    };
    assert_eq!(said(&failed), apart && known != Known::Nothing, "{failed:#?}");
}

#[test]
fn the_difference_is_told_with_its_bounds() {
    let story = Story {
        code: 1,
        end: 60,
        deletion: 180,
        stopped: false,
        node: -300,
        api: 0,
        known: Known::Measured,
    };
    let incident = judged(story.case(), Vec::new());
    let told = incident.explanation.iter().find(|line| line.contains("clock")).expect("a sentence");
    assert_eq!(
        told,
        "The node's clock is about 299 s behind the API server's; times of the two were compared with that taken into account.",
        "300 in truth: the middle of the bounds"
    );
    let evidence = incident.evidence.iter().find(|e| e.source == "clocks").expect("evidence");
    assert_eq!(evidence.detail, "node minus API server: at least -301 s, at most -298 s");
}

/// What could not be read is dated by the collector's clock, an end by the node's.
#[rstest]
#[case::the_clocks_agree(0, 50, true)]
#[case::it_was_over_long_before(0, -600, false)]
#[case::the_node_is_ahead(300, 50, true)]
#[case::the_node_is_behind(-300, 50, true)]
fn a_gap_is_found_by_the_collectors_clock(
    #[case] node: i64,
    #[case] gap: i64,
    #[case] within: bool,
) {
    use crate::kubernetes::{ApiGap, ApiPart};
    let story = Story {
        code: 1,
        end: 60,
        deletion: 180,
        stopped: false,
        node,
        api: 0,
        known: Known::Measured,
    };
    let mut case = story.case();
    let from = at_time("11:59:00") + s(gap);
    case.gaps.push(ApiGap {
        part: ApiPart::Pods,
        from,
        to: Some(from + s(20)),
        reason: "away".to_owned(),
    });
    let incident = judged(case, Vec::new());
    assert_eq!(incident.confidence < Confidence::Confirmed, within, "{incident:#?}");
}
