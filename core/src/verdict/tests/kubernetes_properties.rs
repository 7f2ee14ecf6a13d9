//! Whatever Kubernetes says, with whatever the node saw of it: one verdict, no panic, nothing confirmed across a gap, no cause without
//! evidence, and always the same one.

use proptest::prelude::{
    ProptestConfig, Strategy, any, prop, prop_assert, prop_assert_eq, proptest,
};

use super::kubernetes::{at_time, ended, event, of_pod, stopping, with};
use super::sightings::{all_watched, end, process, sigkill, span, traced};
use super::*;
use crate::kubernetes::{
    ApiGap, ApiPart, ClusterEvent, Condition, Deletion, KubernetesCase, Probe, Probes,
};

const REASONS: [&str; 8] = [
    "OOMKilled",
    "Error",
    "Completed",
    "ContainerStatusUnknown",
    "StartError",
    "ContainerCannotRun",
    "Unknown",
    "",
];

const EVENTS: [(&str, &str); 12] = [
    ("Killing", "Stopping container app"),
    ("Killing", "Container app failed liveness probe, will be restarted"),
    ("Killing", "Container app failed startup probe, will be restarted"),
    ("Killing", "FailedPostStartHook"),
    ("Unhealthy", "Liveness probe failed: "),
    ("Unhealthy", "Startup probe failed: "),
    ("FailedPostStartHook", "PostStartHook failed"),
    ("FailedPreStopHook", "PreStopHook failed"),
    ("Evicted", "The node was low on resource: memory. "),
    ("TaintManagerEviction", "Marking for deletion Pod prod/web-1"),
    ("Preempted", "Preempted by pod x on node node-2"),
    ("DeadlineExceeded", ""),
];

fn any_event() -> impl Strategy<Value = ClusterEvent> {
    let text = prop::option::weighted(0.2, any::<String>());
    (prop::sample::select(&EVENTS[..]), 0_u32..120, 1_u32..5, text, any::<bool>()).prop_map(
        |((reason, message), second, count, text, timeless)| {
            let time = format!("11:{:02}:{:02}", 58 + second / 60, second % 60);
            let mut event = event(reason, &text.unwrap_or_else(|| message.to_owned()), &time);
            event.count = count;
            if timeless {
                (event.first, event.last) = (None, None);
            }
            event
        },
    )
}

fn any_status() -> impl Strategy<Value = (Option<String>, Option<String>, Option<String>)> {
    let reason = prop::sample::select(vec![
        "Evicted",
        "DeadlineExceeded",
        "Terminated",
        "Preempting",
        "NodeShutdown",
        "Else",
    ]);
    let target = prop::sample::select(vec![
        "EvictionByEvictionAPI",
        "PreemptionByScheduler",
        "DeletionByTaintManager",
        "TerminationByKubelet",
        "DeletionByPodGC",
        "Else",
    ]);
    let text = |s: &str| s.to_owned();
    (
        prop::option::weighted(0.4, reason.prop_map(text)),
        prop::option::weighted(0.4, any::<String>()),
        prop::option::weighted(0.3, target.prop_map(text)),
    )
}

fn any_case() -> impl Strategy<Value = KubernetesCase> {
    let code = prop::sample::select(vec![0, 1, 2, 126, 127, 128, 130, 137, 139, 143, 255, -1]);
    let shape = (any::<[bool; 8]>(), 0_i64..200, any::<Option<u64>>(), any::<Option<String>>());
    (
        code,
        prop::sample::select(&REASONS[..]),
        any_status(),
        prop::collection::vec(any_event(), 0..5),
        shape,
    )
        .prop_map(
            |(code, reason, (status, message, target), events, (has, after, grace, text))| {
                let mut case = with(ended(code, reason), events);
                if !has[0] {
                    case.events.retain(|event| event.reason != "Started");
                }
                case = of_pod(case, |pod| {
                    pod.reason = status;
                    pod.message = message;
                    pod.termination_grace_s = grace;
                    if let Some(reason) = target {
                        pod.conditions.push(Condition {
                            kind: "DisruptionTarget".to_owned(),
                            status: "True".to_owned(),
                            reason: Some(reason),
                            since: has[1].then(|| at_time("11:59:33")),
                            ..Condition::default()
                        });
                    }
                    if has[2] {
                        let deadline = at_time("11:58:00") + jiff::SignedDuration::from_secs(after);
                        pod.deletion = Some(Deletion { deadline, grace_s: grace });
                    }
                    if has[3] {
                        let probe = Some(Box::new(Probe::default()));
                        pod.containers[0].probes = Probes { liveness: probe, ..Probes::default() };
                    }
                });
                if has[4] {
                    case.pod = None;
                }
                if let Some(termination) = &mut case.termination {
                    termination.ended.message = text;
                    if has[5] {
                        termination.ended.finished_at = None;
                        termination.ended.started_at = None;
                    }
                }
                if has[6] && has[7] {
                    case.gaps.push(ApiGap {
                        part: ApiPart::Pods,
                        from: at_time("11:00:00"),
                        to: None,
                        reason: "forbidden".to_owned(),
                    });
                }
                case
            },
        )
}

/// What the node saw of it: nothing, its end, a signal, an OOM kill.
fn any_findings() -> impl Strategy<Value = Vec<Finding>> {
    let about = || Some(super::sightings::death());
    let ssh = Some(super::sightings::SSHD);
    prop::sample::select(vec![
        Vec::new(),
        vec![super::sightings::ended(end(Some(false), Some(0)), about())],
        vec![super::sightings::ended(end(None, Some(0)), about())],
        vec![traced(sigkill(0, process(812, "kill", ssh), Some(true)), about())],
        vec![oom(report(POD, &container()))],
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_end_has_one_verdict(
        kubernetes in any_case(),
        findings in any_findings(),
        watched in prop::sample::select(vec![0, 1, 2]),
        turn in any::<prop::sample::Index>(),
    ) {
        let coverage = match watched {
            0 => Vec::new(),
            1 => all_watched(),
            // Every source had a hole when it happened.
            _ => [Source::KernelLog, Source::Cgroup, Source::SignalTrace]
                .into_iter()
                .flat_map(|s| [span(s, "11:00:00", "11:58:00"), span(s, "12:00:30", "12:01:00")])
                .collect(),
        };
        let pods_unread = !kubernetes.gaps.is_empty();
        let case = Case { findings, coverage, kubernetes: Some(kubernetes), ..Case::default() };
        let told = judge(&case);
        let Some(incident) = &told else {
            // Only an end without any time at all is none.
            let timeless = case.kubernetes.as_ref().is_some_and(|k| k.pod.is_none());
            prop_assert!(timeless && case.findings.is_empty());
            return Ok(());
        };
        prop_assert!(!incident.summary.is_empty() && !incident.explanation.is_empty());
        prop_assert!(!incident.evidence.is_empty(), "no cause without evidence");
        prop_assert_eq!(incident.cause == Cause::Unknown, incident.confidence == Confidence::Unknown);
        prop_assert!(incident.alternatives.is_empty() || incident.confidence == Confidence::Possible);
        prop_assert!(!incident.alternatives.contains(&incident.cause));
        prop_assert!(watched != 2 || incident.confidence < Confidence::Confirmed, "across a gap");
        let by_api = case.findings.is_empty();
        prop_assert!(!(by_api && watched == 0) || incident.confidence < Confidence::Confirmed || incident.cause == Cause::BadImage);
                prop_assert!(!(by_api && pods_unread) || incident.confidence < Confidence::Confirmed);

        let mut turned = case;
        if let Some(kubernetes) = &mut turned.kubernetes {
            let by = turn.index(kubernetes.events.len().max(1));
            let again = kubernetes.events.clone();
            kubernetes.events.rotate_left(by.min(again.len()));
            kubernetes.events.reverse();
        }
        turned.findings.extend_from_within(..);
        let again = judge(&turned);
        prop_assert_eq!(
            again.as_ref().map(|i| (i.cause, i.confidence, i.outcome, &i.alternatives)),
            told.as_ref().map(|i| (i.cause, i.confidence, i.outcome, &i.alternatives))
        );
    }

    /// More evidence of one thing never makes another cause out of it: events alone do not move what a status decides.
    #[test]
    fn a_readiness_probe_kills_nobody(code in prop::sample::select(vec![0, 1, 137, 143])) {
        let failed = event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", "11:59:50");
        let with_it = judge(&Case { kubernetes: Some(with(ended(code, "Error"), vec![failed])), coverage: all_watched(), ..Case::default() });
        let without = judge(&Case { kubernetes: Some(ended(code, "Error")), coverage: all_watched(), ..Case::default() });
        prop_assert_eq!(with_it.map(|i| (i.cause, i.confidence)), without.map(|i| (i.cause, i.confidence)));
        let stopped = judge(&Case { kubernetes: Some(with(ended(code, "Error"), vec![stopping()])), coverage: all_watched(), ..Case::default() });
        prop_assert!(stopped.is_some_and(|i| i.cause != Cause::LivenessProbe));
    }
}
