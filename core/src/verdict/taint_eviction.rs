//! `TaintEviction`: its node got a taint with effect NoExecute that the pod does not tolerate, or no longer.
//!
//! *Needs* the condition `DisruptionTarget` with `DeletionByTaintManager`, or the event `TaintManagerEviction` beside a
//! deletion. *Confirmed by* that event. The node's own trouble (not ready, unreachable) is such a taint.

use super::claim::{Claim, Rule};
use super::ended_pod;
use super::facts::Facts;
use super::kubelets_doing;
use super::pod_end::{PodEnd, pod_end};
use crate::incident::Cause;

pub(super) const RULE: Rule = Rule { cause: Cause::TaintEviction, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let told = pod_end(api).filter(|told| told.end == PodEnd::TaintEviction)?;
    let taint = api.case.node.as_deref().and_then(|node| {
        node.taints.iter().find(|taint| taint.effect == "NoExecute").map(|taint| taint.key.clone())
    });
    let summary = match &taint {
        Some(taint) => format!("{} was ended because its node has the taint {taint}", api.who()),
        None => format!(
            "{} was ended because its node got a taint that it does not tolerate",
            api.who()
        ),
    };
    let because = vec![match told.message {
        Some(message) => format!("Kubernetes says: {}.", message.trim_end_matches(['.', ' '])),
        None => "The taint manager deleted it.".to_owned(),
    }];
    let remedies = vec![match taint.as_deref() {
        Some("node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable") => {
            "Find out why the node was not ready or not reachable. Pods are given 300 s by default; tolerationSeconds \
             for that taint changes it."
                .to_owned()
        }
        _ => "Give it a toleration for that taint if it may stay, or do not taint the node.".to_owned(),
    }];
    Some(ended_pod::claim(facts, api, &told, summary, because, remedies))
}
