//! `Preempted`: it made room for a pod of higher priority.
//!
//! *Needs* the condition `DisruptionTarget` with `PreemptionByScheduler`, status reason `Preempting` (the kubelet, for a
//! critical pod), or the scheduler's event `Preempted`. *Confirmed by* that event. *Contradicted by* an end before it was decided.

use super::claim::{Claim, Rule};
use super::ended_pod;
use super::facts::Facts;
use super::kubelets_doing;
use super::pod_end::{PodEnd, pod_end};
use crate::incident::Cause;

pub(super) const RULE: Rule = Rule { cause: Cause::Preempted, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let told = pod_end(api).filter(|told| told.end == PodEnd::Preempted)?;
    let summary = format!("{} had to make room for a pod of higher priority", api.who());
    let because = vec![match told.message {
        Some(message) => format!("Kubernetes says: {}.", message.trim_end_matches(['.', ' '])),
        None => "The scheduler chose it to make room on the node.".to_owned(),
    }];
    let remedies = vec![
        "Give it a PriorityClass as high as that of the pods that it must not yield to, or a PodDisruptionBudget (which \
         preemption respects where it can), or more room in the cluster for what is pending."
            .to_owned(),
    ];
    Some(ended_pod::claim(facts, api, &told, summary, because, remedies))
}
