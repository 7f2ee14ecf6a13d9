//! `PostStartHook`: the kubelet killed it because its postStart hook failed.
//!
//! *Needs* the event `FailedPostStartHook`, or `Killing` with that word, in that run. The hook runs beside the program, and
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
    let event = failed.or(killed)?;
    let after =
        api.started().and_then(|started| Some(started.duration_until(event.first?).as_secs()));
    let took =
        after.filter(|s| *s >= 0).map(|s| format!(" {s} s after the start")).unwrap_or_default();
    let because = vec![format!(
        "Its postStart hook failed{took}, and the kubelet kills a container for that."
    )];
    let remedies = vec![
        "Run what the hook does in the container by hand and look at its exit code and output: the event holds only a part of \
         it. What may fail belongs into the program or an init container."
            .to_owned(),
    ];
    let summary = format!("{} was killed because its postStart hook failed", api.who());
    let proof = Proof {
        status: false,
        event: true,
        fits: failed.into_iter().chain(killed).any(|event| api.fits(event)),
    };
    Some(kubelets_doing::claim(facts, api, proof, summary, because, remedies))
}
