//! One node on one screen: who it is, what is wrong, whether a kill can be excluded, and what its sources missed.

use std::fmt::Write as _;

use coroner_core::absence::Verdict;
use coroner_core::escape::terminal;
use coroner_core::finding::FindingBody;
use coroner_core::incident::Incident;
use coroner_core::node_report::{NodeReport, SourceReport, ago, clocks, state};
use coroner_core::spans::Span;
use jiff::Timestamp;

use super::wrap::{paragraph, parts_in_lines};
use super::{BOLD, Columns, blocks, confidence_style, table, time};

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
    let clocks = clocks(node);
    if !clocks.is_empty() {
        section(&mut out, "Clocks");
        sentences(&mut out, clocks, width);
    }
    if !node.incidents.is_empty() {
        section(&mut out, "Incidents");
        let counts = node.incidents.iter().map(|count| format!("{} {}", count.count, count.cause));
        sentences(&mut out, counts, width);
    }
    for finding in &node.state {
        let Some((title, said)) = state(&finding.body) else { continue };
        if said.is_empty() {
            continue;
        }
        let _ = writeln!(out, "{BOLD}{title}{BOLD:#}   as of {}", time(finding.time));
        sentences(&mut out, said, width);
        if let FindingBody::Fragmentation(fragmentation) = &finding.body {
            out.push_str(&blocks::picture(&fragmentation.areas, width));
        }
    }
    out
}

/// The newest incidents of a node, with a heading; nothing where there are none.
#[must_use]
pub fn recent(incidents: &[Incident], now: Timestamp, width: usize) -> String {
    if incidents.is_empty() {
        return String::new();
    }
    let columns =
        Columns { width: Some(width.saturating_sub(2)), headers: false, namespaces: true };
    let mut out = String::new();
    section(&mut out, "Newest incidents");
    for line in table::narrow(incidents, now, columns).lines() {
        let _ = writeln!(out, "  {line}");
    }
    out
}

/// What a node is called, as kubectl takes it.
#[must_use]
pub fn node_name(node: &NodeReport) -> String {
    format!("node/{}", terminal(&node.name))
}

/// Many nodes, one in a row.
#[must_use]
pub fn nodes(nodes: &[NodeReport], now: Timestamp, width: Option<usize>, headers: bool) -> String {
    let mut table = table::table(width);
    let names = ["NODE", "HEARD", "OOM KILLS", "CONFIDENCE", "INCIDENTS", "SOURCES", "NOT READING"];
    if headers {
        table.set_header(names.to_vec());
    }
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

/// How a source is doing, and under it what it missed.
fn source_lines(out: &mut String, source: &SourceReport, window: &Span, width: usize) {
    const COLUMN: usize = 15;
    let said = terminal(&source.how()).to_string();
    let name = source.source.to_string();
    paragraph(out, &format!("  {name:COLUMN$}"), COLUMN + 4, &said, width);
    let missed = source.missed(window);
    paragraph(out, &format!("  {:COLUMN$}", ""), COLUMN + 4, &missed, width);
}

#[cfg(test)]
mod tests;
