//! Remedies are settings with numbers where the evidence carries any.

use rstest::rstest;

use super::kubernetes::{deleted, ended, event, judged, of_pod, with};
use super::sightings::{death, end, ended as group_ended};
use super::*;
use crate::finding::ContainerEnd;
use crate::kubernetes::{HookAction, KubernetesCase, Probe, Probes};

const REFUSED: &str =
    "Get \"http://10.0.0.1:80/\": dial tcp 10.0.0.1:80: connect: connection refused";
const SLOW: &str = "Get \"http://10.0.0.1:80/\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)";

/// The probe of that kind failed so, first at `first`, and it was killed for it at 11:59:33; earlier runs took so long to be ready.
fn failed(kind: &str, output: &str, first: &str, ready_after_s: Option<u32>) -> KubernetesCase {
    let probe = Some(Box::new(Probe { initial_delay_s: 5, timeout_s: 2, ..Probe::default() }));
    let case = of_pod(ended(143, "Error"), |pod| {
        let container = &mut pod.containers[0];
        container.ready_after_s = ready_after_s;
        container.probes = match kind {
            "Startup" => Probes { startup: probe, ..Probes::default() },
            _ => Probes { liveness: probe, ..Probes::default() },
        };
    });
    let word = kind.to_lowercase();
    let killing = format!("Container app failed {word} probe, will be restarted");
    with(
        case,
        vec![
            event("Unhealthy", &format!("{kind} probe failed: {output}"), first),
            event("Killing", &killing, "11:59:40"),
        ],
    )
}

#[rstest]
#[case::a_start_that_nobody_saw(
    failed("Startup", REFUSED, "11:59:10", None),
    "It is given 35 s to come up, and was not up by then; how long a start takes nobody has seen yet, so begin with twice the \
     time. Set startupProbe.failureThreshold to 7 (7 × 10 s = 70 s); now it is 3."
)]
#[case::a_start_that_took_longer_before(
    failed("Startup", REFUSED, "11:59:10", Some(50)),
    "It is given 35 s to come up, and was not up by then; an earlier run of it took 50 s to become ready. Set \
     startupProbe.failureThreshold to 10 (10 × 10 s = 100 s); now it is 3."
)]
#[case::an_answer_that_came_too_late(
    failed("Liveness", SLOW, "11:59:30", None),
    "The answer takes longer than 2 s, and how long nobody measured. Set livenessProbe.timeoutSeconds to 5 (now 2), and measure \
     the answer under load."
)]
#[case::killed_while_it_started(
    failed("Liveness", REFUSED, "11:59:10", Some(80)),
    "It failed first 10 s after its start, within the 35 s that it is given; an earlier run of it took 80 s to become ready. Add a \
     startupProbe with the same handler, periodSeconds 10 and failureThreshold 16 (160 s), so that this probe begins only after \
     that."
)]
#[case::killed_while_it_started_and_nobody_saw_a_start(
    failed("Liveness", REFUSED, "11:59:10", None),
    "It failed first 10 s after its start, within the 35 s that it is given; it was given 63 s, which was too little. Add a \
     startupProbe with the same handler, periodSeconds 10 and failureThreshold 13 (130 s), so that this probe begins only after \
     that."
)]
fn a_probe(#[case] kubernetes: KubernetesCase, #[case] expected: &str) {
    let incident = judged(kubernetes, Vec::new());
    assert_eq!(incident.remedies.first().map(String::as_str), Some(expected));
}

#[test]
fn a_throttled_container_is_told_so_before_its_probe_is_changed() {
    let throttled = ContainerEnd {
        throttled_us: Some(41_500_000),
        throttled_periods: Some((380, 400)),
        ..end(Some(false), Some(0))
    };
    let found = vec![group_ended(throttled, Some(death()))];
    let incident = judged(failed("Liveness", SLOW, "11:59:30", None), found);
    let said = "Its CPU limit kept it from running for 41 s in all, in 380 of 400 periods: a probe fails for that as well.";
    assert!(incident.explanation.iter().any(|line| line == said), "{:?}", incident.explanation);
    assert_eq!(
        incident.remedies[0],
        "Raise or remove the container's CPU limit: it was throttled."
    );
}

#[rstest]
#[case::the_hook_sleeps_too_long(
    HookAction::Sleep(45),
    "The hook alone sleeps for 45 s. Let it sleep for less than 30 s, or set terminationGracePeriodSeconds to 75: the hook's time \
     and 30 s for the program."
)]
#[case::the_hook_was_cut_short(
    HookAction::Exec,
    "Let the hook be done well before 30 s, or set terminationGracePeriodSeconds to 60: hook and program together took 30 s when \
     they were cut short."
)]
fn a_hook(#[case] hook: HookAction, #[case] expected: &str) {
    let case = of_pod(ended(137, "Error"), |pod| {
        deleted(pod);
        pod.containers[0].hooks.pre_stop = Some(hook);
    });
    let events = vec![
        event("Killing", "Stopping container app", "11:59:33"),
        event("FailedPreStopHook", "PreStopHook failed", "12:00:03"),
    ];
    let incident = judged(with(case, events), Vec::new());
    assert_eq!(incident.cause, Cause::PreStopTimeout, "{incident:?}");
    assert_eq!(incident.remedies.first().map(String::as_str), Some(expected));
}
