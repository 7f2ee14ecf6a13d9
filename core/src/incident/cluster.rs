//! What an incident says of the pod's owner, of who sent the signal, and of what was said before.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cause, Confidence, IncidentId, Outcome};

/// Who made a pod: what people deploy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerRef {
    /// `Deployment`, `StatefulSet`, `DaemonSet`, `Job`, ...
    pub kind: String,
    /// Name, in the pod's namespace.
    pub name: String,
}

/// Who sent the SIGKILL that decided it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigkillFacts {
    /// Process id on the host of the task that sent it; for a signal of the kernel's, that ran at that moment.
    pub sender_pid: u32,
    /// Its name: hostile text.
    pub sender_comm: String,
    /// Its control group, where it could be read: hostile text.
    pub sender_cgroup: Option<String>,
    /// Who that is: `kernel-oom`, `kernel`, `kubelet`, `runtime`, `host`, `other-container`, `same-container`, ...
    pub sender_is: String,
    /// `si_code`: 128 by the kernel, 0 by `kill(2)`.
    pub code: i32,
}

/// An earlier end of the same container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierEnd {
    /// The number of the run that ended, counted from 0.
    pub restart_count: u32,
    /// Exit code as stated.
    pub exit_code: Option<i32>,
    /// Kubernetes' own reason.
    pub reason: Option<String>,
    /// When it ended, in whole seconds.
    pub finished_at: Option<Timestamp>,
    /// The incident that is about it, where there is one.
    pub incident: Option<IncidentId>,
    /// The cause of that one.
    pub cause: Option<Cause>,
}

/// The verdict that stood before this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisedFrom {
    /// Its cause.
    pub cause: Cause,
    /// Its outcome.
    pub outcome: Option<Outcome>,
    /// How sure it was.
    pub confidence: Confidence,
    /// When it was replaced, by the collector's clock.
    pub at: Timestamp,
    /// What came in between, in one sentence.
    pub why: String,
}
