//! `OtherCgroupLimit`: another group's limit: a systemd unit, a group nested inside a container, the container that a
//! whole node runs in.
//!
//! *Needs* a limit hit at a group that is none of the pods' hierarchy and no reserved slice; the kernel naming it
//! confirms it. A path that lost an end makes it likely at most: what was cut away may have been a pod's.

use super::claim::{Claim, Rule};
use super::container_memory_limit::runs_a_node;
use super::facts::{Facts, Group};
use super::shared_limit::{self, Told};
use super::words::{short, size};
use crate::incident::{Cause, Confidence};
use crate::kernel::Level;

pub(super) const RULE: Rule = Rule { cause: Cause::OtherCgroupLimit, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let (report, limit) = facts.limit_hit()?;
    let node_in_container = runs_a_node(facts);
    if !(node_in_container || limit.identity.level == Level::Other && !limit.identity.reserved) {
        return None;
    }
    let (who, also) = if node_in_container {
        let id = limit.identity.container_id.as_deref().map(short).unwrap_or_default();
        (
            format!("The container {id}, in which a whole node with pods runs,"),
            "Pods inside are killed for it although none of them had to be at its own limit.",
        )
    } else {
        describe(limit)
    };
    let cut = !limit.path.starts_with('/')
        || limit.path.ends_with('/')
        || limit.identity.pod_uid.is_some() && limit.identity.container_id.is_none();
    let confidence =
        if cut { facts.certainty().min(Confidence::Likely) } else { facts.certainty() };
    let mut claim = shared_limit::claim(
        facts,
        report,
        limit,
        Told {
            who,
            limit: "its memory limit",
            remedy: |limit| match limit {
                Some(limit) => format!("Raise the limit of that group above {}", size(Some(limit))),
                None => "Raise the limit of that group".to_owned(),
            },
            also: (!also.is_empty()).then(|| also.to_owned()),
            confidence,
        },
    );
    if cut {
        claim
            .missing
            .push("The group's path is not whole, so it may be another kind of group.".to_owned());
    }
    Some(claim)
}

/// What a person calls such a group, and what is worth knowing about it.
fn describe(limit: &Group<'_>) -> (String, &'static str) {
    let name = limit.path.rsplit('/').find(|name| !name.is_empty()).unwrap_or(limit.path);
    if let Some(id) =
        limit.identity.pod_container_id.as_ref().or(limit.identity.container_id.as_ref())
    {
        return (
            format!("A group made inside container {}", short(id)),
            "The container's own limit is another one; whoever runs in the container set this one.",
        );
    }
    if limit.identity.pod_uid.is_some() {
        return ("A group beside the pod's containers".to_owned(), "");
    }
    match name.rsplit_once('.') {
        Some((_, "service" | "scope")) => (
            format!("The systemd unit {name}"),
            "Its limit is MemoryMax= of the unit; it is outside of Kubernetes.",
        ),
        Some((_, "slice")) => (
            format!("The systemd slice {name}"),
            "Its limit is MemoryMax= of the slice; it is outside of Kubernetes.",
        ),
        _ => ("A group outside of Kubernetes".to_owned(), ""),
    }
}
