//! Writes single rows: findings, and incidents with their earlier verdicts.
//!
//! `$1`, `$2`, .. stand in the order of their first use in all SQL here: SQLite takes them for names and numbers them
//! by that order, whatever digits they hold, where PostgreSQL goes by the digits.

use coroner_core::finding::{Finding, FindingBody, Gap};
use coroner_core::incident::{Incident, IncidentId};
use coroner_proto::v1;
use prost::Message as _;
use rusqlite::{Connection, OptionalExtension as _, params};

/// A finding, ready to be stored.
#[derive(Clone, Debug)]
pub(crate) struct NewFinding {
    /// The fact.
    pub(crate) finding: Finding,
    /// The same as a `coroner.v1.Finding`.
    pub(crate) bytes: Vec<u8>,
    /// The incident it opens or adds to.
    pub(crate) incident: Option<IncidentId>,
}

/// An incident that was created or revised.
#[derive(Clone, Debug)]
pub(crate) struct Changed {
    /// The incident as it now is.
    pub(crate) incident: v1::Incident,
    /// 1 for a new one.
    pub(crate) revision: u32,
    /// When it happened, in microseconds since 1970.
    pub(crate) time_us: i64,
}

/// Kinds of findings that tell of a node as it is, of which the last that came is kept at hand. A node's clock may be
/// set back, so it does not decide which is the newest.
const STATES: [&str; 4] = ["node", "headroom", "fragmentation", "pressure"];

/// The microseconds between which a gap lies; the ends of time where it has no known end.
pub(super) fn span(gap: &Gap) -> (i64, i64) {
    let us = |time: Option<jiff::Timestamp>| time.map(jiff::Timestamp::as_microsecond);
    (us(gap.from).unwrap_or(i64::MIN), us(gap.to).unwrap_or(i64::MAX))
}

/// Stores a finding. False if it is there already.
pub(super) fn insert_finding(
    db: &Connection,
    new: &NewFinding,
    now_us: i64,
) -> Result<bool, rusqlite::Error> {
    let finding = &new.finding;
    let (kind, gap) = match &finding.body {
        FindingBody::Kernel(_) => ("kernel", None),
        FindingBody::Gap(gap) => ("gap", Some(span(gap))),
        FindingBody::Cgroups(_) => ("cgroups", None),
        FindingBody::SourceStatus(_) => ("source_status", None),
        FindingBody::Sigkill(_) => ("sigkill", None),
        FindingBody::CountedKill(_) => ("counted_kill", None),
        FindingBody::ContainerEnd(_) => ("container_end", None),
        FindingBody::Fragmentation(_) => ("fragmentation", None),
        FindingBody::Headroom(_) => ("headroom", None),
        FindingBody::Pressure(_) => ("pressure", None),
        FindingBody::Population(_) => ("population", None),
        FindingBody::MemoryVolumes(_) => ("memory_volumes", None),
        FindingBody::Node(_) => ("node", None),
    };
    let rows = db
        .prepare_cached(
            "INSERT INTO finding (id, node, boot_id, time_us, source, kind, incident_id, gap_from_us, gap_to_us,
                 received_us, body)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            finding.id.0,
            finding.node,
            finding.boot_id,
            finding.time.as_microsecond(),
            finding.source.to_string(),
            kind,
            new.incident.as_ref().map(|id| &id.0),
            gap.map(|(from, _)| from),
            gap.map(|(_, to)| to),
            now_us,
            new.bytes,
        ])?;
    if rows == 1 && STATES.contains(&kind) && finding.about.is_none() {
        db.prepare_cached(
            "INSERT INTO node_state (node, kind, time_us, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (node, kind) DO UPDATE SET time_us = excluded.time_us, body = excluded.body",
        )?
        .execute(params![finding.node, kind, finding.time.as_microsecond(), new.bytes])?;
    }
    Ok(rows == 1)
}

/// Stores a verdict. `None` if it says what the stored one says.
pub(super) fn upsert_incident(
    db: &Connection,
    incident: Incident,
    boot_id: &str,
    now_us: i64,
) -> Result<Option<Changed>, rusqlite::Error> {
    let stored: Option<(i64, u32, Vec<u8>)> = db
        .prepare_cached("SELECT seq, revision, body FROM incident WHERE id = $1")?
        .query_row([&incident.id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let (cause, outcome, confidence) =
        (incident.cause.name(), incident.outcome.map(|o| o.name()), incident.confidence.name());
    let time_us = incident.time.as_microsecond();
    let wire = v1::Incident::from(incident);
    let body = wire.encode_to_vec();
    let pod_uid = wire.pod.as_ref().and_then(|p| p.uid.as_deref());
    let container_id = wire.container.as_ref().and_then(|c| c.id.as_deref());

    let (seq, revision) = match stored {
        Some((_, _, old)) if old == body => return Ok(None),
        Some((seq, revision, old)) => {
            db.prepare_cached(
                "INSERT INTO incident_revision (incident_seq, revision, replaced_us, body) VALUES ($1, $2, $3, $4)",
            )?
            .execute(params![seq, revision, now_us, old])?;
            delete_pids(db, seq, &old)?;
            db.prepare_cached(
                "UPDATE incident SET time_us = $1, node = $2, cause = $3, outcome = $4, confidence = $5, pod_uid = $6,
                     container_id = $7, revision = $8, changed_us = $9, body = $10
                 WHERE seq = $11",
            )?
            .execute(params![
                time_us,
                wire.node,
                cause,
                outcome,
                confidence,
                pod_uid,
                container_id,
                revision + 1,
                now_us,
                body,
                seq
            ])?;
            (seq, revision + 1)
        }
        None => {
            db.prepare_cached(
                "INSERT INTO incident (id, time_us, node, boot_id, cause, outcome, confidence, pod_uid, container_id,
                     revision, created_us, changed_us, body)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $10, $11)",
            )?
            .execute(params![
                wire.id,
                time_us,
                wire.node,
                boot_id,
                cause,
                outcome,
                confidence,
                pod_uid,
                container_id,
                now_us,
                body
            ])?;
            (db.last_insert_rowid(), 1)
        }
    };
    let mut insert = db.prepare_cached(
        "INSERT INTO incident_pid (pid, time_us, incident_seq) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )?;
    for pid in pids(&wire) {
        insert.execute(params![pid, time_us, seq])?;
    }
    Ok(Some(Changed { incident: wire, revision, time_us }))
}

/// Takes back the process ids of an incident, whose stored form is `body`.
pub(super) fn delete_pids(db: &Connection, seq: i64, body: &[u8]) -> Result<(), rusqlite::Error> {
    // What cannot be decoded was not written by this code, and left no process ids either.
    let Ok(incident) = v1::Incident::decode(body) else { return Ok(()) };
    let mut delete =
        db.prepare_cached("DELETE FROM incident_pid WHERE pid = $1 AND incident_seq = $2")?;
    for pid in pids(&incident) {
        delete.execute(params![pid, seq])?;
    }
    Ok(())
}

/// Whom an incident killed.
fn pids(incident: &v1::Incident) -> impl Iterator<Item = u32> {
    incident.kernel.iter().flat_map(|kernel| &kernel.victims).map(|victim| victim.pid)
}
