//! The firm *no*: that a death was not the OOM killer's work, and what that rests on.
//!
//! It takes no evidence *of* something but its absence, so only a source that missed nothing at that time can say it. The
//! trace: an OOM kill is a SIGKILL by the kernel. The counters: the group's `oom_kill` did not move. The kernel log: it
//! has a line for each kill but those of processes that were exiting already.

use jiff::SignedDuration;

use super::facts::Facts;
use crate::finding::Source;

/// Whether the OOM killer is excluded, and by what.
pub(super) struct NoOom {
    /// Enough is complete to exclude it.
    pub firm: bool,
    /// The sentence that says so, or how far it goes.
    pub sentence: String,
    /// Who could not say it, and so what cannot be excluded.
    pub missing: Vec<String>,
}

pub(super) fn no_oom(facts: &Facts<'_>) -> NoOom {
    let end = facts.end();
    let moment = facts.at.checked_sub(SignedDuration::from_secs(1)).unwrap_or(facts.at);
    let from = end.and_then(|end| end.not_before).map_or(moment, |time| time.min(moment));
    let log = facts.watch.complete(Source::KernelLog, from);
    let counters = match end {
        Some(end) => end.oom_kills == Some(0) && !facts.watch.hole(Source::Cgroup),
        None => facts.watch.complete(Source::Cgroup, from),
    };
    let traced = end.is_some_and(|end| end.main_sigkilled == Some(false))
        && !facts.watch.hole(Source::SignalTrace);
    let mut said = Vec::new();
    let mut missing = Vec::new();
    if log {
        said.push("the kernel log is complete for that time");
    } else {
        missing.push(
            "No unbroken record of the kernel log covers that time, so it cannot say that there was no OOM kill."
                .to_owned(),
        );
    }
    if counters {
        said.push("no OOM counter moved");
    } else if let Some(kills) = end.and_then(|end| end.oom_kills).filter(|kills| *kills > 0) {
        missing.push(format!(
            "The container's oom_kill counter rose by {kills} while it was watched; those are kills of their own, and \
             Kubernetes may still call this end OOMKilled because of them."
        ));
    } else {
        missing.push("The container's OOM counters could not be followed to its end.".to_owned());
    }
    if traced {
        said.push("no SIGKILL reached its main process");
    }
    let firm = traced || log && counters;
    let sentence = match (firm, said.is_empty()) {
        (true, _) => format!("Not an OOM kill: {}.", listed(&said)),
        (false, false) => {
            format!("Nothing shows an OOM kill ({}), but one cannot be excluded.", listed(&said))
        }
        (false, true) => {
            "An OOM kill cannot be excluded: no source was complete at that time.".to_owned()
        }
    };
    NoOom { firm, sentence, missing }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(all: &[&str]) -> String {
    match all {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
