//! Which incident is the end that Kubernetes reports.
//!
//! The node's findings make incidents of their own: kills by the OOM killer, and deaths of containers by anything else.
//! Kubernetes reports ends. The same end must not become two incidents, and a kill that its container survived must not
//! become its end. An id joins what it can: a container's id is never used twice. Only where a finding names no more than
//! the pod, or says nothing of what became of the container, the time has to decide; both times are the node's own clock,
//! the API's cut to whole seconds.
//!
//! **What is promised.** A termination keeps the incident that it was given first. Every sighting is in one incident, and
//! no incident has two terminations. What belongs together depends on what is known, not on the order in which it came.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::{Termination, TerminationId, WaitingId};
use crate::incident::{IncidentId, Outcome};

/// How long after a kill its container has ended, at the latest, if it is that kill that ended it.
const ENDS_WITHIN: SignedDuration = SignedDuration::from_secs(2);

/// What `finishedAt` was cut by, and the kernel's stamps may run ahead of the clock: 25 ms, generously.
const CUT: SignedDuration = SignedDuration::from_millis(1100);

/// What the node saw: one incident of its findings alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The incident that the findings make by themselves.
    pub id: IncidentId,
    /// What it is about.
    pub kind: SightingKind,
    /// The container, 64 hex digits.
    pub container_id: Option<String>,
    /// What its cgroup calls the pod: its uid, or a static pod's config hash.
    pub pod_uid: Option<String>,
    /// When it happened.
    pub time: Timestamp,
    /// What became of the container, as the node saw it.
    pub outcome: Option<Outcome>,
}

/// What a sighting is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SightingKind {
    /// The end of the container was seen, with or without a kill.
    End,
    /// Somebody was killed by the OOM killer of the kernel or of user space.
    Kill,
    /// Somebody else was hit, or nobody: a signal to another process, a failed allocation.
    Other,
}

/// A termination, and the incident that it has, once it has one.
#[derive(Clone, Debug)]
pub struct Ended<'a> {
    /// What Kubernetes reports.
    pub termination: &'a Termination,
    /// What the pod's cgroups are called.
    pub cgroup_uid: &'a str,
    /// The incident it was given before.
    pub incident: Option<IncidentId>,
}

/// Which incident is whose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The incident of each termination.
    pub terminations: BTreeMap<TerminationId, IncidentId>,
    /// The incident that each sighting is in, by the id it makes by itself.
    pub sightings: BTreeMap<IncidentId, IncidentId>,
}

impl IncidentId {
    /// The incident of an end that nobody on the node saw.
    #[must_use]
    pub fn of_termination(id: &TerminationId) -> Self {
        Self(format!("inc-{:016x}", xxh3_64(id.0.as_bytes())))
    }

    /// The incident of a spell of waiting.
    #[must_use]
    pub fn of_waiting(id: &WaitingId) -> Self {
        Self(format!("inc-{:016x}", xxh3_64(id.0.as_bytes())))
    }

    /// The incident of a sighting whose own id an end has that turned out to be another one.
    #[must_use]
    pub fn apart(id: &Self) -> Self {
        Self(format!("inc-{:016x}", xxh3_64(format!("apart:{}", id.0).as_bytes())))
    }
}

/// Gives every termination and every sighting its incident. All that may concern each other has to be given at once: the
/// terminations and sightings of one container, or of one pod around the same time.
#[must_use]
pub fn places(ended: &[Ended<'_>], sightings: &[Sighting]) -> Places {
    let mut ended: Vec<(TerminationId, &Ended<'_>)> =
        ended.iter().map(|end| (end.termination.id(), end)).collect();
    ended.sort_by(|(a, x), (b, y)| a.cmp(b).then(y.incident.cmp(&x.incident)));
    ended.dedup_by(|(later, _), (first, _)| later == first);
    let mut sightings: Vec<&Sighting> = sightings.iter().collect();
    sightings.sort_by(|a, b| a.id.cmp(&b.id));
    sightings.dedup_by(|later, first| later.id == first.id);

    let whose = whose(&ended, &sightings);
    let taken: BTreeSet<&IncidentId> =
        ended.iter().filter_map(|(_, end)| end.incident.as_ref()).collect();
    let mut places = Places::default();
    for (id, end) in &ended {
        // Who looks at it first finds a kill before an end: that is what it was published under.
        let seen = sightings
            .iter()
            .filter(|sighting| whose.get(&sighting.id) == Some(id))
            .filter(|sighting| !taken.contains(&sighting.id))
            .min_by_key(|sighting| {
                (sighting.kind != SightingKind::Kill, sighting.time, &sighting.id)
            });
        let incident = end
            .incident
            .clone()
            .or_else(|| seen.map(|sighting| sighting.id.clone()))
            .unwrap_or_else(|| IncidentId::of_termination(id));
        places.terminations.insert(id.clone(), incident);
    }
    for sighting in sightings {
        let incident = match whose.get(&sighting.id).and_then(|id| places.terminations.get(id)) {
            Some(incident) => incident.clone(),
            None if taken.contains(&sighting.id) => IncidentId::apart(&sighting.id),
            None => sighting.id.clone(),
        };
        places.sightings.insert(sighting.id.clone(), incident);
    }
    places
}

/// Which termination each sighting is the end of.
fn whose(
    ended: &[(TerminationId, &Ended<'_>)],
    sightings: &[&Sighting],
) -> BTreeMap<IncidentId, TerminationId> {
    let mut whose = BTreeMap::new();
    for (id, end) in ended {
        let of_it: Vec<&Sighting> =
            sightings.iter().copied().filter(|s| is_of_container(end, s)).collect();
        let is_end = |s: &&&Sighting| s.kind == SightingKind::End;
        let exited = |s: &&&Sighting| {
            s.kind == SightingKind::Kill && s.outcome == Some(Outcome::ContainerExited)
        };
        let ends = of_it.iter().filter(is_end);
        // The end itself may have been seen apart from the kill that brought it about; of several kills the last did.
        let kill = of_it.iter().filter(exited).max_by_key(|s| (s.time, &s.id)).or_else(|| {
            let may = |s: &&&Sighting| s.kind == SightingKind::Kill && may_end(end.termination, s);
            let seen = of_it.iter().any(|s| s.kind == SightingKind::End);
            (!seen).then(|| of_it.iter().filter(may).max_by_key(|s| (s.time, &s.id)))?
        });
        for sighting in ends.chain(kill) {
            whose.insert(sighting.id.clone(), id.clone());
        }
    }
    // What names only the pod is the end of the one container that ended then, if there is one and it has no other.
    let explained: BTreeSet<TerminationId> = whose.values().cloned().collect();
    for sighting in sightings.iter().filter(|s| s.container_id.is_none()) {
        let mut fit = ended.iter().filter(|(id, end)| {
            sighting.kind == SightingKind::Kill
                && sighting.pod_uid.as_deref() == Some(end.cgroup_uid)
                && may_end(end.termination, sighting)
                && !explained.contains(id)
        });
        if let (Some((id, _)), None) = (fit.next(), fit.next())
            && !whose.values().any(|held| held == id)
        {
            whose.insert(sighting.id.clone(), id.clone());
        }
    }
    whose
}

fn is_of_container(end: &Ended<'_>, sighting: &Sighting) -> bool {
    sighting.container_id.is_some()
        && sighting.container_id.as_deref() == end.termination.container_id()
}

/// Whether a kill of which nobody saw what became of the container can have ended it.
fn may_end(termination: &Termination, sighting: &Sighting) -> bool {
    let Some(finished) = termination.ended.finished_at else { return false };
    let killed = termination.ended.exit_code == Some(137) || termination.ended.signal == Some(9);
    let after = sighting.time.duration_until(finished);
    killed
        && matches!(sighting.outcome, None | Some(Outcome::ContainerExited))
        && after <= ENDS_WITHIN
        && after >= -CUT
}
