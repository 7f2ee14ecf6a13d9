//! What became of the one who was hit, from who was left in the group a moment later.
//!
//! The kernel says who it killed, not whether a container ended by it: that is only known when somebody looked
//! after those who die together were gone. Where nobody looked, or not at the container itself, it stays unknown.

use super::facts::{Event, Facts};
use super::words::processes_are;
use crate::incident::Outcome;
use crate::kernel::Level;

/// The outcome and the sentence that says so.
pub(super) fn outcome(facts: &Facts<'_>) -> (Option<Outcome>, Option<String>) {
    let Event::Oom(_) = facts.event else { return (None, None) };
    if facts.victims.is_empty() {
        return (None, None);
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
    let Some(state) = facts.aftermath.and_then(|observation| facts.container_state(observation))
    else {
        return (None, None);
    };
    match (state.exists, state.processes_left) {
        (false, _) => (
            Some(Outcome::ContainerExited),
            Some("The container's group is gone: it ended.".to_owned()),
        ),
        (true, Some(0)) => (
            Some(Outcome::ContainerExited),
            Some("Nobody is left in the container: it ended.".to_owned()),
        ),
        (true, Some(left)) => (
            Some(Outcome::ContainerSurvived),
            Some(format!(
                "The container lives: {} left in it. Kubernetes does not show such a kill.",
                processes_are(left)
            )),
        ),
        (true, None) => (None, None),
    }
}
