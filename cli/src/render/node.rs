//! One node on one screen: who it is, what is wrong, whether a kill can be excluded, and what its sources missed.

use std::fmt::Write as _;

use coroner_core::absence::{LAG, Verdict};
use coroner_core::bytes::Bytes;
use coroner_core::escape::terminal;
use coroner_core::finding::{FindingBody, Fragmentation, NodeFacts, Pressure};
use coroner_core::headroom;
use coroner_core::node_report::{NodeReport, SourceReport};
use coroner_core::spans::Span;
use jiff::Timestamp;

use super::wrap::{paragraph, parts_in_lines};
use super::{BOLD, confidence_style, table, time};

/// Holes of one source that are told one by one.
const TOLD: usize = 3;

/// The node as text, lines broken at `width` columns, with a newline at the end. `now` says how long ago things were.
#[must_use]
pub fn node(node: &NodeReport, now: Timestamp, width: usize) -> String {
    let mut out = String::new();
    let mut head = vec![terminal(&node.name).to_string(), heard(node, now)];
    if let Some(version) = &node.agent_version {
        head.push(format!("agent {}", terminal(version)));
    }
    head.push(format!("boot {}", terminal(&node.boot_id)));
    parts_in_lines(&mut out, &head, width);

    let style = confidence_style(node.absence.confidence);
    let word = match node.absence.verdict {
        Verdict::Happened => "KILLS",
        Verdict::Excluded => "NO KILL",
        Verdict::Open => "NOT KNOWN",
    };
    let _ = writeln!(
        out,
        "{BOLD}{word}{BOLD:#}   {style}{}{style:#}",
        node.absence.confidence.name().to_lowercase()
    );
    sentences(&mut out, [node.absence.sentence.clone()], width);

    section(&mut out, "Sources");
    if node.sources.is_empty() {
        sentences(&mut out, ["No source has said anything.".to_owned()], width);
    }
    for source in &node.sources {
        source_lines(&mut out, source, &node.window, width);
    }
    if !node.incidents.is_empty() {
        section(&mut out, "Incidents");
        let counts = node.incidents.iter().map(|count| format!("{} {}", count.count, count.cause));
        sentences(&mut out, counts, width);
    }
    for finding in &node.state {
        let (title, said) = match &finding.body {
            FindingBody::Node(facts) => ("Node", facts_told(facts)),
            FindingBody::Headroom(headroom) => ("Headroom", headroom::sentences(headroom)),
            FindingBody::Fragmentation(fragmentation) => {
                ("Fragmentation", fragmentation_told(fragmentation))
            }
            FindingBody::Pressure(pressure) => ("Pressure", pressure_told(pressure)),
            _ => continue,
        };
        if said.is_empty() {
            continue;
        }
        let _ = writeln!(out, "{BOLD}{title}{BOLD:#}   as of {}", time(finding.time));
        sentences(&mut out, said, width);
    }
    out
}

/// Many nodes, one in a row.
#[must_use]
pub fn nodes(nodes: &[NodeReport], now: Timestamp, width: Option<usize>) -> String {
    let mut table = table::table(width);
    table.set_header(vec![
        "NODE",
        "HEARD",
        "OOM KILLS",
        "CONFIDENCE",
        "INCIDENTS",
        "SOURCES",
        "NOT READING",
    ]);
    for node in nodes {
        let kills = match node.absence.verdict {
            Verdict::Happened => node.absence.kills.to_string(),
            Verdict::Excluded => "none".to_owned(),
            Verdict::Open => "not known".to_owned(),
        };
        let reading = node.sources.iter().filter(|source| source.reading == Some(true)).count();
        let blind: Vec<String> = node
            .sources
            .iter()
            .filter(|source| source.reading == Some(false))
            .map(|source| source.source.to_string())
            .collect();
        table.add_row(vec![
            terminal(&node.name).to_string(),
            node.last_seen.map_or_else(|| "-".to_owned(), |seen| ago(seen, now)),
            kills,
            node.absence.confidence.name().to_owned(),
            node.incidents.iter().map(|count| count.count).sum::<u64>().to_string(),
            reading.to_string(),
            if blind.is_empty() { "-".to_owned() } else { blind.join(", ") },
        ]);
    }
    table::text(&table)
}

fn section(out: &mut String, title: &str) {
    let _ = writeln!(out, "{BOLD}{title}{BOLD:#}");
}

/// Sentences, each a paragraph. What they hold of names is made harmless here.
fn sentences(out: &mut String, said: impl IntoIterator<Item = String>, width: usize) {
    for sentence in said {
        paragraph(out, "  ", 4, &terminal(&sentence).to_string(), width);
    }
}

fn heard(node: &NodeReport, now: Timestamp) -> String {
    match node.last_seen {
        Some(seen) => format!("last heard {} ({})", time(seen), ago(seen, now)),
        None => "never heard".to_owned(),
    }
}

/// `4s ago`, `3m ago`, `2h ago`, `5d ago`.
fn ago(then: Timestamp, now: Timestamp) -> String {
    match now.duration_since(then).as_secs() {
        ..0 => "in the future".to_owned(),
        s @ 0..120 => format!("{s}s ago"),
        s @ 120..7200 => format!("{}m ago", s / 60),
        s @ 7200..172_800 => format!("{}h ago", s / 3600),
        s => format!("{}d ago", s / 86_400),
    }
}

/// How a source is doing, and under it what it missed.
fn source_lines(out: &mut String, source: &SourceReport, window: &Span, width: usize) {
    const COLUMN: usize = 15;
    let detail = source.detail.as_deref().filter(|detail| !detail.is_empty());
    let detail = detail.map(|detail| terminal(detail).to_string());
    let said = match (source.reading, detail) {
        (Some(true), detail) => detail.unwrap_or_else(|| "reads".to_owned()),
        (Some(false), None) => "does not read".to_owned(),
        (Some(false), Some(detail)) => format!("does not read: {detail}"),
        (None, _) => "has not said whether it reads".to_owned(),
    };
    let name = source.source.to_string();
    paragraph(out, &format!("  {name:COLUMN$}"), COLUMN + 4, &said, width);
    // What it watched since it was last heard is still to come: that is no hole yet.
    let unheard = source.holes.split_last().filter(|(last, _)| {
        let heard = source.coverage.last().is_some_and(|span| span.to == last.from);
        heard && last.to == window.to && last.to.duration_since(last.from) <= LAG
    });
    let (last, holes) = match unheard {
        Some((last, holes)) => (Some(last.from), holes),
        None => (None, source.holes.as_slice()),
    };
    let missed = match (source.coverage.is_empty(), holes.len(), last) {
        (true, _, _) => "watched nothing of this time without a hole".to_owned(),
        (false, 0, None) => "missed nothing of this time".to_owned(),
        (false, 0, Some(last)) => {
            format!("missed nothing until it was last heard at {}", time(last))
        }
        (false, n, _) => {
            let told: Vec<String> = holes.iter().take(TOLD).map(hole).collect();
            let more =
                if n > TOLD { format!(", and {} more holes", n - TOLD) } else { String::new() };
            format!("may have missed something {}{more}", told.join(", "))
        }
    };
    paragraph(out, &format!("  {:COLUMN$}", ""), COLUMN + 4, &missed, width);
}

/// `from 2026-01-02T12:00:00Z to 2026-01-02T12:00:03Z`.
fn hole(hole: &Span) -> String {
    format!("from {} to {}", time(hole.from), time(hole.to))
}

/// What the node is.
fn facts_told(facts: &NodeFacts) -> Vec<String> {
    let mut parts = vec![format!("Linux {} {}", facts.kernel, facts.machine)];
    parts.extend(facts.cgroup_version.map(|version| format!("cgroup v{version}")));
    parts.extend(facts.cpus.map(|cpus| format!("{cpus} CPUs")));
    parts.extend(facts.memory.map(|bytes| format!("{} of memory", Bytes(bytes))));
    parts.extend(facts.swap.map(|bytes| match bytes {
        0 => "no swap".to_owned(),
        bytes => format!("{} of swap", Bytes(bytes)),
    }));
    if facts.numa.len() > 1 {
        parts.push(format!("{} memory nodes", facts.numa.len()));
    }
    parts.push(format!("pages of {}", Bytes(facts.page_size)));
    parts.extend(facts.booted.map(|booted| format!("up since {}", time(booted))));
    let mut said = vec![format!("{}.", parts.join(", "))];
    // proc_sys_vm(5): 1 leaves those alone that are out of memory by a limit or a memory policy, 2 does not.
    let panics = match facts.panic_on_oom {
        Some(1) => Some("without memory for the whole node"),
        Some(2..) => Some("at any want of memory, that of a limit too,"),
        _ => None,
    };
    said.extend(panics.map(|when| {
        format!(
            "vm.panic_on_oom is set: {when} this kernel panics instead of killing anybody. What is lost with it cannot be \
             known afterwards: its log is lost too, unless the machine keeps it."
        )
    }));
    if facts.oom_kill_allocating_task == Some(1) {
        said.push(
            "vm.oom_kill_allocating_task is set: whoever asks for memory is killed.".to_owned(),
        );
    }
    if facts.overcommit_memory == Some(2) {
        said.push("vm.overcommit_memory is 2: memory is refused before it runs out.".to_owned());
    }
    if facts.oom_dump_tasks == Some(0) {
        said.push("vm.oom_dump_tasks is 0: reports do not say who held how much.".to_owned());
    }
    said.extend(facts.lacks.iter().map(|lack| format!("Lacks for {}: {}", lack.source, lack.what)));
    said
}

/// Which blocks have run out, if any have.
fn fragmentation_told(fragmentation: &Fragmentation) -> Vec<String> {
    let Some(short) = &fragmentation.shortage else {
        return vec!["Free memory is in large enough blocks.".to_owned()];
    };
    let left = match short.blocks_left {
        0 => "no block".to_owned(),
        1 => "only 1 block".to_owned(),
        n => format!("only {n} blocks"),
    };
    vec![format!(
        "WARNING: {} is free, but {left} of {} (order {}) is left; the most of it is in zone {} of memory node {}.",
        Bytes(short.free),
        Bytes(short.block),
        short.order,
        short.zone,
        short.node
    )]
}

/// Time lost over the last minute, of the node and the groups concerned.
fn pressure_told(pressure: &Pressure) -> Vec<String> {
    let mut said = Vec::new();
    for group in &pressure.groups {
        let parts: Vec<String> = [("memory", group.memory), ("CPU", group.cpu), ("disk", group.io)]
            .into_iter()
            .filter_map(|(what, resource)| {
                let some = resource?.some?;
                Some(format!("{}.{:02} % for {what}", some.avg60 / 100, some.avg60 % 100))
            })
            .collect();
        if !parts.is_empty() {
            let name = if group.group == "/" { "The node" } else { group.group.as_str() };
            said.push(format!("{name} waited over a minute: {}.", parts.join(", ")));
        }
    }
    said
}

#[cfg(test)]
mod tests;
