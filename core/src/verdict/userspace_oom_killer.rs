//! `UserspaceOomKiller`: a daemon on the node killed it, not the kernel.
//!
//! *Needs* the daemon's own line. Anybody who may write to the log can write such a line, so it is likely and never
//! confirmed; only lowmemorykiller is the kernel's word. *Contradicted by* nothing here: such a kill moves no counter.

use super::claim::{Claim, Rule};
use super::facts::{Event, Facts};
use super::words::{clock, group, process};
use crate::incident::{Cause, Confidence};
use crate::kernel::UserspaceKiller;

pub(super) const RULE: Rule = Rule { cause: Cause::UserspaceOomKiller, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let Event::Userspace(kill) = facts.event else { return None };
    let killer = kill.killer;
    let whom = match (kill.pid, &facts.victim) {
        (Some(pid), _) => process(pid, kill.comm.as_deref().unwrap_or_default()),
        (None, Some(victim)) => format!("everything in {}", group(victim.path, &victim.identity)),
        (None, None) => kill.comm.clone().unwrap_or_else(|| "a process".to_owned()),
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
    Some(Claim {
        confidence: if kernels { Confidence::Confirmed } else { Confidence::Likely },
        summary: format!("{killer} killed {whom} because memory was getting short"),
        because: vec![
            format!("{killer} says at {} that it killed {whom}.", clock(facts.opening.time)),
            "The kernel's OOM killer had no part in it, so no OOM counter moved and Kubernetes shows 137 with reason \
             Error."
                .to_owned(),
        ],
        remedies: vec![remedy.to_owned()],
        missing: if kernels {
            Vec::new()
        } else {
            vec!["The line is the daemon's own word; nobody traced the signal.".to_owned()]
        },
    })
}
