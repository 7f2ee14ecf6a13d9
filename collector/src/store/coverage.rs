//! Stores what sources missed nothing of: one row for a span, which grows.
//!
//! Agents tell of a span that goes on again and again, and now and then that it ended earlier than they thought. The
//! last word counts, so a batch that comes again changes nothing.

use std::collections::BTreeMap;

use coroner_core::finding::{CoverageSpan, Source};
use coroner_core::spans::Span;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Who reports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    /// Name of the node.
    pub(crate) node: String,
    /// The boot that its agent runs in.
    pub(crate) boot_id: String,
    /// Version of the agent, for people.
    pub(crate) agent_version: String,
}

/// Spans that were told in one commit, the last word about each.
#[derive(Debug, Default)]
pub(super) struct Told<'a> {
    spans: BTreeMap<(&'a str, &'a str, SourceName, i64), i64>,
    nodes: BTreeMap<&'a str, &'a Origin>,
}

/// A source as it is called in the store.
type SourceName = &'static str;

/// What of a node's boot is told differently now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved<'a> {
    pub(super) node: &'a str,
    pub(super) boot_id: &'a str,
    /// In microseconds since 1970, both.
    pub(super) from_us: i64,
    pub(super) to_us: i64,
}

impl<'a> Told<'a> {
    /// Takes what one batch says.
    pub(super) fn add(&mut self, origin: &'a Origin, spans: &[CoverageSpan]) {
        self.nodes.insert(&origin.node, origin);
        for span in spans {
            let key =
                (origin.node.as_str(), origin.boot_id.as_str(), name(span.source), us(span.from));
            self.spans.insert(key, us(span.to));
        }
    }

    /// Stores it; gives the times about which something else was known before.
    pub(super) fn store(
        &self,
        db: &Connection,
        now_us: i64,
    ) -> Result<Vec<Moved<'a>>, rusqlite::Error> {
        for origin in self.nodes.values() {
            db.prepare_cached(
                "INSERT INTO node (name, boot_id, agent_version, first_us, last_us) VALUES ($1, $2, $3, $4, $4)
                 ON CONFLICT (name) DO UPDATE SET boot_id = excluded.boot_id, agent_version = excluded.agent_version,
                     last_us = excluded.last_us",
            )?
            .execute(params![origin.node, origin.boot_id, origin.agent_version, now_us])?;
        }
        let mut moved: Vec<Moved<'a>> = Vec::new();
        for (&(node, boot_id, source, from_us), &to_us) in &self.spans {
            let before: Option<i64> = db
                .prepare_cached(
                    "SELECT to_us FROM coverage WHERE node = $1 AND boot_id = $2 AND source = $3 AND from_us = $4",
                )?
                .query_row(params![node, boot_id, source, from_us], |row| row.get(0))
                .optional()?;
            if before == Some(to_us) {
                continue;
            }
            db.prepare_cached(
                "INSERT INTO coverage (node, boot_id, source, from_us, to_us, received_us)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (node, boot_id, source, from_us)
                     DO UPDATE SET to_us = excluded.to_us, received_us = excluded.received_us",
            )?
            .execute(params![node, boot_id, source, from_us, to_us, now_us])?;
            let before = before.unwrap_or(from_us);
            let (from_us, to_us) = (before.min(to_us), before.max(to_us));
            // Sources of one node grow by about the same: one look at its incidents does for all.
            match moved.last_mut() {
                Some(last)
                    if (last.node, last.boot_id) == (node, boot_id)
                        && from_us <= last.to_us
                        && to_us >= last.from_us =>
                {
                    last.from_us = last.from_us.min(from_us);
                    last.to_us = last.to_us.max(to_us);
                }
                _ => moved.push(Moved { node, boot_id, from_us, to_us }),
            }
        }
        Ok(moved)
    }
}

/// The spans of a node's boot that overlap a time, in microseconds since 1970.
pub(super) fn of_boot(
    db: &Connection,
    node: &str,
    boot_id: &str,
    from_us: i64,
    to_us: i64,
) -> Result<Vec<CoverageSpan>, rusqlite::Error> {
    let all = overlapping(db, node, from_us, to_us)?;
    Ok(all.into_iter().filter(|(boot, _)| boot == boot_id).map(|(_, span)| span).collect())
}

/// The spans of a node that overlap a time, in microseconds since 1970, each with its boot.
pub(crate) fn overlapping(
    db: &Connection,
    node: &str,
    from_us: i64,
    to_us: i64,
) -> Result<Vec<(String, CoverageSpan)>, rusqlite::Error> {
    let mut select = db.prepare_cached(
        "SELECT boot_id, source, from_us, to_us FROM coverage INDEXED BY coverage_end
         WHERE node = $1 AND to_us >= $2 AND from_us <= $3",
    )?;
    let mut rows = select.query(params![node, from_us, to_us])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let source: String = row.get(1)?;
        // A source that a newer version stored is nothing that this one can say anything of.
        let Some(source) = self::source(&source) else { continue };
        let (Some(from), Some(to)) = (time(row.get(2)?), time(row.get(3)?)) else { continue };
        found.push((row.get(0)?, CoverageSpan { source, from, to }));
    }
    Ok(found)
}

/// The span, ending at the first of `ends` (the latest first) that it reaches: so it stays the same while it grows on.
/// `None` if it begins after that.
pub(super) fn until(span: &CoverageSpan, ends: [Timestamp; 2]) -> Option<CoverageSpan> {
    let to = ends.into_iter().find(|end| span.to >= *end).unwrap_or(span.to);
    Span::new(span.from, to).map(|Span { from, to }| CoverageSpan { source: span.source, from, to })
}

/// Deletes up to `batch` spans and nodes of which nothing was heard since `before_us`; gives how many.
pub(super) fn delete(
    db: &Connection,
    before_us: i64,
    batch: u32,
) -> Result<usize, rusqlite::Error> {
    let spans = db
        .prepare_cached(
            "DELETE FROM coverage WHERE (node, boot_id, source, from_us) IN
                 (SELECT node, boot_id, source, from_us FROM coverage WHERE received_us < $1 LIMIT $2)",
        )?
        .execute(params![before_us, batch])?;
    let nodes = db
        .prepare_cached(
            "DELETE FROM node WHERE name IN (SELECT name FROM node WHERE last_us < $1 LIMIT $2)",
        )?
        .execute(params![before_us, batch])?;
    db.prepare_cached("DELETE FROM node_state WHERE node NOT IN (SELECT name FROM node)")?
        .execute([])?;
    Ok(spans + nodes)
}

/// What a source is called in the store, where it stays.
fn name(source: Source) -> SourceName {
    match source {
        Source::KernelLog => "kernel log",
        Source::Cgroup => "cgroup",
        Source::SignalTrace => "signal trace",
        Source::Fragmentation => "fragmentation",
        Source::Headroom => "headroom",
        Source::Pressure => "pressure",
        Source::LogFile => "log_file",
    }
}

/// The source that is called so in the store.
pub(crate) fn source(stored: &str) -> Option<Source> {
    Source::ALL.into_iter().find(|source| name(*source) == stored)
}

fn us(time: Timestamp) -> i64 {
    time.as_microsecond()
}

fn time(us: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(us).ok()
}
