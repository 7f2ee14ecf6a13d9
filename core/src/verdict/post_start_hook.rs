//! `PostStartHook`: the kubelet killed it because its postStart hook failed.
//!
//! *Needs* the event `FailedPostStartHook`, or `Killing` with that word, in that run; or, where events are missing, that the
//! container waited for `PostStartHookError` when its end was first seen. The hook runs beside the program, and
//! the container counts as started only when it is done. *Contradicted by* an end before the event.

use super::api::order;
use super::claim::{Claim, Rule};
use super::facts::Facts;
use super::kubelets_doing::{self, Proof};
use crate::incident::Cause;
use crate::kubelet::killing::Killing;

pub(super) const RULE: Rule = Rule { cause: Cause::PostStartHook, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let failed = api.during("FailedPostStartHook").min_by_key(|event| order(event));
    let killed =
        api.killing().filter(|(_, why)| *why == Killing::PostStartHook).map(|(event, _)| event);
    let event = failed.or(killed);
    let stated = api.termination().and_then(|end| end.hook_error.as_deref());
    // A hook fails as well because its container ended by itself.
    if event.is_none() && (stated.is_none() || !kubelets_doing::stopped(api)) {
        return None;
    }
    let first = event.and_then(|event| event.first);
    let after = api.started().and_then(|started| Some(started.duration_until(first?).as_secs()));
    let took =
        after.filter(|s| *s >= 0).map(|s| format!(" {s} s after the start")).unwrap_or_default();
    let mut because = vec![format!(
        "Its postStart hook failed{took}, and the kubelet kills a container for that."
    )];
    // Words of the kubelet's and of the hook's own, with blanks at their end.
    because.extend(stated.map(|message| {
        format!("Kubernetes says PostStartHookError: {}.", message.trim_end_matches(['.', ' ']))
    }));
    let remedies = vec![
        "Run what the hook does in the container by hand and look at its exit code and output: the event holds only a part of \
         it. What may fail belongs into the program or an init container."
            .to_owned(),
    ];
    let summary = format!("{} was killed because its postStart hook failed", api.who());
    let proof = Proof {
        status: stated.is_some(),
        event: event.is_some(),
        fits: failed.into_iter().chain(killed).any(|event| api.fits(event)),
    };
    Some(kubelets_doing::claim(facts, api, proof, summary, because, remedies))
}
