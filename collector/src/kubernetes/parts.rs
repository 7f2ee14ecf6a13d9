//! What is read of the API and written into it, and with which rights: the one list that requests, RBAC rules and documents are held against.

use coroner_core::kubernetes::ApiPart;

/// The verbs that every part needs. A server with streaming lists is only ever asked to `watch`.
pub const VERBS: [&str; 2] = ["list", "watch"];

/// A resource of the API that is watched in all namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What a gap in it is a gap of.
    pub part: ApiPart,
    /// API group as in RBAC; empty for the core.
    pub group: &'static str,
    /// Resource as in RBAC.
    pub resource: &'static str,
    /// Kind of its objects.
    pub kind: &'static str,
    /// Where it is served.
    pub path: &'static str,
    /// Only `metadata` is asked for.
    pub metadata_only: bool,
}

/// What is written, as RBAC calls it: group, resource, verb. Only with `--events`.
pub const WRITES: [(&str, &str, &str); 2] =
    [("events.k8s.io", "events", "create"), ("events.k8s.io", "events", "patch")];

/// Everything that is watched.
pub const PARTS: [Part; 5] = [
    Part {
        part: ApiPart::Owners,
        group: "apps",
        resource: "replicasets",
        kind: "ReplicaSet",
        path: "/apis/apps/v1/replicasets",
        metadata_only: true,
    },
    Part {
        part: ApiPart::Owners,
        group: "batch",
        resource: "jobs",
        kind: "Job",
        path: "/apis/batch/v1/jobs",
        metadata_only: true,
    },
    Part {
        part: ApiPart::Pods,
        group: "",
        resource: "pods",
        kind: "Pod",
        path: "/api/v1/pods",
        metadata_only: false,
    },
    Part {
        part: ApiPart::Events,
        group: "",
        resource: "events",
        kind: "Event",
        path: "/api/v1/events",
        metadata_only: false,
    },
    Part {
        part: ApiPart::Nodes,
        group: "",
        resource: "nodes",
        kind: "Node",
        path: "/api/v1/nodes",
        metadata_only: false,
    },
];
