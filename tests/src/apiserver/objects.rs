//! Objects, their versions, and the log of their changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

/// A resource: API group and plural name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource(pub &'static str, pub &'static str);

impl Resource {
    /// `v1` pods.
    pub const PODS: Self = Self("", "pods");
    /// `v1` events.
    pub const EVENTS: Self = Self("", "events");
    /// `v1` nodes.
    pub const NODES: Self = Self("", "nodes");
    /// `apps/v1` replicasets.
    pub const REPLICA_SETS: Self = Self("apps", "replicasets");
    /// `batch/v1` jobs.
    pub const JOBS: Self = Self("batch", "jobs");

    /// `v1` services.
    pub const SERVICES: Self = Self("", "services");
    /// `v1` namespaces.
    pub const NAMESPACES: Self = Self("", "namespaces");

    /// All that can be listed and watched.
    pub const ALL: [Self; 7] = [
        Self::PODS,
        Self::EVENTS,
        Self::NODES,
        Self::REPLICA_SETS,
        Self::JOBS,
        Self::SERVICES,
        Self::NAMESPACES,
    ];

    /// Kind and API version of its objects.
    pub(super) fn kind(self) -> (&'static str, &'static str) {
        match self {
            Self::PODS => ("Pod", "v1"),
            Self::EVENTS => ("Event", "v1"),
            Self::NODES => ("Node", "v1"),
            Self::REPLICA_SETS => ("ReplicaSet", "apps/v1"),
            Self::SERVICES => ("Service", "v1"),
            Self::NAMESPACES => ("Namespace", "v1"),
            _ => ("Job", "batch/v1"),
        }
    }
}

/// One change of one object.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) resource: Resource,
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub(super) kind: &'static str,
    /// The object as it was then; JSON.
    pub(super) object: Arc<str>,
}

/// Namespace (empty for none) and name.
pub(super) type Key = (String, String);

/// All objects and what happened to them.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) version: u64,
    pub(super) all: BTreeMap<Resource, BTreeMap<Key, Arc<str>>>,
    pub(super) log: Vec<Change>,
    /// Versions up to this one are forgotten.
    pub(super) forgotten: u64,
    /// Changes are not kept for later watches.
    pub(super) forgetful: bool,
}

impl Objects {
    /// Stores an object under a new version. Its `metadata` gets that version; everything else stays as it is.
    pub(super) fn put(&mut self, resource: Resource, mut object: Value) {
        self.version += 1;
        let (kind, api_version) = resource.kind();
        object["kind"] = kind.into();
        object["apiVersion"] = api_version.into();
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let key = key(&object);
        self.put_text(resource, key, object.to_string().into());
    }

    /// Stores a text as it is, under the version that was given last.
    pub(super) fn put_text(&mut self, resource: Resource, key: Key, object: Arc<str>) {
        let all = self.all.entry(resource).or_default();
        let kind = if all.insert(key, object.clone()).is_some() { "MODIFIED" } else { "ADDED" };
        self.log(resource, kind, object);
    }

    /// Removes an object. Watchers see it as it last was, under a new version.
    pub(super) fn delete(&mut self, resource: Resource, namespace: &str, name: &str) -> bool {
        let key = (namespace.to_owned(), name.to_owned());
        let Some(object) = self.all.entry(resource).or_default().remove(&key) else { return false };
        self.version += 1;
        let text = match serde_json::from_str::<Value>(&object) {
            Ok(mut object) => {
                object["metadata"]["resourceVersion"] = self.version.to_string().into();
                object.to_string().into()
            }
            Err(_) => object,
        };
        self.log(resource, "DELETED", text);
        true
    }

    fn log(&mut self, resource: Resource, kind: &'static str, object: Arc<str>) {
        if self.forgetful {
            self.forgotten = self.version;
        }
        self.log.push(Change { version: self.version, resource, kind, object });
    }
}

/// Namespace and name of an object.
pub(super) fn key(object: &Value) -> Key {
    let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

/// Only what `PartialObjectMetadata` has of an object.
pub(super) fn metadata_of(object: &str) -> String {
    let object: Value = serde_json::from_str(object).unwrap_or_default();
    serde_json::json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    })
    .to_string()
}
