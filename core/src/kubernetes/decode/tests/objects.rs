//! Parts of objects that the recordings do not have, as the API describes them.

use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};

use super::super::{node, owned, pod};
use crate::kubernetes::{
    ContainerRole, ContainerState, HookAction, Owner, PodRecord, Probe, ProbeHandler, Resources,
};

/// A pod with these `metadata`, `spec` and `status` besides its identity. Nothing in it may be wrong.
fn read(mut metadata: Value, spec: &Value, status: &Value) -> PodRecord {
    for (name, value) in [("uid", "u"), ("name", "web-1"), ("namespace", "prod")] {
        metadata[name] = value.into();
    }
    let object = json!({"metadata": metadata, "spec": spec, "status": status});
    let decoded = pod(object.to_string().as_bytes()).unwrap();
    assert_eq!(decoded.problems, vec![]);
    decoded.record
}

#[test]
fn roles_go_by_the_list_and_the_restart_policy() {
    let id = "3bd0".repeat(16);
    let spec = json!({
        "containers": [{"name": "app"}],
        "initContainers": [{"name": "setup"}, {"name": "proxy", "restartPolicy": "Always"}],
        "ephemeralContainers": [{"name": "debug"}],
    });
    let status = json!({
        "initContainerStatuses": [
            {"name": "setup", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
            {"name": "proxy", "restartCount": 2, "state": {"running": {"startedAt": "2026-11-21T00:22:01Z"}}},
        ],
        "ephemeralContainerStatuses": [{"name": "debug", "containerID": format!("cri-o://{id}")}],
    });
    let pod = read(json!({}), &spec, &status);
    let roles: Vec<_> = pod.containers.iter().map(|c| (c.name.as_str(), c.role)).collect();
    assert_eq!(
        roles,
        [
            ("setup", ContainerRole::Init),
            ("proxy", ContainerRole::Sidecar),
            ("app", ContainerRole::App),
            ("debug", ContainerRole::Ephemeral),
        ]
    );
    assert_eq!(pod.container("setup").unwrap().ended().unwrap().exit_code, Some(0));
    assert_eq!(pod.container("proxy").unwrap().restart_count, 2);
    assert_eq!(pod.container("app").unwrap().state, ContainerState::None);
    assert_eq!(pod.container("debug").unwrap().container_id, Some(id));
}

/// Every runtime writes its name before the id.
#[rstest]
#[case("containerd://", true)]
#[case("docker://", true)]
#[case("cri-o://", true)]
#[case("", true)]
#[case("containerd://x", false)]
fn ids_of_containers(#[case] before: &str, #[case] good: bool) {
    let id = "0f".repeat(32);
    let status =
        json!({"containerStatuses": [{"name": "a", "containerID": format!("{before}{id}")}]});
    let pod = read(json!({}), &json!({"containers": [{"name": "a"}]}), &status);
    assert_eq!(pod.containers[0].container_id, good.then_some(id));
}

#[rstest]
#[case(json!({"memory": "64Mi", "cpu": "250m", "ephemeral-storage": "1Gi"}), Some(64 << 20), Some(250), Some(1 << 30))]
#[case(json!({"memory": "1e3", "cpu": "2"}), Some(1000), Some(2000), None)]
#[case(json!({"memory": "100m", "cpu": "0.1"}), Some(1), Some(100), None)]
#[case(json!({"memory": 1024, "cpu": 2}), Some(1024), Some(2000), None)]
#[case(json!({"memory": "129e6", "cpu": "1500000n"}), Some(129_000_000), Some(2), None)]
#[case(json!({"memory": "128974848000m", "nvidia.com/gpu": "1"}), Some(128_974_848), None, None)]
#[case(json!({"memory": "+5Ki", "cpu": "1E-1"}), Some(5120), Some(100), None)]
#[case(json!({}), None, None, None)]
fn amounts(
    #[case] limits: Value,
    #[case] memory: Option<u64>,
    #[case] cpu: Option<u64>,
    #[case] ephemeral_storage: Option<u64>,
) {
    let spec = json!({
        "resources": {"limits": limits},
        "containers": [{"name": "a", "resources": {"requests": limits}}],
    });
    let pod = read(json!({}), &spec, &json!({}));
    let wanted = Resources { memory, cpu, ephemeral_storage };
    assert_eq!((pod.limits, pod.requests), (wanted, Resources::default()));
    let container = &pod.containers[0];
    assert_eq!((container.limits, container.requests), (Resources::default(), wanted));
}

#[test]
fn times_may_have_fractions_and_offsets_and_may_be_missing() {
    let ended = |started: Value, finished: Value| {
        let state =
            json!({"terminated": {"exitCode": 1, "startedAt": started, "finishedAt": finished}});
        let status = json!({"containerStatuses": [{"name": "a", "state": state}]});
        let pod = read(json!({}), &json!({}), &status);
        let ended = pod.containers[0].ended().unwrap().clone();
        (ended.started_at, ended.finished_at)
    };
    let time = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    assert_eq!(
        ended(json!("2026-11-21T00:22:01Z"), json!("2026-11-21T01:22:01.384007+01:00")),
        (time("2026-11-21T00:22:01Z"), time("2026-11-21T00:22:01.384007Z"))
    );
    // A container that never started: the runtime's 0.
    assert_eq!(ended(json!("1970-01-01T00:00:00Z"), Value::Null), (None, None));
}

/// A static pod's cgroups carry the hash of its file; of the pod in the API, the mirror, only its annotations tell.
#[rstest]
#[case(json!({"kubernetes.io/config.hash": "a1", "kubernetes.io/config.mirror": "a1"}), Some("a1"))]
#[case(json!({"kubernetes.io/config.mirror": "a2"}), Some("a2"))]
#[case(json!({"kubernetes.io/config.hash": "a3"}), None)]
#[case(json!({}), None)]
fn mirror_pods(#[case] annotations: Value, #[case] hash: Option<&str>) {
    let pod = read(json!({"annotations": annotations}), &json!({}), &json!({}));
    assert_eq!(pod.config_hash.as_deref(), hash);
    assert_eq!(pod.cgroup_uid(), hash.unwrap_or("u"));
}

#[rstest]
#[case::deployment("ReplicaSet", "web-5d9c7b", Some("5d9c7b"), &[("ReplicaSet", "web-5d9c7b"), ("Deployment", "web")])]
#[case::bare_replica_set("ReplicaSet", "web", None, &[("ReplicaSet", "web")])]
#[case::other_hash("ReplicaSet", "web-5d9c7b", Some("aaaa"), &[("ReplicaSet", "web-5d9c7b")])]
#[case::nothing_before("ReplicaSet", "-5d9c7b", Some("5d9c7b"), &[("ReplicaSet", "-5d9c7b")])]
#[case::stateful_set("StatefulSet", "db", None, &[("StatefulSet", "db")])]
fn owners(
    #[case] kind: &str,
    #[case] name: &str,
    #[case] hash: Option<&str>,
    #[case] chain: &[(&str, &str)],
) {
    let references = json!([
        {"kind": "Other", "name": "not-this-one", "uid": "o1"},
        {"kind": kind, "name": name, "uid": "o2", "controller": true},
    ]);
    let metadata =
        json!({"ownerReferences": references, "labels": {"pod-template-hash": hash, "app": "x"}});
    let pod = read(metadata, &json!({}), &json!({}));
    let read: Vec<_> = pod.owners.iter().map(|o| (o.kind.as_str(), o.name.as_str())).collect();
    assert_eq!(read, chain);
    assert_eq!(pod.owners[0].uid.as_deref(), Some("o2"));
}

#[test]
fn probes_and_hooks() {
    let spec = json!({"containers": [{
        "name": "a",
        "livenessProbe": {"httpGet": {"path": "/live", "port": "http", "scheme": "HTTPS"}, "initialDelaySeconds": 5,
            "timeoutSeconds": 2, "periodSeconds": 7, "successThreshold": 1, "failureThreshold": 4,
            "terminationGracePeriodSeconds": 9},
        "readinessProbe": {"tcpSocket": {"port": 8080}},
        "startupProbe": {"exec": {"command": ["cat", "/ready"]}},
        "lifecycle": {"postStart": {"exec": {"command": ["x"]}}, "preStop": {"sleep": {"seconds": 20}}},
    }, {
        "name": "b",
        "livenessProbe": {"grpc": {"port": 9000, "service": ""}},
        "lifecycle": {"preStop": {"httpGet": {"port": 1}}},
    }]});
    let pod = read(json!({}), &spec, &json!({}));
    let [a, b] = &pod.containers[..] else { panic!() };
    let http = ProbeHandler::Http {
        port: "http".to_owned(),
        path: "/live".to_owned(),
        scheme: "HTTPS".to_owned(),
    };
    assert_eq!(
        a.probes.liveness.as_deref(),
        Some(&Probe {
            handler: http,
            initial_delay_s: 5,
            timeout_s: 2,
            period_s: 7,
            success_threshold: 1,
            failure_threshold: 4,
            termination_grace_s: Some(9),
        })
    );
    let with = |handler| Probe { handler, ..Probe::default() };
    let tcp = with(ProbeHandler::Tcp("8080".to_owned()));
    assert_eq!(a.probes.readiness.as_deref(), Some(&tcp));
    let exec = with(ProbeHandler::Exec(vec!["cat".to_owned(), "/ready".to_owned()]));
    assert_eq!(a.probes.startup.as_deref(), Some(&exec));
    assert_eq!(a.hooks.post_start, Some(HookAction::Exec));
    assert_eq!(a.hooks.pre_stop, Some(HookAction::Sleep(20)));
    assert_eq!(b.probes.liveness.as_deref(), Some(&with(ProbeHandler::Grpc(9000))));
    assert_eq!((b.hooks.post_start, b.hooks.pre_stop), (None, Some(HookAction::Http)));
}

#[test]
fn nodes() {
    let object = json!({
        "metadata": {"name": "node1", "uid": "n-u", "resourceVersion": "17"},
        "spec": {"unschedulable": true, "taints": [
            {"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"},
            {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": "2026-11-21T00:22:01Z"},
        ]},
        "status": {
            "capacity": {"cpu": "4", "memory": "16384Ki", "pods": "110", "ephemeral-storage": "10Gi", "hugepages-2Mi": "0"},
            "allocatable": {"cpu": "3920m", "memory": "8Mi"},
            "conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.", "lastTransitionTime": "2026-11-21T00:22:01Z"}],
            "nodeInfo": {"bootID": "b-1", "kubeletVersion": "v1.36.2", "containerRuntimeVersion": "containerd://2.3.4",
                "kernelVersion": "6.18.0", "machineID": "m"},
        },
    });
    let decoded = node(object.to_string().as_bytes()).unwrap();
    assert_eq!((decoded.problems, decoded.resource_version.as_deref()), (vec![], Some("17")));
    insta::assert_json_snapshot!(decoded.record);
}

#[test]
fn owners_of_owners() {
    let object = json!({"kind": "PartialObjectMetadata", "metadata": {"name": "backup-29", "uid": "j",
        "ownerReferences": [{"kind": "CronJob", "name": "backup", "uid": "c", "controller": true}]}});
    let job = owned(object.to_string().as_bytes()).unwrap().record;
    assert_eq!((job.uid.as_str(), job.name.as_str()), ("j", "backup-29"));
    let owner =
        Owner { kind: "CronJob".to_owned(), name: "backup".to_owned(), uid: Some("c".to_owned()) };
    assert_eq!(job.owner, Some(owner));
}
