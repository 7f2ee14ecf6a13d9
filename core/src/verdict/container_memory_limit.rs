//! `ContainerMemoryLimit`: the container's own limit was hit.
//!
//! *Needs* a limit that was hit and a container whose limit it is. *Confirmed by* the kernel naming the container's
//! group, or naming the pod's group while the pod's limit is just this one container's (the kubelet sets the pod's
//! limit to the sum of its containers', and the kernel names the outermost group that is full). *Contradicted by* a
//! pod inside the container whose limit it is: then a whole node runs in there.
//!
//! A bare kill line names no group. Where the victim's container is known and its counters say that it was out of
//! memory, that is possible, no more: the counters do not say when.

use super::at_start;
use super::claim::{Claim, Rule};
use super::composition;
use super::facts::{Facts, HitKind};
use super::heap;
use super::pod_shape::{PodShape, pod_shape};
use super::words::{group, size};
use crate::cgroup::identify;
use crate::incident::{Cause, Confidence};
use crate::kernel::{Level, Limit, Scope};

pub(super) const RULE: Rule = Rule { cause: Cause::ContainerMemoryLimit, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let Some((_, limit)) = facts.limit_hit() else {
        return from_counters(facts).or_else(|| at_start::claim(facts));
    };
    match limit.identity.level {
        Level::Container if !runs_a_node(facts) => {
            let container = group(limit.path, &limit.identity);
            Some(claim(facts, facts.certainty(), &container, None))
        }
        Level::Pod => {
            let PodShape::OneContainer { path } = pod_shape(facts) else { return None };
            let container = group(path, &identify(path));
            let why = format!(
                "The kernel names the pod's group, but the pod's limit is just that of its one container, {container}."
            );
            Some(claim(facts, facts.certainty(), &container, Some(why)))
        }
        _ => None,
    }
}

/// Whether the limit is that of a container which belongs to no pod, but pods run inside.
pub(super) fn runs_a_node(facts: &Facts<'_>) -> bool {
    let (Some(limit), Some(victim)) = (&facts.limit, &facts.victim) else { return false };
    limit.identity.level == Level::Container
        && limit.identity.pod_uid.is_none()
        && victim.identity.pod_uid.is_some()
}

fn claim(facts: &Facts<'_>, confidence: Confidence, container: &str, why: Option<String>) -> Claim {
    let hit = facts.hit();
    let what = match hit.kind {
        HitKind::Memory => "memory",
        HitKind::MemoryAndSwap => "memory-and-swap",
        HitKind::KernelMemory => "kernel-memory",
    };
    let who = facts.fate();
    let mut because = vec![match (hit.usage, hit.limit) {
        (Some(usage), Some(limit)) if lowered(usage, limit) => format!(
            "The {what} limit of {container} was lowered below what was in use: {} in use, the limit is {}.",
            size(Some(usage)),
            size(Some(limit))
        ),
        (Some(usage), Some(limit)) => format!(
            "The limit of {container} was hit: {} in use, the {what} limit is {}.",
            size(Some(usage)),
            size(Some(limit))
        ),
        (None, Some(limit)) => {
            format!("The limit of {container} was hit: the {what} limit is {}.", size(Some(limit)))
        }
        (_, None) => format!("The {what} limit of {container} was hit."),
    }];
    because.extend(facts.peak());
    because.extend(why);
    let made_of = facts.report().and_then(|report| composition::composition(report, hit.usage));
    because.extend(made_of.as_ref().map(|made_of| made_of.sentence.clone()));
    let raise = match hit.limit {
        Some(limit) if hit.usage.is_some_and(|usage| lowered(usage, limit)) => {
            format!("Put the container's {what} limit back above {}", size(hit.usage))
        }
        Some(limit) => format!("Raise the container's {what} limit above {}", size(Some(limit))),
        None => format!("Raise the container's {what} limit"),
    };
    let remedies = facts
        .report()
        .map(|report| composition::remedies(report, made_of.as_ref(), &raise))
        .unwrap_or_default();
    let mut remedies = remedies;
    remedies.extend(heap::remedy(facts, hit.limit));
    let all = hit.limit.map_or_else(String::new, |limit| format!(" of {}", size(Some(limit))));
    Claim {
        confidence,
        summary: format!(
            "{who} because {} container hit its own {what} limit{all}",
            facts.whose_word()
        ),
        because,
        remedies,
        missing: Vec::new(),
        ..Claim::default()
    }
}

/// Usage this far above the limit is no batch of charges: somebody wrote a smaller limit.
pub(super) fn lowered(usage: u64, limit: u64) -> bool {
    usage > limit.saturating_add(limit / 16).saturating_add(1 << 20)
}

/// A bare kill whose victim's container is known and was out of memory.
fn from_counters(facts: &Facts<'_>) -> Option<Claim> {
    let report = facts.report().filter(|report| report.scope == Scope::Cgroup)?;
    let victim = facts.victim.as_ref().filter(|group| group.identity.level == Level::Container)?;
    if !report.bare || facts.limit.is_some() {
        return None;
    }
    let state = facts.container_state(facts.at_kill?)?;
    let limit = state.limit.and_then(Limit::bytes)?;
    let (counter, count) = match state.version {
        1 => ("failcnt", state.limit_hits?),
        _ => ("oom", state.oom?),
    };
    if count == 0 {
        return None;
    }
    let container = group(victim.path, &victim.identity);
    let mut claim = claim(facts, Confidence::Possible, &container, None);
    claim.because = vec![format!(
        "A group's memory limit was hit. {container} has a limit of {} and has been at it (its counter {counter} is \
         {count}), so it probably was this one's.",
        size(Some(limit))
    )];
    claim.summary = format!(
        "{}, probably because its container hit its own memory limit of {}",
        facts.fate(),
        size(Some(limit))
    );
    claim.remedies = composition::remedies(
        report,
        None,
        &format!("Raise the container's memory limit above {}", size(Some(limit))),
    );
    claim.missing = vec!["The kernel did not print whose limit was hit.".to_owned()];
    Some(claim)
}
