//! How a node's memory was over a time, from the samples that its agent handed on.
//!
//! An agent hands a sample on every hour, whenever something comes near an end or is over, and at an incident. All are kept
//! as long as other findings. A storm brings many at once, so of each part of the time the one that arrived last is read.

use coroner_core::finding::{Finding, FindingBody, Fragmentation, Headroom};
use coroner_core::spans::Span;
use coroner_proto::v1;
use jiff::Timestamp;
use prost::Message as _;
use rusqlite::{Connection, params};

use crate::store::{Readers, StoreError};

/// Parts of the time of which a sample each is read.
pub(crate) const PARTS: i32 = 96;

/// Samples of a node, oldest first, each with when it was taken by the node's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct History {
    /// What is reserved for the host, and what it used.
    pub(crate) headroom: Vec<(Timestamp, Headroom)>,
    /// How free memory was cut.
    pub(crate) fragmentation: Vec<(Timestamp, Fragmentation)>,
}

/// Reads what is kept of a node and a time.
///
/// # Errors
///
/// If the database cannot be read.
pub(super) async fn of(
    readers: &Readers,
    node: String,
    window: Span,
) -> Result<History, StoreError> {
    readers.ask("read the samples of a node", move |db| read(db, &node, window)).await
}

fn read(db: &Connection, node: &str, window: Span) -> Result<History, rusqlite::Error> {
    let mut history = History::default();
    for finding in samples(db, "headroom", node, window)? {
        if let FindingBody::Headroom(sample) = finding.body {
            history.headroom.push((finding.time, *sample));
        }
    }
    for finding in samples(db, "fragmentation", node, window)? {
        if let FindingBody::Fragmentation(sample) = finding.body {
            history.fragmentation.push((finding.time, *sample));
        }
    }
    Ok(history)
}

/// Samples of a kind. One that the disk changed is left out, and the others are shown.
fn samples(
    db: &Connection,
    kind: &str,
    node: &str,
    window: Span,
) -> Result<Vec<Finding>, rusqlite::Error> {
    let (from, to) = (window.from.as_microsecond(), window.to.as_microsecond());
    let part = (to.saturating_sub(from) / i64::from(PARTS)).max(1);
    let bodies: Vec<Vec<u8>> = db
        .prepare_cached(&sql(kind))?
        .query_map(params![node, from, to, part], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let decode = |body: Vec<u8>| v1::Finding::decode(body.as_slice()).ok()?.try_into().ok();
    Ok(bodies.into_iter().filter_map(decode).collect())
}

fn sql(kind: &str) -> String {
    format!(
        "SELECT body FROM finding WHERE seq IN (
             SELECT max(seq) FROM finding INDEXED BY finding_{kind}
             WHERE kind = '{kind}' AND node = $1 AND time_us >= $2 AND time_us <= $3 GROUP BY time_us / $4)
         ORDER BY time_us"
    )
}
