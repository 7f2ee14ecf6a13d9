//! What whoever watches the API hands on, one at a time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ClusterEvent, NodeRecord, PodRecord};

/// Something that was seen in the API, and when, by the clock of whoever watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// What.
    pub change: ApiChange,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiChange {
    /// A pod as it now is.
    Pod(Box<PodRecord>),
    /// A pod is gone; as it last was. It may have been running still.
    PodGone(Box<PodRecord>),
    /// A whole list of pods was read: pods with other uids are gone, unseen.
    PodsAre(Vec<String>),
    /// An event, or a later count of one.
    Event(Box<ClusterEvent>),
    /// A node as it now is.
    Node(Box<NodeRecord>),
    /// The node with this name is gone.
    NodeGone(String),
    /// Something cannot be read, or could not be for a time.
    Gap(ApiGap),
}

/// Something in the API that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiGap {
    /// What.
    pub part: ApiPart,
    /// Since when it was not read.
    pub from: Timestamp,
    /// Until when; `None` while it still is not.
    pub to: Option<Timestamp>,
    /// Why, in one sentence that says what to change.
    pub reason: String,
}

/// A part of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiPart {
    /// Pods.
    Pods,
    /// Events.
    Events,
    /// Nodes.
    Nodes,
    /// Owners of pods' owners: ReplicaSets and Jobs.
    Owners,
}

impl ApiPart {
    /// The word for people and for the store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::Events => "events",
            Self::Nodes => "nodes",
            Self::Owners => "owners",
        }
    }
}
