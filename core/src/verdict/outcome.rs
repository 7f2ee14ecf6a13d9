//! What became of the one who was hit: whether its container ended, from whoever saw that.
//!
//! A kill says who was killed, not whether a container ended by it. The end of its group says so; so does the trace
//! where the main process was hit, and whoever looked after those who die together were gone. Where nobody looked, or
//! not at the container itself, it stays unknown; and so it does where somebody looked long after the kill and nobody
//! was left: who survived may have ended since. Then the kernel's own table may tell that there was nobody else.

use jiff::SignedDuration;

use super::facts::{Event, Facts};
use super::words::processes_are;
use crate::finding::{ContainerEnd, Finding, Phase, Sigkill, SignalResult, Source};
use crate::incident::Outcome;
use crate::kernel::{Level, Scope};

/// How long after a kill its container's group is empty, at the latest, if it ends by it.
const ENDS_WITHIN_S: i64 = 1;

/// An empty group that is seen longer than this after a kill says nothing of that kill. Killed processes were measured
/// to go within 0.1 s, and on a machine that has no time within a second.
const SOON: SignedDuration = SignedDuration::from_millis(1500);

/// The outcome and the sentence that says so.
pub(super) fn outcome(facts: &Facts<'_>) -> (Option<Outcome>, Option<String>) {
    match facts.event {
        Event::Oom(_) if facts.somebody_died() => {}
        Event::Death | Event::Userspace(_) => {}
        Event::Oom(_) | Event::Allocation(_) | Event::Slab(_) | Event::Hardware(_) => {
            return (None, None);
        }
    }
    let whose = facts.whose();
    let in_container = facts.api.is_some_and(|api| api.time().is_some())
        || whose.pod_uid.is_some()
        || whose.container_id.is_some()
        || whose.level == Level::Container;
    if in_container {
        return container(facts);
    }
    match &facts.victim {
        // A path that lost its front says nothing about where it belongs.
        Some(group) if group.path.starts_with('/') && !group.path.starts_with("/..") => {
            (Some(Outcome::HostProcessKilled), Some("The process ran in no container.".to_owned()))
        }
        _ => (None, None),
    }
}

fn container(facts: &Facts<'_>) -> (Option<Outcome>, Option<String>) {
    let exited = |why: &str| (Some(Outcome::ContainerExited), Some(why.to_owned()));
    if let Some(told) = stated(facts) {
        return told;
    }
    if let Some((finding, end)) = facts.witnesses.end {
        match facts.event {
            // Said already: the end is what it is about.
            Event::Death => return (Some(Outcome::ContainerExited), None),
            _ if of_the_kill(facts, end) || soon(facts, finding) => {
                return exited("The container ended: nobody is left in its group.");
            }
            _ => {}
        }
    }
    let read = facts.witnesses.observations.iter().find(|(_, o)| o.phase == Phase::Aftermath);
    let seen = facts.aftermath.and_then(|observation| facts.container_state(observation));
    let decides = read.is_some_and(|(finding, _)| soon(facts, finding));
    match seen.map(|state| (state.exists, state.processes_left)) {
        Some((false, _)) if decides => exited("The container's group is gone: it ended."),
        Some((true, Some(0))) if decides => exited("Nobody is left in the container: it ended."),
        Some((true, Some(left @ 1..))) => survived(&format!("{} left in it", processes_are(left))),
        _ => match from_trace(facts) {
            (None, _) if all_listed_died(facts) => {
                exited("The kernel listed nobody else there: the container ended.")
            }
            told => told,
        },
    }
}

/// Whether everybody died whom the kernel's table lists. The table of a group's limit holds every process of that group
/// and of those below it that has memory (`dump_tasks` in mm/oom_kill.c), so all of the victim's container too.
fn all_listed_died(facts: &Facts<'_>) -> bool {
    let Some(report) = facts.report() else { return false };
    let whole = report.scope == Scope::Cgroup
        && facts.has_header(report)
        && report.tasks_dropped == 0
        && report.incomplete.is_empty()
        && !facts.watch.hole(Source::KernelLog);
    let died = |pid| facts.victims.iter().any(|victim| victim.pid == pid);
    whole && !report.tasks.is_empty() && report.tasks.iter().all(|task| died(task.pid))
}

/// Whether the container ended because its main process is the one that was killed.
fn of_the_kill(facts: &Facts<'_>, end: &ContainerEnd) -> bool {
    let Some(main) = end.main_pid else { return false };
    let named = facts.victims.iter().map(|victim| victim.pid);
    let marked = facts.witnesses.marked.iter().map(|(_, sigkill)| sigkill.receiver.pid);
    let mut killed = named.chain(marked).peekable();
    match killed.peek() {
        Some(_) => killed.any(|pid| pid == main),
        None => end.main_sigkilled == Some(true),
    }
}

/// Whether something was seen so soon after the kill that it is of the kill.
fn soon(facts: &Facts<'_>, seen: &Finding) -> bool {
    facts.time().checked_add(SOON).is_ok_and(|until| seen.time <= until)
}

/// What Kubernetes says of it.
fn stated(facts: &Facts<'_>) -> Option<(Option<Outcome>, Option<String>)> {
    let api = facts.api?;
    if api.waiting().is_some() {
        return Some((Some(Outcome::NeverStarted), None));
    }
    if api.termination().is_some() {
        return Some(match facts.event {
            Event::Death => (Some(api.outcome()), None),
            _ => (
                Some(Outcome::ContainerExited),
                Some("The container ended: Kubernetes shows its end.".to_owned()),
            ),
        });
    }
    let id = facts.whose().pod_container_id.or(facts.whose().container_id)?;
    let code = api.ended_later(&id, facts.at)?;
    Some(survived(&format!("it ended only later, with exit code {code}")))
}

/// Whether the main process was among the killed.
fn from_trace(facts: &Facts<'_>) -> (Option<Outcome>, Option<String>) {
    let kills = facts.witnesses.marked.iter().chain(&facts.kill).map(|(_, sigkill)| *sigkill);
    let killed: Vec<&Sigkill> =
        kills.filter(|sigkill| sigkill.result != SignalResult::Ignored).collect();
    if killed.iter().any(|sigkill| sigkill.receiver_is_main == Some(true)) {
        return (
            Some(Outcome::ContainerExited),
            Some("That was the container's main process, so the container ended.".to_owned()),
        );
    }
    let children =
        !killed.is_empty() && killed.iter().all(|kill| kill.receiver_is_main == Some(false));
    if children && facts.watch.complete_after(Source::Cgroup, ENDS_WITHIN_S) {
        return survived("its main process was not killed, and its group did not end");
    }
    (None, None)
}

fn survived(why: &str) -> (Option<Outcome>, Option<String>) {
    (
        Some(Outcome::ContainerSurvived),
        Some(format!("The container lives: {why}. Kubernetes does not show such a kill.")),
    )
}
