//! `Crash`: the process died of a signal by its own doing: a bad access, a trap, or more CPU time than its limit allows.
//!
//! *Needs* the kernel log's `segfault` or `traps:` line for a process of a container that ended, or a SIGKILL that a
//! process sent to itself, or one that the kernel sent to the running process without the OOM killer's mark, which is
//! what it does when RLIMIT_CPU's hard limit is passed; or the exit code of such a signal, which with that line *confirms* it. *Weakened by* a trace or counters that were not complete: a lost
//! mark would look the same.

use super::claim::{Basis, Claim, Rule};
use super::facts::{Event, Facts};
use super::no_oom::no_oom;
use super::words::{clock, group, process};
use crate::cgroup::identify;
use crate::exit_code::{ExitMeaning, describe};
use crate::finding::{ContainerEnd, Sigkill};
use crate::incident::{Cause, Confidence};
use crate::kernel::Fault;
use crate::signal::{Origin, origin, way};

pub(super) const RULE: Rule = Rule { cause: Cause::Crash, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let Event::Death = facts.event else { return None };
    match facts.kill {
        Some((_, kill)) if origin(kill) == Origin::CpuTimeLimit => Some(cpu_limit(facts, kill)),
        Some((_, kill)) if origin(kill) == Origin::Itself => Some(itself(facts, kill)),
        Some(_) => None,
        None => by_code(facts).or_else(|| fault(facts, facts.end()?, facts.fault()?)),
    }
}

/// What Kubernetes knows: the code of a signal that a process earns by its own doing.
fn by_code(facts: &Facts<'_>) -> Option<Claim> {
    let api = facts.api?;
    let code = api.code()?;
    let signal = ExitMeaning::of(code).signal().filter(|signal| signal.is_crash())?;
    let fault = facts.fault();
    let mut because = vec![format!("{} ended with exit code {}.", api.who(), describe(code))];
    because.extend(
        fault.map(|fault| format!("The kernel log says at {}: {}", clock(facts.at), fault.message)),
    );
    let missing = match fault {
        Some(_) => Vec::new(),
        None => vec![
            "The kernel's own line about it, which it prints for some of these signals only; a program may also choose such a \
             code, and a shell passes on its child's."
                .to_owned(),
        ],
    };
    let confidence =
        if fault.is_some() && facts.end().is_none_or(|end| end.main_sigkilled != Some(true)) {
            Confidence::Confirmed
        } else {
            Confidence::Likely
        };
    Some(Claim {
        confidence,
        summary: format!("{} crashed with {signal}", api.who()),
        because,
        remedies: vec![format!(
            "Look for a core dump and at the end of its log (`kubectl logs --previous`): {}.",
            signal.meaning()
        )],
        missing,
        basis: Basis::Api,
        ..Claim::default()
    })
}

fn cpu_limit(facts: &Facts<'_>, kill: &Sigkill) -> Claim {
    let who = process(kill.receiver.pid, &kill.receiver.comm);
    let no = no_oom(facts);
    Claim {
        confidence: if no.firm { Confidence::Likely } else { Confidence::Possible },
        summary: format!("{who} was killed by the kernel for using more CPU time than its RLIMIT_CPU"),
        because: vec![
            format!(
                "The kernel sent {who} SIGKILL at {} while it ran, without the OOM killer's mark: that is how it \
                 enforces the hard limit of RLIMIT_CPU.",
                clock(facts.at)
            ),
            no.sentence,
        ],
        remedies: vec![
            "Raise or remove the limit on CPU seconds (`ulimit -t`, RLIMIT_CPU, LimitCPU= of the unit), or find out why \
             the program ran for so long."
                .to_owned(),
        ],
        missing: no.missing, ..Claim::default() }
}

fn itself(facts: &Facts<'_>, kill: &Sigkill) -> Claim {
    let who = process(kill.receiver.pid, &kill.receiver.comm);
    let no = no_oom(facts);
    Claim {
        confidence: Confidence::Confirmed,
        summary: format!("{who} sent SIGKILL to itself"),
        because: vec![
            format!("At {} {who} sent SIGKILL to itself {}.", clock(facts.at), way(kill)),
            no.sentence,
        ],
        remedies: vec![format!(
            "Find out why {} does that: a watchdog inside of it, or a wrapper that repeats its child's status.",
            kill.sender.comm
        )],
        missing: no.missing,
        ..Claim::default()
    }
}

fn fault(facts: &Facts<'_>, end: &ContainerEnd, fault: &Fault) -> Option<Claim> {
    if end.main_sigkilled == Some(true) {
        return None;
    }
    let container = group(&end.group, &identify(&end.group));
    let who = fault.pid.map_or_else(|| fault.comm.clone(), |pid| process(pid, &fault.comm));
    let of_main = fault.pid.is_some() && fault.pid == end.main_pid;
    let no = no_oom(facts);
    let mut missing = no.missing;
    if !of_main {
        missing.push(format!(
            "That {who} was the container's main process, or that the main process ended because of it."
        ));
    }
    let confidence = if of_main && no.firm { Confidence::Likely } else { Confidence::Possible };
    Some(Claim {
        confidence,
        summary: format!("{who} crashed ({}) and {container} ended", fault.fault),
        because: vec![
            format!("The kernel log says at {}: {}", clock(facts.at), fault.message),
            no.sentence,
        ],
        remedies: vec![format!(
            "Look for a core dump and the program's own log: {} is an error in {} or in a library it uses.",
            fault.fault, fault.comm
        )],
        missing,
        ..Claim::default()
    })
}
