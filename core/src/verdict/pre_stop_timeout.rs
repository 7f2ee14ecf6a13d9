//! `PreStopTimeout`: its preStop hook failed or used up the time that the container had to end.
//!
//! *Needs* the event `FailedPreStopHook` in a run that was being stopped. Without events a hook and an end after the grace
//! period are consistent with it, and with a program that needed that long: possible, no more. The kubelet gives two
//! seconds after a hook that took all, so the exit code may be anything.

use super::api::Api;
use super::claim::{Claim, Rule};
use super::facts::Facts;
use super::kubelets_doing::{self, Proof};
use super::pod_end::{PodEnd, pod_end};
use crate::incident::{Cause, Confidence};
use crate::kubernetes::HookAction;

/// Seconds that a program is left to end in after its hook, where nothing is known: Kubernetes' own default.
const LEFT_S: u64 = 30;

pub(super) const RULE: Rule = Rule { cause: Cause::PreStopTimeout, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let failed = hook_failed(api);
    if !failed && (!may_be(api) || api.events_known()) {
        return None;
    }
    let grace = api.pod().and_then(|pod| {
        let deletion = pod.deletion.and_then(|deletion| deletion.grace_s).filter(|s| *s > 0);
        deletion.or(pod.termination_grace_s)
    });
    let within = grace.map_or_else(String::new, |s| format!(" of {s} s"));
    let took = api.killing().and_then(|(event, _)| kubelets_doing::took_s(api, event));
    let hook = match api.container().and_then(|container| container.hooks.pre_stop) {
        Some(HookAction::Sleep(s)) => format!("sleeps for {s} s"),
        Some(HookAction::Exec) => "runs a command".to_owned(),
        Some(HookAction::Http) => "asks over HTTP".to_owned(),
        Some(HookAction::Tcp) | None => "is there".to_owned(),
    };
    let mut because = vec![if failed {
        format!(
            "The pod was to end, and its preStop hook ({hook}) failed or was not done within the grace period{within}; only \
             two seconds were left for the program after that."
        )
    } else {
        format!(
            "The pod was to end and has a preStop hook ({hook}), which may have used up the grace period{within}."
        )
    }];
    if let Some(told) = pod_end(api) {
        because.push(format!("The pod's {}.", told.said));
    }
    let sleeps = api.container().and_then(|container| match container.hooks.pre_stop {
        Some(HookAction::Sleep(s)) => Some(s),
        _ => None,
    });
    let remedies = vec![match (grace, took) {
        (Some(grace), _) if sleeps.is_some_and(|s| s >= grace) => {
            let sleeps = sleeps.unwrap_or(grace);
            format!(
                "The hook alone sleeps for {sleeps} s. Let it sleep for less than {grace} s, or set \
                 terminationGracePeriodSeconds to {}: the hook's time and {LEFT_S} s for the program.",
                sleeps.saturating_add(LEFT_S)
            )
        }
        (Some(grace), Some(took)) => format!(
            "Let the hook be done well before {grace} s, or set terminationGracePeriodSeconds to {}: hook and program \
             together took {took} s when they were cut short.",
            grace.saturating_mul(2)
        ),
        _ => "Measure how long the hook takes, and set terminationGracePeriodSeconds above that and what the program needs \
              after it."
            .to_owned(),
    }];
    let summary = format!("the preStop hook of {} used up the time it had to end", api.who());
    let proof = Proof { status: failed, event: failed, fits: true };
    let mut claim = kubelets_doing::claim(facts, api, proof, summary, because, remedies);
    if !failed {
        claim.confidence = Confidence::Possible;
    }
    Some(claim)
}

/// Whether the kubelet says that the hook failed in that run. The event comes as late as the end itself.
pub(super) fn hook_failed(api: Api<'_>) -> bool {
    api.during("FailedPreStopHook").next().is_some()
}

/// Whether a hook may have used up the time, by what the pod shows: it was deleted and has one.
pub(super) fn may_be(api: Api<'_>) -> bool {
    api.container().is_some_and(|container| container.hooks.pre_stop.is_some())
        && pod_end(api)
            .is_some_and(|told| matches!(told.end, PodEnd::Deleted | PodEnd::ApiEviction))
}
