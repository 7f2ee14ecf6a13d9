//! Whether a pod's limit is one container's limit under another name.
//!
//! The kubelet gives the pod's group the sum of its containers' limits, so with one container both groups have the
//! same limit, and the kernel names the pod's. Only the groups themselves can tell; they are gone soon after a kill.

use super::facts::Facts;
use crate::bytes::Bytes;
use crate::cgroup::identify;
use crate::finding::CgroupState;
use crate::kernel::{Level, Limit};
use crate::kubernetes::{ContainerRecord, ContainerRole};

/// The sandbox (`pause`) has no limit and holds well below this; a container without a limit holds more.
const SANDBOX_AT_MOST: u64 = 4 << 20;

/// What a pod's limit is.
pub(super) enum PodShape<'a> {
    /// One container's, under the pod's name.
    OneContainer {
        /// The container's group.
        path: &'a str,
    },
    /// The pod's as a whole; the sentence says why.
    WholePod(String),
    /// Nobody could see; the sentence says why.
    Unknown(String),
}

pub(super) fn pod_shape<'a>(facts: &Facts<'a>) -> PodShape<'a> {
    let Some(observation) = facts.at_kill.or(facts.aftermath) else {
        return counted(facts).or_else(|| specified(facts)).unwrap_or_else(|| PodShape::Unknown(
            "Nobody read the pod's groups at that time, so it is not known whether the limit is that of a single \
             container."
                .to_owned(),
        ));
    };
    let container = facts.container_state(observation).filter(|state| state.exists);
    let Some((container, limit)) = container.and_then(|state| Some((state, state.limit?))) else {
        return counted(facts).or_else(|| specified(facts)).unwrap_or_else(|| PodShape::Unknown(
            "The container's own limit could not be read any more, so it is not known whether the pod's limit is that \
             of a single container."
                .to_owned(),
        ));
    };
    let others: Vec<&CgroupState> = observation
        .siblings
        .iter()
        .filter(|state| {
            state.exists && state.path != container.path && is_another_container(state, container)
        })
        .collect();
    match (limit, facts.hit().limit) {
        (Limit::Unlimited, _) => PodShape::WholePod(
            "The container has no limit of its own; the limit is the pod's.".to_owned(),
        ),
        (Limit::Bytes(own), Some(pod)) if own != pod => PodShape::WholePod(format!(
            "The container's own limit is {}; the limit of {} that was hit is the pod's.",
            Bytes(own),
            Bytes(pod)
        )),
        (Limit::Bytes(_), _) if !others.is_empty() => {
            PodShape::WholePod(format!("{} containers share the pod's limit.", others.len() + 1))
        }
        (Limit::Bytes(_), None) => PodShape::Unknown(
            "The pod's limit is not known, so it cannot be compared with the container's."
                .to_owned(),
        ),
        (Limit::Bytes(_), Some(_)) => PodShape::OneContainer { path: &container.path },
    }
}

/// What the limits tell that were read with the counters. The pod's is the sum of its containers' limits, so one that is
/// the same as the container's leaves nothing for a second.
fn counted<'a>(facts: &Facts<'a>) -> Option<PodShape<'a>> {
    let container = facts.container_rise()?;
    match (container.limit?, facts.hit().limit?) {
        (Limit::Unlimited, _) => Some(PodShape::WholePod(
            "The container has no limit of its own; the limit is the pod's.".to_owned(),
        )),
        (Limit::Bytes(own), pod) if own != pod => Some(PodShape::WholePod(format!(
            "The container's own limit is {}; the limit of {} that was hit is the pod's.",
            Bytes(own),
            Bytes(pod)
        ))),
        (Limit::Bytes(_), _) => Some(PodShape::OneContainer { path: &container.group }),
    }
}

/// What the pod's specification tells, where nobody read its groups.
fn specified<'a>(facts: &Facts<'a>) -> Option<PodShape<'a>> {
    let api = facts.api?;
    let (pod, mine) = (api.pod()?, api.container()?);
    let with_it = |other: &&ContainerRecord| {
        let beside = match mine.role {
            ContainerRole::Init => other.role == ContainerRole::Sidecar,
            _ => other.role != ContainerRole::Init,
        };
        other.name != mine.name && beside
    };
    let others = pod.containers.iter().filter(with_it).count();
    let Some(hit) = facts.hit().limit else {
        // The pod's limit is what its containers may use in sum: here that is this one's.
        let alone = others == 0 && mine.limits.memory.is_some() && pod.limits.memory.is_none();
        return alone.then_some(PodShape::OneContainer { path: facts.victim.as_ref()?.path });
    };
    match (mine.limits.memory, pod.limits.memory) {
        (_, Some(whole)) if whole == hit && (others > 0 || mine.limits.memory != Some(whole)) => {
            Some(PodShape::WholePod(format!(
                "The pod has a limit as a whole, {}, which {} share.",
                Bytes(whole),
                match others {
                    0 => "its container and its volumes in memory".to_owned(),
                    more => format!("its {} containers", more + 1),
                }
            )))
        }
        (None, _) => Some(PodShape::WholePod(
            "The container has no limit of its own; the limit is the pod's.".to_owned(),
        )),
        (Some(own), _) if own != hit => Some(PodShape::WholePod(format!(
            "The container's own limit is {}; the limit of {} that was hit is the pod's.",
            Bytes(own),
            Bytes(hit)
        ))),
        (Some(_), _) => Some(PodShape::OneContainer { path: facts.victim.as_ref()?.path }),
    }
}

/// Whether a group beside the container is a container that counts: the sandbox is none, nor is a part of this one.
fn is_another_container(state: &CgroupState, container: &CgroupState) -> bool {
    let identity = identify(&state.path);
    if identity.level != Level::Container
        || identity.container_id == identify(&container.path).container_id
    {
        return false;
    }
    match (state.limit, state.usage.or(state.peak)) {
        (Some(Limit::Bytes(_)), _) => true,
        (_, Some(used)) => used > SANDBOX_AT_MOST,
        (_, None) => state.processes_left.is_some_and(|processes| processes > 1),
    }
}
