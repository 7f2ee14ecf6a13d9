//! `Unknown`: evidence is missing; says which, and how to get it.
//!
//! *Needs* nothing, and claims with the lowest confidence, so that it holds only where no other rule speaks.

use super::claim::{Claim, Rule};
use super::facts::{Event, Facts};
use crate::incident::{Cause, Confidence};
use crate::kernel::Scope;

pub(super) const RULE: Rule = Rule { cause: Cause::Unknown, examine };

#[allow(clippy::unnecessary_wraps, reason = "the shape of every rule")]
fn examine(facts: &Facts<'_>) -> Option<Claim> {
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
    })
}
