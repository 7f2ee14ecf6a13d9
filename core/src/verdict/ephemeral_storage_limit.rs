//! `EphemeralStorageLimit`: the pod, one of its containers or an emptyDir went over a limit on storage.
//!
//! *Needs* the pod's status reason `Evicted` with the kubelet's message about such a limit. *Confirmed by* the event `Evicted`
//! before the end. The exit code is 137 with reason `Error`: only the pod's status tells.

use super::claim::{Claim, Rule};
use super::ended_pod;
use super::facts::Facts;
use super::kubelets_doing;
use super::pod_end::{PodEnd, pod_end};
use crate::incident::Cause;
use crate::kubelet::eviction::{Eviction, eviction};

pub(super) const RULE: Rule = Rule { cause: Cause::EphemeralStorageLimit, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let told = pod_end(api).filter(|told| told.end == PodEnd::Evicted)?;
    let message =
        told.message.or(told.event.map(|event| event.message.as_str())).unwrap_or_default();
    let (what, over, remedy) = match eviction(message) {
        Eviction::EmptyDir { volume, limit } => (
            format!("emptyDir {volume}"),
            format!("The emptyDir volume {volume} held more than its sizeLimit of {limit}."),
            format!(
                "Raise the sizeLimit of emptyDir {volume} above {limit}, or let its users write less: the kubelet looks once \
                 in ten seconds or more rarely, so it may hold far more than that for a while."
            ),
        ),
        Eviction::ContainerStorage { container, limit } => (
            format!("container {container}"),
            format!(
                "Container {container} wrote more than its ephemeral-storage limit of {limit} to its own layer and its logs."
            ),
            format!(
                "Raise the ephemeral-storage limit of container {container} above {limit}, or write less: what it logs and \
                 what it writes outside of volumes counts."
            ),
        ),
        Eviction::PodStorage { limit } => (
            "the pod".to_owned(),
            format!(
                "The containers and emptyDir volumes of the pod together held more than the sum of the ephemeral-storage \
                 limits, {limit}."
            ),
            format!(
                "Raise the ephemeral-storage limits, {limit} in sum, or write less: logs, emptyDir volumes and the \
                 containers' own layers count."
            ),
        ),
        Eviction::Node(_) => return None,
    };
    let summary = format!("{} was evicted because {what} went over its storage limit", api.who());
    Some(ended_pod::claim(facts, api, &told, summary, vec![over], vec![remedy]))
}
