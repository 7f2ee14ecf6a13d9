//! Where incidents are most frequent, counted by the database.
//!
//! Rows are grouped by what is asked for and by cause, so an answer is as long as there are workloads and nodes, not as
//! there are incidents; no body is read.

use std::collections::HashMap;

use coroner_core::incident::Cause;
use coroner_proto::v1;
use coroner_proto::v1::{CountBy, CountIncidentsRequest, CountIncidentsResponse, IncidentCount};
use jiff::Timestamp;
use rusqlite::params_from_iter;
use tonic::Status;

use super::failed;
use super::filter::Filter;
use crate::store::Readers;

/// Rows in an answer when the question does not say, and at most.
const DEFAULT_ROWS: u32 = 10;
const MOST_ROWS: u32 = 1000;

/// One group of the database's: name, namespace, cause, how many, when last.
type Row = (String, String, String, i64, i64);

/// Answers a question.
pub(super) async fn count(
    readers: &Readers,
    request: CountIncidentsRequest,
) -> Result<CountIncidentsResponse, Status> {
    let CountIncidentsRequest { filter, by, limit } = request;
    let by = match CountBy::try_from(by) {
        Ok(CountBy::Unspecified) | Err(_) => {
            return Err(Status::invalid_argument(format!(
                "field `by` is {by}, expected a cause, workload, namespace or node"
            )));
        }
        Ok(by) => by,
    };
    let (sql, values) = Filter::parse(filter)?.grouped(name_and_namespace(by));
    let rows = readers
        .ask("count incidents", move |db| {
            let mut select = db.prepare_cached(&sql)?;
            let rows = select.query_map(params_from_iter(values), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })?;
            rows.collect::<Result<Vec<Row>, _>>()
        })
        .await
        .map_err(|e| failed(&e))?;
    let limit = if limit == 0 { DEFAULT_ROWS } else { limit.min(MOST_ROWS) };
    Ok(answer(rows, usize::try_from(limit).unwrap_or(usize::MAX)))
}

/// What is grouped by, as SQL. A pod that nobody made is a workload of its own.
fn name_and_namespace(by: CountBy) -> &'static str {
    match by {
        CountBy::Workload => "coalesce(owner, 'Pod/' || pod, ''), coalesce(namespace, '')",
        CountBy::Namespace => "coalesce(namespace, ''), ''",
        CountBy::Node => "node, ''",
        CountBy::Cause | CountBy::Unspecified => "cause, ''",
    }
}

/// The most frequent first; of those alike, the one that happened last.
fn answer(rows: Vec<Row>, limit: usize) -> CountIncidentsResponse {
    let mut groups: HashMap<(String, String), (IncidentCount, i64)> = HashMap::new();
    let mut incidents = 0;
    for (name, namespace, cause, count, last_us) in rows {
        let count = u64::try_from(count).unwrap_or(0);
        incidents += count;
        let (group, newest_us) = groups.entry((name, namespace)).or_default();
        group.incidents += count;
        *newest_us = if group.causes.is_empty() { last_us } else { last_us.max(*newest_us) };
        let cause = cause.parse::<Cause>().map_or(v1::Cause::Unspecified, v1::Cause::from);
        group.causes.push(v1::CauseCount { cause: cause.into(), count });
    }
    let mut all: Vec<((String, String), (IncidentCount, i64))> = groups.into_iter().collect();
    all.sort_by(|(a, (one, one_us)), (b, (other, other_us))| {
        (other.incidents, other_us).cmp(&(one.incidents, one_us)).then_with(|| a.cmp(b))
    });
    let groups = u32::try_from(all.len()).unwrap_or(u32::MAX);
    all.truncate(limit);
    let counts = all.into_iter().map(|((name, namespace), (mut group, newest_us))| {
        group.causes.sort_by(|a, b| b.count.cmp(&a.count).then(a.cause.cmp(&b.cause)));
        let newest = Timestamp::from_microsecond(newest_us).ok();
        IncidentCount {
            name,
            namespace: Some(namespace).filter(|namespace| !namespace.is_empty()),
            newest: newest.map(|time| prost_types::Timestamp {
                seconds: time.as_microsecond().div_euclid(1_000_000),
                nanos: i32::try_from(time.as_microsecond().rem_euclid(1_000_000)).unwrap_or(0)
                    * 1000,
            }),
            ..group
        }
    });
    CountIncidentsResponse { counts: counts.collect(), incidents, groups }
}
