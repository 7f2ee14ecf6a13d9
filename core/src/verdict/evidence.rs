//! What each sentence rests on: the kernel's lines, the counters that were read, and how complete the log is.

use super::Case;
use super::facts::{Event, Facts};
use super::telling;
use super::words::{clock, process, size};
use crate::bytes::Bytes;
use crate::finding::{CgroupState, Phase, Source};
use crate::incident::Evidence;
use crate::kernel::{Limit, OomReport, Position};

/// All evidence, the kernel's word first.
pub(super) fn evidence(facts: &Facts<'_>, case: &Case) -> Vec<Evidence> {
    let mut all = vec![kernel_log(facts)];
    for (finding, observation) in &facts.observations {
        let when = match observation.phase {
            Phase::AtKill => "at the kill",
            Phase::Aftermath => "a moment later",
        };
        let states =
            observation.limit.iter().chain(&observation.victim).chain(&observation.siblings);
        for state in states {
            all.push(Evidence {
                source: Source::Cgroup.to_string(),
                detail: format!("{}  {when}: {}", state.path, counters(state)),
                time: Some(finding.time),
            });
        }
    }
    all.extend(coverage(facts, case));
    all
}

/// Where the lines stand and the one that says it.
fn kernel_log(facts: &Facts<'_>) -> Evidence {
    let (position, line) = match facts.event {
        Event::Oom(report) => (&report.position, oom_line(facts, report)),
        Event::Allocation(failure) => {
            let order = failure.order.map(|order| format!(", order {order}")).unwrap_or_default();
            let line = failure.excerpt.first().cloned();
            (
                &failure.position,
                line.unwrap_or_else(|| format!("page allocation failure{order}: {}", failure.comm)),
            )
        }
        Event::Slab(failure) => {
            let cache = failure.cache.as_deref().unwrap_or("unknown");
            (&failure.position, format!("SLUB: Unable to allocate memory, cache {cache}"))
        }
        Event::Hardware(error) => (&error.position, error.message.clone()),
        Event::Userspace(kill) => (&kill.position, kill.message.clone()),
    };
    let place = match facts.records {
        Some((first, last)) if first == last => format!("seq {first}"),
        Some((first, last)) => format!("seq {first}-{last}"),
        None => place(position),
    };
    let detail = if place.is_empty() { line } else { format!("{place}  {line}") };
    Evidence { source: Source::KernelLog.to_string(), detail, time: Some(facts.opening.time) }
}

/// The line that names the kill, else the last that matters.
fn oom_line(facts: &Facts<'_>, report: &OomReport) -> String {
    let kill = report.excerpt.iter().find(|line| line.contains("Killed process"));
    match (kill.or_else(|| report.excerpt.last()), facts.victims.first()) {
        (Some(line), _) => line.clone(),
        (None, Some(victim)) => format!("killed {}", process(victim.pid, &victim.comm)),
        (None, None) => "out of memory".to_owned(),
    }
}

/// Where a line stands in a log without sequence numbers.
fn place(position: &Position) -> String {
    match (position.monotonic_us, position.line) {
        (Some(us), _) => format!("{}.{:06} s after boot", us / 1_000_000, us % 1_000_000),
        (None, 0) => String::new(),
        (None, line) => format!("line {line}"),
    }
}

/// The counters of a group, only those that were read.
fn counters(state: &CgroupState) -> String {
    if !state.exists {
        return "gone".to_owned();
    }
    let limit = state.limit.map(|limit| match limit {
        Limit::Bytes(bytes) => format!("limit {}", Bytes(bytes)),
        Limit::Unlimited => "no limit".to_owned(),
    });
    let bytes =
        |name: &str, value: Option<u64>| value.map(|value| format!("{name} {}", size(Some(value))));
    let count = |name: &str, value: Option<u64>| value.map(|value| format!("{name} {value}"));
    let hits = if state.version == 1 { "failcnt" } else { "max" };
    let said: Vec<String> = [
        count("oom_kill", state.oom_kill),
        count("oom", state.oom),
        count(hits, state.limit_hits),
        bytes("usage", state.usage),
        bytes("peak", state.peak),
        limit,
        count("processes left", state.processes_left),
    ]
    .into_iter()
    .flatten()
    .collect();
    if said.is_empty() { "could not be read".to_owned() } else { said.join(", ") }
}

/// Whether anything can have been missed.
fn coverage(facts: &Facts<'_>, case: &Case) -> Option<Evidence> {
    let detail = if facts.gaps.is_empty() {
        let since = case
            .sources
            .iter()
            .filter(|status| status.source == facts.opening.source && status.reading)
            .filter_map(|status| status.since)
            .filter(|since| *since <= facts.opening.time)
            .min()?;
        format!("{} read without a gap from {} to the kill", facts.opening.source, clock(since))
    } else {
        facts.gaps.iter().map(|gap| telling::gap(gap)).collect::<Vec<_>>().join(" ")
    };
    Some(Evidence { source: "coverage".to_owned(), detail, time: None })
}

/// Sources that could not be read at the time.
pub(super) fn blind_sources(case: &Case) -> Vec<String> {
    let mut said: Vec<String> = case
        .sources
        .iter()
        .filter(|status| !status.reading)
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
