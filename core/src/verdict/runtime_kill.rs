//! A SIGKILL by the container runtime. The cause stays `Unknown` on the node alone: the runtime kills on the kubelet's
//! behalf after a failed probe, at the end of a grace period, for an eviction, and after deletion, and only Kubernetes
//! tells which. That it was no OOM kill and no stranger is said as firmly as the evidence allows.

use super::claim::{Claim, Rule};
use super::evidence::chain;
use super::facts::{Event, Facts};
use super::no_oom::no_oom;
use super::words::{clock, process};
use crate::incident::{Cause, Confidence};
use crate::signal::{Origin, origin};

pub(super) const RULE: Rule = Rule { cause: Cause::Unknown, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let (Event::Death, Some((finding, kill))) = (&facts.event, facts.kill) else { return None };
    if !matches!(origin(kill), Origin::Runtime | Origin::Kubelet) {
        return None;
    }
    let who = process(kill.receiver.pid, &kill.receiver.comm);
    let no = no_oom(facts);
    let mut missing = no.missing;
    missing.push(
        "Why the kubelet wanted it dead: the pod's events (Killing, Unhealthy, Evicted), its deletionTimestamp and its \
         status.reason tell."
            .to_owned(),
    );
    Some(Claim {
        confidence: Confidence::Unknown,
        summary: format!(
            "the container runtime sent {who} SIGKILL on the kubelet's behalf; the reason is Kubernetes' to tell"
        ),
        because: vec![
            format!("At {} {who} got SIGKILL from {}.", clock(finding.time), chain(kill)),
            no.sentence,
        ],
        remedies: vec![
            "Look at the pod's events: a failed probe, an eviction, a deletion, or a grace period that was too short \
             for the program to end on SIGTERM."
                .to_owned(),
        ],
        missing, ..Claim::default() })
}
