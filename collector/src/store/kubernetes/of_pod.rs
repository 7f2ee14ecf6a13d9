//! Everything that is kept of a pod, for questions about it.

use coroner_core::kubernetes::{ClusterEvent, PodRecord, Termination, Waiting};
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::records::{all_known, read};

/// Pods with a name, and when each was seen to be gone.
pub(crate) fn named(
    db: &Connection,
    name: &str,
) -> Result<Vec<(PodRecord, Option<Timestamp>)>, rusqlite::Error> {
    let mut select = db.prepare_cached(
        "SELECT body, gone_us FROM pod INDEXED BY pod_name WHERE name = $1 ORDER BY changed_us",
    )?;
    let rows = select.query_map([name], |row| {
        let gone_us: Option<i64> = row.get(1)?;
        Ok((read(row, 0)?, gone_us.and_then(|us| Timestamp::from_microsecond(us).ok())))
    })?;
    all_known(rows)
}

/// Ends, spells of waiting and events of a pod, the newest `most` of each.
pub(crate) type Around = (Vec<Termination>, Vec<Waiting>, Vec<ClusterEvent>);

/// What is kept of the pod with that uid.
pub(crate) fn around(db: &Connection, uid: &str, most: u32) -> Result<Around, rusqlite::Error> {
    let mut ends = db.prepare_cached(
        "SELECT body FROM termination INDEXED BY termination_pod WHERE pod_uid = $1
         ORDER BY time_us DESC LIMIT $2",
    )?;
    let mut waitings = db.prepare_cached(
        "SELECT body FROM waiting INDEXED BY waiting_pod WHERE pod_uid = $1 ORDER BY seq DESC LIMIT $2",
    )?;
    let mut events = db.prepare_cached(
        "SELECT body FROM cluster_event INDEXED BY cluster_event_whom
         WHERE kind = 'Pod' AND whom = $1 ORDER BY last_us DESC LIMIT $2",
    )?;
    let of_it = params![uid, most];
    Ok((
        all_known(ends.query_map(of_it, |row| read(row, 0))?)?,
        all_known(waitings.query_map(of_it, |row| read(row, 0))?)?,
        all_known(events.query_map(of_it, |row| read(row, 0))?)?,
    ))
}
