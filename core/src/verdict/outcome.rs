//! What became of the one who was hit: whether its container ended, from whoever saw that.
//!
//! A kill says who was killed, not whether a container ended by it. The end of its group says so; so does the trace
//! where the main process was hit, and whoever looked after those who die together were gone. Where nobody looked, or
//! not at the container itself, it stays unknown.

use jiff::{SignedDuration, Timestamp};

use super::facts::{Event, Facts};
use super::words::processes_are;
use crate::finding::{Phase, Sigkill, SignalResult, Source};
use crate::incident::Outcome;
use crate::kernel::Level;

/// How long after a kill its container's group is empty, at the latest, if it ends by it.
const ENDS_WITHIN_S: i64 = 1;

/// What is seen later than this after a kill need not be its doing. The agent looks after a quarter of a second, if it
/// is not kept from it.
const LOOKED_SOON_S: i64 = 2;

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
    let in_container =
        whose.pod_uid.is_some() || whose.container_id.is_some() || whose.level == Level::Container;
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
    if facts.end().is_some() {
        return match facts.event {
            // Said already: the end is what it is about.
            Event::Death => (Some(Outcome::ContainerExited), None),
            _ => exited("The container ended: nobody is left in its group."),
        };
    }
    let seen = facts.aftermath.and_then(|observation| facts.container_state(observation));
    let seen = seen.map(|state| (state.exists, state.processes_left));
    match seen {
        // Since then it may have ended of something else.
        Some((false, _) | (true, Some(0))) if !looked_soon(facts) => from_trace(facts),
        Some((false, _)) => exited("The container's group is gone: it ended."),
        Some((true, Some(0))) => exited("Nobody is left in the container: it ended."),
        Some((true, Some(left))) => survived(&format!("{} left in it", processes_are(left))),
        Some((true, None)) | None => from_trace(facts),
    }
}

/// Whether somebody looked so soon after the kill that what was gone by then was gone by it.
fn looked_soon(facts: &Facts<'_>) -> bool {
    let limit = SignedDuration::from_secs(LOOKED_SOON_S);
    let until = facts.time().checked_add(limit).unwrap_or(Timestamp::MAX);
    let looks = &facts.witnesses.observations;
    looks.iter().any(|(finding, look)| look.phase == Phase::Aftermath && finding.time <= until)
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
