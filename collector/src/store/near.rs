//! Which stored incidents a late word about a source concerns: a gap, a change of coverage, how the source is doing.
//!
//! Such words come after the incident as a rule. Only incidents whose case they change are judged anew.

use coroner_core::finding::{Finding, FindingBody};
use coroner_core::incident::IncidentId;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::coverage::Moved;
use super::rows;

/// How far around an incident a gap may lie and still belong to its case. The lines of one report lie apart by as
/// long as the slowest console takes to print it: 1,000 tasks of 80 bytes at 115,200 baud are 7 seconds.
pub(super) const MARGIN_US: i64 = 10_000_000;

/// How far around an incident coverage belongs to its case. Witnesses of one kill are held back for a second at most
/// until the others have spoken, and their stamps lie 25 ms apart.
pub(super) const COVERAGE_MARGIN_US: i64 = 2_000_000;

/// An incident's last finding comes so long after its time at most, as a rule: what the node was like is read once the
/// kill is known, and a machine that has no time for the agent was seen to take a second. Coverage counts from there.
const LASTS_US: i64 = 2_000_000;

/// The incidents of a node's boot that a finding about a source may have taken something from, or added to.
pub(super) fn near_finding(
    db: &Connection,
    finding: &Finding,
) -> Result<Vec<IncidentId>, rusqlite::Error> {
    let (from, to) = match &finding.body {
        FindingBody::Gap(gap) => {
            let (from, to) = rows::span(gap);
            (from.saturating_sub(MARGIN_US), to.saturating_add(MARGIN_US))
        }
        FindingBody::SourceStatus(_) => spoken_for(db, finding)?,
        _ => return Ok(Vec::new()),
    };
    between(db, &finding.node, &finding.boot_id, from, to)
}

/// The incidents of a node's boot whose coverage is told differently now.
pub(super) fn near_coverage(
    db: &Connection,
    moved: &Moved<'_>,
) -> Result<Vec<IncidentId>, rusqlite::Error> {
    let from = moved.from_us.saturating_sub(COVERAGE_MARGIN_US + LASTS_US);
    let to = moved.to_us.saturating_add(COVERAGE_MARGIN_US);
    between(db, moved.node, moved.boot_id, from, to)
}

/// The time for which a status is a source's word: from when it was said until the next, and before it where it was
/// the first.
fn spoken_for(db: &Connection, finding: &Finding) -> Result<(i64, i64), rusqlite::Error> {
    let at = finding.time.as_microsecond();
    let neighbour = |which: &str| -> Result<Option<i64>, rusqlite::Error> {
        db.prepare_cached(&format!(
            "SELECT time_us FROM finding INDEXED BY finding_status
             WHERE kind = 'source_status' AND node = $1 AND boot_id = $2 AND source = $3 AND time_us {which} LIMIT 1"
        ))?
        .query_row(params![finding.node, finding.boot_id, finding.source.to_string(), at], |row| row.get(0))
        .optional()
    };
    let before = neighbour("< $4 ORDER BY time_us DESC")?;
    let after = neighbour("> $4 ORDER BY time_us")?;
    // An incident takes the last word up to a margin after it.
    let from = before.map_or(i64::MIN, |_| at.saturating_sub(2 * MARGIN_US));
    Ok((from, after.unwrap_or(i64::MAX)))
}

fn between(
    db: &Connection,
    node: &str,
    boot_id: &str,
    from: i64,
    to: i64,
) -> Result<Vec<IncidentId>, rusqlite::Error> {
    db.prepare_cached(
        "SELECT id FROM incident INDEXED BY incident_node
         WHERE node = $1 AND time_us BETWEEN $2 AND $3 AND boot_id = $4",
    )?
    .query_map(params![node, from, to, boot_id], |row| row.get(0).map(IncidentId))?
    .collect()
}
