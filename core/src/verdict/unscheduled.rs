//! A pod that the scheduler finds no node for. Nothing died and nothing was started, so none of the causes is its; the verdict
//! is `Unknown` with the outcome `NeverStarted`, and says in the scheduler's own words why.
//!
//! *Needs* the pod's condition `PodScheduled` with reason `Unschedulable`. Its message counts nodes by what each lacks:
//! `0/3 nodes are available: 1 Insufficient memory, 2 node(s) had untolerated taint {a: b}. preemption: ...`.

use super::api::Api;
use super::claim::{Basis, Claim};
use crate::bytes::Bytes;
use crate::incident::Confidence;
use crate::kubernetes::{ContainerRole, PodRecord, Waiting};

pub(super) fn claim(api: Api<'_>, waiting: &Waiting) -> Claim {
    let message = waiting.message.as_deref().unwrap_or_default().trim_end_matches(['.', ' ']);
    let because = match message {
        "" => "The scheduler does not say what it lacks.".to_owned(),
        message => format!("The scheduler says: {message}."),
    };
    let who = api.who();
    let summary = match waiting.over {
        Some(_) => format!("{who} waited for a node: the scheduler found none"),
        None => format!("{who} never ran: the scheduler finds no node for it"),
    };
    Claim {
        confidence: Confidence::Unknown,
        summary,
        because: vec![because],
        remedies: remedies(message, api.pod()),
        basis: Basis::Api,
        ..Claim::default()
    }
}

fn remedies(message: &str, pod: Option<&PodRecord>) -> Vec<String> {
    let mut all = Vec::new();
    if message.contains("Insufficient memory") {
        let asked = pod.and_then(asked_memory).map_or_else(String::new, |bytes| {
            format!(" Its containers ask for {} together.", Bytes(bytes))
        });
        all.push(format!(
            "Lower the pod's memory requests, or add nodes with as much memory left.{asked}"
        ));
    }
    for (word, remedy) in [
        ("Insufficient cpu", "Lower the pod's CPU requests, or add nodes with as much left."),
        (
            "node affinity/selector",
            "Correct the pod's nodeSelector or node affinity, or label a node so.",
        ),
        ("untolerated taint", "Tolerate the taint, or remove it from a node that may run the pod."),
        ("Too many pods", "Add nodes: those there run as many pods as they may."),
    ] {
        if message.contains(word) {
            all.push(remedy.to_owned());
        }
    }
    if all.is_empty() {
        all.push(
            "Change what the scheduler names, in the pod or on the nodes; it tries again by itself."
                .to_owned(),
        );
    }
    all
}

/// The memory that the pod's containers that run beside each other ask for; `None` unless each says so, or the pod does.
fn asked_memory(pod: &PodRecord) -> Option<u64> {
    if let Some(bytes) = pod.requests.memory {
        return Some(bytes);
    }
    let beside = |role: ContainerRole| matches!(role, ContainerRole::App | ContainerRole::Sidecar);
    pod.containers
        .iter()
        .filter(|container| beside(container.role))
        .try_fold(0_u64, |sum, container| sum.checked_add(container.requests.memory?))
        .filter(|bytes| *bytes > 0)
}
