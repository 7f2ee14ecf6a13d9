//! A container of a pod: what the spec asks for and what the status says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{HeapSetting, Probes, Terminated};

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerRecord {
    /// Name, unique in its pod.
    pub name: String,
    /// What it is for.
    pub role: ContainerRole,
    /// `image`, as the spec says.
    pub image: String,
    /// 64 hex digits of the run that `state` is about ([`super::container_id`]); `None` while there is none.
    pub container_id: Option<String>,
    /// `resources.limits`.
    pub limits: Resources,
    /// `resources.requests`.
    pub requests: Resources,
    /// `restartCount`: the number of the run that `state` is about, counted from 0. The kubelet counts from the containers
    /// it still finds, so after a garbage collection it may fall back.
    pub restart_count: u32,
    /// `state`.
    pub state: ContainerState,
    /// `ready`: its readiness probe succeeds, or it has none and runs.
    pub ready: bool,
    /// Seconds from the start to ready of the run that took longest, of those that were watched. In no object: whoever keeps
    /// records has it remembered ([`super::PodRecord::remember`]). Of several containers in a pod the slowest counts for all.
    pub ready_after_s: Option<u32>,
    /// `lastState`, which is a terminated one or nothing.
    pub last: Option<Box<Terminated>>,
    /// Its probes.
    pub probes: Probes,
    /// Its lifecycle hooks.
    pub hooks: Hooks,
    /// Sizes of heaps that its command line or environment sets.
    pub heap: Vec<HeapSetting>,
    /// `restartPolicy` of the container itself, as written; `Always` makes an init container a sidecar.
    pub restart_policy: Option<String>,
}

impl ContainerRecord {
    /// The end of the run that `state` is about, if it ended.
    #[must_use]
    pub fn ended(&self) -> Option<&Terminated> {
        match &self.state {
            ContainerState::Terminated(ended) => Some(ended),
            _ => None,
        }
    }
}

/// What a container is for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub enum ContainerRole {
    /// An ordinary container.
    #[default]
    App,
    /// Runs to its end before the others begin.
    Init,
    /// An init container with `restartPolicy: Always`: runs beside the others.
    Sidecar,
    /// Added by `kubectl debug`.
    Ephemeral,
}

/// `state` of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerState {
    /// The status has none, which the API reads as waiting without a reason.
    #[default]
    None,
    /// It does not run yet, or not yet again.
    Waiting {
        /// `ContainerCreating`, `CrashLoopBackOff`, `ImagePullBackOff`, ...
        reason: Option<String>,
        /// In words: hostile text.
        message: Option<String>,
    },
    /// It runs.
    Running {
        /// Since when, in whole seconds.
        started_at: Option<Timestamp>,
    },
    /// It ended.
    Terminated(Box<Terminated>),
}

/// Amounts of resources; `None` where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// CPU in thousandths of a core.
    pub cpu: Option<u64>,
    /// Ephemeral storage in bytes.
    pub ephemeral_storage: Option<u64>,
}

/// Lifecycle hooks; `None` where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hooks {
    /// Runs right after the start; the container is killed if it fails.
    pub post_start: Option<HookAction>,
    /// Runs before SIGTERM, within the grace period.
    pub pre_stop: Option<HookAction>,
}

/// What a hook does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HookAction {
    /// Runs a command in the container.
    Exec,
    /// Asks over HTTP.
    Http,
    /// Opens a connection; ignored by the kubelet.
    Tcp,
    /// Waits for so many seconds.
    Sleep(u64),
}
