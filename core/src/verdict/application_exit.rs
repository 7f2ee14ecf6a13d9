//! `ApplicationExit`: the container ended and nobody killed it.
//!
//! *Needs* the end of its group and a trace that was complete while it was watched and saw no SIGKILL for its main process.
//! *Contradicted by* such a SIGKILL, or a crash in the kernel log. The node sees no exit code and traces no signal but
//! SIGKILL, so whether it returned, crashed or was asked to end with SIGTERM only the exit code tells: likely at most.

use super::claim::{Claim, Rule};
use super::facts::{Event, Facts};
use super::no_oom::no_oom;
use super::words::{group, process};
use crate::cgroup::identify;
use crate::finding::SignalResult;
use crate::incident::{Cause, Confidence};
use crate::signal::{Origin, origin};

pub(super) const RULE: Rule = Rule { cause: Cause::ApplicationExit, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let (Event::Death, Some(end)) = (&facts.event, facts.end()) else { return None };
    if end.main_sigkilled != Some(false)
        || facts.kill_of_main().is_some()
        || facts.fault().is_some()
    {
        return None;
    }
    let container = group(&end.group, &identify(&end.group));
    let no = no_oom(facts);
    let mut because = vec![
        format!("Nobody is left in {container}; no SIGKILL reached its main process."),
        no.sentence,
    ];
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
    if !children.is_empty() {
        because.push(format!(
            "Of its other processes some got SIGKILL ({}); a shell that passes on its child's status then ends with 137 \
             by itself.",
            children.join(", ")
        ));
    }
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
    })
}
