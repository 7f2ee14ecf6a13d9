//! Joins what the node saw with the ends that Kubernetes reports, in the store.
//!
//! The core decides ([`places`]); this reads all that may concern each other, and keeps what was decided: an end keeps its
//! incident for ever, and findings that are part of another incident than their own are noted as its part. A row that
//! nothing belongs to any more is deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use coroner_core::incident::{IncidentId, Outcome};
use coroner_core::kubernetes::{Ended, Places, Sighting, SightingKind, TerminationId, places};
use coroner_core::verdict;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::StoreError;
use super::cases::{Fresh, findings};
use super::kubernetes::{End, Subject, end_of_incident, ends_of, give_incident};
use super::rows::Changed;
use super::surroundings::{self, Told};
use super::touched::{Touched, Why};

/// How far from an end a kill may lie of which only the pod is known; more than the core joins over.
const NEAR_US: i64 = 5_000_000;

/// Rounds of looking for what concerns what was found. One leads from findings to their end, the next to the end's other
/// findings; what is further away concerns nobody here.
const ROUNDS: usize = 3;

/// An incident to judge.
#[derive(Debug, Default)]
pub(super) struct Placed {
    pub(super) why: Why,
    /// The incidents that its findings make by themselves.
    pub(super) parts: BTreeSet<IncidentId>,
    pub(super) subject: Subject,
}

/// Everything that was found to concern each other.
#[derive(Default)]
struct Found {
    sightings: BTreeMap<IncidentId, Sighting>,
    nodes: BTreeMap<IncidentId, String>,
    ends: BTreeMap<TerminationId, End>,
    /// Looked at, and made of no finding.
    empty: BTreeSet<IncidentId>,
}

/// Gives what was touched its incidents; gives those to judge, and adds to `merged` those that are none any more.
pub(super) fn place(
    db: &Connection,
    path: &Path,
    touched: &Touched,
    fresh: &Fresh<'_>,
    merged: &mut Vec<Changed>,
) -> Result<BTreeMap<IncidentId, Placed>, StoreError> {
    let failed =
        |source| StoreError::Sqlite { path: path.to_owned(), doing: "join incidents", source };
    let mut found = Found::default();
    let mut wanted: BTreeSet<IncidentId> = touched.findings.keys().cloned().collect();
    for id in touched.incidents.keys() {
        wanted.extend(parts(db, id).map_err(failed)?);
    }
    for id in touched.terminations.keys() {
        found.ends(ends_of(db, Some(id), None, None).map_err(failed)?);
    }
    for _ in 0..ROUNDS {
        wanted.retain(|id| !found.sightings.contains_key(id) && !found.empty.contains(id));
        found.look(db, path, &std::mem::take(&mut wanted), fresh)?;
        let ends = found.ends.len();
        found.find_ends(db).map_err(failed)?;
        found.find_sightings(db, &mut wanted).map_err(failed)?;
        if found.ends.len() == ends
            && wanted.iter().all(|id| found.sightings.contains_key(id) || found.empty.contains(id))
        {
            break;
        }
    }
    let ended: Vec<Ended<'_>> = found
        .ends
        .values()
        .map(|end| Ended {
            termination: &end.termination,
            cgroup_uid: &end.cgroup_uid,
            incident: end.incident.clone(),
        })
        .collect();
    let sightings: Vec<Sighting> = found.sightings.values().cloned().collect();
    let placed = places(&ended, &sightings);
    let moved = keep(db, &found, &placed).map_err(failed)?;
    let mut all = to_judge(touched, &found, &placed);
    for (id, placed) in &mut all {
        placed.parts.extend(parts(db, id).map_err(failed)?);
    }
    for (id, into) in moved {
        if all.get(&id).is_none_or(|placed| placed.parts.is_empty())
            && end_of_incident(db, &id).map_err(failed)?.is_none()
        {
            all.remove(&id);
            merged.extend(super::rows::delete_incident(db, &id, into).map_err(failed)?);
        }
    }
    Ok(all)
}

/// The incidents that the findings of an incident make by themselves, as far as is stored.
pub(super) fn parts(
    db: &Connection,
    id: &IncidentId,
) -> Result<BTreeSet<IncidentId>, rusqlite::Error> {
    let mut all: BTreeSet<IncidentId> = db
        .prepare_cached(
            "SELECT id FROM incident_part INDEXED BY incident_part_of WHERE incident_id = $1",
        )?
        .query_map([&id.0], |row| row.get(0).map(IncidentId))?
        .collect::<Result<_, _>>()?;
    if part_of(db, id)?.is_none() {
        all.insert(id.clone());
    }
    Ok(all)
}

/// The incident that findings are part of, where it is not the one they make.
pub(crate) fn part_of(
    db: &Connection,
    id: &IncidentId,
) -> Result<Option<IncidentId>, rusqlite::Error> {
    db.prepare_cached("SELECT incident_id FROM incident_part WHERE id = $1")?
        .query_row([&id.0], |row| row.get(0).map(IncidentId))
        .optional()
}

impl Found {
    /// Finds out what the node saw of each.
    fn look(
        &mut self,
        db: &Connection,
        path: &Path,
        ids: &BTreeSet<IncidentId>,
        fresh: &Fresh<'_>,
    ) -> Result<(), StoreError> {
        let mut told = Vec::new();
        for id in ids {
            self.empty.insert(id.clone());
            told.extend(Told::new(id, findings(db, path, id, fresh)?));
        }
        for case in surroundings::cases(db, path, told)? {
            let Some(id) = case.incident.clone() else { continue };
            let Some(sighting) = verdict::sighting(&id, &case) else { continue };
            let node = case.findings.first().map(|finding| finding.node.clone());
            self.nodes.insert(id.clone(), node.unwrap_or_default());
            self.empty.remove(&id);
            self.sightings.insert(id, sighting);
        }
        Ok(())
    }

    fn ends(&mut self, ends: Vec<End>) {
        self.ends.extend(ends.into_iter().map(|end| (end.termination.id(), end)));
    }

    /// Ends that the sightings may be about, and those that have their incidents.
    fn find_ends(&mut self, db: &Connection) -> Result<(), rusqlite::Error> {
        let mut ends = Vec::new();
        for sighting in self.sightings.values() {
            match (&sighting.container_id, &sighting.pod_uid) {
                (Some(container), _) => ends.extend(ends_of(db, None, Some(container), None)?),
                (None, Some(pod)) if sighting.kind == SightingKind::Kill => {
                    let time = sighting.time.as_microsecond();
                    let pod = (pod.as_str(), time - NEAR_US, time + NEAR_US);
                    ends.extend(ends_of(db, None, None, Some(pod))?);
                }
                _ => {}
            }
            let is_in = part_of(db, &sighting.id)?;
            for incident in [Some(sighting.id.clone()), is_in].into_iter().flatten() {
                ends.extend(end_of_incident(db, &incident)?);
            }
        }
        self.ends(ends);
        Ok(())
    }

    /// Sightings that the ends may be about.
    fn find_sightings(
        &self,
        db: &Connection,
        wanted: &mut BTreeSet<IncidentId>,
    ) -> Result<(), rusqlite::Error> {
        let mut incidents = BTreeSet::new();
        for end in self.ends.values() {
            if let Some(container) = end.termination.container_id() {
                let mut select = db.prepare_cached(
                    "SELECT id FROM incident INDEXED BY incident_container WHERE container_id = $1",
                )?;
                let rows = select.query_map([container], |row| row.get(0).map(IncidentId))?;
                for id in rows {
                    incidents.insert(id?);
                }
            }
            let (uid, time) = (&end.termination.pod_uid, end.termination.time());
            if let Some(time) = time.map(jiff::Timestamp::as_microsecond) {
                let mut select = db.prepare_cached(
                    "SELECT id FROM incident INDEXED BY incident_pod_uid
                     WHERE pod_uid IN ($1, $2) AND time_us BETWEEN $3 AND $4 AND container_id IS NULL",
                )?;
                let near = params![uid, end.cgroup_uid, time - NEAR_US, time + NEAR_US];
                for id in select.query_map(near, |row| row.get(0).map(IncidentId))? {
                    incidents.insert(id?);
                }
            }
            incidents.extend(end.incident.clone());
        }
        for id in incidents {
            wanted.extend(parts(db, &id)?);
        }
        Ok(())
    }
}

/// Writes down what was decided; gives the incidents that findings were taken from, each with where they are now.
fn keep(
    db: &Connection,
    found: &Found,
    placed: &Places,
) -> Result<BTreeMap<IncidentId, IncidentId>, rusqlite::Error> {
    for (id, incident) in &placed.terminations {
        give_incident(db, id, incident)?;
    }
    let mut left = BTreeMap::new();
    for id in found.sightings.keys() {
        let Some(incident) = placed.sightings.get(id) else { continue };
        let before = part_of(db, id)?.unwrap_or_else(|| id.clone());
        if before == *incident {
            continue;
        }
        if incident == id {
            db.prepare_cached("DELETE FROM incident_part WHERE id = $1")?.execute([&id.0])?;
        } else {
            db.prepare_cached(
                "INSERT INTO incident_part (id, incident_id) VALUES ($1, $2)
                 ON CONFLICT (id) DO UPDATE SET incident_id = excluded.incident_id",
            )?
            .execute(params![id.0, incident.0])?;
        }
        left.insert(before, incident.clone());
    }
    Ok(left)
}

/// All incidents whose case is another now.
fn to_judge(touched: &Touched, found: &Found, placed: &Places) -> BTreeMap<IncidentId, Placed> {
    let mut all = BTreeMap::<IncidentId, Placed>::new();
    for (id, why) in &touched.incidents {
        all.entry(id.clone()).or_default().why.extend(why.iter().cloned());
    }
    for (id, incident) in &placed.terminations {
        let is_new = touched.terminations.get(id);
        if is_new.is_some() || found.ends.get(id).is_some_and(|end| end.incident.is_none()) {
            let entry = all.entry(incident.clone()).or_default();
            entry.why.extend(is_new.into_iter().flatten().cloned());
        }
    }
    for (id, sighting) in &found.sightings {
        let incident = placed.sightings.get(id).unwrap_or(id);
        let why = touched.findings.get(id);
        let entry = all.entry(incident.clone()).or_default();
        entry.why.extend(why.into_iter().flatten().cloned());
        let known = &mut entry.subject;
        // The end of a container says when it ended; a kill before it is told too.
        let better = known.time_us.is_none() || sighting.outcome == Some(Outcome::ContainerExited);
        if better {
            known.time_us = Some(sighting.time.as_microsecond());
            known.node = found.nodes.get(id).cloned();
        }
        known.container_id = sighting.container_id.clone().or(known.container_id.take());
        known.pod_uid = sighting.pod_uid.clone().or(known.pod_uid.take());
    }
    for id in touched.findings.keys().filter(|id| !found.sightings.contains_key(id)) {
        // Its findings open nothing yet.
        all.entry(id.clone()).or_default();
    }
    all
}
