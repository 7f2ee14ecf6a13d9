//! Incidents as text for people: pure functions from an incident to a string.
//!
//! Names in an incident are hostile text; everything that came from outside passes [`terminal`] here and nowhere else.
//! Strings hold colour codes, which the output takes out again where no terminal shows them.

mod node;
mod table;
mod why;
mod wrap;

use coroner_core::bytes::Bytes;
use coroner_core::escape::terminal;
use coroner_core::incident::{Confidence, Incident};
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use node::{node, nodes};
pub use table::{narrow, wide};
pub use why::why;

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

/// Text of our own, lines broken at `width` columns.
#[must_use]
pub fn remark(text: &str, width: usize) -> String {
    let mut out = String::new();
    wrap::paragraph(&mut out, "", 0, &terminal(text).to_string(), width);
    out
}

/// Whose death: `web-1/app (prod)` where Kubernetes' names are known, else ids, else the process, else nothing.
pub(crate) fn whose(incident: &Incident) -> Option<String> {
    let pod = incident.pod.as_ref().and_then(|pod| pod.name.as_deref().or(pod.uid.as_deref()));
    let named = incident.pod.as_ref().is_some_and(|pod| pod.name.is_some());
    let container = incident.container.as_ref().and_then(|c| {
        c.name.as_deref().or_else(|| c.id.as_deref().map(|id| id.get(..12).unwrap_or(id)))
    });
    let namespace = incident.pod.as_ref().and_then(|pod| pod.namespace.as_deref());
    let namespace =
        namespace.map_or_else(String::new, |namespace| format!(" ({})", terminal(namespace)));
    match (pod, container) {
        (Some(pod), Some(container)) if named => {
            Some(format!("{}/{}{namespace}", terminal(pod), terminal(container)))
        }
        (Some(pod), Some(container)) => {
            Some(format!("container {} of pod {}", terminal(container), terminal(pod)))
        }
        (Some(pod), None) => Some(format!("pod {}{namespace}", terminal(pod))),
        (None, Some(container)) => Some(format!("container {}", terminal(container))),
        (None, None) => process(incident),
    }
}

/// The first process that was hit: `pid 41 (java)`, with the number of further ones.
pub(crate) fn process(incident: &Incident) -> Option<String> {
    let victims = &incident.kernel.as_ref()?.victims;
    let first = victims.first()?;
    let more = if victims.len() > 1 { format!(" +{}", victims.len() - 1) } else { String::new() };
    Some(format!("pid {} ({}){more}", first.pid, terminal(&first.comm)))
}

/// `2026-01-02T12:00:03Z`: UTC, so that two people read the same.
pub(crate) fn time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
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
