//! What the rules about containers that wait say alike, and what else keeps one from starting.

use super::api::Api;
use super::claim::{Basis, Claim};
use super::facts::{Event, Facts};
use crate::incident::Confidence;
use crate::kubernetes::{ApiPart, Waiting};

/// What waits, where the case is about that.
pub(super) fn waiting<'a>(facts: &Facts<'a>) -> Option<(Api<'a>, &'a Waiting)> {
    let Event::Death = facts.event else { return None };
    let api = facts.api?;
    Some((api, api.waiting()?))
}

/// A claim by what the kubelet says of the container's waiting.
pub(super) fn claim(
    api: Api<'_>,
    summary: String,
    because: Vec<String>,
    remedies: Vec<String>,
) -> Claim {
    Claim {
        // The status is the kubelet's own word, by pod and container.
        confidence: if api.gap(ApiPart::Pods) { Confidence::Likely } else { Confidence::Confirmed },
        summary,
        because,
        remedies,
        basis: Basis::Api,
        ..Claim::default()
    }
}

/// `Kubernetes says CreateContainerConfigError: secret "x" not found.`
pub(super) fn stated(waiting: &Waiting) -> String {
    match waiting.message.as_deref() {
        Some(message) => {
            format!("Kubernetes says {}: {}.", waiting.reason, message.trim_end_matches(['.', ' ']))
        }
        None => format!("Kubernetes says {}.", waiting.reason),
    }
}
