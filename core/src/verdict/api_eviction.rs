//! `ApiEviction`: somebody evicted the pod through the API: `kubectl drain`, a cluster autoscaler, a descheduler.
//!
//! *Needs* the condition `DisruptionTarget` with `EvictionByEvictionAPI`, which only 1.26 and later set; before that it
//! looks like a deletion. *Confirmed by* the kubelet's event `Killing` in that run.

use super::claim::{Claim, Rule};
use super::ended_pod;
use super::facts::Facts;
use super::kubelets_doing;
use super::pod_end::{PodEnd, pod_end};
use crate::incident::Cause;

pub(super) const RULE: Rule = Rule { cause: Cause::ApiEviction, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let told = pod_end(api).filter(|told| told.end == PodEnd::ApiEviction)?;
    let summary = format!("{} was evicted through the API", api.who());
    let because = vec![match (told.message, api.case.node.as_deref()) {
        (_, Some(node)) if node.unschedulable => {
            "Somebody asked for its eviction, as `kubectl drain` does; its node is cordoned."
                .to_owned()
        }
        (Some(message), _) => format!("Kubernetes says: {}.", message.trim_end_matches(['.', ' '])),
        (None, _) => {
            "Somebody asked for its eviction, as `kubectl drain` or an autoscaler does.".to_owned()
        }
    }];
    let remedies = vec![
        "Nothing is wrong with it. If fewer of its kind may go at once, set a PodDisruptionBudget."
            .to_owned(),
    ];
    Some(ended_pod::claim(facts, api, &told, summary, because, remedies))
}
