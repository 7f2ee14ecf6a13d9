//! Rows of events and nodes, and of what could not be read.

use coroner_core::kubernetes::{ApiGap, ClusterEvent, NodeRecord};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::records::{json, known, read};

/// Whom an event is about: the uid, or a node's name, which is all that the kubelet says of a node.
pub(super) fn whom(event: &ClusterEvent) -> String {
    let regarding = &event.regarding;
    match &regarding.uid {
        Some(uid) if regarding.kind != "Node" => uid.clone(),
        _ => regarding.name.clone(),
    }
}

/// Stores an event. False if just this was stored before, or a later count of it.
pub(super) fn put_event(
    db: &Connection,
    event: &ClusterEvent,
    whom: &str,
    last_us: i64,
    now_us: i64,
) -> Result<bool, rusqlite::Error> {
    let rows = db
        .prepare_cached(
            "INSERT INTO cluster_event (uid, kind, whom, last_us, seen_us, body) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (uid) DO UPDATE SET last_us = excluded.last_us, seen_us = excluded.seen_us, body = excluded.body
             WHERE excluded.last_us >= last_us AND excluded.body <> body",
        )?
        .execute(params![event.uid, event.regarding.kind, whom, last_us, now_us, json(event)?])?;
    Ok(rows > 0)
}

pub(super) fn put_node(
    db: &Connection,
    node: &NodeRecord,
    now_us: i64,
) -> Result<(), rusqlite::Error> {
    db.prepare_cached(
        "INSERT INTO api_node (name, changed_us, body) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET changed_us = excluded.changed_us, body = excluded.body
         WHERE excluded.body <> body",
    )?
    .execute(params![node.name, now_us, json(node)?])?;
    Ok(())
}

pub(super) fn put_gap(db: &Connection, gap: &ApiGap) -> Result<(), rusqlite::Error> {
    db.prepare_cached(
        "INSERT INTO api_gap (part, from_us, to_us, reason) VALUES ($1, $2, $3, $4)
         ON CONFLICT (part, from_us) DO UPDATE SET to_us = excluded.to_us, reason = excluded.reason",
    )?
    .execute(params![
        gap.part.name(),
        gap.from.as_microsecond(),
        gap.to.map(Timestamp::as_microsecond),
        gap.reason
    ])?;
    Ok(())
}

/// The boot of a node at a time: the one whose sources were watched then, else what the API or its agent said last; empty
/// where nothing is known.
pub(in crate::store) fn place_of(
    db: &Connection,
    node: &str,
    time_us: i64,
) -> Result<String, rusqlite::Error> {
    let watched: Option<String> = db
        .prepare_cached(
            "SELECT boot_id FROM coverage INDEXED BY coverage_end WHERE node = $1 AND to_us >= $2 AND from_us <= $2
             LIMIT 1",
        )?
        .query_row(params![node, time_us], |row| row.get(0))
        .optional()?;
    if let Some(watched) = watched {
        return Ok(watched);
    }
    let api: Option<NodeRecord> = known(
        db.prepare_cached("SELECT body FROM api_node WHERE name = $1")?
            .query_row([node], |row| read(row, 0)),
    )?;
    let agent = || {
        db.prepare_cached("SELECT boot_id FROM node WHERE name = $1")?
            .query_row([node], |row| row.get(0))
            .optional()
    };
    Ok(match api.and_then(|node| node.boot_id) {
        Some(boot_id) => boot_id,
        None => agent()?.unwrap_or_default(),
    })
}
