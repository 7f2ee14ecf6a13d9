//! Deletes what is too old, a bounded batch at a time so that nobody waits long for the writer.
//!
//! Age counts from the arrival, by the collector's own clock: a node whose clock is years off neither loses its
//! evidence at once nor keeps it for ever.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

use super::{coverage, kubernetes, rows};

/// Rows of each table deleted in one commit.
const BATCH: u32 = 1000;

/// Free pages given back to the file system after each batch.
const VACUUM_PAGES: u32 = 1000;

/// Deletes up to [`BATCH`] findings, incidents, spans and nodes of each that arrived longer than `retention` ago; gives how many.
pub(super) fn delete_batch(
    db: &mut Connection,
    retention: Duration,
) -> Result<usize, rusqlite::Error> {
    let age_us = i64::try_from(retention.as_micros()).unwrap_or(i64::MAX);
    let before = Timestamp::now().as_microsecond().saturating_sub(age_us);
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;

    // Rows are numbered in the order of arrival, so the oldest are the first: no index on the time is needed.
    let mut deleted = transaction
        .prepare_cached(
            "DELETE FROM finding
             WHERE seq IN (SELECT seq FROM finding ORDER BY seq LIMIT $1) AND received_us < $2",
        )?
        .execute(params![BATCH, before])?;

    let old: Vec<(i64, Vec<u8>)> = transaction
        .prepare_cached("SELECT seq, body FROM (SELECT * FROM incident ORDER BY seq LIMIT $1) WHERE created_us < $2")?
        .query_map(params![BATCH, before], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (seq, body) in &old {
        rows::delete_pids(&transaction, *seq, body)?;
        transaction
            .prepare_cached("DELETE FROM incident_revision WHERE incident_seq = $1")?
            .execute([seq])?;
        transaction
            .prepare_cached(
                "DELETE FROM incident_part WHERE incident_id = (SELECT id FROM incident WHERE seq = $1)",
            )?
            .execute([seq])?;
        transaction.prepare_cached("DELETE FROM incident WHERE seq = $1")?.execute([seq])?;
    }
    deleted += old.len() + coverage::delete(&transaction, before, BATCH)?;
    deleted += kubernetes::delete(&transaction, before, BATCH)?;
    transaction.commit()?;
    if deleted > 0 {
        db.execute_batch(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
    }
    Ok(deleted)
}
