//! Writes single rows: findings, and incidents with their earlier verdicts.
//!
//! `$1`, `$2`, .. stand in the order of their first use in all SQL here: SQLite takes them for names and numbers them
//! by that order, whatever digits they hold, where PostgreSQL goes by the digits.

use coroner_core::finding::{Finding, FindingBody, Gap};
use coroner_core::incident::{Incident, IncidentId, RevisedFrom};
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

/// An incident that was created, revised, or turned out to be part of another.
#[derive(Clone, Debug)]
pub(crate) struct Changed {
    /// The incident as it now is, or as it last was.
    pub(crate) incident: v1::Incident,
    /// 1 for a new one.
    pub(crate) revision: u32,
    /// As it was before; `None` for a new one.
    pub(crate) before: Option<Box<v1::Incident>>,
    /// The incident that it is part of now, if it is none of its own any more.
    pub(crate) merged_into: Option<IncidentId>,
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

/// Stores a verdict; `why` is what came in since the one before. `None` if it says what the stored one says.
pub(super) fn upsert_incident(
    db: &Connection,
    mut incident: Incident,
    boot_id: &str,
    why: &str,
    now_us: i64,
) -> Result<Option<Changed>, rusqlite::Error> {
    let stored: Option<(i64, u32, Vec<u8>)> = db
        .prepare_cached("SELECT seq, revision, body FROM incident WHERE id = $1")?
        .query_row([&incident.id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let before = stored.as_ref().and_then(|(_, _, old)| v1::Incident::decode(&**old).ok());
    incident.revised_from = revised_from(&incident, before.as_ref(), why, now_us);
    let (cause, outcome, confidence) =
        (incident.cause.name(), incident.outcome.map(|o| o.name()), incident.confidence.name());
    let time_us = incident.time.as_microsecond();
    let wire = v1::Incident::from(incident);
    let body = wire.encode_to_vec();
    let pod_uid = wire.pod.as_ref().and_then(|p| p.uid.as_deref());
    let container_id = wire.container.as_ref().and_then(|c| c.id.as_deref());
    let names = Names::of(&wire);

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
                     container_id = $7, revision = $8, changed_us = $9, body = $10, namespace = $11, pod = $12,
                     container = $13, owner = $14, disagrees = $15, orderly = $16
                 WHERE seq = $17",
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
                names.namespace,
                names.pod,
                names.container,
                names.owner,
                names.disagrees,
                wire.orderly,
                seq
            ])?;
            (seq, revision + 1)
        }
        None => {
            db.prepare_cached(
                "INSERT INTO incident (id, time_us, node, boot_id, cause, outcome, confidence, pod_uid, container_id,
                     revision, created_us, changed_us, body, namespace, pod, container, owner, disagrees, orderly)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $10, $11, $12, $13, $14, $15, $16, $17)",
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
                body,
                names.namespace,
                names.pod,
                names.container,
                names.owner,
                names.disagrees,
                wire.orderly
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
    Ok(Some(Changed { incident: wire, revision, before: before.map(Box::new), merged_into: None }))
}

/// What Kubernetes calls whom an incident is about.
struct Names<'a> {
    namespace: Option<&'a str>,
    pod: Option<&'a str>,
    container: Option<&'a str>,
    owner: Option<String>,
    disagrees: bool,
}

impl<'a> Names<'a> {
    fn of(incident: &'a v1::Incident) -> Self {
        let pod = incident.pod.as_ref();
        let owner = pod.and_then(|pod| pod.owner.as_ref());
        Self {
            namespace: pod.and_then(|pod| pod.namespace.as_deref()),
            pod: pod.and_then(|pod| pod.name.as_deref()),
            container: incident.container.as_ref().and_then(|c| c.name.as_deref()),
            owner: owner.map(|owner| format!("{}/{}", owner.kind, owner.name)),
            disagrees: incident.kubernetes.as_ref().is_some_and(|says| says.disagrees),
        }
    }
}

/// The verdict before: the stored one where it is another, else the one that it was revised from itself.
fn revised_from(
    incident: &Incident,
    old: Option<&v1::Incident>,
    why: &str,
    now_us: i64,
) -> Option<RevisedFrom> {
    let old = Incident::try_from(old?.clone()).ok()?;
    let verdict = |i: &Incident| (i.cause, i.outcome, i.confidence);
    if verdict(&old) == verdict(incident) {
        return old.revised_from;
    }
    let at = jiff::Timestamp::from_microsecond(now_us).ok()?;
    let (cause, outcome, confidence) = verdict(&old);
    Some(RevisedFrom { cause, outcome, confidence, at, why: why.to_owned() })
}

/// Deletes an incident to which nothing belongs any more, with its earlier verdicts: what it had is part of another now. Gives
/// what whoever watches is told, if it was there and can be read.
pub(super) fn delete_incident(
    db: &Connection,
    id: &IncidentId,
    merged_into: IncidentId,
) -> Result<Option<Changed>, rusqlite::Error> {
    let stored: Option<(i64, u32, Vec<u8>)> = db
        .prepare_cached("SELECT seq, revision, body FROM incident WHERE id = $1")?
        .query_row([&id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((seq, revision, body)) = stored else { return Ok(None) };
    delete_pids(db, seq, &body)?;
    db.prepare_cached("DELETE FROM incident_revision WHERE incident_seq = $1")?.execute([seq])?;
    db.prepare_cached("DELETE FROM incident WHERE seq = $1")?.execute([seq])?;
    let merged = |incident| {
        let merged_into = Some(merged_into);
        Changed { incident, revision, before: None, merged_into }
    };
    Ok(v1::Incident::decode(body.as_slice()).ok().map(merged))
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
