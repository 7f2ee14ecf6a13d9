//! Pods that nobody recorded: as many as are wanted, of the size that real ones have.

use serde_json::{Value, json};

/// Which pod of how many.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// `metadata.uid`.
    pub uid: String,
    /// Node.
    pub node: String,
    /// 64 hex digits: the container.
    pub container_id: String,
    /// `restartCount`.
    pub restarts: u32,
}

impl Generated {
    /// The pod with this number, one of hundred on its node.
    #[must_use]
    pub fn number(n: u32) -> Self {
        Self {
            name: format!("web-{n:06}"),
            namespace: "generated".to_owned(),
            uid: format!("00000000-0000-4000-8000-{n:012x}"),
            node: format!("node-{}", n / 100),
            container_id: format!("{n:064x}"),
            restarts: 0,
        }
    }
}

/// A pod that runs. About 5 kB, two thirds of it `managedFields` and volumes, as in a cluster.
#[must_use]
pub fn pod_running(pod: &Generated) -> Value {
    let running = json!({"running": {"startedAt": "2026-11-21T00:22:03Z"}});
    of(pod, "Running", &running)
}

/// The same pod with its container ended.
#[must_use]
pub fn pod_terminated(pod: &Generated, exit_code: i32, reason: &str, finished: &str) -> Value {
    let ended = json!({"terminated": {
        "exitCode": exit_code, "reason": reason, "startedAt": "2026-11-21T00:22:03Z", "finishedAt": finished,
        "containerID": format!("containerd://{}", pod.container_id),
    }});
    of(pod, "Running", &ended)
}

fn of(pod: &Generated, phase: &str, state: &Value) -> Value {
    let managed = |manager: &str| {
        json!({"apiVersion": "v1", "fieldsType": "FieldsV1", "manager": manager, "operation": "Update",
            "time": "2026-11-21T00:22:01Z", "fieldsV1": {
                "f:metadata": {"f:labels": {".": {}, "f:app": {}, "f:pod-template-hash": {}}, "f:ownerReferences": {".": {}}},
                "f:spec": {"f:containers": {"k:{\"name\":\"app\"}": {".": {}, "f:command": {}, "f:image": {}, "f:imagePullPolicy": {},
                    "f:livenessProbe": {".": {}, "f:failureThreshold": {}, "f:httpGet": {".": {}, "f:path": {}, "f:port": {}, "f:scheme": {}}},
                    "f:name": {}, "f:resources": {".": {}, "f:limits": {".": {}, "f:memory": {}}, "f:requests": {".": {}, "f:memory": {}}},
                    "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {}}}, "f:dnsPolicy": {}, "f:enableServiceLinks": {},
                    "f:restartPolicy": {}, "f:schedulerName": {}, "f:securityContext": {}, "f:terminationGracePeriodSeconds": {}}}})
    };
    json!({
        "metadata": {
            "name": pod.name, "namespace": pod.namespace, "uid": pod.uid, "creationTimestamp": "2026-11-21T00:22:01Z",
            "generateName": "web-5d9c7b-", "labels": {"app": "web", "pod-template-hash": "5d9c7b"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d9c7b", "uid": "rs-uid",
                "controller": true, "blockOwnerDeletion": true}],
            "managedFields": [managed("kube-controller-manager"), managed("kubelet")],
        },
        "spec": {
            "nodeName": pod.node, "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "default", "schedulerName": "default-scheduler", "priority": 0, "enableServiceLinks": true,
            "tolerations": [
                {"effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300},
                {"effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300}],
            "containers": [{
                "name": "app", "image": "registry.example/web:1.2.3", "command": ["java", "-Xmx256m", "-jar", "/app.jar"],
                "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                "resources": {"limits": {"memory": "512Mi"}, "requests": {"memory": "256Mi", "cpu": "100m"}},
                "livenessProbe": {"httpGet": {"path": "/live", "port": 8080, "scheme": "HTTP"}, "timeoutSeconds": 1,
                    "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File", "imagePullPolicy": "IfNotPresent",
                "volumeMounts": [{"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": "kube-api-access-6x78q", "readOnly": true}],
            }],
            "volumes": [{"name": "kube-api-access-6x78q", "projected": {"defaultMode": 420, "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
                {"downwardAPI": {"items": [{"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}]}}]}}],
        },
        "status": {
            "phase": phase, "qosClass": "Burstable", "startTime": "2026-11-21T00:22:01Z", "hostIP": "10.0.0.1", "podIP": "10.1.0.1",
            "conditions": [
                {"type": "Initialized", "status": "True", "lastProbeTime": null, "lastTransitionTime": "2026-11-21T00:22:01Z"},
                {"type": "Ready", "status": "True", "lastProbeTime": null, "lastTransitionTime": "2026-11-21T00:22:04Z"},
                {"type": "ContainersReady", "status": "True", "lastProbeTime": null, "lastTransitionTime": "2026-11-21T00:22:04Z"},
                {"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": "2026-11-21T00:22:01Z"}],
            "containerStatuses": [{
                "name": "app", "image": "registry.example/web:1.2.3", "containerID": format!("containerd://{}", pod.container_id),
                "imageID": "registry.example/web@sha256:0000000000000000000000000000000000000000000000000000000000000000",
                "ready": true, "started": true, "restartCount": pod.restarts, "lastState": {}, "state": state,
            }],
        },
    })
}
