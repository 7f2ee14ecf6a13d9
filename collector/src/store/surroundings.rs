//! What belongs to a case besides its own findings: gaps, how the sources were doing, and what they missed nothing of.
//!
//! Incidents come in storms, and those of one moment have the same surroundings. So they are read once for all that
//! lie close together, and each case takes its part.

use std::path::Path;

use coroner_core::absence;
use coroner_core::finding::{CoverageSpan, Finding, FindingBody, Gap, Source, SourceStatus};
use coroner_core::incident::IncidentId;
use coroner_core::kubernetes::KubernetesCase;
use coroner_core::verdict::Case;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::cases::{Stored, bodies, decode_all, stored};
use super::near::{COVERAGE_MARGIN_US, MARGIN_US};
use super::{StoreError, coverage, kubernetes, rows};

/// Most gaps in one case: more do not make it any less complete.
const MAX_GAPS: u32 = 1000;

/// Incidents this far apart may share what is read around them.
const CLOSE_US: i64 = 600_000_000;

/// The findings of one incident, and when it was.
#[derive(Debug)]
pub(super) struct Told {
    incident: IncidentId,
    findings: Vec<Finding>,
    kubernetes: Option<KubernetesCase>,
    node: String,
    boot_id: String,
    begin_us: i64,
    end_us: i64,
}

impl Told {
    /// `None` without findings.
    pub(super) fn new(incident: &IncidentId, findings: Vec<Finding>) -> Option<Self> {
        let uncertain =
            |f: &Finding| f.time_uncertainty_us.and_then(|us| i64::try_from(us).ok()).unwrap_or(0);
        let begin = |f: &Finding| f.time.as_microsecond().saturating_sub(uncertain(f));
        let end = |f: &Finding| f.time.as_microsecond().saturating_add(uncertain(f));
        let begin_us = findings.iter().map(begin).min()?;
        let end_us = findings.iter().map(end).max()?;
        let (node, boot_id) = findings.first().map(|f| (f.node.clone(), f.boot_id.clone()))?;
        let incident = incident.clone();
        Some(Self { incident, findings, kubernetes: None, node, boot_id, begin_us, end_us })
    }

    /// With what Kubernetes says; that alone is enough where it tells of an end or a waiting. `None` with neither.
    pub(super) fn of(
        db: &Connection,
        incident: &IncidentId,
        findings: Vec<Finding>,
        says: Option<KubernetesCase>,
    ) -> Result<Option<Self>, rusqlite::Error> {
        if let Some(told) = Self::new(incident, findings) {
            return Ok(Some(Self { kubernetes: says, ..told }));
        }
        let Some(says) = says else { return Ok(None) };
        let (time, node) = match (&says.termination, &says.waiting) {
            (Some(end), _) => (end.time(), end.node.clone()),
            (None, Some(waiting)) => (waiting.first_seen, waiting.node.clone()),
            (None, None) => return Ok(None),
        };
        let Some(begin_us) = time.map(Timestamp::as_microsecond) else { return Ok(None) };
        let node = node.unwrap_or_default();
        let boot_id = kubernetes::place_of(db, &node, begin_us)?;
        let (incident, kubernetes) = (incident.clone(), Some(says));
        // Whole seconds, cut: it happened within the second after.
        let end_us = begin_us.saturating_add(1_000_000);
        Ok(Some(Self {
            incident,
            findings: Vec::new(),
            kubernetes,
            node,
            boot_id,
            begin_us,
            end_us,
        }))
    }

    fn place(&self) -> (&str, &str) {
        (self.node.as_str(), self.boot_id.as_str())
    }
}

/// Makes a case of each, in any order.
pub(super) fn cases(
    db: &Connection,
    path: &Path,
    mut told: Vec<Told>,
) -> Result<Vec<Case>, StoreError> {
    told.sort_by(|a, b| a.place().cmp(&b.place()).then(a.begin_us.cmp(&b.begin_us)));
    let mut cases = Vec::with_capacity(told.len());
    let mut rest = told.into_iter().peekable();
    while let Some(first) = rest.next() {
        let (begin_us, mut end_us) = (first.begin_us, first.end_us);
        let mut close = vec![first];
        while let Some(next) = rest.next_if(|next| {
            close.first().is_some_and(|first| first.place() == next.place())
                && next.end_us.saturating_sub(begin_us) <= CLOSE_US
        }) {
            end_us = end_us.max(next.end_us);
            close.push(next);
        }
        let (begin, end) = (begin_us, end_us);
        let Some((node, boot_id)) = close.first().map(|first| first.place()) else { continue };
        let around = Surroundings::read(db, path, node, boot_id, begin, end)?;
        if u32::try_from(around.gaps.len()) == Ok(MAX_GAPS) && close.len() > 1 {
            // Those left out may have been any one's: each looks for itself.
            for one in close {
                let (node, boot_id) = one.place();
                let own = Surroundings::read(db, path, node, boot_id, one.begin_us, one.end_us)?;
                cases.push(own.case(one));
            }
            continue;
        }
        cases.extend(close.into_iter().map(|one| around.case(one)));
    }
    Ok(cases)
}

/// What is known around a span of time of one boot of a node.
#[derive(Debug)]
struct Surroundings {
    gaps: Vec<Finding>,
    /// In the order of their times.
    statuses: Vec<Finding>,
    coverage: Vec<CoverageSpan>,
}

impl Surroundings {
    fn read(
        db: &Connection,
        path: &Path,
        node: &str,
        boot_id: &str,
        begin_us: i64,
        end_us: i64,
    ) -> Result<Self, StoreError> {
        let failed =
            |source| StoreError::Sqlite { path: path.to_owned(), doing: "read findings", source };
        let (begin, end) = (begin_us.saturating_sub(MARGIN_US), end_us.saturating_add(MARGIN_US));
        let gaps = bodies(
            db,
            "SELECT id, body FROM finding INDEXED BY finding_gap
             WHERE kind = 'gap' AND node = $1 AND boot_id = $2 AND gap_to_us >= $3 AND gap_from_us <= $4
             ORDER BY gap_to_us LIMIT $5",
            params![node, boot_id, begin, end, MAX_GAPS],
        )
        .map_err(failed)?;
        let statuses = statuses(db, node, boot_id, begin_us, end).map_err(failed)?;
        let mut statuses = decode_all(path, statuses);
        statuses.sort_by_key(|finding| finding.time);
        let coverage = coverage::of_boot(
            db,
            node,
            boot_id,
            begin_us.saturating_sub(COVERAGE_MARGIN_US),
            end_us.saturating_add(COVERAGE_MARGIN_US),
        )
        .map_err(failed)?;
        Ok(Self { gaps: decode_all(path, gaps), statuses, coverage })
    }

    /// The part of one incident.
    fn case(&self, told: Told) -> Case {
        let begin_us = told.begin_us.saturating_sub(MARGIN_US);
        let end_us = told.end_us.saturating_add(MARGIN_US);
        let near = |finding: &&Finding| {
            gap(finding).map(rows::span).is_some_and(|(from, to)| to >= begin_us && from <= end_us)
        };
        let gaps: Vec<Finding> = self.gaps.iter().filter(near).cloned().collect();
        let sources =
            Source::ALL.into_iter().filter_map(|source| self.status(source, end_us)).collect();
        let end = |us| Timestamp::from_microsecond(us).unwrap_or(Timestamp::MAX);
        let ends = [end(told.end_us.saturating_add(COVERAGE_MARGIN_US)), end(told.end_us)];
        let since = told.begin_us.saturating_sub(COVERAGE_MARGIN_US);
        let near = self.coverage.iter().filter(|span| span.to.as_microsecond() >= since);
        let spans: Vec<CoverageSpan> =
            near.filter_map(|span| coverage::until(span, ends)).collect();
        let lost: Vec<Gap> = gaps.iter().filter_map(gap).cloned().collect();
        let coverage = absence::covered(&spans, &lost);
        Case {
            incident: Some(told.incident),
            findings: told.findings,
            gaps,
            sources,
            coverage,
            kubernetes: told.kubernetes,
        }
    }

    /// The last word of a source up to `until_us`, or else its first after.
    fn status(&self, source: Source, until_us: i64) -> Option<SourceStatus> {
        let mut found = None;
        for finding in self.statuses.iter().filter(|finding| finding.source == source) {
            let late = finding.time.as_microsecond() > until_us;
            if late && found.is_some() {
                break;
            }
            found = Some(finding);
            if late {
                break;
            }
        }
        match found.map(|finding| &finding.body) {
            Some(FindingBody::SourceStatus(status)) => Some(status.clone()),
            _ => None,
        }
    }
}

/// Of each source the last word up to `begin`, all until `end`, and where there was none before the first after.
fn statuses(
    db: &Connection,
    node: &str,
    boot_id: &str,
    begin: i64,
    end: i64,
) -> Result<Vec<Stored>, rusqlite::Error> {
    const OF: &str = "SELECT id, body FROM finding INDEXED BY finding_status
                      WHERE kind = 'source_status' AND node = $1 AND boot_id = $2 AND source = $3 AND time_us";
    let last = format!("{OF} <= $4 ORDER BY time_us DESC LIMIT 1");
    let between = format!("{OF} > $4 AND time_us <= $5 ORDER BY time_us");
    let first = format!("{OF} > $4 ORDER BY time_us LIMIT 1");
    let mut all = Vec::new();
    for source in Source::ALL {
        let source = source.to_string();
        let params = params![node, boot_id, source, begin];
        let mut found: Vec<Stored> =
            db.prepare_cached(&last)?.query_row(params, stored).optional()?.into_iter().collect();
        found.extend(bodies(db, &between, params![node, boot_id, source, begin, end])?);
        if found.is_empty() {
            let params = params![node, boot_id, source, end];
            found.extend(db.prepare_cached(&first)?.query_row(params, stored).optional()?);
        }
        all.append(&mut found);
    }
    Ok(all)
}

fn gap(finding: &Finding) -> Option<&Gap> {
    match &finding.body {
        FindingBody::Gap(gap) => Some(gap),
        _ => None,
    }
}
