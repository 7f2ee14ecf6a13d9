//! Why a whole pod was to end, as its status, its conditions and its deletion say.
//!
//! Structure first: `status.reason`, then the condition `DisruptionTarget` (1.26 and later), then the deletion, then events;
//! texts last. What ended before that was decided did not end of it: an init container that was long done, a run before.

use jiff::SignedDuration;

use super::api::{Api, Order, order};
use super::clocks::{Dated, node_to_api};
use crate::kubernetes::{ApiPart, ClusterEvent, Condition};

/// Why the pod was to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PodEnd {
    Evicted,
    Preempted,
    ApiEviction,
    TaintEviction,
    Deleted,
    DeadlineExceeded,
    NodeShutdown,
}

/// That the pod was to end, and who says so.
pub(super) struct Told<'a> {
    pub end: PodEnd,
    /// What says it, as evidence.
    pub said: String,
    /// The message beside it.
    pub message: Option<&'a str>,
    /// When it was decided, where that is known.
    pub decided: Option<Dated>,
    /// The event that tells the same, if it is there.
    pub event: Option<&'a ClusterEvent>,
}

/// Why the pod of this end was to end; `None` where nothing says that it was, or the container had ended before.
pub(super) fn pod_end<'a>(api: Api<'a>) -> Option<Told<'a>> {
    // What a container waited for is none of what became of its pod later on.
    if api.waiting().is_some() || api.unseen() && !stopped_by_eviction(api) {
        return None;
    }
    let told = status(api).or_else(|| disruption(api)).or_else(|| deletion(api))?;
    let over = told.decided.is_some_and(|decided| api.order(decided) == Order::Before);
    (!over).then_some(told)
}

/// Whether the kubelet evicted the pod and then stopped this container, which it can only do to one that is there. For those
/// that still run when it writes the pod's last status it makes an end up (Kubernetes 1.36 does so for all but the first).
fn stopped_by_eviction(api: Api<'_>) -> bool {
    let evicted = api.pod().is_some_and(|pod| pod.reason.as_deref() == Some("Evicted"));
    let decided = api.case.events_with("Evicted").filter_map(|event| event.first).min();
    let stopped = |decided| {
        api.case.events_with("Killing").any(|event| {
            event.regarding.container.is_some()
                && event.regarding.container == api.case.container
                && event.last.or(event.first).is_some_and(|last| last >= decided)
        })
    };
    evicted && decided.is_some_and(stopped)
}

fn status<'a>(api: Api<'a>) -> Option<Told<'a>> {
    let pod = api.pod()?;
    let reason = pod.reason.as_deref()?;
    let message = pod.message.as_deref();
    let shutting = message.is_some_and(|message| message.contains("node shutdown"));
    let (end, word) = match reason {
        "Evicted" => (PodEnd::Evicted, "Evicted"),
        "DeadlineExceeded" => (PodEnd::DeadlineExceeded, "DeadlineExceeded"),
        "Preempting" => (PodEnd::Preempted, "Preempting"),
        "Shutdown" | "NodeShutdown" => (PodEnd::NodeShutdown, "NodeShutdown"),
        "Terminated" if shutting => (PodEnd::NodeShutdown, "Shutdown"),
        _ => return None,
    };
    let event = api.case.events_with(word).min_by_key(|event| order(event));
    Some(Told {
        end,
        said: format!("status.reason is {reason}"),
        message,
        decided: event
            .and_then(Dated::of)
            .or_else(|| since(target(api)))
            .or_else(|| api.killing().and_then(|(event, _)| Dated::of(event))),
        event,
    })
}

fn target<'a>(api: Api<'a>) -> Option<&'a Condition> {
    api.pod()?.condition("DisruptionTarget").filter(|condition| condition.status == "True")
}

/// When a condition came about: its reason says whose it is.
fn since(condition: Option<&Condition>) -> Option<Dated> {
    let condition = condition?;
    let kubelet = condition.reason.as_deref() == Some("TerminationByKubelet");
    condition.since.map(if kubelet { Dated::by_node } else { Dated::by_api })
}

fn disruption<'a>(api: Api<'a>) -> Option<Told<'a>> {
    let condition = target(api)?;
    let reason = condition.reason.as_deref()?;
    let message = condition.message.as_deref();
    let (end, word) = match reason {
        "PreemptionByScheduler" | "PreemptionByKubeScheduler" => (PodEnd::Preempted, "Preempted"),
        "EvictionByEvictionAPI" => (PodEnd::ApiEviction, "Killing"),
        "DeletionByTaintManager" => (PodEnd::TaintEviction, "TaintManagerEviction"),
        "DeletionByPodGC" => (PodEnd::Deleted, "Killing"),
        // The kubelet's: an eviction, a preemption for a critical pod, or the node's shutdown; the text tells.
        "TerminationByKubelet" => match message {
            Some(text) if text.contains("shutdown") => (PodEnd::NodeShutdown, "Shutdown"),
            Some(text) if text.contains("reempted") => (PodEnd::Preempted, "Preempting"),
            _ => (PodEnd::Evicted, "Evicted"),
        },
        _ => return None,
    };
    Some(Told {
        end,
        said: format!("condition DisruptionTarget is {reason}"),
        message,
        decided: since(Some(condition)),
        event: api.case.events_with(word).min_by_key(|event| order(event)),
    })
}

/// The kubelet removes a pod's object this soon after its last container ended.
const REMOVED_WITHIN: SignedDuration = SignedDuration::from_secs(10);

/// How long the others of the pod may take to end.
fn grace(api: Api<'_>) -> SignedDuration {
    let grace = api.grace_s().and_then(|s| i64::try_from(s).ok()).unwrap_or(30);
    SignedDuration::from_secs(grace.min(1 << 40))
}

fn deletion<'a>(api: Api<'a>) -> Option<Told<'a>> {
    let pod = api.pod()?;
    let by_taint = api
        .case
        .events_with("TaintManagerEviction")
        .filter(|event| event.message.starts_with("Marking"))
        .min_by_key(|event| order(event));
    let by_scheduler = api.case.events_with("Preempted").min_by_key(|event| order(event));
    let deletion = pod.deletion?;
    let stopping = api.during("Killing").min_by_key(|event| order(event));
    // The kubelet removes a pod that is over with grace 0: when it was asked for, only the request before that says.
    // Where no request was seen before that, this was the request: somebody deleted it at once.
    let graceful = deletion.grace_s.is_some_and(|grace| grace > 0);
    let requested = deletion
        .requested()
        .filter(|_| graceful || deletion.grace_s == Some(0) && !api.gap(ApiPart::Pods));
    if requested.is_none() && !api.vanished() {
        // The last container ends, then the kubelet removes the pod at once: who ended long before that ended of
        // something else, and so did who was never stopped as far as events tell.
        let ends = pod.containers.iter().map(|container| container.ended()?.finished_at);
        let over = ends.collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max());
        let last = over.map_or(grace(api), |_| SignedDuration::ZERO);
        let removed = node_to_api(api).when(deletion.deadline).0.unwrap_or(deletion.deadline);
        let long_before = over.or(api.finished()).is_some_and(|ended| {
            ended.duration_until(removed) > last.saturating_add(REMOVED_WITHIN)
        });
        if long_before || api.events_known() && stopping.is_none() {
            return None;
        }
    }
    let (end, event) = match (by_taint, by_scheduler) {
        (Some(event), _) => (PodEnd::TaintEviction, Some(event)),
        (None, Some(event)) => (PodEnd::Preempted, Some(event)),
        (None, None) => (PodEnd::Deleted, stopping),
    };
    Some(Told {
        end,
        said: match requested {
            Some(_) => format!(
                "metadata.deletionTimestamp is {}, with a grace period of {} s",
                deletion.deadline,
                deletion.grace_s.unwrap_or(0)
            ),
            None => format!("metadata.deletionTimestamp is {}", deletion.deadline),
        },
        message: event.filter(|_| end != PodEnd::Deleted).map(|event| event.message.as_str()),
        decided: requested.map(Dated::by_api).or_else(|| stopping.and_then(Dated::of)),
        event,
    })
}
