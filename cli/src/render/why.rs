//! One incident on one screen: whose, the verdict and how sure, why, what to do, and what it rests on.

use std::borrow::Cow;
use std::fmt::Write as _;

use coroner_core::escape::terminal;
use coroner_core::incident::{Cause, Incident, RevisedFrom};

use super::wrap::{paragraph, parts_in_lines};
use super::{BOLD, confidence_style, time, whose};

/// The incident as text, lines broken at `width` columns, with a newline at the end.
#[must_use]
pub fn why(incident: &Incident, width: usize) -> String {
    let mut out = String::new();
    header(&mut out, incident, width);
    headline(&mut out, incident, width);
    for sentence in &incident.explanation {
        paragraph(&mut out, "  ", 4, &terminal(sentence).to_string(), width);
    }
    if let Some(said) = kubernetes(incident).filter(|said| !incident.explanation.contains(said)) {
        paragraph(&mut out, "  ", 4, &terminal(&said).to_string(), width);
    }
    section(&mut out, "What to do", &incident.remedies, width);
    evidence(&mut out, incident, width);
    section(&mut out, "What is missing", &incident.gaps, width);
    section(&mut out, "Before", &before(incident), width);
    out
}

/// Earlier ends of the container, and the verdict that stood before.
fn before(incident: &Incident) -> Vec<String> {
    let ends = incident.previous.iter().map(|end| {
        let mut said = match end.finished_at {
            Some(finished) => time(finished),
            None => "at a time that is not known".to_owned(),
        };
        if let Some(code) = end.exit_code {
            let _ = write!(said, ": exit {code}");
        }
        if let Some(reason) = &end.reason {
            let _ = write!(said, " ({reason})");
        }
        if let Some(cause) = end.cause {
            let _ = write!(said, ", {cause}");
        }
        if let Some(id) = &end.incident {
            let _ = write!(said, ", {id}");
        }
        said
    });
    let revised = incident.revised_from.iter().filter(|before| takes_back(incident, before));
    let revised = revised.map(|before| {
        format!(
            "Until {} the verdict was {}, {}. {}",
            time(before.at),
            before.cause,
            before.confidence.name().to_lowercase(),
            before.why
        )
    });
    ends.chain(revised).collect()
}

/// Whether a reader of the verdict before was told otherwise. That more became known, and the same is surer now, is how
/// each verdict comes about in its first second, and no news at three in the morning.
fn takes_back(incident: &Incident, before: &RevisedFrom) -> bool {
    before.cause != incident.cause
        || before.confidence > incident.confidence
        || before.outcome.is_some_and(|outcome| Some(outcome) != incident.outcome)
}

/// `Kubernetes says "OOMKilled".`, or the sentence with the proof that it is wrong.
fn kubernetes(incident: &Incident) -> Option<String> {
    let says = incident.kubernetes.as_ref()?;
    let reason = says.reason.as_deref()?;
    Some(match (&says.why, says.disagrees) {
        (Some(why), true) => why.clone(),
        _ => format!("Kubernetes says \"{reason}\"."),
    })
}

/// `web-1/app (prod)   exit 137   2026-01-02T12:00:03Z   node-2   inc-...`, on a second line what does not fit.
fn header(out: &mut String, incident: &Incident, width: usize) {
    let mut parts: Vec<String> = whose(incident).into_iter().collect();
    if let Some(code) = incident.termination.as_ref().and_then(|end| end.exit_code) {
        parts.push(format!("exit {code}"));
    }
    parts.push(time(incident.time));
    parts.push(terminal(&incident.node).to_string());
    parts.push(terminal(&incident.id.0).to_string());
    parts_in_lines(out, &parts, width);
}

/// The cause in capitals, what it means, and at the right edge how sure.
fn headline(out: &mut String, incident: &Incident, width: usize) {
    let text = match incident.alternatives.as_slice() {
        [] => incident.cause.headline().to_owned(),
        others => {
            let short = |cause: &Cause| cause.headline().split(':').next().unwrap_or_default();
            let named: Vec<&str> =
                std::iter::once(&incident.cause).chain(others).map(short).collect();
            format!("{}: the evidence does not tell which", named.join(" or "))
        }
    };
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
fn evidence(out: &mut String, incident: &Incident, width: usize) {
    if incident.evidence.is_empty() {
        return;
    }
    let _ = writeln!(out, "{BOLD}Evidence{BOLD:#}");
    let names: Vec<String> =
        incident.evidence.iter().map(|piece| terminal(&piece.source).to_string()).collect();
    let column = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(20);
    for (piece, name) in incident.evidence.iter().zip(names) {
        let first = format!("  {name:column$}  ");
        let detail = terminal(&piece.detail).to_string();
        let words: Vec<Cow<'_, str>> = detail.split(' ').map(shorten).collect();
        paragraph(out, &first, column + 4, &words.join(" "), width);
    }
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
