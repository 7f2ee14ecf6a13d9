//! One made case for each cause that Kubernetes' side shows, with the texts of real kubelets: the verdict as people read it.

use std::fmt::Write as _;

use rstest::{Context, rstest};

use super::sightings::{all_watched, process, sigkill, traced};
use super::*;
use crate::finding::Sigkill;
use crate::incident::Cause as C;
use crate::kubernetes::{
    ClusterEvent, Condition, ContainerRecord, ContainerState, Deletion, EventType, HeapOrigin,
    HeapRuntime, HeapSetting, HeapSize, Hooks, KubernetesCase, NodeRecord, PodRecord, Probe,
    Probes, Regarding, Resources, Taint, Terminated, Termination, Waiting,
};

pub(super) fn at_time(hms: &str) -> Timestamp {
    format!("2026-01-02T{hms}Z").parse().expect("a time")
}

fn pod() -> PodRecord {
    PodRecord {
        uid: UID.to_owned(),
        namespace: "prod".to_owned(),
        name: "web-1".to_owned(),
        node: Some("node-2".to_owned()),
        started: Some(at_time("11:00:00")),
        termination_grace_s: Some(30),
        containers: vec![ContainerRecord {
            name: "app".to_owned(),
            image: "registry.example/app:1".to_owned(),
            container_id: Some(ID.to_owned()),
            ..ContainerRecord::default()
        }],
        ..PodRecord::default()
    }
}

/// The end of the run from 11:59:00 to 12:00:03 with this code and reason.
pub(super) fn ended(code: i32, reason: &str) -> KubernetesCase {
    let ended = Terminated {
        exit_code: Some(code),
        reason: Some(reason.to_owned()),
        started_at: Some(at_time("11:59:00")),
        finished_at: Some(at_time("12:00:03")),
        container_id: Some(ID.to_owned()),
        ..Terminated::default()
    };
    let mut pod = pod();
    pod.containers[0].state = ContainerState::Terminated(Box::new(ended.clone()));
    KubernetesCase {
        termination: Some(Box::new(Termination {
            pod_uid: UID.to_owned(),
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            node: pod.node.clone(),
            container: "app".to_owned(),
            ended,
            ..Termination::default()
        })),
        pod: Some(Box::new(pod)),
        container: Some("app".to_owned()),
        events: vec![event("Started", "Container started", "11:59:00")],
        ..KubernetesCase::default()
    }
}

fn waits(reason: &str, message: &str) -> KubernetesCase {
    let mut pod = pod();
    pod.containers[0].state = ContainerState::Waiting {
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
    };
    KubernetesCase {
        waiting: Some(Box::new(Waiting {
            pod_uid: UID.to_owned(),
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            container: "app".to_owned(),
            reason: reason.to_owned(),
            message: Some(message.to_owned()),
            first_seen: Some(at_time("12:00:03")),
            ..Waiting::default()
        })),
        pod: Some(Box::new(pod)),
        container: Some("app".to_owned()),
        ..KubernetesCase::default()
    }
}

pub(super) fn event(reason: &str, message: &str, time: &str) -> ClusterEvent {
    ClusterEvent {
        uid: format!("{reason}-{time}"),
        reason: reason.to_owned(),
        kind: EventType::Normal,
        message: message.to_owned(),
        regarding: Regarding {
            kind: "Pod".to_owned(),
            uid: Some(UID.to_owned()),
            container: Some("app".to_owned()),
            ..Regarding::default()
        },
        first: Some(at_time(time)),
        last: Some(at_time(time)),
        created: None,
        count: 1,
        component: "kubelet".to_owned(),
        host: None,
    }
}

pub(super) fn with(mut case: KubernetesCase, events: Vec<ClusterEvent>) -> KubernetesCase {
    case.events.extend(events);
    case
}

pub(super) fn of_pod(
    mut case: KubernetesCase,
    change: impl FnOnce(&mut PodRecord),
) -> KubernetesCase {
    if let Some(pod) = &mut case.pod {
        change(pod);
    }
    case
}

fn message(mut case: KubernetesCase, message: &str) -> KubernetesCase {
    if let Some(termination) = &mut case.termination {
        termination.ended.message = Some(message.to_owned());
    }
    case
}

pub(super) fn status(reason: &str, message: &str) -> impl FnOnce(&mut PodRecord) {
    let (reason, message) = (reason.to_owned(), message.to_owned());
    move |pod| {
        pod.reason = Some(reason);
        pod.message = Some(message);
    }
}

fn target(reason: &str, message: &str) -> impl FnOnce(&mut PodRecord) {
    let condition = Condition {
        kind: "DisruptionTarget".to_owned(),
        status: "True".to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        since: Some(at_time("11:59:33")),
    };
    move |pod| {
        pod.conditions.push(condition);
        deleted(pod);
    }
}

pub(super) fn deleted(pod: &mut PodRecord) {
    pod.deletion = Some(Deletion { deadline: at_time("12:00:03"), grace_s: Some(30) });
}

fn probes(pod: &mut PodRecord) {
    let probe = || Some(Box::new(Probe { initial_delay_s: 5, ..Probe::default() }));
    pod.containers[0].probes = Probes { liveness: probe(), startup: probe(), readiness: None };
}

pub(super) fn stopping() -> ClusterEvent {
    event("Killing", "Stopping container app", "11:59:33")
}

#[track_caller]
pub(super) fn judged(kubernetes: KubernetesCase, findings: Vec<Finding>) -> Incident {
    let case =
        Case { findings, coverage: all_watched(), kubernetes: Some(kubernetes), ..Case::default() };
    judge(&case).expect("an incident")
}

fn told(incident: &Incident) -> String {
    let mut out = String::new();
    let or: String = incident.alternatives.iter().map(|cause| format!(" or {cause}")).collect();
    let outcome = incident.outcome.map_or("?", crate::incident::Outcome::name);
    let _ = writeln!(out, "{}{or}, {}, {outcome}", incident.cause, incident.confidence.name());
    let _ = writeln!(out, "{}", incident.summary);
    for (title, lines) in [
        ("why", &incident.explanation),
        ("what to do", &incident.remedies),
        ("what is missing", &incident.gaps),
    ] {
        let _ = writeln!(out, "{title}:");
        for line in lines {
            let _ = writeln!(out, "  {line}");
        }
    }
    if let Some(why) = incident.kubernetes.as_ref().and_then(|says| says.why.as_ref()) {
        let _ = writeln!(out, "kubernetes is wrong:\n  {why}");
    }
    let _ = writeln!(out, "evidence:");
    for evidence in incident.evidence.iter().filter(|evidence| evidence.source != "coverage") {
        let _ = writeln!(out, "  {}  {}", evidence.source, evidence.detail);
    }
    out
}

fn by_runtime() -> Vec<Finding> {
    let service = Some("/system.slice/containerd.service");
    let kill = Sigkill {
        ancestors: vec![process(700, "containerd-shim", service)],
        ..sigkill(0, process(812, "runc", service), Some(true))
    };
    vec![traced(kill, Some(super::sightings::death()))]
}

fn by_ssh() -> Vec<Finding> {
    let ssh = Some(super::sightings::SSHD);
    vec![traced(sigkill(0, process(812, "kill", ssh), Some(true)), Some(super::sightings::death()))]
}

#[rstest]
#[case::memory_pressure(C::NodePressureEviction, with(of_pod(ended(137, "Error"), status("Evicted",
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 98304Ki. Container app was using 1048576Ki, request is 0, has larger consumption of memory. ")),
    vec![event("Evicted", "The node was low on resource: memory.", "12:00:01"), event("Killing", "Stopping container app", "12:00:01")]))]
#[case::container_storage(C::EphemeralStorageLimit, with(of_pod(ended(137, "Error"), status("Evicted",
    "Container app exceeded its local ephemeral storage limit \"10Mi\". ")), vec![stopping()]))]
#[case::liveness(C::LivenessProbe, with(of_pod(ended(137, "Error"), probes), vec![
    event("Unhealthy", "Liveness probe failed: Get \"http://10.0.0.1:80/\": dial tcp 10.0.0.1:80: connect: connection refused", "11:59:20"),
    event("Killing", "Container app failed liveness probe, will be restarted", "11:59:33")]))]
#[case::startup(C::StartupProbe, with(of_pod(ended(143, "Error"), probes), vec![
    event("Unhealthy", "Startup probe failed: HTTP probe failed with statuscode: 503", "11:59:20"),
    event("Killing", "Container app failed startup probe, will be restarted", "12:00:02")]))]
#[case::post_start(C::PostStartHook, with(of_pod(ended(137, "Error"), |pod| pod.containers[0].hooks = Hooks { post_start: Some(crate::kubernetes::HookAction::Exec), pre_stop: None }),
    vec![event("FailedPostStartHook", "PostStartHook failed", "11:59:05"), event("Killing", "FailedPostStartHook", "11:59:33")]))]
#[case::preempted(C::Preempted, with(of_pod(ended(143, "Error"), target("PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod")), vec![stopping()]))]
#[case::api_eviction(C::ApiEviction, with(of_pod(ended(137, "Error"), target("EvictionByEvictionAPI", "Eviction API: evicting")), vec![stopping()]))]
#[case::taint(C::TaintEviction, KubernetesCase { node: Some(Box::new(NodeRecord {
    taints: vec![Taint { key: "node.kubernetes.io/unreachable".to_owned(), effect: "NoExecute".to_owned(), ..Taint::default() }], ..NodeRecord::default() })),
    ..with(of_pod(ended(143, "Error"), target("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint")), vec![stopping()]) })]
#[case::deleted(C::PodDeleted, with(of_pod(ended(143, "Error"), deleted), vec![stopping()]))]
#[case::deadline(C::DeadlineExceeded, with(of_pod(ended(137, "Error"), |pod| { pod.active_deadline_s = Some(3573); status("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")(pod); }),
    vec![event("DeadlineExceeded", "Pod was active on the node longer than the specified deadline", "11:59:33"), stopping()]))]
#[case::shutdown(
    C::NodeShutdown,
    of_pod(
        ended(143, "Error"),
        status("Terminated", "Pod was terminated in response to imminent node shutdown.")
    )
)]
#[case::lost(
    C::ContainerLost,
    message(
        ended(137, "ContainerStatusUnknown"),
        "The container could not be located when the pod was terminated"
    )
)]
#[case::terminated(C::Terminated, ended(143, "Error"))]
#[case::crash(C::Crash, ended(139, "Error"))]
#[case::exit_one(C::ApplicationExit, ended(1, "Error"))]
#[case::oom_killed_with_exit_zero(C::ApplicationExit, ended(0, "OOMKilled"))]
#[case::either(C::ApplicationExit, ended(137, "Error"))]
#[case::start_error(
    C::BadImage,
    message(
        ended(128, "StartError"),
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"nope\": executable file not found in $PATH: unknown"
    )
)]
#[case::wrong_architecture(
    C::BadImage,
    message(
        ended(128, "StartError"),
        "failed to start containerd task: exec /app: exec format error"
    )
)]
#[case::limit_too_low_to_start(C::ContainerMemoryLimit, message(of_pod(ended(128, "StartError"), |pod| pod.containers[0].limits = Resources { memory: Some(4 << 20), ..Resources::default() }),
    "failed to create containerd task: OCI runtime create failed: runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?): unknown"))]
#[case::missing_secret(
    C::MissingConfig,
    waits("CreateContainerConfigError", "secret \"db\" not found")
)]
#[case::image_pull(
    C::ImagePull,
    waits(
        "ImagePullBackOff",
        "Back-off pulling image \"registry.example/app:1\": ErrImagePull: rpc error: code = NotFound desc = registry.example/app:1: not found"
    )
)]
#[case::volume(C::VolumeUnavailable, with(waits("ContainerCreating", ""), vec![ClusterEvent { component: "attachdetach-controller".to_owned(),
    ..event("FailedAttachVolume", "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) web-0", "12:00:01") }]))]
fn every_cause(
    #[case] cause: Cause,
    #[case] kubernetes: KubernetesCase,
    #[context] context: Context,
) {
    let incident = judged(kubernetes, Vec::new());
    assert_eq!(incident.cause, cause, "{}", told(&incident));
    assert!(!incident.evidence.is_empty() && !incident.remedies.is_empty());
    let name = context.description.unwrap_or("unnamed");
    insta::assert_snapshot!(format!("cause_{name}"), told(&incident));
}

/// The runtime's hand in a trace is the kubelet's, and confirms what Kubernetes says; a stranger's contradicts it.
#[test]
fn the_trace_tells_whose_hand_it_was() {
    let probe = || {
        with(
            of_pod(ended(137, "Error"), probes),
            vec![event(
                "Killing",
                "Container app failed liveness probe, will be restarted",
                "11:59:33",
            )],
        )
    };
    is(&judged(probe(), by_runtime()), C::LivenessProbe, Confidence::Confirmed);
    let incident = judged(probe(), by_ssh());
    is(&incident, C::ExternalKill, Confidence::Confirmed);
    // The runtime remembers a child's OOM kill.
    let incident = judged(ended(137, "OOMKilled"), by_ssh());
    is(&incident, C::ExternalKill, Confidence::Confirmed);
    let why = incident.kubernetes.and_then(|says| says.why).expect("a proof");
    assert_eq!(
        why,
        "Kubernetes says OOMKilled, but its main process got SIGKILL from pid 812 (kill), not from the kernel."
    );
}

/// Without an agent nothing is confirmed, and 137 alone is nothing.
#[test]
fn without_an_agent() {
    let alone = |kubernetes| {
        judge(&Case { kubernetes: Some(kubernetes), ..Case::default() }).expect("an incident")
    };
    let evicted =
        of_pod(ended(137, "Error"), status("Evicted", "The node was low on resource: memory. "));
    is(&alone(evicted), C::NodePressureEviction, Confidence::Likely);
    for reason in ["OOMKilled", "Error"] {
        is(&alone(ended(137, reason)), C::Unknown, Confidence::Unknown);
    }
    is(&alone(ended(1, "Error")), C::ApplicationExit, Confidence::Likely);
}

/// What was over before it was decided did not end of it.
#[test]
fn an_end_before_the_eviction_is_none_of_its() {
    let later = event("Evicted", "The node was low on resource: memory.", "12:10:00");
    let kubernetes = with(
        of_pod(ended(0, "Completed"), status("Evicted", "The node was low on resource: memory. ")),
        vec![later],
    );
    is(&judged(kubernetes, Vec::new()), C::ApplicationExit, Confidence::Confirmed);
}

/// A name that is used again, a back-off, a heap that cannot fit.
#[test]
fn a_row_of_kills_with_a_heap_as_large_as_the_limit() {
    let mut kubernetes = of_pod(ended(137, "OOMKilled"), |pod| {
        pod.containers[0].limits.memory = Some(64 * MIB);
        pod.containers[0].heap.push(HeapSetting {
            runtime: HeapRuntime::Java,
            option: "-Xmx".to_owned(),
            size: HeapSize::Bytes(64 * MIB),
            origin: HeapOrigin::Command,
        });
        pod.containers[0].state = ContainerState::Waiting {
            reason: Some("CrashLoopBackOff".to_owned()),
            message: Some(
                "back-off 40s restarting failed container=app pod=web-1_prod(uid)".to_owned(),
            ),
        };
    });
    kubernetes.previous = kubernetes.termination.iter().map(|end| end.as_ref().clone()).collect();
    let incident = judged(kubernetes, vec![oom(report(POD, &container()))]);
    is(&incident, C::ContainerMemoryLimit, Confidence::Confirmed);
    says(&incident, "-Xmx is 64 MiB, which is 100 % of the container's limit of 64 MiB");
    says(&incident, "It ended once before in the same way (exit code 137).");
    says(
        &incident,
        "The kubelet waits 40 s before it starts it again, at 12:00:43.000Z at the earliest.",
    );
}
