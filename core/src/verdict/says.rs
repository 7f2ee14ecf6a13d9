//! What goes into an incident of what Kubernetes says: names, the end as stated, and whether its word for it is right.
//!
//! `reason` comes from the runtime. containerd and CRI-O remember that some process of the container (or, on cgroup v1, of
//! the whole pod) was OOM-killed at some time, and say `OOMKilled` of an end with any code long after; and they miss the
//! notice of a real kill, and say `Error`. `Error` and `Completed` claim no more than the code, so only an OOM kill
//! contradicts them.

use super::facts::{Event, Facts};
use super::words::clock;
use crate::exit_code::describe;
use crate::finding::FindingId;
use crate::incident::{
    Cause, Confidence, ContainerRef, IncidentId, KubernetesSays, OwnerRef, PodRef,
};
use crate::kubernetes::Terminated;

/// The incident that what Kubernetes says makes by itself.
pub(super) fn id(facts: &Facts<'_>) -> IncidentId {
    let api = facts.api;
    if let Some(termination) = api.and_then(|api| api.termination()) {
        return IncidentId::of_termination(&termination.id());
    }
    let id = match (api.and_then(|api| api.waiting()), api.and_then(|api| api.pod())) {
        (Some(waiting), _) => waiting.id().0,
        (None, Some(pod)) => {
            let container = api.and_then(|api| api.case.container.as_deref()).unwrap_or_default();
            format!("gone:{}/{container}", pod.uid)
        }
        (None, None) => String::new(),
    };
    IncidentId::of(&FindingId(id))
}

pub(super) fn node(facts: &Facts<'_>) -> String {
    let stated = || {
        let api = facts.api?;
        let termination = api.termination().and_then(|termination| termination.node.clone());
        termination.or_else(|| api.pod().and_then(|pod| pod.node.clone()))
    };
    facts.witnesses.opening.map(|finding| finding.node.clone()).or_else(stated).unwrap_or_default()
}

/// The pod and the container, by the node's ids and Kubernetes' names.
pub(super) fn whose(facts: &Facts<'_>) -> (Option<PodRef>, Option<ContainerRef>) {
    let seen = facts.whose();
    // A container that a pod's container made for itself is nobody's to look up.
    let id = seen.pod_container_id.or(seen.container_id);
    let Some(api) = facts.api else {
        return (
            seen.pod_uid.map(|uid| PodRef { uid: Some(uid), ..PodRef::default() }),
            id.map(|id| ContainerRef { id: Some(id), ..ContainerRef::default() }),
        );
    };
    let termination = api.termination();
    let named = api.pod().map(|pod| (&pod.uid, &pod.namespace, &pod.name));
    let named = named.or(termination.map(|t| (&t.pod_uid, &t.namespace, &t.pod)));
    let named = named.or(api.waiting().map(|w| (&w.pod_uid, &w.namespace, &w.pod)));
    let pod = match named {
        Some((uid, namespace, name)) => Some(PodRef {
            namespace: Some(namespace.clone()),
            name: Some(name.clone()),
            uid: Some(uid.clone()),
            owner: api
                .pod()
                .and_then(|pod| pod.workload())
                .map(|owner| OwnerRef { kind: owner.kind.clone(), name: owner.name.clone() }),
        }),
        None => seen.pod_uid.map(|uid| PodRef { uid: Some(uid), ..PodRef::default() }),
    };
    let name = api.case.container.clone();
    let id = id.or_else(|| termination.and_then(|t| t.container_id()).map(str::to_owned));
    let container = (name.is_some() || id.is_some()).then_some(ContainerRef { name, id });
    (pod, container)
}

pub(super) fn termination(facts: &Facts<'_>) -> Option<Terminated> {
    let termination = facts.api?.termination()?;
    Some(termination.as_stated())
}

/// Kubernetes' word, and the proof where it is wrong.
pub(super) fn kubernetes(
    facts: &Facts<'_>,
    cause: Cause,
    confidence: Confidence,
) -> Option<KubernetesSays> {
    let api = facts.api?;
    let ended = api.ended()?;
    let reason = ended.reason.clone();
    let word = reason.as_deref().unwrap_or("nothing");
    let decided = confidence > Confidence::Unknown;
    let why = match (word, cause.is_kernel_oom()) {
        ("OOMKilled", false) if api.code() != Some(137) => Some(format!(
            "Kubernetes says OOMKilled, but the exit code is {}: who is OOM-killed ends with 137. Some other process of the \
             container or pod was OOM-killed at some time, and the runtime remembers that.",
            api.code().map_or_else(|| "unknown".to_owned(), describe)
        )),
        ("OOMKilled", false) if decided => Some(match facts.kill_of_main() {
            Some(kill) => format!(
                "Kubernetes says OOMKilled, but its main process got SIGKILL from pid {} ({}), not from the kernel.",
                kill.sender.pid, kill.sender.comm
            ),
            None => format!(
                "Kubernetes says OOMKilled, but no OOM kill is known in it at {}; the runtime remembers an earlier one of \
                 another process.",
                clock(facts.at)
            ),
        }),
        (_, true) if word != "OOMKilled" && decided && matches!(facts.event, Event::Oom(_)) => {
            Some(format!(
                "Kubernetes says {word}, but {} by the kernel's OOM killer at {}.",
                facts.fate(),
                clock(facts.at)
            ))
        }
        _ => None,
    };
    Some(KubernetesSays { reason, disagrees: why.is_some(), why })
}
