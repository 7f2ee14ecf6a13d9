//! What the rules about the kubelet's own doings say alike: how sure it is, how the container took it, what to change.
//!
//! The kubelet's word about what it does is good evidence, but nobody else's: what is confirmed was also watched on the node,
//! where no kill by somebody else was seen. Where a trace shows that somebody else sent SIGKILL to the main process, none of
//! these rules speaks.

use super::api::Api;
use super::claim::{Basis, Claim};
use super::facts::{Event, Facts};
use super::no_oom::no_oom;
use super::pod_end::pod_end;
use super::watch::KILL_SOURCES;
use crate::exit_code::{ExitMeaning, Signal, describe};
use crate::finding::Source;
use crate::incident::Confidence;
use crate::kubernetes::{ApiPart, ClusterEvent};
use crate::signal::{Origin, origin};

/// What Kubernetes says of a death, where the node's witnesses leave room for it to be the kubelet's doing.
pub(super) fn api<'a>(facts: &Facts<'a>) -> Option<Api<'a>> {
    let Event::Death = facts.event else { return None };
    let others = facts.kill_of_main().is_some_and(|kill| {
        match origin(kill) {
            Origin::Runtime | Origin::Kubelet | Origin::PidNamespaceEnd => false,
            // The runtime is gone as fast as anybody; while the kubelet stops a container it is the first to be thought of.
            Origin::Unknown => facts.api.is_none_or(|api| api.killing().is_none()),
            _ => true,
        }
    });
    if others || facts.fault().is_some() {
        return None;
    }
    facts.api
}

/// What is there for a doing of the kubelet's.
#[derive(Clone, Copy, Default)]
pub(super) struct Proof {
    /// A status or condition that says it, in the object that shows the end.
    pub status: bool,
    /// An event of that run that says it.
    pub event: bool,
    /// The exit code and its time are what it brings about.
    pub fits: bool,
}

/// How sure that makes it.
pub(super) fn confidence(facts: &Facts<'_>, api: Api<'_>, proof: Proof) -> Confidence {
    let said = u8::from(proof.status) + u8::from(proof.event);
    if said == 0 || api.gap(ApiPart::Pods) {
        return Confidence::Possible;
    }
    let unknown = facts.kill_of_main().is_some_and(|kill| origin(kill) == Origin::Unknown);
    let at_most = if unknown { Confidence::Likely } else { Confidence::Confirmed };
    at_most.min(match (proof.event && proof.fits, node_watched(facts)) {
        (true, true) => Confidence::Confirmed,
        (true, false) => Confidence::Likely,
        (false, true) if proof.fits || proof.status => Confidence::Likely,
        (false, false) if proof.status && proof.fits => Confidence::Likely,
        _ => Confidence::Possible,
    })
}

/// Whether somebody on the node would have seen another's kill: a whole source, or the kubelet's own hand.
pub(super) fn node_watched(facts: &Facts<'_>) -> bool {
    let whole = |source: Source| facts.watch.span(source).is_some() && !facts.watch.hole(source);
    // An end without any time may have been at any.
    let dated = facts.api.is_none_or(|api| {
        // When it was seen is by another clock.
        let seen = api.case.clocks.node.is_some();
        api.termination()
            .is_none_or(|end| end.ended.finished_at.is_some() || end.first_seen.is_some() && seen)
    });
    dated && KILL_SOURCES.into_iter().any(whole) || facts.kill_of_main().is_some()
}

/// A claim that rests on what Kubernetes says.
pub(super) fn claim(
    facts: &Facts<'_>,
    api: Api<'_>,
    proof: Proof,
    summary: String,
    because: Vec<String>,
    remedies: Vec<String>,
) -> Claim {
    let mut because = because;
    because.extend(how_it_ended(api));
    let no = no_oom(facts);
    let mut missing = Vec::new();
    if facts.watch.span(Source::KernelLog).is_some() || no.firm {
        because.push(no.sentence);
    } else {
        missing.push(
            "What the node saw: no agent watched it at that time, so that nothing else happened to it is not known."
                .to_owned(),
        );
    }
    if !proof.event {
        missing.push(
            "An event of that time that says the same, or something else: the API server keeps them for an hour."
                .to_owned(),
        );
    }
    Claim {
        confidence: confidence(facts, api, proof),
        summary,
        because,
        remedies,
        missing,
        basis: Basis::Api,
        ..Claim::default()
    }
}

/// How the container took it: by its exit code, and the time since it was asked.
fn how_it_ended(api: Api<'_>) -> Option<String> {
    let code = api.code()?;
    let killing = api.killing();
    if killing.is_none() && pod_end(api).is_none() {
        return None;
    }
    if api.unseen() {
        return Some(format!(
            "The kubelet wrote exit code {code} for it without having seen it end: the code says nothing."
        ));
    }
    let asked = killing.and_then(|(event, _)| took_s(api, event));
    let after = asked.map(|s| format!(" {s} s after it was asked to end")).unwrap_or_default();
    Some(match ExitMeaning::of(code) {
        ExitMeaning::Signal(Signal::KILL) => {
            format!(
                "It did not end on SIGTERM in time and was killed{after}: exit code {}.",
                describe(code)
            )
        }
        ExitMeaning::Signal(Signal::TERM) => {
            format!("It ended on SIGTERM{after}: exit code {}.", describe(code))
        }
        _ => format!("It ended{after} with exit code {}.", describe(code)),
    })
}

/// Seconds from the event to the end.
pub(super) fn took_s(api: Api<'_>, event: &ClusterEvent) -> Option<i64> {
    let begun =
        event.last.filter(|last| api.finished().is_some_and(|end| *last <= end)).or(event.first)?;
    Some(begun.duration_until(api.finished()?).as_secs()).filter(|s| *s >= 0)
}

/// What a container that was killed at the end of its grace period can do about that.
pub(super) fn end_sooner(api: Api<'_>) -> Option<String> {
    // An eviction for a hard threshold gives two seconds, whatever the pod's grace period is.
    let took = api.killing().and_then(|(event, _)| took_s(api, event));
    let cut = took.zip(api.grace_s()).is_some_and(|(took, grace)| {
        u64::try_from(took).is_ok_and(|took| took.saturating_add(2) < grace)
    });
    (api.code() == Some(137) && !api.unseen() && !cut).then(|| {
        let grace = api.grace_s().filter(|s| *s > 0);
        let within = grace.map_or_else(String::new, |s| format!(" of {s} s"));
        let longer = grace.map_or_else(
            || "measure how long and set terminationGracePeriodSeconds above that".to_owned(),
            |s| format!("set terminationGracePeriodSeconds to {}", s.saturating_mul(2)),
        );
        format!(
            "It was still running at the end of its grace period{within}. Let its first process handle SIGTERM (a shell \
             does not hand it on: use `exec`); if it does and needs longer, {longer}."
        )
    })
}

/// Whether the code is what SIGTERM and then SIGKILL bring about, or a program that ends in order on SIGTERM.
pub(super) fn stopped(api: Api<'_>) -> bool {
    matches!(api.code(), Some(137 | 143))
}
