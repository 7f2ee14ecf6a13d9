//! The end of one run of a container, as Kubernetes reports it.
//!
//! The same end is shown many times: first as `state`, then as `lastState` of the next run, in every record of the pod and
//! again after each reconnect. Its identity is the container's id, which is never used twice. The kubelet makes ends up
//! for containers that it cannot find any more (`ContainerStatusUnknown`: 137, no times, no id). Of those it shows the same
//! one as `state` and as `lastState`, always beside the same restart count, so pod uid, container and that count name it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ContainerRole;

/// `ContainerStateTerminated` as stated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Terminated {
    /// Exit code; 128 + N for a death by signal N. The API always states one, also where nobody saw it (137 or 255).
    pub exit_code: Option<i32>,
    /// The signal, which no kubelet known here fills in.
    pub signal: Option<i32>,
    /// `OOMKilled`, `Error`, `Completed`, `ContainerStatusUnknown`, `StartError`, ...
    pub reason: Option<String>,
    /// In words: hostile text.
    pub message: Option<String>,
    /// When the run began, in whole seconds.
    pub started_at: Option<Timestamp>,
    /// When it ended, in whole seconds, cut and not rounded: it ended within the second after.
    pub finished_at: Option<Timestamp>,
    /// 64 hex digits; `None` where the kubelet never saw it end.
    pub container_id: Option<String>,
}

/// One end of one container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Termination {
    /// The pod.
    pub pod_uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub pod: String,
    /// Its node.
    pub node: Option<String>,
    /// The container's name.
    pub container: String,
    /// What the container is for.
    pub role: ContainerRole,
    /// The number of the run that ended, counted from 0, as far as the record shows it.
    pub restart_count: u32,
    /// The restart count that the status said beside it. Part of the identity where there is no container id.
    pub stated_restart_count: u32,
    /// What the status says.
    pub ended: Terminated,
    /// The id of the run by what an earlier record showed, where the status does not say it.
    pub earlier_container_id: Option<String>,
    /// When it was first seen, by the clock of whoever watched.
    pub first_seen: Option<Timestamp>,
    /// The message of `PostStartHookError`, where the container waited for that when this end was first seen: the kubelet
    /// states it beside the end of the run whose hook failed, until it backs off. Hostile text.
    pub hook_error: Option<String>,
}

impl Termination {
    /// What the status says, with the id of the run where only an earlier record showed it.
    #[must_use]
    pub fn as_stated(&self) -> Terminated {
        Terminated { container_id: self.container_id().map(str::to_owned), ..self.ended.clone() }
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> TerminationId {
        match &self.ended.container_id {
            Some(id) => TerminationId(format!("term:{id}")),
            None => TerminationId(format!(
                "term:{}/{}/{}",
                self.pod_uid, self.container, self.stated_restart_count
            )),
        }
    }

    /// The container that ended, 64 hex digits: as stated, else by what an earlier record showed.
    #[must_use]
    pub fn container_id(&self) -> Option<&str> {
        self.ended.container_id.as_deref().or(self.earlier_container_id.as_deref())
    }

    /// When it ended: as stated, else when that was seen.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.ended.finished_at.or(self.first_seen)
    }
}

/// Identity of a termination: `term:<container id>`, or `term:<pod uid>/<container>/<restart count>` where the kubelet
/// stated no container id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TerminationId(pub String);

impl std::fmt::Display for TerminationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
