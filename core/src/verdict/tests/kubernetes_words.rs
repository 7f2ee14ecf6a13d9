//! What a real kubelet and scheduler (1.36) said, and what people are told of it.

use super::kubernetes::{at_time, ended as end_stated, event, of_pod, stopping, with};
use super::sightings::{death, end, ended, process, sigkill, traced, watched};
use super::*;
use crate::finding::Sigkill;
use crate::incident::Cause as C;
use crate::kubernetes::{
    ApiGap, ApiPart, ClockDifference, Clocks, ClusterEvent, Deletion, KubernetesCase, Waiting,
};
use jiff::SignedDuration;
use rstest::rstest;

/// The verdict on findings where nothing was missed, with what Kubernetes says.
fn both(kubernetes: KubernetesCase, findings: Vec<Finding>) -> Incident {
    judge(&Case {
        kubernetes: Some(kubernetes),
        findings,
        coverage: super::sightings::all_watched(),
        ..Case::default()
    })
    .expect("an incident")
}

#[rstest]
#[case::claim(
    "FailedScheduling",
    "0/1 nodes are available: persistentvolumeclaim \"absent\" not found. not found",
    "Create the claim in the pod's namespace"
)]
#[case::path(
    "FailedMount",
    "MountVolume.SetUp failed for volume \"v\" : hostPath type check failed: /nonexistent-dir is not a directory",
    "The path is not on that node"
)]
fn volumes_that_are_not_there(#[case] reason: &str, #[case] message: &str, #[case] remedy: &str) {
    let event = event(reason, message, "12:00:03");
    let mut kubernetes = with(end_stated(0, "Completed"), vec![event.clone()]);
    let end = kubernetes.termination.take().expect("an end");
    let waiting = Waiting {
        pod_uid: end.pod_uid,
        namespace: end.namespace,
        pod: end.pod,
        reason: "ContainerCreating".to_owned(),
        message: Some(message.to_owned()),
        first_seen: event.first,
        ..Waiting::default()
    };
    (kubernetes.waiting, kubernetes.container) = (Some(Box::new(waiting)), None);
    // Whoever deletes the pod in the end is not why it waited.
    kubernetes = of_pod(kubernetes, |pod| {
        pod.deletion = Some(Deletion { deadline: at_time("12:00:20"), grace_s: Some(0) });
    });
    let incident = both(kubernetes, Vec::new());
    is(&incident, C::VolumeUnavailable, Confidence::Likely);
    assert!(incident.remedies[0].starts_with(remedy), "{:?}", incident.remedies);
    let evidence: Vec<_> = incident.evidence.iter().map(|line| line.detail.as_str()).collect();
    assert!(evidence[0].starts_with("pod prod/web-1  waiting reason="), "{evidence:?}");
    assert!(!evidence.iter().any(|line| line.contains("without a gap")), "{evidence:?}");
}

/// People know containers and pods by name.
#[test]
fn names_stand_for_ids() {
    let kubernetes = of_pod(end_stated(137, "OOMKilled"), |_| {});
    let incident = both(kubernetes, vec![oom(report(&container(), &container()))]);
    let said = format!("{} {:?} {:?}", incident.summary, incident.explanation, incident.remedies);
    assert!(said.contains("The limit of container app was hit"), "{said}");
    assert!(!said.contains(UID) && !said.contains(&ID[..12]), "{said}");
}

/// `kubectl delete --force` some seconds after a program ended by itself.
#[test]
fn a_deletion_is_no_reason_of_an_earlier_end() {
    let deleted = |deadline: &str, grace_s| {
        of_pod(end_stated(1, "Error"), |pod| {
            pod.deletion = Some(Deletion { deadline: at_time(deadline), grace_s: Some(grace_s) });
        })
    };
    let findings = || vec![ended(end(Some(false), Some(0)), Some(death()))];
    let small = SignedDuration::from_millis(50);
    let agree = Some(ClockDifference { low: Some(-small), high: Some(small) });
    for mut kubernetes in [deleted("12:00:09", 0), deleted("12:00:39", 30)] {
        kubernetes.clocks = Clocks { api: agree, node: agree };
        let incident = both(kubernetes.clone(), findings());
        is(&incident, C::ApplicationExit, Confidence::Confirmed);
        // The deletion is dated by another clock than the end: where neither was measured, which came first is open.
        kubernetes.clocks = Clocks::default();
        let open = both(kubernetes, findings());
        let named =
            open.cause == C::ApplicationExit || open.alternatives.contains(&C::ApplicationExit);
        assert!(named && open.confidence <= Confidence::Possible, "{open:#?}");
    }
    // Asked before it ended, and stopped for it.
    let kubernetes = with(deleted("12:00:31", 30), vec![stopping()]);
    assert_eq!(both(kubernetes, findings()).cause, C::PodDeleted);
}

/// Of a request for deletion and the kubelet's own, which follows it, the first tells when it was asked for.
#[test]
fn the_kubelets_removal_does_not_hide_the_request() {
    let deletion =
        |deadline: &str, grace_s| Deletion { deadline: at_time(deadline), grace_s: Some(grace_s) };
    let (asked, removed) = (deletion("12:00:31", 30), deletion("12:00:04", 0));
    assert_eq!(removed.after(Some(asked)), asked);
    assert_eq!(asked.after(Some(removed)), asked);
    assert_eq!(removed.after(None), removed);
    // Somebody lost patience: the later request with a grace period of its own counts.
    let sooner = deletion("12:00:08", 5);
    assert_eq!(sooner.after(Some(asked)), sooner);
}

/// A sender that is gone at once while the kubelet kills for a failed probe is hardly somebody else; as seen with runc on
/// a kernel that had forgotten its name.
#[test]
fn an_unknown_sender_while_the_kubelet_kills() {
    let probe = || {
        let killing = ClusterEvent {
            component: "kubelet".to_owned(),
            ..event("Killing", "Container app failed liveness probe, will be restarted", "11:59:33")
        };
        with(
            end_stated(137, "Error"),
            vec![event("Unhealthy", "Liveness probe failed: ", "11:59:32"), killing],
        )
    };
    let by = |sender| {
        vec![
            traced(Sigkill { ..sigkill(0, sender, Some(true)) }, Some(death())),
            ended(end(Some(true), Some(0)), Some(death())),
        ]
    };
    let gone = process(812, "hog", None);
    let incident = both(probe(), by(gone.clone()));
    is(&incident, C::LivenessProbe, Confidence::Likely);
    // Where nothing says that the kubelet stopped it, somebody did.
    assert_eq!(watched(by(gone)).cause, C::ExternalKill);
    // One without a name is nobody's for sure; less so where the kubelet's events of the run are there, and have no word
    // of stopping it.
    let nameless = || by(process(812, "<...>", None));
    is(&both(end_stated(137, "Error"), nameless()), C::ExternalKill, Confidence::Likely);
    assert_eq!(watched(nameless()).confidence, Confidence::Possible);
    assert_eq!(
        watched(nameless()).summary,
        "pid 41 (java) was killed by pid 812, which was gone before its group could be read"
    );
    // And somebody who is known is believed.
    let known = by(process(812, "bash", Some("/system.slice/ssh.service")));
    is(&both(probe(), known), C::ExternalKill, Confidence::Confirmed);
}

/// A server that is away is away for all that is asked of it.
#[test]
fn one_reason_is_said_once() {
    let gap = |part| ApiGap {
        part,
        from: at_time("12:00:00"),
        to: None,
        reason: "the API server cannot be read: Connection refused".to_owned(),
    };
    let mut kubernetes = end_stated(1, "Error");
    kubernetes.gaps =
        [ApiPart::Events, ApiPart::Owners, ApiPart::Owners, ApiPart::Pods].map(gap).to_vec();
    let incident = both(kubernetes, Vec::new());
    let told = incident.evidence.iter().filter(|line| line.detail.contains("refused"));
    let told: Vec<_> = told.map(|line| line.detail.as_str()).collect();
    assert_eq!(
        told,
        [
            "events, owners, pods of the API not read: the API server cannot be read: Connection refused"
        ]
    );
}
