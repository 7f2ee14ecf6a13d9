//! One incident on one screen: whose, the verdict and how sure, why, what to do, and what it rests on.

use std::borrow::Cow;
use std::fmt::Write as _;

use coroner_core::escape::terminal;
use coroner_core::incident::Incident;

use super::wrap::{paragraph, parts_in_lines};
use super::{BOLD, confidence_style, time, whose};

/// How much of the evidence is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What each source said in short: a line each.
    Short,
    /// All of it, as it was found.
    Raw,
}

/// The incident as text, lines broken at `width` columns, with a newline at the end.
#[must_use]
pub fn why(incident: &Incident, detail: Detail, width: usize) -> String {
    let mut out = String::new();
    header(&mut out, incident, width);
    headline(&mut out, incident, width);
    for sentence in &incident.explanation {
        paragraph(&mut out, "  ", 4, &terminal(sentence).to_string(), width);
    }
    if let Some(said) = incident.kubernetes_says() {
        paragraph(&mut out, "  ", 4, &terminal(&said).to_string(), width);
    }
    section(&mut out, "What to do", &incident.remedies, width);
    evidence(&mut out, incident, detail, width);
    section(&mut out, "What is missing", &incident.gaps, width);
    section(&mut out, "Before", &incident.before(), width);
    out
}

/// `web-1/app (prod)   Deployment/web   exit 137   2026-01-02T12:00:03Z   node-2   inc-...`, on a second line what does not
/// fit. The workload is written as `why` takes it.
fn header(out: &mut String, incident: &Incident, width: usize) {
    let mut parts: Vec<String> = whose(incident).into_iter().collect();
    if let Some(owner) = incident.pod.as_ref().and_then(|pod| pod.owner.as_ref()) {
        parts.push(terminal(&format!("{}/{}", owner.kind, owner.name)).to_string());
    }
    if let Some(code) = incident.termination.as_ref().and_then(|end| end.exit_code) {
        parts.push(format!("exit {code}"));
    }
    parts.push(time(incident.time));
    // A pod that was never scheduled has none.
    parts.extend((!incident.node.is_empty()).then(|| terminal(&incident.node).to_string()));
    parts.push(terminal(&incident.id.0).to_string());
    parts_in_lines(out, &parts, width);
}

/// The cause in capitals, what it means, and at the right edge how sure.
fn headline(out: &mut String, incident: &Incident, width: usize) {
    let text = incident.headline();
    let sure = incident.confidence.name().to_lowercase();
    let style = confidence_style(incident.confidence);
    let length = text.chars().count();
    if length + 2 + sure.len() <= width {
        let gap = width - length - sure.len();
        let _ = writeln!(out, "{BOLD}{text}{BOLD:#}{:gap$}{style}{sure}{style:#}", "");
    } else {
        let _ = writeln!(out, "{BOLD}{text}{BOLD:#}");
        let _ = writeln!(out, "  {style}{sure}{style:#}");
    }
}

fn section(out: &mut String, title: &str, sentences: &[String], width: usize) {
    if sentences.is_empty() {
        return;
    }
    let _ = writeln!(out, "{BOLD}{title}{BOLD:#}");
    for sentence in sentences {
        paragraph(out, "  ", 4, &terminal(sentence).to_string(), width);
    }
}

/// Sources in a column, what they said beside it.
fn evidence(out: &mut String, incident: &Incident, shown: Detail, width: usize) {
    if incident.evidence.is_empty() {
        return;
    }
    let how = if shown == Detail::Short { "   in short; --evidence shows all of it" } else { "" };
    let _ = writeln!(out, "{BOLD}Evidence{BOLD:#}{how}");
    let names: Vec<String> =
        incident.evidence.iter().map(|piece| terminal(&piece.source).to_string()).collect();
    let column = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(20);
    for (piece, name) in incident.evidence.iter().zip(names) {
        let first = format!("  {name:column$}  ");
        let detail = terminal(&piece.detail).to_string();
        if shown == Detail::Raw {
            paragraph(out, &first, column + 4, &detail, width);
            continue;
        }
        let words: Vec<Cow<'_, str>> = detail.split_whitespace().map(shorten).collect();
        let room = width.saturating_sub(first.chars().count());
        let _ = writeln!(out, "{first}{}", cut(&words.join(" "), room));
    }
}

/// The beginning of a text, as much as fits into `room` columns.
fn cut(text: &str, room: usize) -> String {
    const MORE: &str = "...";
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(MORE.len())).collect();
    format!("{}{MORE}", kept.trim_end())
}

/// A long path by its last name, and that by the digits people know a container by. The JSON has all of it.
fn shorten(word: &str) -> Cow<'_, str> {
    const LONG: usize = 60;
    const ID: usize = 64;
    let Some((_, name)) =
        word.rsplit_once('/').filter(|(front, _)| front.starts_with('/') && word.len() > LONG)
    else {
        return Cow::Borrowed(word);
    };
    let digits = |from: usize| {
        let run = name.get(from..from + ID)?;
        run.bytes().all(|b| b.is_ascii_hexdigit()).then_some(from)
    };
    match digits(name.rfind('-').map_or(0, |dash| dash + 1)) {
        Some(from) => Cow::Owned(format!(".../{}...", &name[..from + 12])),
        None => Cow::Owned(format!(".../{name}")),
    }
}
