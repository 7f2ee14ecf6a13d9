//! Rows of containers and pods that wait.

use coroner_core::incident::IncidentId;
use coroner_core::kubernetes::Waiting;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::records::{json, known, read};

/// Stores a spell of waiting; its incident, if it is new or its word is another.
pub(super) fn put_waiting(
    db: &Connection,
    waiting: &Waiting,
    now_us: i64,
) -> Result<Option<IncidentId>, rusqlite::Error> {
    let id = waiting.id();
    let incident = IncidentId::of_waiting(&id);
    let stored: Option<Waiting> = known(
        db.prepare_cached("SELECT body FROM waiting WHERE id = $1")?
            .query_row([&id.0], |row| read(row, 0)),
    )?;
    let mut now = waiting.clone();
    if let Some(stored) = stored {
        now.first_seen = stored.first_seen;
        if now == stored {
            return Ok(None);
        }
    }
    db.prepare_cached(
        "INSERT INTO waiting (id, incident_id, pod_uid, seen_us, body) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET ended_us = NULL, body = excluded.body",
    )?
    .execute(params![id.0, incident.0, waiting.pod_uid, now_us, json(&now)?])?;
    Ok(Some(incident))
}

/// Ends a spell of waiting; its incident, if there is one that lasted.
pub(super) fn end_waiting(
    db: &Connection,
    id: &str,
    at: Timestamp,
) -> Result<Option<IncidentId>, rusqlite::Error> {
    let stored: Option<(Waiting, String)> = known(
        db.prepare_cached(
            "SELECT body, incident_id FROM waiting WHERE id = $1 AND ended_us IS NULL",
        )?
        .query_row([id], |row| Ok((read(row, 0)?, row.get(1)?))),
    )?;
    let Some((mut waiting, incident)) = stored else { return Ok(None) };
    waiting.over = Some(at);
    db.prepare_cached("UPDATE waiting SET ended_us = $1, body = $2 WHERE id = $3")?
        .execute(params![at.as_microsecond(), json(&waiting)?, id])?;
    Ok(Some(IncidentId(incident)))
}

pub(super) fn open_waitings(db: &Connection, uid: &str) -> Result<Vec<String>, rusqlite::Error> {
    db.prepare_cached("SELECT id FROM waiting WHERE pod_uid = $1 AND ended_us IS NULL")?
        .query_map([uid], |row| row.get(0))?
        .collect()
}
