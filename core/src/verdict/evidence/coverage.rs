//! How complete each source was when it happened. What nobody watched is said too.

use jiff::Timestamp;

use crate::finding::Source;
use crate::incident::Evidence;
use crate::verdict::Case;
use crate::verdict::facts::Facts;
use crate::verdict::telling;
use crate::verdict::watch::KILL_SOURCES;
use crate::verdict::words::clock_beside;

/// One line for each source of which it is known.
pub(super) fn lines(facts: &Facts<'_>, case: &Case) -> Vec<Evidence> {
    // Nobody is killed who waits.
    if facts.api.is_some_and(|api| api.waiting().is_some()) {
        return Vec::new();
    }
    let mut said: Vec<String> =
        KILL_SOURCES.into_iter().filter_map(|source| line(facts, case, source)).collect();
    let others = facts.watch.gaps.iter().filter(|gap| !KILL_SOURCES.contains(&gap.source));
    said.extend(others.map(|gap| telling::gap(gap)));
    said.into_iter()
        .map(|detail| Evidence { source: "coverage".to_owned(), detail, time: None })
        .collect()
}

fn line(facts: &Facts<'_>, case: &Case, source: Source) -> Option<String> {
    let gaps: Vec<String> = facts
        .watch
        .gaps
        .iter()
        .filter(|gap| gap.source == source)
        .map(|gap| telling::gap(gap))
        .collect();
    if !gaps.is_empty() {
        return Some(gaps.join(" "));
    }
    if let Some(span) = facts.watch.span(source) {
        // How long after it no more than grows with time, and a verdict must not change with that.
        return Some(format!(
            "{source} read without a gap from {} until after it happened",
            clock_beside(span.from, facts.at)
        ));
    }
    if facts.watch.unwatched(source) {
        return Some(format!("{source} not read without a gap at that time"));
    }
    let since = since(case, source).filter(|since| *since <= facts.at)?;
    let since = clock_beside(since, facts.at);
    Some(format!("{source} read without a gap from {since} until it happened"))
}

/// Since when the source says that it reads.
fn since(case: &Case, source: Source) -> Option<Timestamp> {
    case.sources
        .iter()
        .filter(|status| status.source == source && status.reading)
        .filter_map(|status| status.since)
        .min()
}

/// Sources that could not be read at the time.
pub(in crate::verdict) fn blind_sources(case: &Case) -> Vec<String> {
    let mut said: Vec<String> = case
        .sources
        .iter()
        // A kernel without pressure information keeps nothing back that an incident needs.
        .filter(|status| !status.reading && status.source != Source::Pressure)
        .map(|status| {
            format!(
                "The {} cannot be read: {}.",
                status.source,
                status.detail.trim_end_matches('.')
            )
        })
        .collect();
    said.sort();
    said.dedup();
    said
}
