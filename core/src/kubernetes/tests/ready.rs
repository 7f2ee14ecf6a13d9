//! How long a start took: only what was watched from its begin counts.

use rstest::rstest;

use super::{at, pod, running, terminated};
use crate::kubernetes::{Condition, PodRecord, Probe};

/// Run `run`, which began at second 0, and whose pod is ready since `ready`, or not ready since `not_ready`.
fn record(run: u32, ready: Option<i64>, not_ready: Option<i64>) -> PodRecord {
    let mut pod = pod(run, Some(run), running(), None);
    pod.containers[0].probes.readiness = Some(Box::new(Probe::default()));
    pod.containers[0].ready = ready.is_some();
    pod.ready_since = ready.map(at);
    pod.conditions.extend(not_ready.map(|since| Condition {
        kind: "ContainersReady".to_owned(),
        status: "False".to_owned(),
        since: Some(at(since)),
        ..Condition::default()
    }));
    pod
}

fn remembered(mut new: PodRecord, before: &PodRecord) -> Option<u32> {
    new.remember(before);
    new.containers[0].ready_after_s
}

#[rstest]
#[case::it_became_ready(record(0, None, Some(-3)), record(0, Some(40), None), Some(40))]
#[case::said_a_little_late(record(0, None, Some(1)), record(0, Some(40), None), Some(40))]
#[case::a_probe_failed_in_between(record(0, None, Some(3600)), record(0, Some(3700), None), None)]
#[case::not_ready_since_when_is_not_known(record(0, None, None), record(0, Some(40), None), None)]
#[case::it_was_ready_before(record(0, Some(40), None), record(0, Some(90), None), None)]
#[case::another_run(record(0, None, Some(-3)), record(1, Some(40), None), None)]
#[case::not_ready_yet(record(0, None, Some(-3)), record(0, None, Some(-3)), None)]
#[case::ready_before_it_began(record(0, None, Some(-9)), record(0, Some(-5), None), None)]
fn a_start_is_measured(
    #[case] before: PodRecord,
    #[case] new: PodRecord,
    #[case] expected: Option<u32>,
) {
    assert_eq!(remembered(new, &before), expected);
}

#[test]
fn the_longest_is_kept_over_runs_and_without_a_probe_there_is_none() {
    let mut before = record(0, None, Some(-3));
    before.containers[0].ready_after_s = Some(90);
    assert_eq!(remembered(record(0, Some(40), None), &before), Some(90));
    assert_eq!(remembered(record(1, None, Some(-3)), &before), Some(90));
    let gone = pod(1, Some(1), terminated(super::ended(1)), None);
    assert_eq!(remembered(gone, &before), Some(90));
    let mut plain = record(0, Some(40), None);
    plain.containers[0].probes.readiness = None;
    assert_eq!(remembered(plain, &record(0, None, Some(-3))), None);
}
