//! `NodePressureEviction`: the node ran short of memory, disk, inodes or process ids, and the kubelet ended the pod.
//!
//! *Needs* the pod's status reason `Evicted` with a message that is not about the pod's own storage limits. *Confirmed by* the
//! event `Evicted` before the end. A hard threshold gives the pod two seconds, so 137 with reason `Error` is usual.

use super::claim::{Claim, Rule};
use super::ended_pod;
use super::facts::Facts;
use super::kubelets_doing;
use super::pod_end::{PodEnd, pod_end};
use crate::incident::Cause;
use crate::kubelet::eviction::{Eviction, NodeShortage, Resource, eviction};

pub(super) const RULE: Rule = Rule { cause: Cause::NodePressureEviction, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let told = pod_end(api).filter(|told| told.end == PodEnd::Evicted)?;
    let message =
        told.message.or(told.event.map(|event| event.message.as_str())).unwrap_or_default();
    let Eviction::Node(short) = eviction(message) else { return None };
    let of = short.resource.map_or("something it does not name", Resource::word);
    let mut because = vec![match (&short.threshold, &short.available) {
        (Some(threshold), Some(available)) => format!(
            "The kubelet evicted the pod because it found {available} of {of} left, less than the {threshold} it keeps free."
        ),
        _ => format!("The kubelet evicted the pod because the node was short of {of}."),
    }];
    if short.resource == Some(Resource::Memory) {
        // `allocatableMemory.available` is called memory in its message too (pkg/kubelet/eviction/helpers.go).
        because.push(
            "It counts the node's memory, and by itself what pods may use of it; its message does not say which ran short."
                .to_owned(),
        );
    }
    let mine = api.case.container.as_deref();
    for offender in short.offenders.iter().take(3) {
        let requested = offender.requested.as_deref().unwrap_or("an unknown amount");
        because.push(format!(
            "Container {} used {} and had requested {requested}; pods above their requests go first.",
            offender.container, offender.used
        ));
    }
    let summary = format!("{} was evicted because its node was short of {of}", api.who());
    Some(ended_pod::claim(facts, api, &told, summary, because, vec![remedy(&short, mine)]))
}

fn remedy(short: &NodeShortage, mine: Option<&str>) -> String {
    let offender = short
        .offenders
        .iter()
        .find(|o| Some(o.container.as_str()) == mine)
        .or(short.offenders.first());
    match (short.resource, offender) {
        (Some(Resource::Memory), Some(o)) => format!(
            "Raise the memory request of container {} to what it uses, {}: pods within their requests are evicted last, \
             and the scheduler then finds a node that has it.",
            o.container, o.used
        ),
        (Some(Resource::Disk), Some(o)) => format!(
            "Raise the ephemeral-storage request of container {} to what it uses, {}, or let it write less: logs, \
             emptyDir volumes and the container's own layer count.",
            o.container, o.used
        ),
        (Some(Resource::Inodes), _) => {
            "Find who makes so many small files on the node (`df -i`): logs, emptyDir volumes or images.".to_owned()
        }
        (Some(Resource::Pids), _) => {
            "Find who starts so many processes or threads, and set podPidsLimit on the kubelet.".to_owned()
        }
        _ => "Look at the node's conditions and at what its largest pods use against their requests.".to_owned(),
    }
}
