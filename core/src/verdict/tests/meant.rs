//! Ends that the kubelet brought about for what the pod is now, and ends that nobody needs to look at.

use rstest::rstest;

use super::kubernetes::{deleted, ended, event, judged, of_pod, stopping, with};
use super::*;
use crate::incident::Cause as C;
use crate::kubernetes::{
    ContainerRecord, ContainerRole, ContainerState, KubernetesCase, PodRecord, RestartPolicy,
    Terminated,
};

fn killing(message: &str) -> crate::kubernetes::ClusterEvent {
    event("Killing", message, "11:59:33")
}

/// A container that the kubelet restarts for what its specification says now is neither killed by a stranger nor gone wrong.
#[rstest]
#[case::changed(
    143,
    "Container app definition changed, will be restarted",
    "its definition changed"
)]
#[case::changed_and_slow(
    137,
    "Container app definition changed, will be restarted",
    "its definition changed"
)]
#[case::changed_and_in_order(0, "Container app definition changed", "its definition changed")]
#[case::resized(
    143,
    "Container app resize requires restart",
    "its resources were resized in place"
)]
fn restarted_for_its_specification(#[case] code: i32, #[case] message: &str, #[case] why: &str) {
    let incident = judged(with(ended(code, "Error"), vec![killing(message)]), Vec::new());
    is(&incident, C::Terminated, Confidence::Confirmed);
    let whole =
        format!("container app of pod prod/web-1 was restarted by the kubelet because {why}");
    assert_eq!(incident.summary, whole);
    let slow = incident.remedies.iter().any(|r| r.contains("terminationGracePeriodSeconds to 60"));
    assert_eq!(slow, code == 137, "{:?}", incident.remedies);
    assert!(!incident.orderly, "it is a restart, and somebody may wonder");
}

/// A pod's app ended with this code at that time, and then its sidecar with that.
fn sidecar(code: i32, app: Option<(i32, &str)>) -> KubernetesCase {
    let mut case = of_pod(ended(code, "Error"), |pod| {
        pod.restart_policy = RestartPolicy::Never;
        pod.containers[0].role = ContainerRole::Sidecar;
        let state = match app {
            Some((code, at)) => ContainerState::Terminated(Box::new(Terminated {
                exit_code: Some(code),
                finished_at: Some(super::kubernetes::at_time(at)),
                ..Terminated::default()
            })),
            None => ContainerState::Running { started_at: None },
        };
        pod.containers.push(ContainerRecord {
            name: "job".to_owned(),
            state,
            ..ContainerRecord::default()
        });
    });
    if let Some(termination) = &mut case.termination {
        termination.role = ContainerRole::Sidecar;
    }
    case
}

#[rstest]
#[case::killed_at_the_end(137, Some((0, "11:59:32")), true, C::Terminated)]
#[case::on_sigterm(143, Some((1, "11:59:32")), true, C::Terminated)]
#[case::with_a_code_of_its_own(2, Some((0, "11:59:32")), true, C::Terminated)]
#[case::without_an_event(143, Some((0, "11:59:32")), false, C::Terminated)]
#[case::it_failed_by_itself(2, Some((0, "11:59:32")), false, C::ApplicationExit)]
#[case::the_app_still_runs(1, None, false, C::ApplicationExit)]
#[case::the_app_ended_later(1, Some((1, "12:00:30")), false, C::ApplicationExit)]
fn a_sidecar_ends_with_its_pod(
    #[case] code: i32,
    #[case] app: Option<(i32, &str)>,
    #[case] told: bool,
    #[case] cause: C,
) {
    let events = if told { vec![stopping()] } else { Vec::new() };
    let incident = judged(with(sidecar(code, app), events), Vec::new());
    assert_eq!(incident.cause, cause, "{incident:?}");
    let done = incident.summary.ends_with("was ended because the pod's containers were done");
    assert_eq!(done, cause == C::Terminated, "{}", incident.summary);
}

/// Where the kubelet says that it stopped it and nothing says why, that is said, and no more.
#[test]
fn stopped_and_nobody_knows_why() {
    let incident = judged(with(ended(143, "Error"), vec![stopping()]), Vec::new());
    is(&incident, C::Terminated, Confidence::Possible);
    assert!(incident.gaps.iter().any(|gap| gap == "Why the kubelet stopped it."));
    let incident = judged(with(ended(137, "Error"), vec![stopping()]), Vec::new());
    is(&incident, C::Unknown, Confidence::Unknown);
    let said = "The kubelet stopped it (Stopping container app), and did not say why.";
    assert!(incident.explanation.iter().any(|line| line == said), "{:?}", incident.explanation);
}

fn never(pod: &mut PodRecord) {
    pod.restart_policy = RestartPolicy::Never;
}

fn done(role: ContainerRole, code: i32, reason: &str, change: fn(&mut PodRecord)) -> Incident {
    let mut case = of_pod(ended(code, reason), change);
    if let Some(termination) = &mut case.termination {
        termination.role = role;
    }
    judged(case, Vec::new())
}

fn nothing(_: &mut PodRecord) {}

#[rstest]
#[case::a_job_is_done(ContainerRole::App, 0, "Completed", never, true)]
#[case::an_init_container_is_done(ContainerRole::Init, 0, "Completed", nothing, true)]
#[case::a_server_returned(ContainerRole::App, 0, "Completed", nothing, false)]
#[case::a_job_failed(ContainerRole::App, 1, "Error", never, false)]
#[case::the_word_is_wrong(ContainerRole::App, 0, "OOMKilled", never, false)]
fn orderly_ends_are_told_from_others(
    #[case] role: ContainerRole,
    #[case] code: i32,
    #[case] reason: &str,
    #[case] change: fn(&mut PodRecord),
    #[case] orderly: bool,
) {
    let incident = done(role, code, reason, change);
    assert_eq!(incident.orderly, orderly, "{incident:?}");
}

#[test]
fn a_deleted_pod_that_stopped_in_order_is_orderly_and_one_that_was_killed_is_not() {
    for (code, orderly) in [(0, true), (143, false), (137, false)] {
        let case = with(of_pod(ended(code, "Error"), deleted), vec![stopping()]);
        let incident = judged(case, Vec::new());
        assert_eq!((incident.cause, incident.orderly), (C::PodDeleted, orderly));
    }
    // Where the pod is not known, nor is what was meant.
    let case = KubernetesCase { pod: None, ..ended(0, "Completed") };
    assert!(!judged(case, Vec::new()).orderly);
}
