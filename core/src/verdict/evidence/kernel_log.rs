//! The kernel log's own lines.

use super::MOST;
use crate::finding::Source;
use crate::incident::Evidence;
use crate::kernel::{OomReport, Position};
use crate::verdict::facts::{Event, Facts};
use crate::verdict::words::process;

/// Where the lines stand and the one that says it.
pub(super) fn lines(facts: &Facts<'_>) -> Vec<Evidence> {
    let witnesses = facts.witnesses;
    let mut all: Vec<Evidence> = said(facts).into_iter().collect();
    all.extend(witnesses.faults.iter().take(MOST).map(|(finding, fault)| Evidence {
        source: Source::KernelLog.to_string(),
        detail: fault.message.clone(),
        time: Some(finding.time),
    }));
    all
}

fn said(facts: &Facts<'_>) -> Option<Evidence> {
    let log = facts.witnesses.log;
    let finding = log.map(|(finding, _)| finding).or(facts.witnesses.event.map(|(f, _)| f))?;
    let (position, line) = match facts.event {
        Event::Oom(_) => {
            let (_, report) = log?;
            (&report.position, oom_line(facts, report))
        }
        Event::Death => return None,
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
    Some(Evidence { source: Source::KernelLog.to_string(), detail, time: Some(finding.time) })
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
