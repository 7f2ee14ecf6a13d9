//! Containers that wait instead of running.
//!
//! The kubelet changes the word while it tries again (`ErrImagePull`, `ImagePullBackOff`, `ErrImagePull`, ...), so a spell
//! of waiting is known by its kind, and one kind in one pod's container and run is one spell.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ClusterEvent, ContainerRole, PodPhase, PodRecord};

/// A container that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// The pod.
    pub pod_uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub pod: String,
    /// Its node; `None` before it is scheduled.
    pub node: Option<String>,
    /// The container's name; empty where all of the pod waits, as for a volume.
    pub container: String,
    /// What the container is for.
    pub role: ContainerRole,
    /// `restartCount` while it waits.
    pub restart_count: u32,
    /// `ImagePullBackOff`, `CreateContainerConfigError`, ... as last stated.
    pub reason: String,
    /// In words: hostile text.
    pub message: Option<String>,
    /// When it was first seen, by the clock of whoever watched.
    pub first_seen: Option<Timestamp>,
    /// When it was seen to be over; `None` while it lasts.
    pub over: Option<Timestamp>,
}

impl Waiting {
    /// Whether it is worth an incident by itself. What was made and could not run ends in a termination, and so does what
    /// backs off: those are told by their ends. Every container is created at first.
    #[must_use]
    pub fn opens(&self) -> bool {
        match self.kind() {
            WaitingKind::Image | WaitingKind::Config => true,
            WaitingKind::Start => !matches!(
                self.reason.as_str(),
                "RunContainerError" | "StartError" | "ContainerCannotRun" | "PostStartHookError"
            ),
            WaitingKind::Creating => self.container.is_empty(),
            // For a volume the scheduler's event opens one, which has a cause.
            WaitingKind::Schedule => !about_claim(self.message.as_deref().unwrap_or_default()),
            WaitingKind::BackOff | WaitingKind::Other => false,
        }
    }

    /// The waiting of a whole pod that an event tells of: for a volume that is not there, while nothing of it runs.
    #[must_use]
    pub fn for_volume(pod: &PodRecord, event: &ClusterEvent) -> Option<Self> {
        let volume = match event.reason.as_str() {
            "FailedMount" | "FailedAttachVolume" | "FailedMapVolume" => true,
            "FailedScheduling" => about_claim(&event.message),
            _ => false,
        };
        (volume && event.is_of_pod(&pod.uid) && pod.phase == PodPhase::Pending).then(|| Self {
            pod_uid: pod.uid.clone(),
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            node: pod.node.clone(),
            reason: "ContainerCreating".to_owned(),
            message: Some(event.message.clone()),
            first_seen: event.first.or(event.last),
            ..Self::default()
        })
    }

    /// The waiting of a whole pod that the scheduler finds no node for, as the pod's condition `PodScheduled` says.
    #[must_use]
    pub fn for_node(pod: &PodRecord, seen: Timestamp) -> Option<Self> {
        let condition = pod.condition("PodScheduled")?;
        let unschedulable = condition.status == "False"
            && condition.reason.as_deref() == Some(UNSCHEDULABLE)
            && pod.node.is_none();
        unschedulable.then(|| Self {
            pod_uid: pod.uid.clone(),
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            reason: UNSCHEDULABLE.to_owned(),
            message: condition.message.clone(),
            first_seen: condition.since.or(Some(seen)),
            ..Self::default()
        })
    }

    /// What it waits for.
    #[must_use]
    pub fn kind(&self) -> WaitingKind {
        WaitingKind::of(&self.reason)
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> WaitingId {
        WaitingId(format!(
            "wait:{}/{}/{}/{}",
            self.pod_uid,
            self.container,
            self.restart_count,
            self.kind().name()
        ))
    }
}

/// The scheduler's word, in the condition `PodScheduled`.
const UNSCHEDULABLE: &str = "Unschedulable";

/// Whether the scheduler speaks of a volume's claim.
fn about_claim(message: &str) -> bool {
    message.contains("PersistentVolumeClaim") || message.contains("persistentvolumeclaim")
}

/// Identity of a spell of waiting: `wait:<pod uid>/<container>/<restart count>/<kind>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WaitingId(pub String);

impl std::fmt::Display for WaitingId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a container waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum WaitingKind {
    /// `ContainerCreating`, `PodInitializing`: every container does at first. Only its length, or an event, is news.
    Creating,
    /// No node is found for the pod.
    Schedule,
    /// The image cannot be had.
    Image,
    /// A ConfigMap, Secret or key is missing (`CreateContainerConfigError`).
    Config,
    /// The runtime cannot make or start it (`CreateContainerError`, `RunContainerError`, ...).
    Start,
    /// `CrashLoopBackOff`: it ended too often. What it died of is the termination before.
    BackOff,
    /// A word that is not known here.
    Other,
}

impl WaitingKind {
    /// By the reason that is stated.
    #[must_use]
    pub fn of(reason: &str) -> Self {
        match reason {
            "ContainerCreating" | "PodInitializing" | "" => Self::Creating,
            "ErrImagePull"
            | "ImagePullBackOff"
            | "InvalidImageName"
            | "ErrImageNeverPull"
            | "ImageInspectError"
            | "RegistryUnavailable"
            | "SignatureValidationFailed" => Self::Image,
            "CreateContainerConfigError" => Self::Config,
            UNSCHEDULABLE => Self::Schedule,
            "CreateContainerError"
            | "RunContainerError"
            | "StartError"
            | "ContainerCannotRun"
            | "PreCreateHookError"
            | "PreStartHookError"
            | "PostStartHookError"
            | "CreatePodSandboxError"
            | "ConfigPodSandboxError" => Self::Start,
            "CrashLoopBackOff" => Self::BackOff,
            _ => Self::Other,
        }
    }

    /// The word used in ids.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Schedule => "schedule",
            Self::Image => "image",
            Self::Config => "config",
            Self::Start => "start",
            Self::BackOff => "back-off",
            Self::Other => "other",
        }
    }
}
