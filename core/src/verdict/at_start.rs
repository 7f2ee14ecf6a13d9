//! A container whose memory limit is too low for it to start: the runtime's own helper was OOM-killed in its group.
//!
//! runc says so in the error that becomes the status' message (`container init was OOM-killed`), since 1.1.

use super::claim::{Basis, Claim};
use super::facts::{Event, Facts};
use super::words::size;
use crate::incident::Confidence;
use crate::kubelet::start::{StartFailure, start_failure};

/// The claim that the container's limit kept it from starting.
pub(super) fn claim(facts: &Facts<'_>) -> Option<Claim> {
    let (Event::Death, Some(api)) = (&facts.event, facts.api) else { return None };
    let waiting = api.waiting().and_then(|waiting| waiting.message.as_deref());
    let message = waiting.or(api.ended().and_then(|ended| ended.message.as_deref()))?;
    let stated =
        waiting.is_some() || matches!(api.reason(), Some("StartError" | "ContainerCannotRun"));
    if !stated || start_failure(message) != StartFailure::OutOfMemory {
        return None;
    }
    let limit = api.container().and_then(|container| container.limits.memory);
    let of = limit.map_or_else(String::new, |limit| format!(" of {}", size(Some(limit))));
    Some(Claim {
        confidence: Confidence::Likely,
        summary: format!("{} could not start: its memory limit{of} is too low", api.who()),
        because: vec![
            "The runtime says that its process was OOM-killed in the container's group before the program ran.".to_owned(),
        ],
        remedies: vec![format!(
            "Raise the container's memory limit{of}, and measure what the program needs once it runs (memory.peak)."
        )],
        missing: vec!["The kernel's own report of that kill.".to_owned()],
        basis: Basis::Api,
        ..Claim::default()
    })
}
