//! Rows of pods, of the runs of their containers, and of their ends.

use coroner_core::incident::IncidentId;
use coroner_core::kubernetes::{ContainerRecord, PodRecord, Termination, TerminationId};
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A stored end, and the incident that it has.
#[derive(Clone, Debug)]
pub(in crate::store) struct End {
    pub(in crate::store) termination: Termination,
    pub(in crate::store) cgroup_uid: String,
    pub(in crate::store) incident: Option<IncidentId>,
}

/// A record as it is stored.
pub(super) fn json(record: &impl Serialize) -> Result<Vec<u8>, rusqlite::Error> {
    serde_json::to_vec(record).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

/// The record in a column.
pub(super) fn read<T: DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> Result<T, rusqlite::Error> {
    let body = row.get_ref(column)?.as_blob()?;
    serde_json::from_slice(body)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(e)))
}

/// What was found. What is stored was readable once: if the disk changed it, or a newer version wrote it, that is lost, but
/// not the work on all others.
pub(super) fn known<T>(found: Result<T, rusqlite::Error>) -> Result<Option<T>, rusqlite::Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
        Err(e @ rusqlite::Error::FromSqlConversionFailure(..)) => {
            tracing::error!(error = %e, "a stored record of Kubernetes' cannot be read, and is left out");
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

/// All that can be read of what was found.
pub(super) fn all_known<T>(
    found: impl Iterator<Item = Result<T, rusqlite::Error>>,
) -> Result<Vec<T>, rusqlite::Error> {
    found.filter_map(|found| known(found).transpose()).collect()
}

/// Whether anything was ever seen of the API.
pub(in crate::store) fn any_stored(db: &Connection) -> Result<bool, rusqlite::Error> {
    db.query_row(
        "SELECT EXISTS (SELECT 1 FROM pod) OR EXISTS (SELECT 1 FROM termination)",
        [],
        |row| row.get(0),
    )
}

/// The pod as it was last seen, and when it was seen to be gone.
pub(super) fn pod(
    db: &Connection,
    uid: &str,
) -> Result<Option<(PodRecord, Option<i64>)>, rusqlite::Error> {
    known(
        db.prepare_cached("SELECT body, gone_us FROM pod WHERE uid = $1")?
            .query_row([uid], |row| Ok((read(row, 0)?, row.get(1)?))),
    )
}

pub(super) fn put_pod(
    db: &Connection,
    pod: &PodRecord,
    now_us: i64,
) -> Result<(), rusqlite::Error> {
    db.prepare_cached(
        "INSERT INTO pod (uid, cgroup_uid, namespace, name, changed_us, body) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (uid) DO UPDATE SET cgroup_uid = excluded.cgroup_uid, changed_us = excluded.changed_us,
             body = excluded.body",
    )?
    .execute(params![pod.uid, pod.cgroup_uid(), pod.namespace, pod.name, now_us, json(pod)?])?;
    Ok(())
}

pub(super) fn living_pods(db: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    db.prepare_cached("SELECT uid FROM pod WHERE gone_us IS NULL")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// False if it is not known, or was gone before.
pub(super) fn set_gone(db: &Connection, uid: &str, at_us: i64) -> Result<bool, rusqlite::Error> {
    let rows = db
        .prepare_cached("UPDATE pod SET gone_us = $1 WHERE uid = $2 AND gone_us IS NULL")?
        .execute(params![at_us, uid])?;
    Ok(rows > 0)
}

/// Keeps which container an id is. False if that is known already.
pub(super) fn put_run(
    db: &Connection,
    pod: &PodRecord,
    container: &ContainerRecord,
    id: &str,
    now_us: i64,
) -> Result<bool, rusqlite::Error> {
    let rows = db
        .prepare_cached(
            "INSERT INTO container_run (container_id, pod_uid, container, restart_count, seen_us)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (container_id) DO NOTHING",
        )?
        .execute(params![id, pod.uid, container.name, container.restart_count, now_us])?;
    Ok(rows > 0)
}

/// Incidents in a container.
pub(super) fn incidents_of_container(
    db: &Connection,
    id: &str,
) -> Result<Vec<IncidentId>, rusqlite::Error> {
    db.prepare_cached(
        "SELECT id FROM incident INDEXED BY incident_container WHERE container_id = $1",
    )?
    .query_map([id], |row| row.get(0).map(IncidentId))?
    .collect()
}

/// Incidents in a pod that cgroups call so.
pub(super) fn incidents_of_cgroup(
    db: &Connection,
    cgroup_uid: &str,
) -> Result<Vec<IncidentId>, rusqlite::Error> {
    db.prepare_cached("SELECT id FROM incident INDEXED BY incident_pod_uid WHERE pod_uid = $1")?
        .query_map([cgroup_uid], |row| row.get(0).map(IncidentId))?
        .collect()
}

/// False if it is stored already.
pub(super) fn put_end(
    db: &Connection,
    end: &Termination,
    now_us: i64,
) -> Result<bool, rusqlite::Error> {
    let rows = db
        .prepare_cached(
            "INSERT INTO termination (id, pod_uid, container, restart_count, container_id, time_us, seen_us, body)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            end.id().0,
            end.pod_uid,
            end.container,
            end.restart_count,
            end.container_id(),
            end.time().map_or(now_us, Timestamp::as_microsecond),
            now_us,
            json(end)?
        ])?;
    if rows > 0
        && let Some(id) = end.container_id()
    {
        db.prepare_cached(
            "INSERT INTO container_run (container_id, pod_uid, container, restart_count, seen_us)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (container_id) DO NOTHING",
        )?
        .execute(params![id, end.pod_uid, end.container, end.restart_count, now_us])?;
    }
    Ok(rows > 0)
}

const ENDS: &str = "SELECT t.body, coalesce(p.cgroup_uid, t.pod_uid), t.incident_id
                    FROM termination t LEFT JOIN pod p ON p.uid = t.pod_uid WHERE";

fn end(row: &Row<'_>) -> Result<End, rusqlite::Error> {
    let incident: Option<String> = row.get(2)?;
    Ok(End {
        termination: read(row, 0)?,
        cgroup_uid: row.get(1)?,
        incident: incident.map(IncidentId),
    })
}

/// Ends with this id; of this container; or of a pod, by what its cgroups are called, between two times.
pub(in crate::store) fn ends_of(
    db: &Connection,
    id: Option<&TerminationId>,
    container_id: Option<&str>,
    pod: Option<(&str, i64, i64)>,
) -> Result<Vec<End>, rusqlite::Error> {
    let mut all = Vec::new();
    if let Some(id) = id {
        let found = db.prepare_cached(&format!("{ENDS} t.id = $1"))?.query_row([&id.0], end);
        all.extend(known(found)?);
    }
    if let Some(id) = container_id {
        let mut select = db.prepare_cached(&format!("{ENDS} t.container_id = $1 ORDER BY t.id"))?;
        all.extend(all_known(select.query_map([id], end)?)?);
    }
    if let Some((uid, from, to)) = pod {
        let mut select = db.prepare_cached(&format!(
            "{ENDS} (t.pod_uid = $1 OR t.pod_uid IN (SELECT uid FROM pod WHERE cgroup_uid = $1))
             AND t.time_us BETWEEN $2 AND $3 ORDER BY t.id"
        ))?;
        all.extend(all_known(select.query_map(params![uid, from, to], end)?)?);
    }
    Ok(all)
}

/// The end that an incident is.
pub(in crate::store) fn end_of_incident(
    db: &Connection,
    id: &IncidentId,
) -> Result<Option<End>, rusqlite::Error> {
    known(db.prepare_cached(&format!("{ENDS} t.incident_id = $1"))?.query_row([&id.0], end))
}

/// Gives an end its incident, once.
pub(in crate::store) fn give_incident(
    db: &Connection,
    id: &TerminationId,
    incident: &IncidentId,
) -> Result<(), rusqlite::Error> {
    db.prepare_cached(
        "UPDATE termination SET incident_id = $1 WHERE id = $2 AND incident_id IS NULL",
    )?
    .execute(params![incident.0, id.0])?;
    Ok(())
}

/// Incidents that are ends or waitings of a pod, or happened in it, between two times.
pub(super) fn incidents_of_pod(
    db: &Connection,
    uid: &str,
    from_us: i64,
    to_us: i64,
) -> Result<Vec<IncidentId>, rusqlite::Error> {
    db.prepare_cached(
        "SELECT incident_id FROM termination INDEXED BY termination_pod
             WHERE pod_uid = $1 AND time_us BETWEEN $2 AND $3 AND incident_id IS NOT NULL
         UNION SELECT incident_id FROM waiting WHERE pod_uid = $1 AND (ended_us IS NULL OR ended_us >= $2)
         UNION SELECT id FROM incident INDEXED BY incident_pod_uid WHERE pod_uid = $1 AND time_us BETWEEN $2 AND $3",
    )?
    .query_map(params![uid, from_us, to_us], |row| row.get(0).map(IncidentId))?
    .collect()
}

/// Deletes up to `batch` rows of each kind that are older than `before_us`; gives how many.
pub(in crate::store) fn delete(
    db: &Connection,
    before_us: i64,
    batch: u32,
) -> Result<usize, rusqlite::Error> {
    const OLD: [&str; 6] = [
        "DELETE FROM termination WHERE seen_us < $1 AND seq IN (SELECT seq FROM termination ORDER BY seq LIMIT $2)",
        "DELETE FROM waiting WHERE seen_us < $1 AND ended_us IS NOT NULL
             AND seq IN (SELECT seq FROM waiting ORDER BY seq LIMIT $2)",
        "DELETE FROM pod WHERE uid IN (SELECT uid FROM pod INDEXED BY pod_gone
             WHERE gone_us IS NOT NULL AND gone_us < $1 LIMIT $2)",
        "DELETE FROM container_run WHERE container_id IN (SELECT container_id FROM container_run
             INDEXED BY container_run_seen WHERE seen_us < $1 AND pod_uid NOT IN (SELECT uid FROM pod) LIMIT $2)",
        "DELETE FROM cluster_event WHERE uid IN (SELECT uid FROM cluster_event INDEXED BY cluster_event_seen
             WHERE seen_us < $1 LIMIT $2)",
        "DELETE FROM api_gap WHERE to_us < $1 AND $2 > 0",
    ];
    let mut deleted = 0;
    for sql in OLD {
        deleted += db.prepare_cached(sql)?.execute(params![before_us, batch])?;
    }
    Ok(deleted)
}
