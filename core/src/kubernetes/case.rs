//! What a verdict is given of Kubernetes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ApiGap, Clocks, ClusterEvent, ContainerRecord, NodeRecord, PodRecord, Termination, Waiting,
};

/// Everything that the API said about one incident.
///
/// An incident is about a termination, or about a spell of waiting, or, with neither, about a kill that Kubernetes does
/// not show: then the records only say whose container it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KubernetesCase {
    /// The pod as it was last seen, also when it is gone.
    pub pod: Option<Box<PodRecord>>,
    /// The name of the container that the incident is about.
    pub container: Option<String>,
    /// The end that the incident is.
    pub termination: Option<Box<Termination>>,
    /// The waiting that the incident is.
    pub waiting: Option<Box<Waiting>>,
    /// Earlier ends of the same container in the same pod, the newest first.
    pub previous: Vec<Termination>,
    /// Restarts of the container of which no end was ever seen.
    pub restarts_missed: u32,
    /// Events about the pod, its node, or what it waits for, the oldest first.
    pub events: Vec<ClusterEvent>,
    /// The node.
    pub node: Option<Box<NodeRecord>>,
    /// When the pod was seen to be gone.
    pub pod_gone: Option<Timestamp>,
    /// What could not be read at that time, and why.
    pub gaps: Vec<ApiGap>,
    /// How the clocks of those who speak here stand to each other, as far as it was measured.
    pub clocks: Clocks,
}

impl KubernetesCase {
    /// The record of the container that the incident is about.
    #[must_use]
    pub fn container(&self) -> Option<&ContainerRecord> {
        self.pod.as_ref()?.container(self.container.as_deref()?)
    }

    /// Events about the pod (not its node) with that reason, the oldest first: those about the incident's container, and
    /// those that name no container.
    pub fn events_with<'a>(&'a self, reason: &'a str) -> impl Iterator<Item = &'a ClusterEvent> {
        self.events.iter().filter(move |event| {
            event.reason == reason
                && event.regarding.kind == "Pod"
                && (event.regarding.container.is_none()
                    || event.regarding.container == self.container)
        })
    }
}
