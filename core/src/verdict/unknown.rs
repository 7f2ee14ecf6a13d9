//! `Unknown`: evidence is missing; says which, and how to get it.
//!
//! *Needs* nothing, and claims with the lowest confidence, so that it holds only where no other rule speaks.

use super::api::Api;
use super::claim::{Basis, Claim, Rule};
use super::facts::{Event, Facts};
use super::no_oom::no_oom;
use super::unscheduled;
use super::waits;
use super::words::{group, process};
use crate::cgroup::identify;
use crate::exit_code::describe;
use crate::finding::ContainerEnd;
use crate::incident::{Cause, Confidence};
use crate::kernel::Scope;
use crate::kubernetes::WaitingKind;

pub(super) const RULE: Rule = Rule { cause: Cause::Unknown, examine };

#[allow(clippy::unnecessary_wraps, reason = "the shape of every rule")]
fn examine(facts: &Facts<'_>) -> Option<Claim> {
    if let (Event::Death, Some(api)) = (&facts.event, facts.api.filter(|api| api.time().is_some()))
    {
        if let Some(waiting) = api.waiting().filter(|w| w.kind() == WaitingKind::Schedule) {
            return Some(unscheduled::claim(api, waiting));
        }
        return Some(stated(facts, api));
    }
    match (&facts.event, facts.end()) {
        (Event::Death, Some(end)) => return Some(ended(facts, end)),
        (Event::Death, None) => return Some(killed(facts)),
        _ => {}
    }
    let limit_unknown = matches!(facts.event, Event::Oom(report) if report.scope == Scope::Cgroup);
    let (because, missing) = if limit_unknown {
        (
            "A memory limit of some group was hit, but the kernel did not print whose.".to_owned(),
            "Which group's limit was hit. An agent that runs when it happens reads it from the cgroup files; one with \
             the host's process ids (hostPID) reads the victim's group too.",
        )
    } else {
        (
            "What is there of the kernel's report does not say whether a limit was hit or the whole node ran out."
                .to_owned(),
            "The rest of the kernel's report: its `oom-kill:` line or the words before `Killed process`.",
        )
    };
    let who = facts.fate();
    let summary = if limit_unknown {
        format!("{who} because a memory limit was hit; whose is not known")
    } else {
        format!("{who} for want of memory; where is not known")
    };
    Some(Claim {
        confidence: Confidence::Unknown,
        summary,
        because: vec![because],
        remedies: vec![
            "Run the agent on the node before the next one: it keeps who is in which group."
                .to_owned(),
        ],
        missing: vec![missing.to_owned()],
        ..Claim::default()
    })
}

/// An end or a waiting that Kubernetes states, and nobody says why.
fn stated(facts: &Facts<'_>, api: Api<'_>) -> Claim {
    let no = no_oom(facts);
    let mut missing = no.missing;
    let mut because = Vec::new();
    let summary = match (api.code(), api.waiting()) {
        (Some(code), _) => {
            because.push(format!("{} ended with exit code {}.", api.who(), describe(code)));
            if api.reason() == Some("OOMKilled") {
                because.push(
                    "Kubernetes says OOMKilled: some process of it was OOM-killed at some time. That does not say whose \
                     limit it was, nor that this ended it."
                        .to_owned(),
                );
            }
            because.extend(api.killing().map(|(event, _)| {
                format!(
                    "The kubelet stopped it ({}), and did not say why.",
                    event.message.trim_end()
                )
            }));
            because.push(no.sentence);
            format!("{} ended with exit code {code}; why is not known", api.who())
        }
        (None, Some(waiting)) => {
            because.push(waits::stated(waiting));
            format!("{} waits ({}); why is not known", api.who(), waiting.reason)
        }
        (None, None) => {
            because
                .push("The pod is gone, and how its container ended was never shown.".to_owned());
            format!("{} is gone; how it ended is not known", api.who())
        }
    };
    if let Some((_, kill)) = facts.kill {
        because.push(format!(
            "A SIGKILL for {} was traced, from {}.",
            process(kill.receiver.pid, &kill.receiver.comm),
            process(kill.sender.pid, &kill.sender.comm)
        ));
    }
    if !api.events_known() {
        missing.push("The events of that time, which the API server keeps for an hour.".to_owned());
    }
    Claim {
        confidence: Confidence::Unknown,
        summary,
        because,
        remedies: vec![
            "Run the agent on its node, with kernel log, counters and signal trace, so that the next end is explained."
                .to_owned(),
        ],
        missing,
        basis: Basis::Api,
        ..Claim::default()
    }
}

/// A container that ended, and no witness says why.
fn ended(facts: &Facts<'_>, end: &ContainerEnd) -> Claim {
    let container = group(&end.group, &identify(&end.group));
    let no = no_oom(facts);
    let mut missing = no.missing;
    let (summary, because) = match end.main_sigkilled {
        Some(true) => {
            missing
                .push("Who sent the SIGKILL: the traced signal itself has not arrived.".to_owned());
            (
                format!("{container} ended by SIGKILL; who sent it is not known"),
                format!("Nobody is left in {container}; its main process got SIGKILL."),
            )
        }
        Some(false) | None => {
            missing.push(
                "Whether anybody sent SIGKILL: the signal trace was not complete while the container ran. The agent \
                 needs /sys/kernel/tracing for it."
                    .to_owned(),
            );
            (
                format!("{container} ended; why is not known"),
                format!("Nobody is left in {container}: it ended."),
            )
        }
    };
    missing
        .push("The exit code, which Kubernetes knows (lastState.terminated.exitCode).".to_owned());
    let mut explained = vec![because, no.sentence];
    if let Some((_, kill)) = facts.kill {
        explained.push(format!(
            "A SIGKILL for {} was traced, but its sender could not be told.",
            process(kill.receiver.pid, &kill.receiver.comm)
        ));
    }
    Claim {
        confidence: Confidence::Unknown,
        summary,
        because: explained,
        remedies: vec![
            "Look at the pod's status and events, and let the agent trace signals so that the next end is explained."
                .to_owned(),
        ],
        missing, ..Claim::default() }
}

/// A process that got SIGKILL, and no rule says of whom.
fn killed(facts: &Facts<'_>) -> Claim {
    let who = facts.kill.map_or_else(
        || "a process".to_owned(),
        |(_, kill)| process(kill.receiver.pid, &kill.receiver.comm),
    );
    Claim {
        confidence: Confidence::Unknown,
        summary: format!("{who} got SIGKILL; from whom is not known"),
        because: vec![format!("{who} got SIGKILL."), no_oom(facts).sentence],
        remedies: vec!["Look at the pod's status and events.".to_owned()],
        missing: vec!["The sender's group, which was gone before it could be read.".to_owned()],
        ..Claim::default()
    }
}
