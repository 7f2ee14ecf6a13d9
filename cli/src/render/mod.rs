//! Incidents as text for people: pure functions from an incident to a string.
//!
//! Names in an incident are hostile text; everything that came from outside passes [`terminal`] here and nowhere else.
//! Strings hold colour codes, which the output takes out again where no terminal shows them.

mod blocks;
mod node;
mod table;
mod timeline;
mod top;
mod why;
mod wrap;

use coroner_core::bytes::Bytes;
use coroner_core::escape::terminal;
pub(crate) use coroner_core::incident::whole_seconds as time;
use coroner_core::incident::{Confidence, Incident};
use coroner_core::node_report::ago;
use jiff::Timestamp;

pub use node::{node, node_name, nodes, recent};
pub use table::{Columns, narrow, wide};
pub(crate) use timeline::timeline;
pub(crate) use top::top;
pub use why::{Detail, why};

/// Bold.
pub(crate) const BOLD: anstyle::Style = anstyle::Style::new().bold();

/// One line, for a list that goes on: time, node, cause, confidence, who, id.
#[must_use]
pub fn line(incident: &Incident) -> String {
    let style = confidence_style(incident.confidence);
    format!(
        "{}  {}  {}  {style}{}{style:#}  {}  {}",
        time(incident.time),
        terminal(&incident.node),
        incident.cause,
        incident.confidence.name().to_lowercase(),
        terminal(&incident.summary),
        terminal(&incident.id.0)
    )
}

/// One line, for a list that goes on: what was shown before is none of those any more.
#[must_use]
pub fn withdrawn(id: &str, merged_into: Option<&str>) -> String {
    match merged_into {
        Some(into) => format!("{} is part of {} now", terminal(id), terminal(into)),
        None => format!("{} is none of these any more; `coroner why` has it", terminal(id)),
    }
}

/// What an incident is called, as `coroner why` takes it.
#[must_use]
pub fn name(incident: &Incident) -> String {
    format!("incident/{}", terminal(&incident.id.0))
}

/// Text of our own, lines broken at `width` columns.
#[must_use]
pub fn remark(text: &str, width: usize) -> String {
    let mut out = String::new();
    wrap::paragraph(&mut out, "", 0, &terminal(text).to_string(), width);
    out
}

/// Whose death, harmless. See [`Incident::whose`].
pub(crate) fn whose(incident: &Incident) -> Option<String> {
    incident.whose().map(|whose| terminal(&whose).to_string())
}

/// The first process that was hit, harmless. See [`Incident::process`].
pub(crate) fn process(incident: &Incident) -> Option<String> {
    incident.process().map(|process| terminal(&process).to_string())
}

/// `4s`, `3m`, `2h`, `5d`; `None` for what has not happened yet.
pub(crate) fn age(then: Timestamp, now: Timestamp) -> Option<String> {
    ago(then, now).strip_suffix(" ago").map(str::to_owned)
}

/// `64 MiB`, or `-` where it is not known.
pub(crate) fn size(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_owned(), |bytes| Bytes(bytes).to_string())
}

pub(crate) fn confidence_style(confidence: Confidence) -> anstyle::Style {
    let colour = match confidence {
        Confidence::Confirmed => anstyle::AnsiColor::Green,
        Confidence::Likely | Confidence::Possible => anstyle::AnsiColor::Yellow,
        Confidence::Unknown => anstyle::AnsiColor::Red,
    };
    anstyle::Style::new().fg_color(Some(colour.into()))
}

#[cfg(test)]
mod tests;
