//! What was watched while it happened: spans, gaps and states of the sources, for one incident.
//!
//! Seeing something needs no more than to have looked; to have seen *nothing* needs a span without a hole around it. A
//! span that ends before the incident is no hole: it may still grow. One that begins after it shows one.

use jiff::{SignedDuration, Timestamp};

use super::Case;
use super::witnesses::Witnesses;
use crate::finding::{CoverageSpan, FindingBody, Gap, Source};

/// The sources that see kills.
pub(super) const KILL_SOURCES: [Source; 3] =
    [Source::KernelLog, Source::Cgroup, Source::SignalTrace];

/// Kernel stamps run up to 25 ms ahead of the clock; a second is far above that and far below a restart.
const SLACK: SignedDuration = SignedDuration::from_secs(1);

/// What was watched around one incident.
pub(super) struct Watch<'a> {
    /// When it happened.
    at: Timestamp,
    /// Holes that may have swallowed a part of it.
    pub gaps: Vec<&'a Gap>,
    spans: Vec<&'a CoverageSpan>,
}

impl<'a> Watch<'a> {
    pub(super) fn of(
        case: &'a Case,
        witnesses: &Witnesses<'_>,
        at: Timestamp,
        records: Option<(u64, u64)>,
    ) -> Self {
        let opening = witnesses.opening;
        let mut gaps: Vec<&Gap> = case
            .gaps
            .iter()
            .filter(|finding| {
                opening.is_none_or(|opening| {
                    finding.node == opening.node && finding.boot_id == opening.boot_id
                })
            })
            .filter_map(|finding| match &finding.body {
                FindingBody::Gap(gap)
                    if overlaps(gap, opening.map(|finding| finding.source), at, records) =>
                {
                    Some(gap)
                }
                _ => None,
            })
            .collect();
        gaps.sort_by(|a, b| {
            (a.first_lost, a.from, a.to, &a.reason).cmp(&(b.first_lost, b.from, b.to, &b.reason))
        });
        gaps.dedup();
        let mut spans: Vec<&CoverageSpan> = case.coverage.iter().collect();
        spans.sort_by_key(|span| (span.from, span.to));
        Self { at, gaps, spans }
    }

    /// Whether something of this source was missed when it happened.
    pub(super) fn hole(&self, source: Source) -> bool {
        self.gaps.iter().any(|gap| gap.source == source) || self.unwatched(source)
    }

    /// Whether the source is known not to have watched at that moment: it did before or after, and not then.
    pub(super) fn unwatched(&self, source: Source) -> bool {
        let mut later = false;
        for span in self.spans.iter().filter(|span| span.source == source) {
            let begins = span.from.checked_sub(SLACK).unwrap_or(span.from);
            if begins > self.at {
                later = true;
            } else if span.to >= self.at {
                return false;
            }
        }
        later
    }

    /// Whether the source saw everything from `from` until it happened.
    pub(super) fn complete(&self, source: Source, from: Timestamp) -> bool {
        !self.gaps.iter().any(|gap| gap.source == source)
            && self.span(source).is_some_and(|span| span.from <= from)
    }

    /// Whether the source saw everything until some while after it happened.
    pub(super) fn complete_after(&self, source: Source, seconds: i64) -> bool {
        let until = self.at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(self.at);
        self.span(source).is_some_and(|span| span.to >= until)
    }

    /// The span it happened in.
    pub(super) fn span(&self, source: Source) -> Option<&'a CoverageSpan> {
        self.spans
            .iter()
            .find(|span| span.source == source && span.from <= self.at && span.to >= self.at)
            .copied()
    }
}

/// Whether the hole may have swallowed a part of the incident: by sequence where both have one, else by time.
fn overlaps(
    gap: &Gap,
    opened_by: Option<Source>,
    at: Timestamp,
    records: Option<(u64, u64)>,
) -> bool {
    if Some(gap.source) == opened_by
        && let (Some((first, last)), Some(lost_first), Some(lost)) =
            (records, gap.first_lost, gap.lost)
    {
        return lost_first <= last && lost_first.saturating_add(lost) > first;
    }
    let after_start =
        gap.from.is_none_or(|from| at.checked_add(SLACK).is_ok_and(|time| time >= from));
    let before_end = gap.to.is_none_or(|to| at.checked_sub(SLACK).is_ok_and(|time| time <= to));
    after_start && before_end
}
