//! Texts of real kubelets and runtimes; versions differ, so there are several for one thing.

use proptest::prelude::{any, proptest};
use rstest::rstest;

use super::backoff::backoff;
use super::eviction::{Eviction, NodeShortage, Offender, Resource, eviction};
use super::killing::{Killing, killing};
use super::probe::{ProbeKind, Symptom, failure};
use super::start::{StartFailure, program, start_failure};

#[rstest]
#[case("Container c failed liveness probe, will be restarted", Killing::LivenessProbe)]
#[case("Container app failed startup probe, will be restarted", Killing::StartupProbe)]
#[case("Stopping container c", Killing::Stopping)]
#[case("FailedPostStartHook", Killing::PostStartHook)]
#[case("Container c definition changed, will be restarted", Killing::Changed)]
#[case(
    "Killing container with id docker://app:Container failed liveness probe.. Container will be killed and recreated.",
    Killing::LivenessProbe
)]
#[case("Killing container with id docker://app:Need to kill Pod", Killing::Stopping)]
// A name may not pretend to be the rest of the sentence.
#[case("Stopping container failed liveness probe", Killing::Stopping)]
#[case("Container failed liveness probe, will be restarted", Killing::Other)]
#[case("", Killing::Other)]
#[case("Container ", Killing::Other)]
#[case("Killing container with id docker", Killing::Other)]
fn why_it_is_killed(#[case] message: &str, #[case] why: Killing) {
    assert_eq!(killing(message), why);
}

#[rstest]
#[case("Liveness probe failed: ", ProbeKind::Liveness, Symptom::Other)]
#[case("Startup probe failed: ", ProbeKind::Startup, Symptom::Other)]
#[case(
    "Readiness probe failed: HTTP probe failed with statuscode: 503",
    ProbeKind::Readiness,
    Symptom::Status(503)
)]
#[case(
    "Liveness probe failed: Get http://10.44.46.9:9999/healthz: dial tcp 10.44.46.9:9999: connect: connection refused",
    ProbeKind::Liveness,
    Symptom::Refused
)]
#[case(
    "Liveness probe failed: Get \"http://10.0.0.1:80/\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
    ProbeKind::Liveness,
    Symptom::Timeout
)]
#[case(
    "Liveness probe failed: command timed out: \"sleep 5\" timed out after 1s",
    ProbeKind::Liveness,
    Symptom::Timeout
)]
#[case(
    "Startup probe errored: rpc error: code = Unknown desc = failed to exec",
    ProbeKind::Startup,
    Symptom::Other
)]
#[case(
    "Liveness probe failed: Startup probe failed: statuscode: 99999999",
    ProbeKind::Liveness,
    Symptom::Other
)]
fn which_probe_failed(#[case] message: &str, #[case] probe: ProbeKind, #[case] symptom: Symptom) {
    let found = failure(message).expect("a probe");
    assert_eq!((found.probe, found.symptom), (probe, symptom));
}

#[rstest]
#[case("")]
#[case("Liveness probe warning: Probe terminated redirects")]
#[case("the Liveness probe failed: ")]
#[case("Liveness probes failed")]
fn no_failed_probe(#[case] message: &str) {
    assert_eq!(failure(message), None);
}

fn short(resource: Resource) -> NodeShortage {
    NodeShortage { resource: Some(resource), ..NodeShortage::default() }
}

fn offender(container: &str, used: &str, requested: &str) -> Offender {
    Offender {
        container: container.to_owned(),
        used: used.to_owned(),
        requested: Some(requested.to_owned()),
    }
}

#[test]
fn evictions() {
    let told = |message: &str| eviction(message);
    assert_eq!(
        told("Usage of EmptyDir volume \"v\" exceeds the limit \"1Mi\". "),
        Eviction::EmptyDir { volume: "v".to_owned(), limit: "1Mi".to_owned() }
    );
    assert_eq!(
        told("Pod ephemeral local storage usage exceeds the total limit of containers 20Mi. "),
        Eviction::PodStorage { limit: "20Mi".to_owned() }
    );
    assert_eq!(
        told("Container app exceeded its local ephemeral storage limit \"10Mi\". "),
        Eviction::ContainerStorage { container: "app".to_owned(), limit: "10Mi".to_owned() }
    );
    assert_eq!(
        told(
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 98304Ki. Container c was using 1048576Ki, request is 0, has larger consumption of memory. Container d was using 2Ki, request is 1Ki, has larger consumption of memory. "
        ),
        Eviction::Node(NodeShortage {
            resource: Some(Resource::Memory),
            threshold: Some("100Mi".to_owned()),
            available: Some("98304Ki".to_owned()),
            offenders: vec![offender("c", "1048576Ki", "0"), offender("d", "2Ki", "1Ki")],
        })
    );
    assert_eq!(
        told(
            "The node was low on resource: ephemeral-storage. Container c was using 2Gi, which exceeds its request of 1.5Gi. "
        ),
        Eviction::Node(NodeShortage {
            offenders: vec![offender("c", "2Gi", "1.5Gi")],
            ..short(Resource::Disk)
        })
    );
    for (message, resource) in [
        ("The node was low on resource: inodes. ", Resource::Inodes),
        (
            "The node was low on resource: pids. Threshold quantity: 1, available: 0. ",
            Resource::Pids,
        ),
        ("The node had condition: [DiskPressure]. ", Resource::Disk),
        ("The node had condition: [MemoryPressure DiskPressure]. ", Resource::Memory),
    ] {
        let Eviction::Node(found) = told(message) else { panic!("{message}") };
        assert_eq!(found.resource, Some(resource), "{message}");
    }
    for unknown in
        ["", "The node was low on resource: quarks. ", "Usage of EmptyDir volume \"v", "Container "]
    {
        assert_eq!(told(unknown), Eviction::Node(NodeShortage::default()), "{unknown}");
    }
}

#[rstest]
#[case("back-off 10s restarting failed container=c pod=p_ns(uid)", Some(10))]
#[case("back-off 2m40s restarting failed container=c pod=p_ns(uid)", Some(160))]
#[case("back-off 5m0s restarting failed container=c pod=p_ns(uid)", Some(300))]
#[case("back-off 1h0m0.5s restarting failed container=c pod=p_ns(uid)", Some(3600))]
#[case("Back-off restarting failed container c in pod p_ns(uid)", None)]
#[case("Back-off pulling image \"x\"", None)]
#[case("back-off 99999999999999999999s restarting failed container", None)]
#[case("back-off s restarting failed container", None)]
#[case("back-off ", None)]
fn waits(#[case] message: &str, #[case] seconds: Option<u64>) {
    assert_eq!(backoff(message), seconds);
}

#[rstest]
#[case(
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"nope\": executable file not found in $PATH: unknown",
    StartFailure::NotFound,
    Some("nope")
)]
#[case(
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: \"/app/run\": stat /app/run: no such file or directory: unknown",
    StartFailure::NotFound,
    Some("/app/run")
)]
#[case(
    "failed to create containerd task: OCI runtime create failed: container_linux.go:380: starting container process caused: exec: \"/app\": permission denied: unknown",
    StartFailure::NotPermitted,
    Some("/app")
)]
#[case(
    "failed to start containerd task \"c\": exec /app: exec format error",
    StartFailure::WrongFormat,
    None
)]
#[case(
    "container create failed: executable file `nope` not found in $PATH: No such file or directory",
    StartFailure::NotFound,
    None
)]
#[case(
    "failed to create containerd task: OCI runtime create failed: runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?): unknown",
    StartFailure::OutOfMemory,
    None
)]
#[case(
    "failed to create containerd task: unable to start container process: error during container init: error mounting \"/x\" to rootfs at \"/y\": not a directory: unknown",
    StartFailure::Mount,
    None
)]
#[case("", StartFailure::Other, None)]
#[case("exec: \"\": no reason", StartFailure::Other, None)]
fn starts(#[case] message: &str, #[case] why: StartFailure, #[case] what: Option<&str>) {
    assert_eq!((start_failure(message), program(message)), (why, what));
}

proptest! {
    /// Whatever stands there: an answer, and no end of the world.
    #[test]
    fn any_text(text in any::<String>(), head in 0_usize..8) {
        let heads = ["", "Container ", "Killing container with id a://", "Usage of EmptyDir volume \"",
            "The node was low on resource: ", "back-off ", "Liveness probe failed: ", "exec: \""];
        let text = format!("{}{text}", heads[head]);
        let _ = (killing(&text), failure(&text), eviction(&text), backoff(&text), start_failure(&text), program(&text));
    }
}
