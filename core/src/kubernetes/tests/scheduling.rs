//! Pods that the scheduler finds no node for.

use super::{at, pod, running, waiting};
use crate::kubernetes::{Changes, Condition, PodRecord, WaitingKind};

const MEMORY: &str = "0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available: 1 Preemption is not \
                      helpful for scheduling.";

fn unscheduled(message: &str) -> PodRecord {
    let mut pod = pod(0, None, waiting("ContainerCreating"), None);
    pod.conditions = vec![Condition {
        kind: "PodScheduled".to_owned(),
        status: "False".to_owned(),
        reason: Some("Unschedulable".to_owned()),
        message: Some(message.to_owned()),
        since: Some(at(3)),
    }];
    pod
}

#[test]
fn a_pod_without_a_node_waits_once_until_it_has_one() {
    let waits = unscheduled(MEMORY);
    let began = Changes::between(None, &waits, at(9)).waiting_began;
    let [wait] = began.as_slice() else { panic!("{began:?}") };
    assert_eq!((wait.kind(), wait.opens()), (WaitingKind::Schedule, true));
    assert_eq!((wait.container.as_str(), wait.node.as_deref()), ("", None));
    assert_eq!((wait.first_seen, wait.message.as_deref()), (Some(at(3)), Some(MEMORY)));
    assert_eq!(wait.id().0, "wait:u//0/schedule");
    // The same again is no news; other words for it are, of the same spell.
    assert_eq!(Changes::between(Some(&waits), &waits, at(10)), Changes::default());
    let other = unscheduled("0/2 nodes are available: 2 Insufficient memory.");
    let changes = Changes::between(Some(&waits), &other, at(11));
    assert_eq!(changes.waiting_began.iter().map(|w| w.id()).collect::<Vec<_>>(), [wait.id()]);
    assert!(changes.waiting_ended.is_empty());
    let mut runs = pod(0, Some(0), running(), None);
    runs.node = Some("node-1".to_owned());
    let changes = Changes::between(Some(&other), &runs, at(12));
    assert_eq!(changes.waiting_ended.iter().map(|w| w.id()).collect::<Vec<_>>(), [wait.id()]);
    assert!(changes.waiting_began.is_empty());
}

/// For a volume an incident is opened by the scheduler's event, whose cause is known.
#[test]
fn what_waits_for_a_volume_opens_nothing_here() {
    let claim =
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found";
    let began = Changes::between(None, &unscheduled(claim), at(9)).waiting_began;
    assert!(began.iter().all(|wait| !wait.opens()), "{began:?}");
}

#[test]
fn other_conditions_say_nothing_of_it() {
    let mut gated = unscheduled("Scheduling is blocked due to non-empty scheduling gates");
    gated.conditions[0].reason = Some("SchedulingGated".to_owned());
    let mut has_a_node = unscheduled(MEMORY);
    has_a_node.node = Some("node-1".to_owned());
    for pod in [gated, has_a_node] {
        assert_eq!(Changes::between(None, &pod, at(9)).waiting_began, []);
    }
}
