//! `UserspaceOomKiller`: a daemon on the node killed it, not the kernel.
//!
//! *Needs* the daemon's own line, or a traced SIGKILL that it sent. Anybody who may write to the log can write such a
//! line, so alone it is likely; line and signal together *confirm* it. Only lowmemorykiller is the kernel's word.
//! *Contradicted by* nothing here: such a kill moves no counter.

use super::claim::{Claim, Rule};
use super::evidence::chain;
use super::facts::{Event, Facts};
use super::words::{clock, group, process};
use crate::incident::{Cause, Confidence};
use crate::kernel::{UserspaceKill, UserspaceKiller};
use crate::signal::{Origin, origin};

pub(super) const RULE: Rule = Rule { cause: Cause::UserspaceOomKiller, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let traced = facts.kill.and_then(|(_, kill)| match origin(kill) {
        Origin::UserspaceOomKiller(killer) => Some((killer, kill)),
        _ => None,
    });
    let (killer, whom, line) = match (&facts.event, traced) {
        (Event::Userspace(line), _) => (line.killer, whom(facts, line), Some(line)),
        (Event::Death, Some((killer, kill))) => {
            (killer, process(kill.receiver.pid, &kill.receiver.comm), None)
        }
        _ => return None,
    };
    let remedy = match killer {
        UserspaceKiller::SystemdOomd => {
            "Set ManagedOOMPreference=avoid or omit on what must live, or raise ManagedOOMMemoryPressureLimit= and \
             SwapUsedLimit= (oomd.conf); on a Kubernetes node consider to switch systemd-oomd off."
        }
        UserspaceKiller::Earlyoom => {
            "Lower earlyoom's thresholds (-m, -s) or protect the process with --avoid; on a Kubernetes node the \
             kubelet's eviction does the same job with more knowledge."
        }
        UserspaceKiller::Talos => {
            "Adjust the OOMConfig document of Talos (triggerExpression, cgroupRankingExpression), or give the pods \
             limits that are hit first."
        }
        UserspaceKiller::Oomd => {
            "Adjust the rulesets in oomd's configuration for that part of the tree."
        }
        UserspaceKiller::LowMemoryKiller => {
            "Raise the thresholds in lowmemorykiller's minfree parameter."
        }
    };
    let kernels = killer == UserspaceKiller::LowMemoryKiller;
    let at = clock(facts.at);
    let mut because = Vec::new();
    if line.is_some() {
        because.push(format!("{killer} says at {at} that it killed {whom}."));
    }
    if let Some((_, kill)) = traced {
        because.push(format!("The trace shows at {at} SIGKILL for {whom} from {}.", chain(kill)));
    }
    because.push(
        "The kernel's OOM killer had no part in it, so no OOM counter moved and Kubernetes shows 137 with reason \
         Error."
            .to_owned(),
    );
    let mut missing = Vec::new();
    match (line, traced) {
        (Some(_), None) if !kernels => {
            missing.push("The line is the daemon's own word; nobody traced the signal.".to_owned());
        }
        (None, Some(_)) => missing.push(
            "The daemon's own line, which says why it chose this one: give the agent its log (--log-file)."
                .to_owned(),
        ),
        _ => {}
    }
    let sure = kernels || traced.is_some();
    Some(Claim {
        confidence: if sure { Confidence::Confirmed } else { Confidence::Likely },
        summary: format!("{killer} killed {whom} because memory was getting short"),
        because,
        remedies: vec![remedy.to_owned()],
        missing,
        ..Claim::default()
    })
}

/// Whom the line names.
fn whom(facts: &Facts<'_>, line: &UserspaceKill) -> String {
    match (line.pid, &facts.victim) {
        (Some(pid), _) => process(pid, line.comm.as_deref().unwrap_or_default()),
        (None, Some(victim)) => format!("everything in {}", group(victim.path, &victim.identity)),
        (None, None) => line.comm.clone().unwrap_or_else(|| "a process".to_owned()),
    }
}
