//! Gathers what Kubernetes said of one incident.

use coroner_core::incident::{Cause, EarlierEnd, IncidentId};
use coroner_core::kubernetes::{
    ApiGap, ApiPart, ClockDifference, ClusterEvent, KubernetesCase, NodeRecord, Termination,
    Waiting,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::records::{self, all_known, known, read};
use crate::clocks::ClockBook;

/// Earlier ends in one case: as many as a person looks at.
const MOST_PREVIOUS: u32 = 10;

/// Events in one case. The kubelet counts the same thing up instead of saying it again.
const MOST_EVENTS: u32 = 100;

/// How far from an incident an event may lie and still be told with it. A pod that waits, waits for long.
const EVENTS_BEFORE_US: i64 = 3_600_000_000;
const EVENTS_AFTER_US: i64 = 600_000_000;

/// Events of the node are told only from closer by.
const NODE_EVENTS_US: i64 = 300_000_000;

/// Whose incident it is, as far as the node's findings tell.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Subject {
    /// 64 hex digits.
    pub(in crate::store) container_id: Option<String>,
    /// What its cgroups call the pod.
    pub(in crate::store) pod_uid: Option<String>,
    /// Where and when it happened.
    pub(in crate::store) node: Option<String>,
    pub(in crate::store) time_us: Option<i64>,
}

/// What Kubernetes said of an incident; `None` where nothing that is stored concerns it.
pub(in crate::store) fn case(
    db: &Connection,
    id: &IncidentId,
    subject: &Subject,
    clocks: &ClockBook,
) -> Result<Option<KubernetesCase>, rusqlite::Error> {
    let termination = records::end_of_incident(db, id)?.map(|end| end.termination);
    let waiting = if termination.is_some() { None } else { waiting_of(db, id)? };
    let of_run = match (&termination, &waiting, &subject.container_id) {
        (None, None, Some(container)) => run(db, container)?,
        _ => None,
    };
    let pod_uid = match (&termination, &waiting, &of_run, &subject.pod_uid) {
        (Some(termination), ..) => Some(termination.pod_uid.clone()),
        (None, Some(waiting), ..) => Some(waiting.pod_uid.clone()),
        (None, None, Some((uid, _)), _) => Some(uid.clone()),
        (None, None, None, Some(cgroup_uid)) => pod_called(db, cgroup_uid)?,
        (None, None, None, None) => None,
    };
    let Some(pod_uid) = pod_uid else { return Ok(None) };
    let (pod, gone_us) = records::pod(db, &pod_uid)?.unzip();
    let container = match (&termination, &waiting, of_run) {
        (Some(termination), ..) => Some(termination.container.clone()),
        (None, Some(waiting), _) => Some(waiting.container.clone()).filter(|name| !name.is_empty()),
        (None, None, of_run) => of_run.map(|(_, container)| container),
    };
    let stated = termination.as_ref().and_then(Termination::time);
    let began = waiting.as_ref().and_then(|waiting| waiting.first_seen);
    let Some(time_us) = stated.or(began).map(Timestamp::as_microsecond).or(subject.time_us) else {
        return Ok(None);
    };
    let previous = match &container {
        Some(name) => previous(db, &pod_uid, name, time_us, termination.as_ref())?,
        None => Vec::new(),
    };
    let before = termination.as_ref().map_or(0, |termination| termination.restart_count);
    let node = termination
        .as_ref()
        .and_then(|termination| termination.node.clone())
        .or_else(|| pod.as_ref().and_then(|pod| pod.node.clone()))
        .or_else(|| subject.node.clone());
    let mut events =
        events(db, "Pod", &pod_uid, time_us - EVENTS_BEFORE_US, until(waiting.as_ref(), time_us))?;
    let mut record = None;
    let clocks = clocks.around(node.as_deref());
    // What could not be read is dated by our own clock.
    let ahead = clocks.node.and_then(ClockDifference::middle).unwrap_or_default();
    let ours_us = time_us.saturating_sub(i64::try_from(ahead.as_micros()).unwrap_or(0));
    if let Some(node) = &node {
        let near = (time_us - NODE_EVENTS_US, time_us + NODE_EVENTS_US);
        events.extend(self::events(db, "Node", node, near.0, near.1)?);
        record = node_record(db, node)?;
    }
    Ok(Some(KubernetesCase {
        restarts_missed: missed(db, &pod_uid, container.as_deref(), before, pod.is_some())?,
        pod: pod.map(Box::new),
        container,
        termination: termination.map(Box::new),
        waiting: waiting.map(Box::new),
        previous,
        events,
        node: record.map(Box::new),
        pod_gone: gone_us.flatten().and_then(|us| Timestamp::from_microsecond(us).ok()),
        gaps: gaps(db, ours_us)?,
        clocks,
    }))
}

/// The earlier ends of a case as the incident tells them, each with its own incident.
pub(in crate::store) fn earlier_ends(
    db: &Connection,
    previous: &[Termination],
) -> Result<Vec<EarlierEnd>, rusqlite::Error> {
    let mut select = db.prepare_cached(
        "SELECT t.incident_id, i.cause FROM termination t LEFT JOIN incident i ON i.id = t.incident_id WHERE t.id = $1",
    )?;
    let mut all = Vec::with_capacity(previous.len());
    for end in previous {
        let found: Option<(Option<String>, Option<String>)> =
            select.query_row([&end.id().0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (incident, cause) = found.unwrap_or_default();
        all.push(EarlierEnd {
            restart_count: end.restart_count,
            exit_code: end.ended.exit_code,
            reason: end.ended.reason.clone(),
            finished_at: end.ended.finished_at,
            incident: incident.map(IncidentId),
            cause: cause.and_then(|cause| cause.parse::<Cause>().ok()),
        });
    }
    Ok(all)
}

/// Incidents of later ends of the same container, as many as tell of this one.
pub(in crate::store) fn later_ends(
    db: &Connection,
    end: &Termination,
) -> Result<Vec<IncidentId>, rusqlite::Error> {
    let Some(time) = end.time() else { return Ok(Vec::new()) };
    db.prepare_cached(
        "SELECT incident_id FROM termination INDEXED BY termination_pod
         WHERE pod_uid = $1 AND container = $2 AND time_us >= $3 AND id <> $4 AND incident_id IS NOT NULL
         ORDER BY time_us LIMIT $5",
    )?
    .query_map(
        params![end.pod_uid, end.container, time.as_microsecond(), end.id().0, MOST_PREVIOUS],
        |row| row.get(0).map(IncidentId),
    )?
    .collect()
}

fn waiting_of(db: &Connection, id: &IncidentId) -> Result<Option<Waiting>, rusqlite::Error> {
    known(
        db.prepare_cached("SELECT body FROM waiting WHERE incident_id = $1")?
            .query_row([&id.0], |row| read(row, 0)),
    )
}

/// Pod and name of a container that ran.
fn run(db: &Connection, id: &str) -> Result<Option<(String, String)>, rusqlite::Error> {
    db.prepare_cached("SELECT pod_uid, container FROM container_run WHERE container_id = $1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// The uid of the pod that cgroups call so.
fn pod_called(db: &Connection, cgroup_uid: &str) -> Result<Option<String>, rusqlite::Error> {
    db.prepare_cached(
        "SELECT uid FROM pod INDEXED BY pod_cgroup WHERE cgroup_uid = $1 ORDER BY changed_us DESC LIMIT 1",
    )?
    .query_row([cgroup_uid], |row| row.get(0))
    .optional()
}

fn previous(
    db: &Connection,
    pod_uid: &str,
    container: &str,
    time_us: i64,
    itself: Option<&Termination>,
) -> Result<Vec<Termination>, rusqlite::Error> {
    let itself = itself.map(|end| end.id().0).unwrap_or_default();
    let mut select = db.prepare_cached(
        "SELECT body FROM termination INDEXED BY termination_pod
         WHERE pod_uid = $1 AND container = $2 AND time_us <= $3 AND id <> $4
         ORDER BY time_us DESC, restart_count DESC LIMIT $5",
    )?;
    let of_it = params![pod_uid, container, time_us, itself, MOST_PREVIOUS];
    all_known(select.query_map(of_it, |row| read(row, 0))?)
}

/// Of the runs before number `before`, those whose end was not stored.
fn missed(
    db: &Connection,
    pod_uid: &str,
    container: Option<&str>,
    before: u32,
    pod_is_known: bool,
) -> Result<u32, rusqlite::Error> {
    let (Some(container), true) = (container, pod_is_known && before > 0) else { return Ok(0) };
    let stored: u32 = db
        .prepare_cached(
            "SELECT count(*) FROM termination INDEXED BY termination_pod
             WHERE pod_uid = $1 AND container = $2 AND restart_count < $3",
        )?
        .query_row(params![pod_uid, container, before], |row| row.get(0))?;
    Ok(before.saturating_sub(stored))
}

/// Until when events are told: of a pod that waits, whatever comes while it does.
fn until(waiting: Option<&Waiting>, time_us: i64) -> i64 {
    match waiting {
        Some(Waiting { over: Some(over), .. }) => over.as_microsecond(),
        Some(_) => i64::MAX,
        None => time_us.saturating_add(EVENTS_AFTER_US),
    }
}

fn events(
    db: &Connection,
    kind: &str,
    whom: &str,
    from_us: i64,
    to_us: i64,
) -> Result<Vec<ClusterEvent>, rusqlite::Error> {
    let mut select = db.prepare_cached(
            "SELECT body FROM cluster_event INDEXED BY cluster_event_whom
             WHERE kind = $1 AND whom = $2 AND last_us BETWEEN $3 AND $4 ORDER BY last_us DESC, uid DESC LIMIT $5",
        )?;
    let near = params![kind, whom, from_us, to_us, MOST_EVENTS];
    let mut newest: Vec<ClusterEvent> = all_known(select.query_map(near, |row| read(row, 0))?)?;
    newest.reverse();
    Ok(newest)
}

fn node_record(db: &Connection, name: &str) -> Result<Option<NodeRecord>, rusqlite::Error> {
    known(
        db.prepare_cached("SELECT body FROM api_node WHERE name = $1")?
            .query_row([name], |row| read(row, 0)),
    )
}

/// What could not be read around that time.
fn gaps(db: &Connection, time_us: i64) -> Result<Vec<ApiGap>, rusqlite::Error> {
    let time = |us| Timestamp::from_microsecond(us).ok();
    let mut select = db.prepare_cached(
        "SELECT part, from_us, to_us, reason FROM api_gap
         WHERE from_us <= $1 AND (to_us IS NULL OR to_us >= $2) ORDER BY part, from_us LIMIT 20",
    )?;
    let mut rows = select.query(params![
        time_us.saturating_add(EVENTS_AFTER_US),
        time_us.saturating_sub(EVENTS_AFTER_US)
    ])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let parts = [ApiPart::Pods, ApiPart::Events, ApiPart::Nodes, ApiPart::Owners];
        let Some(part) = parts.into_iter().find(|part| part.name() == name) else { continue };
        let Some(from) = time(row.get(1)?) else { continue };
        let to: Option<i64> = row.get(2)?;
        all.push(ApiGap { part, from, to: to.and_then(time), reason: row.get(3)? });
    }
    Ok(all)
}
