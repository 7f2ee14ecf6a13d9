//! Stores what Kubernetes says, and finds out what has to be judged anew because of it.
//!
//! Objects may come in any order and more than once. Ends and spells of waiting are stored by their ids, so each is stored
//! once; a pod's record is replaced by a newer one, and what is known of a pod stays when it is gone. Of events those that
//! every start of a pod makes are not kept.

mod around;
mod case;
pub(crate) mod of_pod;
mod records;
mod waitings;

use std::collections::HashSet;

use coroner_core::incident::IncidentId;
use coroner_core::kubernetes::{ApiChange, Changes, ClusterEvent, PodRecord, Seen, Waiting};
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::touched::Touched;
pub(super) use around::place_of;
pub(super) use case::{Subject, case, earlier_ends, later_ends};
pub(super) use records::{End, any_stored, delete, end_of_incident, ends_of, give_incident};

/// How far from an end an event, or another word for the pod, may lie and still be about it. The kubelet sends events
/// late, and a pod's status up to some minutes after a node was away; and a node's clock may be minutes off.
const NEAR_US: i64 = 1_200_000_000;

/// How long before an event about a node its kills may be: the kubelet looks every ten seconds or so.
const NODE_NEAR_US: i64 = 120_000_000;

/// Events that every pod makes, of which nothing follows. `Started` is kept: where the start of a run was told, so would
/// have been what the kubelet did to it.
const ORDINARY: [&str; 5] = ["Scheduled", "Pulling", "Pulled", "Created", "SuccessfulAttachVolume"];

/// Stores what was seen; notes in `touched` what it concerns.
pub(super) fn store(
    db: &Connection,
    seen: &[Seen],
    touched: &mut Touched,
    now_us: i64,
) -> Result<(), rusqlite::Error> {
    for Seen { at, change } in seen {
        match change {
            ApiChange::Pod(pod) => {
                self::pod(db, pod, *at, touched, now_us)?;
            }
            ApiChange::PodGone(pod) => {
                self::pod(db, pod, *at, touched, now_us)?;
                gone(db, &pod.uid, *at, touched)?;
            }
            ApiChange::PodsAre(uids) => {
                let are: HashSet<&str> = uids.iter().map(String::as_str).collect();
                for uid in records::living_pods(db)? {
                    if !are.contains(uid.as_str()) {
                        gone(db, &uid, *at, touched)?;
                    }
                }
            }
            ApiChange::Event(event) => self::event(db, event, *at, touched, now_us)?,
            ApiChange::Node(node) => around::put_node(db, node, now_us)?,
            ApiChange::NodeGone(name) => {
                db.prepare_cached("DELETE FROM api_node WHERE name = $1")?.execute([name])?;
            }
            ApiChange::Gap(gap) => around::put_gap(db, gap)?,
        }
    }
    Ok(())
}

fn pod(
    db: &Connection,
    new: &PodRecord,
    at: Timestamp,
    touched: &mut Touched,
    now_us: i64,
) -> Result<(), rusqlite::Error> {
    let before = records::pod(db, &new.uid)?;
    let mut remembering;
    let new = match &before {
        Some((before, _)) => {
            remembering = new.clone();
            remembering.remember(before);
            &remembering
        }
        None => new,
    };
    if before.as_ref().is_some_and(|(before, _)| before == new) {
        return Ok(());
    }
    let (previous, gone_us) = before.unzip();
    let changes = Changes::between(previous.as_ref(), new, at);
    let stale = gone_us.flatten().is_some() || previous.as_ref().is_some_and(|b| older(new, b));
    if !stale {
        records::put_pod(db, new, now_us)?;
    }
    if previous.is_none() {
        // Of some only what their cgroups call the pod is known.
        let called = records::incidents_of_cgroup(db, new.cgroup_uid())?;
        touched.incidents(called, "whose pod it is");
    }
    for container in &new.containers {
        if let Some(id) = &container.container_id
            && records::put_run(db, new, container, id, now_us)?
        {
            touched.incidents(records::incidents_of_container(db, id)?, "whose container it is");
        }
    }
    for end in &changes.terminations {
        if records::put_end(db, end, now_us)? {
            touched.termination(end.id());
        }
    }
    if stale {
        return Ok(());
    }
    for waiting in changes.waiting_began.iter().filter(|waiting| waiting.opens()) {
        wait(db, waiting, touched, now_us)?;
    }
    for waiting in &changes.waiting_ended {
        over(db, &waiting.id().0, at, touched)?;
    }
    let runs = new.containers.iter().any(|c| c.container_id.is_some());
    if runs
        && previous.as_ref().is_some_and(|p| p.containers.iter().all(|c| c.container_id.is_none()))
    {
        let volume = Waiting {
            pod_uid: new.uid.clone(),
            reason: "ContainerCreating".to_owned(),
            ..Waiting::default()
        };
        over(db, &volume.id().0, at, touched)?;
    }
    if previous.as_ref().is_some_and(|previous| tells_more(previous, new)) {
        let near = records::incidents_of_pod(db, &new.uid, us(at) - NEAR_US, i64::MAX)?;
        touched.incidents(near, "the pod's status");
    }
    Ok(())
}

/// Whether a record is from before another one of the same pod.
fn older(record: &PodRecord, than: &PodRecord) -> bool {
    let restarts =
        |pod: &PodRecord| pod.containers.iter().map(|c| u64::from(c.restart_count)).sum::<u64>();
    restarts(record) < restarts(than) || record.deletion.is_none() && than.deletion.is_some()
}

/// Whether a record says something of a pod's end that an earlier one did not.
fn tells_more(before: &PodRecord, new: &PodRecord) -> bool {
    (&before.reason, &before.message, before.deletion, &before.conditions, &before.owners)
        != (&new.reason, &new.message, new.deletion, &new.conditions, &new.owners)
}

/// The pod is gone; what waited waits no more.
fn gone(
    db: &Connection,
    uid: &str,
    at: Timestamp,
    touched: &mut Touched,
) -> Result<(), rusqlite::Error> {
    if !records::set_gone(db, uid, us(at))? {
        return Ok(());
    }
    for waiting in waitings::open_waitings(db, uid)? {
        over(db, &waiting, at, touched)?;
    }
    let near = records::incidents_of_pod(db, uid, us(at) - NEAR_US, i64::MAX)?;
    touched.incidents(near, "that the pod is gone");
    Ok(())
}

fn event(
    db: &Connection,
    event: &ClusterEvent,
    at: Timestamp,
    touched: &mut Touched,
    now_us: i64,
) -> Result<(), rusqlite::Error> {
    if ORDINARY.contains(&event.reason.as_str()) {
        return Ok(());
    }
    let last_us = us(event.last.or(event.first).unwrap_or(at));
    let whom = around::whom(event);
    if !around::put_event(db, event, &whom, last_us, now_us)? {
        return Ok(());
    }
    let first_us = event.first.map_or(last_us, us);
    let (from, to) = (first_us.saturating_sub(NEAR_US), last_us.saturating_add(NEAR_US));
    match event.regarding.kind.as_str() {
        "Pod" => {
            if let Some((pod, None)) = records::pod(db, &whom)?
                && let Some(waiting) = Waiting::for_volume(&pod, event)
            {
                wait(db, &waiting, touched, now_us)?;
            }
            let near = records::incidents_of_pod(db, &whom, from, to)?;
            touched.incidents(near, &format!("an event of the pod ({})", event.reason));
        }
        "Node" => {
            let near: Vec<IncidentId> = db
                .prepare_cached(
                    "SELECT id FROM incident INDEXED BY incident_node WHERE node = $1 AND time_us BETWEEN $2 AND $3",
                )?
                .query_map(
                    params![event.regarding.name, first_us - NODE_NEAR_US, last_us + NODE_NEAR_US],
                    |row| row.get(0).map(IncidentId),
                )?
                .collect::<Result<_, _>>()?;
            touched.incidents(near, &format!("an event of the node ({})", event.reason));
        }
        _ => {}
    }
    Ok(())
}

/// A spell of waiting began, or its word is another now.
fn wait(
    db: &Connection,
    waiting: &Waiting,
    touched: &mut Touched,
    now_us: i64,
) -> Result<(), rusqlite::Error> {
    let incident = waitings::put_waiting(db, waiting, now_us)?;
    touched.incidents(incident, "another word for why it waits");
    Ok(())
}

/// A spell of waiting is over, if it was one with an incident.
fn over(
    db: &Connection,
    waiting: &str,
    at: Timestamp,
    touched: &mut Touched,
) -> Result<(), rusqlite::Error> {
    let incident = waitings::end_waiting(db, waiting, at)?;
    touched.incidents(incident, "that it waits no more");
    Ok(())
}

fn us(time: Timestamp) -> i64 {
    time.as_microsecond()
}
