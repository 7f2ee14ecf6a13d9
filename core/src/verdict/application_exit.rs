//! `ApplicationExit`: the container ended and nobody killed it.
//!
//! *Needs* an exit code that no signal gives, and nothing that says the kubelet had a hand in it; or the end of its group and a
//! trace that was complete while it was watched and saw no SIGKILL for its main process. Both together *confirm* it, 137
//! included. *Contradicted by* such a SIGKILL, a crash in the kernel log, a probe, hook or deletion that came first.
//! 137 without a trace is this or a SIGKILL of somebody's: possible, and both are named.

use super::api::Api;
use super::claim::{Basis, Claim, Rule};
use super::facts::{Event, Facts};
use super::kubelets_doing::{self, Proof};
use super::no_oom::no_oom;
use super::pod_end::pod_end;
use super::terminated::sidecar_was_stopped;
use super::words::{group, process};
use crate::cgroup::identify;
use crate::exit_code::{ExitMeaning, Signal, describe};
use crate::finding::{ContainerEnd, SignalResult};
use crate::incident::{Cause, Confidence};
use crate::signal::{Origin, origin};

pub(super) const RULE: Rule = Rule { cause: Cause::ApplicationExit, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let Event::Death = facts.event else { return None };
    if facts.kill_of_main().is_some() || facts.fault().is_some() {
        return None;
    }
    let untouched = facts.end().filter(|end| end.main_sigkilled == Some(false));
    match (kubelets_doing::api(facts).and_then(|api| Some((api, api.code()?))), untouched) {
        (Some((api, code)), untouched) => by_code(facts, api, code, untouched),
        (None, Some(end)) => by_trace(facts, end),
        (None, None) => None,
    }
}

/// What Kubernetes knows: the exit code.
fn by_code(
    facts: &Facts<'_>,
    api: Api<'_>,
    code: i64,
    untouched: Option<&ContainerEnd>,
) -> Option<Claim> {
    let meaning = ExitMeaning::of(code);
    let own = match meaning {
        ExitMeaning::NeverRan | ExitMeaning::NotExecutable | ExitMeaning::NotFound
            if at_once(api) =>
        {
            return None;
        }
        ExitMeaning::OutOfRange if untouched.is_none() => return None,
        ExitMeaning::Signal(Signal::KILL) => untouched.is_some(),
        ExitMeaning::Signal(signal) if signal.is_crash() || signal.asks_to_end() => return None,
        _ => true,
    };
    if api.reason() == Some("ContainerStatusUnknown")
        || pod_end(api).is_some()
        || api.killing().is_some()
        || sidecar_was_stopped(api)
    {
        return None;
    }
    let no = no_oom(facts);
    if !own {
        return either(facts, api, code);
    }
    let mut because = vec![format!("{} ended with exit code {}.", api.who(), describe(code))];
    because.extend(untouched.map(|_| "The trace shows no SIGKILL to its main process.".to_owned()));
    because.extend(passed_on(facts, code));
    let mut missing = Vec::new();
    if code == 137 || api.reason() == Some("OOMKilled") {
        because.push(no.sentence);
        missing.extend(no.missing);
    }
    let seen = kubelets_doing::node_watched(facts);
    let confidence = match (api.may_be_killed_unseen(), seen) {
        (true, _) => Confidence::Possible,
        (false, true) => Confidence::Confirmed,
        (false, false) => Confidence::Likely,
    };
    if api.may_be_killed_unseen() {
        missing.push("The events of that time, which would tell whether a probe or a hook made the kubelet end it.".to_owned());
    }
    let lasted = api.lasted_s().map(|s| format!(" after {s} s")).unwrap_or_default();
    let remedy = match meaning {
        ExitMeaning::Success => {
            "Nothing failed. If it should go on running, find out why its program returns."
                .to_owned()
        }
        _ => format!(
            "Look at the end of its log (`kubectl logs --previous`): {code} is the program's (or its shell's) own code, not a \
             kill."
        ),
    };
    Some(Claim {
        confidence,
        summary: format!("{} ended by itself{lasted} with exit code {code}", api.who()),
        because,
        remedies: vec![remedy],
        missing,
        basis: Basis::Api,
        ..Claim::default()
    })
}

/// 137, and nobody traced whether that was a SIGKILL.
fn either(facts: &Facts<'_>, api: Api<'_>, code: i64) -> Option<Claim> {
    let no = no_oom(facts);
    // Without any witness of the node an OOM kill is as likely as these two.
    if !kubelets_doing::node_watched(facts)
        || !facts.witnesses.faults.is_empty()
        || api.gap(crate::kubernetes::ApiPart::Pods)
    {
        return None;
    }
    let who = api.who();
    let mut claim = kubelets_doing::claim(
        facts,
        api,
        Proof::default(),
        format!("{who} ended with {code}: either it exited so by itself, or somebody sent it SIGKILL"),
        vec![format!(
            "Exit code {} has two readings, and Kubernetes shows both alike: a program (or a shell that passes on its \
             child's code) that exits with 137, and a SIGKILL of somebody outside.",
            describe(code)
        )],
        vec![
            "Let the agent trace signals on the node (it needs /sys/kernel/tracing): then the next one is told apart, with \
             the sender's name."
                .to_owned(),
        ],
    );
    claim.missing.extend(no.missing);
    claim.missing.push(
        "Whether anybody sent SIGKILL: no signal trace was complete while the container ran."
            .to_owned(),
    );
    claim.confidence = Confidence::Possible;
    claim.or = vec![Cause::ExternalKill];
    Some(claim)
}

/// Whether it ended as a program does that cannot be run.
fn at_once(api: Api<'_>) -> bool {
    api.lasted_s().is_none_or(|s| s <= 5)
        || matches!(api.reason(), Some("StartError" | "ContainerCannotRun"))
}

/// What the node alone knows: that nobody sent SIGKILL.
fn by_trace(facts: &Facts<'_>, end: &ContainerEnd) -> Option<Claim> {
    let container = group(&end.group, &identify(&end.group));
    let no = no_oom(facts);
    let mut because = vec![
        format!("Nobody is left in {container}; no SIGKILL reached its main process."),
        no.sentence,
    ];
    because.extend(passed_on(facts, 137));
    let mut missing = no.missing;
    missing.push(
        "The exit code, which tells a return from a crash or an answer to SIGTERM: Kubernetes knows it \
         (lastState.terminated.exitCode)."
            .to_owned(),
    );
    Some(Claim {
        confidence: if no.firm { Confidence::Likely } else { Confidence::Possible },
        summary: format!("{container} ended by itself: nobody sent its main process SIGKILL"),
        because,
        remedies: vec![
            "Look at the container's own log and its exit code: an exit code of 137 here is the program's (or its \
             shell's) own, not a kill."
                .to_owned(),
        ],
        missing,
        ..Claim::default()
    })
}

/// Children that were killed, whose status a shell passes on.
fn passed_on(facts: &Facts<'_>, code: i64) -> Option<String> {
    if code != 137 {
        return None;
    }
    let children: Vec<String> = facts
        .witnesses
        .kills
        .iter()
        .filter(|(_, kill)| {
            kill.result != SignalResult::Ignored && origin(kill) != Origin::PidNamespaceEnd
        })
        .map(|(_, kill)| {
            let from = process(kill.sender.pid, &kill.sender.comm);
            format!("{} by {from}", process(kill.receiver.pid, &kill.receiver.comm))
        })
        .take(3)
        .collect();
    (!children.is_empty()).then(|| {
        format!(
            "Of its other processes some got SIGKILL ({}); a shell that passes on its child's status then ends with 137 \
             by itself.",
            children.join(", ")
        )
    })
}
