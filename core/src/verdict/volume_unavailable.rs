//! `VolumeUnavailable`: a volume is not bound, attached or mounted.
//!
//! *Needs* a container that waits to be created, and the event `FailedAttachVolume`, `FailedMount` or `FailedBinding`, or a
//! scheduler's word about unbound claims. Waiting alone says nothing: every container does at first, and a mount that
//! failed once is tried again; so it is likely, no more.

use super::api::order;
use super::claim::{Claim, Rule};
use super::facts::Facts;
use super::missing_config::is_config;
use super::waits;
use crate::incident::{Cause, Confidence};
use crate::kubelet::start::{StartFailure, start_failure};
use crate::kubernetes::{ClusterEvent, WaitingKind};

pub(super) const RULE: Rule = Rule { cause: Cause::VolumeUnavailable, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let (api, waiting) = waits::waiting(facts)?;
    let all = || api.case.events.iter();
    let tells = |event: &&ClusterEvent| match event.reason.as_str() {
        "FailedAttachVolume" | "FailedBinding" | "ProvisioningFailed" | "FailedMapVolume" => true,
        "FailedMount" => !is_config(&event.message) && !event.message.contains("not registered"),
        "FailedScheduling" => {
            event.message.contains("unbound immediate PersistentVolumeClaims")
                || event.message.contains("persistentvolumeclaim")
        }
        _ => false,
    };
    let because = match waiting.kind() {
        WaitingKind::Creating => {
            let event = all().filter(tells).max_by_key(|event| (event.last, order(event)))?;
            format!(
                "{} says {}: {}.",
                event.component,
                event.reason,
                event.message.trim_end_matches(['.', ' '])
            )
        }
        WaitingKind::Start
            if start_failure(waiting.message.as_deref().unwrap_or_default())
                == StartFailure::Mount =>
        {
            waits::stated(waiting)
        }
        _ => return None,
    };
    let has = |word: &str| because.contains(word);
    let remedy = if has("Multi-Attach") {
        "The volume is still attached to another node: find the pod that holds it there, or use a volume that several nodes \
         may attach."
    } else if has("unbound") || has("FailedBinding") || has("ProvisioningFailed") {
        "Look at the claim (`kubectl describe pvc`): its storage class, size, access mode or zone cannot be met."
    } else if has("timed out") || has("Timeout") {
        "Look at the storage's own controller and node plugin: the volume was not attached or mounted in time."
    } else if has("persistentvolumeclaim") && has("not found") {
        "Create the claim in the pod's namespace, or correct the name that the pod refers to it by."
    } else if has("hostPath type check failed") {
        "The path is not on that node, or is something else there: create it, or correct the path or type of the \
         hostPath volume."
    } else {
        "Look at the volume and the storage's node plugin on that node."
    };
    let summary = format!("{} waits for a volume", api.who());
    let mut claim = waits::claim(api, summary, vec![because], vec![remedy.to_owned()]);
    claim.confidence = claim.confidence.min(Confidence::Likely);
    Some(claim)
}
