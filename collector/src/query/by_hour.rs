//! How many incidents there were, by hour and cause: what a picture over time is drawn from. Ends that were meant are left
//! out, as in lists.

use coroner_core::incident::Cause;
use jiff::Timestamp;

use crate::store::{Readers, StoreError};

/// Microseconds in an hour.
const HOUR_US: i64 = 3_600_000_000;

/// Incidents of one cause in one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HourCount {
    /// Hours since 1970, UTC.
    pub(crate) hour: i64,
    /// Which cause.
    pub(crate) cause: Cause,
    /// How many.
    pub(crate) count: u64,
}

/// Counts incidents from a time on. Causes that this version does not know are left out.
///
/// # Errors
///
/// If the database cannot be read.
pub(super) async fn count(
    readers: &Readers,
    since: Timestamp,
) -> Result<Vec<HourCount>, StoreError> {
    let since_us = since.as_microsecond();
    let rows: Vec<(i64, String, i64)> = readers
        .ask("count incidents", move |db| {
            db.prepare_cached(
                "SELECT time_us / $1, cause, count(*) FROM incident INDEXED BY incident_time
                 WHERE time_us >= $2 AND orderly = 0 GROUP BY 1, 2 ORDER BY 1, 2",
            )?
            .query_map([HOUR_US, since_us], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect()
        })
        .await?;
    let known = rows.into_iter().filter_map(|(hour, cause, count)| {
        Some(HourCount { hour, cause: cause.parse().ok()?, count: u64::try_from(count).ok()? })
    });
    Ok(known.collect())
}
