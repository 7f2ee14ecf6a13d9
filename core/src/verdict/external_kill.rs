//! `ExternalKill`: somebody sent SIGKILL: a person or daemon on the host, a process of another container, or the
//! container's own processes to its main one.
//!
//! *Needs* the traced signal with its sender. *Confirmed by* the end of that container. *Weakened by* a sender whose group
//! could not be read any more, and by a signal to a child where the container ended without a SIGKILL to its main
//! process: then it may have ended for another reason. *Contradicted by* the runtime as sender, and by the kernel.

use super::claim::{Claim, Rule};
use super::evidence::chain;
use super::facts::{Event, Facts};
use super::no_oom::no_oom;
use super::words::{clock, is_forgotten, process};
use crate::finding::Sigkill;
use crate::incident::{Cause, Confidence};
use crate::signal::{Origin, origin, place, way};

pub(super) const RULE: Rule = Rule { cause: Cause::ExternalKill, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let (Event::Death, Some((finding, kill))) = (&facts.event, facts.kill) else { return None };
    let from = origin(kill);
    let to_main = facts.kill_of_main().is_some();
    match from {
        Origin::Host | Origin::OtherContainer => {}
        Origin::SameContainer | Origin::ParentDeath | Origin::Unknown if to_main => {}
        _ => return None,
    }
    let who = process(kill.receiver.pid, &kill.receiver.comm);
    let by = process(kill.sender.pid, &kill.sender.comm);
    let place = kill.sender.cgroup.as_deref().map(place);
    let place = place.unwrap_or_default();
    let (doer, remedy) = match from {
        Origin::SameContainer => (
            format!("{by}, a process of the same container"),
            format!(
                "Find out why {} kills the container's main process: a supervisor, a watchdog or a script in the \
                 image.",
                kill.sender.comm
            ),
        ),
        Origin::ParentDeath => (
            format!("the death of its parent, {by}, which it had asked for (PR_SET_PDEATHSIG)"),
            format!("Find out why {} ended.", kill.sender.comm),
        ),
        Origin::OtherContainer => (
            format!("{by} in {place}"),
            format!(
                "Find out what {} in {place} is doing; take hostPID, shareProcessNamespace or CAP_KILL from it if it \
                 needs none of them.",
                kill.sender.comm
            ),
        ),
        Origin::Unknown => (
            format!("{by}, which was gone before its group could be read"),
            format!(
                "Find out what ran {} on the node at that time, on the host or in a container that sees the host's \
                 processes: {}.",
                if is_forgotten(&kill.sender.comm) { "as that pid" } else { &kill.sender.comm },
                chain(kill)
            ),
        ),
        _ => (
            format!("{by} in {place}"),
            format!(
                "Find out who or what started {}{}. Kubernetes had no part in it.",
                by,
                starter(kill)
            ),
        ),
    };
    let what = if to_main { "the container's main process" } else { "a process of the container" };
    let mut because = vec![format!(
        "At {} {who}, {what}, got SIGKILL {} from {}.",
        clock(finding.time),
        way(kill),
        chain(kill)
    )];
    let no = no_oom(facts);
    because.push(no.sentence);
    let mut missing = no.missing;
    let mut confidence = Confidence::Confirmed;
    if !to_main && facts.end().is_some() {
        confidence = Confidence::Possible;
        missing.push(
            "That the container ended because of it: its main process got no SIGKILL that was traced.".to_owned(),
        );
    }
    if from == Origin::Unknown {
        missing.push("Whether the sender ran on the host or in a container.".to_owned());
        // Whoever stops containers, the runtime, is gone as fast as any.
        let stopping = facts.api.is_some_and(|api| api.killing().is_some());
        // The kubelet says when it stops a container.
        let told = facts.api.is_some_and(|api| api.events_known() && !stopping);
        if stopping || kill.ancestors.is_empty() && is_forgotten(&kill.sender.comm) {
            confidence = if told { Confidence::Likely } else { Confidence::Possible };
            missing.push(
                "Whether it was the container runtime, doing what the kubelet told it.".to_owned(),
            );
        }
    }
    if kill.ancestors.is_empty() {
        missing.push("The sender's parents were gone before they could be read.".to_owned());
    }
    Some(Claim {
        confidence,
        summary: format!("{who} was killed by {doer}"),
        because,
        remedies: vec![remedy],
        missing,
        ..Claim::default()
    })
}

/// `, a descendant of pid 790 (sshd)`: the eldest that is not the node's first process.
fn starter(kill: &Sigkill) -> String {
    let eldest = kill.ancestors.iter().rfind(|process| process.pid != 1);
    eldest.map_or_else(String::new, |eldest| {
        format!(", a descendant of {}", process(eldest.pid, &eldest.comm))
    })
}
