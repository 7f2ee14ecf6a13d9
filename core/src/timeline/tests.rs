//! Order within a second, and what belongs to what.

use crate::incident::{Cause, Confidence, ContainerRef, Evidence};
use crate::kubernetes::{ContainerRecord, Terminated};

use super::*;

fn at(text: &str) -> Timestamp {
    format!("2026-01-02T{text}Z").parse().unwrap()
}

fn end(run: u32, from: &str, to: &str) -> Termination {
    Termination {
        pod_uid: "uid".to_owned(),
        container: "app".to_owned(),
        restart_count: run,
        ended: Terminated {
            exit_code: Some(137),
            reason: Some("OOMKilled".to_owned()),
            started_at: Some(at(from)),
            finished_at: Some(at(to)),
            container_id: Some(format!("{run:064}")),
            ..Terminated::default()
        },
        ..Termination::default()
    }
}

fn said(entries: &[Entry]) -> Vec<(&str, &str)> {
    entries.iter().map(|entry| (entry.source.as_str(), entry.what.as_str())).collect()
}

/// A kill at .412 of the second in which the kubelet says that the container ended and started again.
#[test]
fn a_second_that_holds_kill_end_and_restart_is_told_in_that_order() {
    let ended = end(0, "11:00:00", "12:00:03");
    let mut incident = Incident {
        id: IncidentId("inc-1".to_owned()),
        time: at("12:00:03.412"),
        cause: Cause::ContainerMemoryLimit,
        confidence: Confidence::Confirmed,
        container: Some(ContainerRef { name: Some("app".to_owned()), id: None }),
        termination: Some(ended.ended.clone()),
        evidence: vec![
            Evidence {
                source: "kernel log".to_owned(),
                detail: "Killed process 9".to_owned(),
                time: Some(at("12:00:03.412")),
            },
            Evidence {
                source: "pressure".to_owned(),
                detail: "waited 3 ms".to_owned(),
                time: Some(at("12:00:03.400")),
            },
            Evidence { source: "coverage".to_owned(), detail: "no gap".to_owned(), time: None },
            Evidence {
                source: "event".to_owned(),
                detail: "told by itself".to_owned(),
                time: Some(at("12:00:03")),
            },
        ],
        node: "node-2".to_owned(),
        outcome: None,
        alternatives: Vec::new(),
        summary: String::new(),
        explanation: Vec::new(),
        remedies: Vec::new(),
        pod: None,
        kubernetes: None,
        kernel: None,
        sigkill: None,
        gaps: Vec::new(),
        previous: Vec::new(),
        revised_from: None,
        orderly: false,
    };
    let probe = ClusterEvent {
        reason: "Unhealthy".to_owned(),
        message: "Liveness probe failed\n".to_owned(),
        first: Some(at("11:59:43")),
        last: Some(at("12:00:03")),
        count: 3,
        component: "kubelet".to_owned(),
        ..ClusterEvent::default()
    };
    let running = ContainerRecord {
        name: "app".to_owned(),
        restart_count: 1,
        state: ContainerState::Running { started_at: Some(at("12:00:03")) },
        ..ContainerRecord::default()
    };
    let pod = PodRecord {
        uid: "uid".to_owned(),
        created: Some(at("10:59:58")),
        containers: vec![running],
        ..PodRecord::default()
    };
    let mut known = Known {
        pods: vec![(pod, Some(at("13:00:00.5")))],
        ends: vec![ended],
        events: vec![probe],
        incidents: vec![incident.clone()],
        ..Known::default()
    };
    assert_eq!(
        said(&timeline(&known)),
        [
            ("pod status", "the pod was created"),
            ("pod status", "started"),
            ("pressure", "waited 3 ms"),
            ("kernel log", "Killed process 9"),
            (
                "event (kubelet)",
                "Unhealthy: Liveness probe failed (3 times since 2026-01-02T11:59:43Z)"
            ),
            (
                "pod status",
                "ended with exit code 137, Kubernetes says OOMKilled; verdict: ContainerMemoryLimit, confirmed"
            ),
            ("pod status", "restarted, for the 1. time"),
            ("API", "the pod is gone"),
        ]
    );
    // A kill that the container survived has no end that tells of it.
    incident.termination = None;
    incident.summary = "pid 9 was killed".to_owned();
    known.incidents = vec![incident];
    let all = timeline(&known);
    let verdict = all.iter().find(|entry| entry.source == "verdict").unwrap();
    assert_eq!(verdict.what, "pid 9 was killed (verdict: ContainerMemoryLimit, confirmed)");
    assert_eq!(verdict.container.as_deref(), Some("app"));
}

/// What is absent is left out, and nothing panics at the ends of time.
#[test]
fn whatever_is_stored_becomes_a_line_or_none() {
    let odd = Termination { container: "app".to_owned(), ..Termination::default() };
    let mut early = end(0, "00:00:00", "00:00:00");
    early.ended.started_at = Some(Timestamp::MAX);
    early.ended.finished_at = Some(Timestamp::MIN);
    let known = Known { ends: vec![odd, early], ..Known::default() };
    assert_eq!(timeline(&known).len(), 2);
    assert!(timeline(&Known::default()).is_empty());
}
