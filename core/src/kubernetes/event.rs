//! An Event of the cluster: what a component did or saw, kept by the API server for an hour.
//!
//! Two shapes exist: the kubelet's carry `firstTimestamp`, `lastTimestamp` and `count` in whole seconds, the scheduler's
//! `eventTime` and perhaps a `series`. Who decodes takes what is there. Texts change between versions: match on
//! [`ClusterEvent::reason`] and on whom it is about first, on words last.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An Event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterEvent {
    /// `metadata.uid`: an event that is counted up keeps it.
    pub uid: String,
    /// `Killing`, `Unhealthy`, `BackOff`, `Evicted`, `Preempting`, `FailedMount`, ...
    pub reason: String,
    /// `Normal` or `Warning`.
    pub kind: EventType,
    /// In words: hostile text.
    pub message: String,
    /// Whom it is about.
    pub regarding: Regarding,
    /// `eventTime`, else `firstTimestamp`, else `metadata.creationTimestamp`.
    pub first: Option<Timestamp>,
    /// `metadata.creationTimestamp`: when the API server first stored it, by its clock. `None` where `first` is nothing else.
    pub created: Option<Timestamp>,
    /// `series.lastObservedTime`, else `lastTimestamp`, else as `first`.
    pub last: Option<Timestamp>,
    /// How often; 1 where nothing is said.
    pub count: u32,
    /// Who reports: `kubelet`, `default-scheduler`, ...
    pub component: String,
    /// The node it was reported from (`source.host`, or `reportingInstance` of a kubelet).
    pub host: Option<String>,
}

/// `type` of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventType {
    /// Nothing is wrong.
    #[default]
    Normal,
    /// Something is.
    Warning,
}

/// Whom an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Regarding {
    /// `Pod`, `Node`, `PersistentVolumeClaim`, ...
    pub kind: String,
    /// Its namespace, where it has one.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its uid. For a Node the kubelet writes the node's name here.
    pub uid: Option<String>,
    /// The container, from the field path `spec.containers{NAME}` ([`super::container_of_field_path`]).
    pub container: Option<String>,
}

impl ClusterEvent {
    /// Whether it is about the pod with that uid.
    #[must_use]
    pub fn is_of_pod(&self, uid: &str) -> bool {
        self.regarding.kind == "Pod" && self.regarding.uid.as_deref() == Some(uid)
    }
}
