//! What is known of nodes: how their sources are doing, what was watched, what happened, and what can be excluded.

use coroner_core::absence::{self, Kill, Known, Question, Watched};
use coroner_core::finding::{
    CoverageSpan, Finding, FindingBody, FindingId, Gap, Source, SourceStatus,
};
use coroner_core::incident::{Cause, Incident};
use coroner_core::node_report::{CauseCount, NodeReport, SourceReport};
use coroner_core::spans::{self, Span};
use coroner_proto::v1;
use jiff::Timestamp;
use prost::Message as _;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::store;

/// What is asked about nodes.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Between which times.
    pub(super) window: Span,
    /// About kills in this container only.
    pub(super) container: Option<String>,
    /// What is older is not kept, so nothing can be said of it.
    pub(super) kept_since: Timestamp,
    /// With everything, or as in a list.
    pub(super) whole: bool,
}

/// A row of the nodes.
#[derive(Debug)]
struct Node {
    name: String,
    boot_id: String,
    agent_version: String,
    first_us: i64,
    last_us: i64,
}

const NODE: &str = "SELECT name, boot_id, agent_version, first_us, last_us FROM node";

fn row(row: &Row<'_>) -> Result<Node, rusqlite::Error> {
    Ok(Node {
        name: row.get(0)?,
        boot_id: row.get(1)?,
        agent_version: row.get(2)?,
        first_us: row.get(3)?,
        last_us: row.get(4)?,
    })
}

/// The node with this name.
pub(super) fn one(
    db: &Connection,
    name: &str,
    asked: &Asked,
) -> Result<Option<NodeReport>, rusqlite::Error> {
    let found =
        db.prepare_cached(&format!("{NODE} WHERE name = $1"))?.query_row([name], row).optional()?;
    found.map(|node| report(db, node, asked)).transpose()
}

/// The nodes after `after` by name, at most `size`.
pub(super) fn page(
    db: &Connection,
    after: &str,
    size: u32,
    asked: &Asked,
) -> Result<Vec<NodeReport>, rusqlite::Error> {
    let found: Vec<Node> = db
        .prepare_cached(&format!("{NODE} WHERE name > $1 ORDER BY name LIMIT $2"))?
        .query_map(params![after, size], row)?
        .collect::<Result<_, _>>()?;
    found.into_iter().map(|node| report(db, node, asked)).collect()
}

fn report(db: &Connection, node: Node, asked: &Asked) -> Result<NodeReport, rusqlite::Error> {
    let Node { name, boot_id, agent_version, first_us, last_us } = node;
    let window = asked.window;
    let (boots, coverage) = watched(db, &name, asked)?;
    let container = match &asked.container {
        Some(id) => container(db, &boots, &boot_id, &name, id)?,
        None => None,
    };
    let known = Known { coverage: coverage.clone(), kills: kills(db, &name, window)?, container };
    let question = Question { node: &name, container: asked.container.as_deref(), window };
    let absence = absence::absence(&question, &known);
    let mut sources = Vec::new();
    for source in Source::ALL {
        sources.extend(source_report(db, &name, &boot_id, source, &coverage, asked)?);
    }
    let time = |us| Timestamp::from_microsecond(us).ok();
    Ok(NodeReport {
        incidents: counts(db, &name, window)?,
        state: if asked.whole { state(db, &name)? } else { Vec::new() },
        agent_version: Some(agent_version).filter(|version| !version.is_empty()),
        first_seen: time(first_us),
        last_seen: time(last_us),
        window,
        absence,
        sources,
        name,
        boot_id,
        clock: None,
        api_clock: None,
    })
}

/// The boots of the window, and what was watched in it over all of them, without what was lost.
fn watched(
    db: &Connection,
    node: &str,
    asked: &Asked,
) -> Result<(Vec<String>, Vec<CoverageSpan>), rusqlite::Error> {
    let (from, to) = (asked.window.from.as_microsecond(), asked.window.to.as_microsecond());
    let mut all = store::coverage_of(db, node, from, to)?;
    for (_, span) in &mut all {
        // What happened before is deleted, whatever was watched.
        span.from = span.from.max(asked.kept_since);
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    let (mut boots, mut coverage) = (Vec::new(), Vec::new());
    for boot in all.chunk_by(|a, b| a.0 == b.0) {
        let Some((boot_id, _)) = boot.first() else { continue };
        let spans: Vec<CoverageSpan> = boot.iter().map(|(_, span)| span.clone()).collect();
        coverage.extend(absence::covered(&spans, &gaps(db, node, boot_id, from, to)?));
        boots.push(boot_id.clone());
    }
    Ok((boots, coverage))
}

/// The gaps of a boot that overlap a time.
fn gaps(
    db: &Connection,
    node: &str,
    boot_id: &str,
    from: i64,
    to: i64,
) -> Result<Vec<Gap>, rusqlite::Error> {
    let mut select = db.prepare_cached(
        "SELECT source, gap_from_us, gap_to_us FROM finding INDEXED BY finding_gap
         WHERE kind = 'gap' AND node = $1 AND boot_id = $2 AND gap_to_us >= $3 AND gap_from_us <= $4",
    )?;
    let mut rows = select.query(params![node, boot_id, from, to])?;
    let mut gaps = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(source) = store::source(&row.get::<_, String>(0)?) else { continue };
        // The ends of time are no times, which is what an end that nobody knows is.
        let time = |us| Timestamp::from_microsecond(us).ok();
        gaps.push(Gap {
            source,
            first_lost: None,
            lost: None,
            from: time(row.get(1)?),
            to: time(row.get(2)?),
            reason: String::new(),
        });
    }
    Ok(gaps)
}

/// The kernel's kills for want of memory in a window.
fn kills(db: &Connection, node: &str, window: Span) -> Result<Vec<Kill>, rusqlite::Error> {
    const SLACK_US: i64 = 1_000_000;
    let most = u32::try_from(absence::MOST_KILLS).unwrap_or(u32::MAX);
    let bodies: Vec<Vec<u8>> = db
        .prepare_cached(
            "SELECT body FROM incident INDEXED BY incident_node
             WHERE node = $1 AND time_us BETWEEN $2 AND $3 ORDER BY time_us DESC LIMIT $4",
        )?
        .query_map(
            params![
                node,
                window.from.as_microsecond().saturating_sub(SLACK_US),
                window.to.as_microsecond().saturating_add(SLACK_US),
                most
            ],
            |row| row.get(0),
        )?
        .collect::<Result<_, _>>()?;
    let kill = |body: Vec<u8>| {
        let incident = v1::Incident::decode(body.as_slice()).ok()?;
        absence::kill_of(&Incident::try_from(incident).ok()?)
    };
    Ok(bodies.into_iter().filter_map(kill).collect())
}

/// Incidents of a window by cause.
fn counts(db: &Connection, node: &str, window: Span) -> Result<Vec<CauseCount>, rusqlite::Error> {
    let mut count = db.prepare_cached(
        "SELECT count(*) FROM incident INDEXED BY incident_node_cause
         WHERE node = $1 AND cause = $2 AND time_us BETWEEN $3 AND $4",
    )?;
    let (from, to) = (window.from.as_microsecond(), window.to.as_microsecond());
    let mut counts = Vec::new();
    for cause in Cause::ALL {
        let count: i64 =
            count.query_row(params![node, cause.name(), from, to], |row| row.get(0))?;
        let count = u64::try_from(count).unwrap_or(0);
        if count > 0 {
            counts.push(CauseCount { cause, count });
        }
    }
    Ok(counts)
}

/// What a source of a boot said last about how it is doing, and when; `None` where it never did.
pub(super) fn last_word(
    db: &Connection,
    node: &str,
    boot_id: &str,
    source: Source,
) -> Result<Option<(Timestamp, SourceStatus)>, rusqlite::Error> {
    let body: Option<Vec<u8>> = db
        .prepare_cached(
            "SELECT body FROM finding INDEXED BY finding_status
             WHERE kind = 'source_status' AND node = $1 AND boot_id = $2 AND source = $3
             ORDER BY time_us DESC LIMIT 1",
        )?
        .query_row(params![node, boot_id, source.to_string()], |row| row.get(0))
        .optional()?;
    Ok(body.and_then(|body| decode(&body)).and_then(|finding| match finding.body {
        FindingBody::SourceStatus(status) => Some((finding.time, status)),
        _ => None,
    }))
}

/// What a source said last, and what it watched; `None` where there is neither.
fn source_report(
    db: &Connection,
    node: &str,
    boot_id: &str,
    source: Source,
    coverage: &[CoverageSpan],
    asked: &Asked,
) -> Result<Option<SourceReport>, rusqlite::Error> {
    let word = last_word(db, node, boot_id, source)?;
    let spans = coverage.iter().filter(|span| span.source == source);
    let spans = spans::union(spans.filter_map(|s| Span::new(s.from, s.to)?.and(&asked.window)));
    if word.is_none() && spans.is_empty() {
        return Ok(None);
    }
    let holes = spans::holes(&spans, asked.window);
    let (said, status) = word.unzip();
    Ok(Some(SourceReport {
        source,
        reading: status.as_ref().map(|status| status.reading),
        detail: status.map(|status| status.detail),
        said,
        coverage: if asked.whole { spans } else { Vec::new() },
        holes: if asked.whole { holes } else { Vec::new() },
    }))
}

/// The newest of each kind of finding that tells of the node as it is.
fn state(db: &Connection, node: &str) -> Result<Vec<Finding>, rusqlite::Error> {
    let bodies: Vec<Vec<u8>> = db
        .prepare_cached("SELECT body FROM node_state WHERE node = $1 ORDER BY kind")?
        .query_map([node], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(bodies.iter().filter_map(|body| decode(body)).collect())
}

/// The container as its group showed it, if its end is known.
fn container(
    db: &Connection,
    boots: &[String],
    last_boot: &str,
    node: &str,
    id: &str,
) -> Result<Option<Watched>, rusqlite::Error> {
    let last = std::iter::once(last_boot);
    for boot in boots.iter().map(String::as_str).chain(last) {
        let body: Option<Vec<u8>> = db
            .prepare_cached("SELECT body FROM finding WHERE id = $1 AND node = $2")?
            .query_row(params![FindingId::container_end(boot, id).0, node], |row| row.get(0))
            .optional()?;
        let Some(Finding { time, body: FindingBody::ContainerEnd(end), .. }) =
            body.and_then(|body| decode(&body))
        else {
            continue;
        };
        let span = end.watched_since.and_then(|since| Span::new(since, time));
        return Ok(span.map(|span| Watched { span, ended: true, oom_kills: end.oom_kills }));
    }
    Ok(None)
}

/// A stored finding; `None` if the disk changed it.
fn decode(body: &[u8]) -> Option<Finding> {
    v1::Finding::decode(body).ok().and_then(|finding| Finding::try_from(finding).ok())
}
