//! Pods that never ran because no node was found: told plainly, as none of the causes.

use rstest::rstest;

use super::kubernetes::at_time;
use super::*;
use crate::incident::{Cause as C, Outcome};
use crate::kubernetes::{ContainerRecord, KubernetesCase, PodRecord, Resources, Waiting};

/// As Kubernetes 1.36 says it.
const MEMORY: &str = "0/1 nodes are available: 1 Insufficient memory. no new claims to deallocate, preemption: 0/1 nodes are \
                      available: 1 Preemption is not helpful for scheduling.";

fn case(message: &str) -> Case {
    let pod = PodRecord {
        uid: "u".to_owned(),
        namespace: "prod".to_owned(),
        name: "web-1".to_owned(),
        containers: vec![ContainerRecord {
            name: "app".to_owned(),
            requests: Resources { memory: Some(900 << 30), ..Resources::default() },
            ..ContainerRecord::default()
        }],
        ..PodRecord::default()
    };
    let waiting = Waiting {
        pod_uid: pod.uid.clone(),
        namespace: pod.namespace.clone(),
        pod: pod.name.clone(),
        reason: "Unschedulable".to_owned(),
        message: Some(message.to_owned()),
        first_seen: Some(at_time("12:00:03")),
        ..Waiting::default()
    };
    let kubernetes = KubernetesCase {
        waiting: Some(Box::new(waiting)),
        pod: Some(Box::new(pod)),
        ..KubernetesCase::default()
    };
    Case { kubernetes: Some(kubernetes), ..Case::default() }
}

#[test]
fn it_never_ran_and_the_scheduler_says_why() {
    let incident = judge(&case(MEMORY)).expect("an incident");
    is(&incident, C::Unknown, Confidence::Unknown);
    assert_eq!(incident.outcome, Some(Outcome::NeverStarted));
    assert!(!incident.orderly);
    assert_eq!(incident.summary, "pod prod/web-1 never ran: the scheduler finds no node for it");
    assert_eq!(
        incident.headline(),
        "UNKNOWN: it never started, for a reason that is none of the known causes"
    );
    says(&incident, "The scheduler says: 0/1 nodes are available: 1 Insufficient memory.");
    says(&incident, "Its containers ask for 900 GiB together.");
    assert_eq!(incident.gaps, Vec::<String>::new());
}

#[rstest]
#[case(
    "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.",
    "nodeSelector"
)]
#[case("0/1 nodes are available: 1 node(s) had untolerated taint(s).", "Tolerate the taint")]
#[case("0/1 nodes are available: 1 Insufficient cpu.", "CPU requests")]
#[case("0/1 nodes are available: 1 Too many pods.", "Add nodes")]
#[case("0/0 nodes are available", "Change what the scheduler names")]
#[case("", "Change what the scheduler names")]
fn what_to_do_follows_from_its_words(#[case] message: &str, #[case] remedy: &str) {
    let incident = judge(&case(message)).expect("an incident");
    is(&incident, C::Unknown, Confidence::Unknown);
    says(&incident, remedy);
}

/// What waited for a node and was given one is nothing that anybody looks for.
#[test]
fn a_pod_that_was_given_a_node_is_not_listed_among_deaths() {
    let mut case = case(MEMORY);
    let kubernetes = case.kubernetes.as_mut().expect("it is there");
    kubernetes.waiting.as_mut().expect("it waits").over = Some(at_time("12:01:00"));
    let deleted = judge(&case).expect("an incident");
    assert!(!deleted.orderly, "it went without ever running");
    let kubernetes = case.kubernetes.as_mut().expect("it is there");
    kubernetes.pod.as_mut().expect("it is there").node = Some("node-1".to_owned());
    let incident = judge(&case).expect("an incident");
    assert!(incident.orderly);
    assert_eq!(incident.summary, "pod prod/web-1 waited for a node: the scheduler found none");
}
