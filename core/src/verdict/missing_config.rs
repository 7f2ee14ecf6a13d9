//! `MissingConfig`: a ConfigMap, Secret or key that its specification refers to is not there, or the specification cannot be met.
//!
//! *Needs* the container waiting with `CreateContainerConfigError`, which confirms it; or, where the pod waits for its volumes,
//! the event `FailedMount` about a ConfigMap or Secret that is not found.

use super::api::order;
use super::claim::{Claim, Rule};
use super::facts::Facts;
use super::waits;
use crate::incident::Cause;
use crate::kubernetes::WaitingKind;

pub(super) const RULE: Rule = Rule { cause: Cause::MissingConfig, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let (api, waiting) = waits::waiting(facts)?;
    let mount = || {
        api.case
            .events_with("FailedMount")
            .filter(|event| is_config(&event.message))
            .max_by_key(|event| order(event))
    };
    let (message, because) = match waiting.kind() {
        WaitingKind::Config => {
            (waiting.message.as_deref().unwrap_or_default(), waits::stated(waiting))
        }
        WaitingKind::Creating => {
            let event = mount()?;
            (
                event.message.as_str(),
                format!("The kubelet cannot mount its volumes: {}.", event.message),
            )
        }
        _ => return None,
    };
    let remedy =
        if message.contains("couldn't find key") || message.contains("references non-existent") {
            "Add the missing key, or mark it as optional where it is referred to."
        } else if message.contains("runAsNonRoot") || message.contains("non-numeric user") {
            "Set runAsUser to a number that is not 0, or build the image with such a USER."
        } else if message.contains("not found") {
            "Create it in the pod's namespace, correct its name, or mark it as optional."
        } else {
            "Mend what the message names; the container starts by itself then."
        };
    let summary =
        format!("{} waits: something that its specification refers to is not there", api.who());
    Some(waits::claim(api, summary, vec![because], vec![remedy.to_owned()]))
}

/// Whether the mount failed for want of configuration, not of a volume. After a restart of the kubelet `not registered` is
/// said of what is there, and passes.
pub(super) fn is_config(message: &str) -> bool {
    let about = [
        "configmap \"",
        "secret \"",
        "references non-existent config key",
        "references non-existent secret key",
    ];
    about.iter().any(|word| message.contains(word)) && !message.contains("not registered")
}
