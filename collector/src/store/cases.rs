//! Gathers what is known about an incident, has it judged, and stores the verdict if it is another one.

use std::collections::BTreeSet;
use std::path::Path;

use coroner_core::finding::{Finding, FindingBody, SourceStatus};
use coroner_core::incident::{Incident, IncidentId};
use coroner_core::verdict::{self, Case};
use coroner_proto::v1;
use prost::Message as _;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::StoreError;
use super::rows::{self, Changed};

/// The rules that findings are judged by. The default is the core's; tests put in their own.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Which incident a finding opens or adds to.
    pub incident_of: fn(&Finding) -> Option<IncidentId>,
    /// The verdict on a case.
    pub judge: fn(&Case) -> Option<Incident>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { incident_of: verdict::incident_of, judge: verdict::judge }
    }
}

/// How far around an incident a gap may lie and still belong to its case. The lines of one report lie apart by as
/// long as the slowest console takes to print it: 1,000 tasks of 80 bytes at 115,200 baud are 7 seconds.
const MARGIN_US: i64 = 10_000_000;

/// Most gaps in one case: more do not make it any less complete.
const MAX_GAPS: u32 = 1000;

/// The incidents of a node's boot that a gap may have taken something from.
pub(super) fn near_gap(
    db: &Connection,
    finding: &Finding,
) -> Result<Vec<IncidentId>, rusqlite::Error> {
    let FindingBody::Gap(gap) = &finding.body else { return Ok(Vec::new()) };
    let (from, to) = rows::span(gap);
    db.prepare_cached(
        "SELECT id FROM incident INDEXED BY incident_node
         WHERE node = $1 AND time_us BETWEEN $2 AND $3 AND boot_id = $4",
    )?
    .query_map(
        params![
            finding.node,
            from.saturating_sub(MARGIN_US),
            to.saturating_add(MARGIN_US),
            finding.boot_id
        ],
        |row| row.get(0).map(IncidentId),
    )?
    .collect()
}

/// Judges each of the incidents anew; gives those whose verdict changed.
pub(super) fn rejudge(
    db: &Connection,
    path: &Path,
    rules: &Rules,
    incidents: &BTreeSet<IncidentId>,
    now_us: i64,
) -> Result<Vec<Changed>, StoreError> {
    let failed =
        |source| StoreError::Sqlite { path: path.to_owned(), doing: "store incidents", source };
    let mut changed = Vec::new();
    for id in incidents {
        let case = gather(db, path, id)?;
        let Some(boot_id) = case.findings.first().map(|f| f.boot_id.clone()) else { continue };
        // A verdict once given is never taken back: late evidence may come when the first is deleted already.
        let Some(incident) = (rules.judge)(&case) else { continue };
        changed.extend(rows::upsert_incident(db, incident, &boot_id, now_us).map_err(failed)?);
    }
    Ok(changed)
}

/// Everything known about one incident.
fn gather(db: &Connection, path: &Path, id: &IncidentId) -> Result<Case, StoreError> {
    let failed =
        |source| StoreError::Sqlite { path: path.to_owned(), doing: "read findings", source };
    let findings = bodies(
        db,
        "SELECT id, body FROM finding WHERE incident_id = $1 ORDER BY id",
        params![id.0],
    )
    .map_err(failed)?;
    let findings = decode_all(path, findings);
    let Some(first) = findings.first() else { return Ok(Case::default()) };

    let slack = |f: &Finding| {
        let uncertain = f.time_uncertainty_us.and_then(|us| i64::try_from(us).ok()).unwrap_or(0);
        uncertain.saturating_add(MARGIN_US)
    };
    let begin = findings
        .iter()
        .map(|f| f.time.as_microsecond().saturating_sub(slack(f)))
        .min()
        .unwrap_or(i64::MIN);
    let end = findings
        .iter()
        .map(|f| f.time.as_microsecond().saturating_add(slack(f)))
        .max()
        .unwrap_or(i64::MAX);
    let gaps = bodies(
        db,
        "SELECT id, body FROM finding INDEXED BY finding_gap
         WHERE kind = 'gap' AND node = $1 AND boot_id = $2 AND gap_to_us >= $3 AND gap_from_us <= $4
         ORDER BY gap_to_us LIMIT $5",
        params![first.node, first.boot_id, begin, end, MAX_GAPS],
    )
    .map_err(failed)?;
    let gaps = decode_all(path, gaps);
    let sources = decode_all(path, statuses(db, &first.node, &first.boot_id, end).map_err(failed)?);
    let sources = sources.into_iter().filter_map(status).collect();
    Ok(Case { findings, gaps, sources, coverage: Vec::new() })
}

/// A stored finding: id and bytes.
type Stored = (String, Vec<u8>);

/// Of each source the last word up to `until`, or else its first after.
fn statuses(
    db: &Connection,
    node: &str,
    boot_id: &str,
    until: i64,
) -> Result<Vec<Stored>, rusqlite::Error> {
    const OF: &str = "FROM finding INDEXED BY finding_status
                      WHERE kind = 'source_status' AND node = $1 AND boot_id = $2";
    let sources: Vec<String> = db
        .prepare_cached(&format!("SELECT DISTINCT source {OF}"))?
        .query_map(params![node, boot_id], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    for source in sources {
        let params = params![node, boot_id, source, until];
        let before = format!(
            "SELECT id, body {OF} AND source = $3 AND time_us <= $4 ORDER BY time_us DESC LIMIT 1"
        );
        let after = format!(
            "SELECT id, body {OF} AND source = $3 AND time_us > $4 ORDER BY time_us LIMIT 1"
        );
        let mut status = db.prepare_cached(&before)?.query_row(params, stored).optional()?;
        if status.is_none() {
            status = db.prepare_cached(&after)?.query_row(params, stored).optional()?;
        }
        found.extend(status);
    }
    Ok(found)
}

fn status(finding: Finding) -> Option<SourceStatus> {
    match finding.body {
        FindingBody::SourceStatus(status) => Some(status),
        _ => None,
    }
}

fn stored(row: &Row<'_>) -> Result<Stored, rusqlite::Error> {
    Ok((row.get(0)?, row.get(1)?))
}

fn bodies(
    db: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<Stored>, rusqlite::Error> {
    db.prepare_cached(sql)?.query_map(params, stored)?.collect()
}

/// What is stored was readable once. If the disk changed it, that fact is lost, but not the work on all others.
fn decode_all(path: &Path, found: Vec<Stored>) -> Vec<Finding> {
    let decode = |(id, body): Stored| {
        let problem = match v1::Finding::decode(body.as_slice()).map(Finding::try_from) {
            Ok(Ok(finding)) => return Some(finding),
            Ok(Err(e)) => e.to_string(),
            Err(e) => e.to_string(),
        };
        let e = StoreError::Corrupt { path: path.to_owned(), what: "finding", id, problem };
        tracing::error!(error = %e, "a verdict is given without it");
        None
    };
    found.into_iter().filter_map(decode).collect()
}
