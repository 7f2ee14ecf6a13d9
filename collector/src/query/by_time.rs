//! How many incidents there were, by time and cause: what a picture over time is drawn from. Ends that were meant are left
//! out, as in lists.

use coroner_core::incident::Cause;
use rusqlite::params_from_iter;

use super::filter::Filter;
use crate::store::{Readers, StoreError};

/// Incidents of one cause in one part of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeCount {
    /// Parts of that length since 1970, UTC.
    pub(crate) part: i64,
    /// Which cause.
    pub(crate) cause: Cause,
    /// How many.
    pub(crate) count: u64,
}

/// Counts the incidents that match, in parts of so many seconds. Causes that this version does not know are left out.
///
/// # Errors
///
/// If the database cannot be read.
pub(super) async fn count(
    readers: &Readers,
    filter: Filter,
    seconds: i64,
) -> Result<Vec<TimeCount>, StoreError> {
    let (sql, values) = filter.by_time(seconds.saturating_mul(1_000_000).max(1));
    let rows: Vec<(i64, String, i64)> = readers
        .ask("count incidents", move |db| {
            db.prepare_cached(&sql)?
                .query_map(params_from_iter(values), |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect()
        })
        .await?;
    let known = rows.into_iter().filter_map(|(part, cause, count)| {
        Some(TimeCount { part, cause: cause.parse().ok()?, count: u64::try_from(count).ok()? })
    });
    Ok(known.collect())
}
