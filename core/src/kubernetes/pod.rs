//! A pod, as much of it as a verdict needs: some hundred bytes, whatever the object weighs.
//!
//! `metadata.uid` is the identity; a name is used again by the next pod of a StatefulSet or a Job. The owner that the
//! API states is only the nearest (a ReplicaSet); who decodes adds those above as far as they are known.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ContainerRecord, ContainerState, Resources};
use crate::cgroup::Qos;

/// How much later than its container's start the kubelet may say that the pod is not ready.
const STARTING: SignedDuration = SignedDuration::from_secs(2);

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PodRecord {
    /// `metadata.uid`, with dashes. Of a static pod this is the mirror pod's, which the node does not know: there the
    /// cgroup carries [`PodRecord::config_hash`].
    pub uid: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `spec.nodeName`; `None` before it is scheduled.
    pub node: Option<String>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// `status.startTime`: when the kubelet took it.
    pub started: Option<Timestamp>,
    /// `status.qosClass`.
    pub qos: Option<Qos>,
    /// Who made it: the nearest owner first (a ReplicaSet), then as far up as is known (its Deployment).
    pub owners: Vec<Owner>,
    /// `status.phase`.
    pub phase: PodPhase,
    /// `status.reason`, such as `Evicted` or `DeadlineExceeded`.
    pub reason: Option<String>,
    /// `status.message`: hostile text.
    pub message: Option<String>,
    /// A static pod's `kubernetes.io/config.hash` (32 hex digits), which its cgroups carry in place of a uid. Only for
    /// mirror pods (annotation `kubernetes.io/config.mirror`).
    pub config_hash: Option<String>,
    /// Set once somebody asked for its deletion.
    pub deletion: Option<Deletion>,
    /// `DisruptionTarget`, and of the others those whose status is not `True`.
    pub conditions: Vec<Condition>,
    /// Since when all its containers are ready (condition `ContainersReady`); `None` while they are not.
    pub ready_since: Option<Timestamp>,
    /// Limits on the pod as a whole (`spec.resources`).
    pub limits: Resources,
    /// Requests of the pod as a whole (`spec.resources`).
    pub requests: Resources,
    /// `spec.restartPolicy`.
    pub restart_policy: RestartPolicy,
    /// `spec.terminationGracePeriodSeconds`, in seconds.
    pub termination_grace_s: Option<u64>,
    /// `spec.activeDeadlineSeconds`, in seconds.
    pub active_deadline_s: Option<u64>,
    /// Its containers of every role, in the order of the spec: init containers, then apps, then ephemeral ones.
    pub containers: Vec<ContainerRecord>,
}

impl PodRecord {
    /// The container with that name. Names are unique over all roles of a pod.
    #[must_use]
    pub fn container(&self, name: &str) -> Option<&ContainerRecord> {
        self.containers.iter().find(|container| container.name == name)
    }

    /// Takes over from the record before what an object does not say: how long its containers took to become ready, and
    /// what was asked for before the kubelet removed it ([`Deletion::after`]).
    ///
    /// `ContainersReady` turns true again after a probe failed once, hours after the start. So a time only counts where the
    /// record before shows the same run not ready, and not ready since before it began.
    pub fn remember(&mut self, previous: &Self) {
        self.deletion = self.deletion.map(|deletion| deletion.after(previous.deletion));
        let not_ready = previous.condition("ContainersReady").and_then(|condition| condition.since);
        for container in &mut self.containers {
            let Some(before) = previous.container(&container.name) else { continue };
            let took = || {
                let ContainerState::Running { started_at } = &container.state else { return None };
                let (started, ready) = ((*started_at)?, self.ready_since?);
                let same_run = container.container_id == before.container_id && !before.ready;
                let first = not_ready? <= started.checked_add(STARTING).ok()?;
                let probed =
                    container.probes.readiness.is_some() || container.probes.startup.is_some();
                let s = started.duration_until(ready).as_secs();
                (container.ready && same_run && first && probed).then(|| u32::try_from(s).ok())?
            };
            container.ready_after_s = before.ready_after_s.max(took());
        }
    }

    /// The topmost known owner: what people deploy.
    #[must_use]
    pub fn workload(&self) -> Option<&Owner> {
        self.owners.last()
    }

    /// What its cgroups call it: the config hash of a static pod, else the uid.
    #[must_use]
    pub fn cgroup_uid(&self) -> &str {
        self.config_hash.as_deref().unwrap_or(&self.uid)
    }

    /// The condition of that kind, if it was kept.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }
}

/// An owner of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// `Deployment`, `ReplicaSet`, `StatefulSet`, `DaemonSet`, `Job`, `CronJob`, `Node` (a static pod) or any other kind.
    pub kind: String,
    /// Name, in the pod's namespace.
    pub name: String,
    /// Its uid, where it is known.
    pub uid: Option<String>,
}

/// Somebody asked for the pod's deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// `metadata.deletionTimestamp`: when the grace period **ends**. A second request with a shorter grace period moves it.
    pub deadline: Timestamp,
    /// `metadata.deletionGracePeriodSeconds`, in seconds.
    pub grace_s: Option<u64>,
}

impl Deletion {
    /// When it was asked for: the deadline less the grace period.
    #[must_use]
    pub fn requested(&self) -> Option<Timestamp> {
        let grace = SignedDuration::from_secs(i64::try_from(self.grace_s?).ok()?);
        self.deadline.checked_sub(grace).ok()
    }

    /// This one, where the same pod showed `earlier` before. The kubelet removes a pod that is over with a request of its
    /// own, whose grace period is 0 and whose time is that of the removal: what counts is what was asked for before.
    #[must_use]
    pub fn after(self, earlier: Option<Self>) -> Self {
        let asked = |deletion: &Self| deletion.grace_s.is_some_and(|grace| grace > 0);
        earlier.filter(|earlier| asked(earlier) && !asked(&self)).unwrap_or(self)
    }
}

/// A condition of a pod or node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// `type`, such as `DisruptionTarget` or `MemoryPressure`.
    pub kind: String,
    /// `True`, `False` or `Unknown`, as stated.
    pub status: String,
    /// A word, such as `EvictionByEvictionAPI`, `PreemptionByScheduler`, `DeletionByTaintManager`, `TerminationByKubelet`.
    pub reason: Option<String>,
    /// In words: hostile text.
    pub message: Option<String>,
    /// `lastTransitionTime`.
    pub since: Option<Timestamp>,
}

/// `status.phase`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the API's own words")]
pub enum PodPhase {
    Pending,
    Running,
    Succeeded,
    Failed,
    /// Absent, `Unknown`, or a word that is not known here.
    #[default]
    Unknown,
}

/// `spec.restartPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the API's own words")]
pub enum RestartPolicy {
    /// The API's default.
    #[default]
    Always,
    OnFailure,
    Never,
}
