//! What happened between two records of one pod.
//!
//! A watch shows states, not happenings, and may skip some: of a container that restarts fast only `state` and
//! `lastState` of some moment are seen, and the restart count tells how many ends were not.

use jiff::Timestamp;

use super::{
    ContainerRecord, ContainerState, PodRecord, Terminated, Termination, Waiting, WaitingKind,
};

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Ends of runs that the earlier record did not show, in the order of the containers, of one container the older
    /// first; none of them twice.
    pub terminations: Vec<Termination>,
    /// Runs whose end neither record shows.
    pub missed: Vec<MissedRestarts>,
    /// Spells of waiting that begin, or whose word or message is another now.
    pub waiting_began: Vec<Waiting>,
    /// Spells of waiting that ended, as the earlier record showed them.
    pub waiting_ended: Vec<Waiting>,
}

/// Restarts of a container of which no end was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissedRestarts {
    /// The container's name.
    pub container: String,
    /// How many.
    pub count: u32,
}

impl Changes {
    /// What happened from `previous` (`None` where the pod was not seen before, or is another with the same name) to `new`,
    /// which was seen at `seen`.
    #[must_use]
    pub fn between(previous: Option<&PodRecord>, new: &PodRecord, seen: Timestamp) -> Self {
        let previous = previous.filter(|previous| previous.uid == new.uid);
        let mut changes = Self::default();
        for container in &new.containers {
            let before = previous.and_then(|previous| previous.container(&container.name));
            changes.container(previous.zip(before), new, container, seen);
        }
        let left = previous.iter().flat_map(|previous| {
            let gone = |c: &&ContainerRecord| new.container(&c.name).is_none();
            previous.containers.iter().filter(gone).filter_map(|c| waiting(previous, c, seen))
        });
        changes.waiting_ended.extend(left);
        let unscheduled = |pod| Waiting::for_node(pod, seen);
        changes.waits(previous.and_then(unscheduled), unscheduled(new));
        changes
    }

    fn container(
        &mut self,
        before: Option<(&PodRecord, &ContainerRecord)>,
        pod: &PodRecord,
        container: &ContainerRecord,
        seen: Timestamp,
    ) {
        let known: Vec<_> = before
            .iter()
            .flat_map(|(pod, before)| ends(pod, before, None, seen))
            .map(|end| end.id())
            .collect();
        let mut fresh = ends(pod, container, before.map(|(_, before)| before), seen);
        fresh.retain(|end| !known.contains(&end.id()));
        let missed = missed(before.map(|(_, before)| before), container, fresh.len());
        self.terminations.append(&mut fresh);
        if missed > 0 {
            self.missed.push(MissedRestarts { container: container.name.clone(), count: missed });
        }
        let was = before.and_then(|(pod, before)| waiting(pod, before, seen));
        self.waits(was, waiting(pod, container, seen));
    }

    /// What a container or the pod waited for, and what it waits for now.
    fn waits(&mut self, was: Option<Waiting>, is: Option<Waiting>) {
        let same = |one: &Waiting, other: &Waiting| one.id() == other.id();
        if let Some(was) = &was
            && is.as_ref().is_none_or(|is| !same(was, is))
        {
            self.waiting_ended.push(was.clone());
        }
        if let Some(is) = is {
            let told = |was: &Waiting| {
                same(was, &is) && was.reason == is.reason && was.message == is.message
            };
            if !was.as_ref().is_some_and(told) {
                self.waiting_began.push(is);
            }
        }
    }
}

/// What a container waits for whose postStart hook failed.
const HOOK_ERROR: &str = "PostStartHookError";

/// The ends that a record shows of one container, the older first.
fn ends(
    pod: &PodRecord,
    container: &ContainerRecord,
    before: Option<&ContainerRecord>,
    seen: Timestamp,
) -> Vec<Termination> {
    let last = container.last.as_deref().map(|ended| {
        let current = ended.container_id.is_some() && ended.container_id == container.container_id;
        // In a back-off `lastState` is about the run that the count counts; else about the one before. Of a lost
        // container the kubelet counts one more unless the pod is being deleted.
        let counted = current || ended.container_id.is_none() && pod.deletion.is_some();
        (ended, container.restart_count.saturating_sub(u32::from(!counted)))
    });
    let state = container.ended().map(|ended| {
        let lost = ended.container_id.is_none()
            && last.is_some_and(|(last, _)| last.container_id.is_none());
        (ended, last.filter(|_| lost).map_or(container.restart_count, |(_, run)| run))
    });
    let end = |(ended, run): (&Terminated, u32)| Termination {
        pod_uid: pod.uid.clone(),
        namespace: pod.namespace.clone(),
        pod: pod.name.clone(),
        node: pod.node.clone(),
        container: container.name.clone(),
        role: container.role,
        restart_count: run,
        stated_restart_count: container.restart_count,
        ended: ended.clone(),
        earlier_container_id: before
            .filter(|_| ended.container_id.is_none())
            .and_then(|before| before.container_id.clone()),
        first_seen: Some(seen),
        hook_error: None,
    };
    let mut all: Vec<Termination> = Vec::new();
    // Of the last run: the one that waits has not begun.
    let failed = match &container.state {
        ContainerState::Waiting { reason: Some(reason), message } if reason == HOOK_ERROR => {
            Some(message.clone().unwrap_or_default())
        }
        _ => None,
    };
    for mut one in last.into_iter().chain(state).map(end) {
        one.hook_error.clone_from(&failed);
        if all.iter().all(|other| other.id() != one.id()) {
            all.push(one);
        }
    }
    all
}

/// How many runs ended that neither record shows. What happened to a pod before it was seen for the first time nobody
/// missed.
fn missed(before: Option<&ContainerRecord>, container: &ContainerRecord, fresh: usize) -> u32 {
    let Some(before) = before else { return 0 };
    let fresh = u32::try_from(fresh).unwrap_or(u32::MAX);
    runs_ended(container).saturating_sub(runs_ended(before)).saturating_sub(fresh)
}

/// How many runs had ended by that record: all before the one that the count counts, and that one if it shows its end.
fn runs_ended(container: &ContainerRecord) -> u32 {
    // An end without an id was made up, for a run that is counted already.
    let id = container.container_id.as_ref();
    let shown = [container.ended(), container.last.as_deref()].into_iter().flatten();
    let current = id.is_some()
        && shown.filter_map(|end| end.container_id.as_ref()).any(|end| Some(end) == id);
    container.restart_count.saturating_add(u32::from(current))
}

/// The waiting that a record shows of one container.
fn waiting(pod: &PodRecord, container: &ContainerRecord, seen: Timestamp) -> Option<Waiting> {
    let ContainerState::Waiting { reason: Some(reason), message } = &container.state else {
        return None;
    };
    (WaitingKind::of(reason) != WaitingKind::Creating).then(|| Waiting {
        pod_uid: pod.uid.clone(),
        namespace: pod.namespace.clone(),
        pod: pod.name.clone(),
        node: pod.node.clone(),
        container: container.name.clone(),
        role: container.role,
        restart_count: container.restart_count,
        reason: reason.clone(),
        message: message.clone(),
        first_seen: Some(seen),
        over: None,
    })
}
