//! Many incidents, one in a row.
//!
//! Cells are escaped text, so a row is a line. `narrow` leaves out what does not decide where to look next; without a
//! terminal nothing is cut, so that other programs find whole values.

use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};
use coroner_core::escape::terminal;
use coroner_core::incident::Incident;

use super::{process, size, time, whose};

/// Below this many columns a terminal has no room for where and how sure.
const ROOMY: usize = 130;

/// What people need: when, whose, why, and the id for `coroner why`; where there is room, also where and how sure.
#[must_use]
pub fn narrow(incidents: &[Incident], width: Option<usize>) -> String {
    let roomy = width.is_none_or(|width| width >= ROOMY);
    let row = |cells: [String; 7]| {
        let [time, node, cause, confidence, whose, process, id] = cells;
        if roomy {
            vec![time, node, cause, confidence, whose, process, id]
        } else {
            vec![time, cause, whose, process, id]
        }
    };
    let mut table = table(width);
    table.set_header(row(
        ["TIME", "NODE", "CAUSE", "CONFIDENCE", "WHOSE", "PROCESS", "ID"].map(str::to_owned)
    ));
    for incident in incidents {
        table.add_row(row([
            time(incident.time),
            terminal(&incident.node).to_string(),
            incident.cause.to_string(),
            incident.confidence.name().to_owned(),
            short_whose(incident),
            process(incident).unwrap_or_else(|| "-".to_owned()),
            terminal(&incident.id.0).to_string(),
        ]));
    }
    // A time or an id in two pieces is none.
    for whole in [0, table.column_count().saturating_sub(1)] {
        if let Some(column) = table.column_mut(whole) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    text(&table)
}

/// Everything that fits a row.
#[must_use]
pub fn wide(incidents: &[Incident]) -> String {
    let mut table = table(None);
    table.set_header(vec![
        "TIME",
        "NODE",
        "CAUSE",
        "CONFIDENCE",
        "OUTCOME",
        "WHOSE",
        "PROCESS",
        "USAGE",
        "LIMIT",
        "LIMIT OF",
        "ID",
    ]);
    for incident in incidents {
        let kernel = incident.kernel.as_ref();
        table.add_row(vec![
            time(incident.time),
            terminal(&incident.node).to_string(),
            incident.cause.to_string(),
            incident.confidence.name().to_owned(),
            incident.outcome.map_or("-", coroner_core::incident::Outcome::name).to_owned(),
            whose(incident).unwrap_or_else(|| "-".to_owned()),
            process(incident).unwrap_or_else(|| "-".to_owned()),
            size(kernel.and_then(|kernel| kernel.usage_bytes)),
            size(kernel.and_then(|kernel| kernel.limit_bytes)),
            kernel
                .and_then(|kernel| kernel.limit_cgroup.as_deref())
                .map_or_else(|| "-".to_owned(), |path| terminal(path).to_string()),
            terminal(&incident.id.0).to_string(),
        ]);
    }
    text(&table)
}

/// A pod by its name or the beginning of its uid; a container by its name or twelve digits.
fn short_whose(incident: &Incident) -> String {
    let container = incident.container.as_ref();
    let name = container
        .and_then(|c| {
            c.name.as_deref().or_else(|| c.id.as_deref().map(|id| id.get(..12).unwrap_or(id)))
        })
        .map(|name| terminal(name).to_string());
    let pod = incident.pod.as_ref().and_then(|pod| {
        pod.name.as_deref().or_else(|| pod.uid.as_deref().map(|uid| uid.get(..8).unwrap_or(uid)))
    });
    match (pod.map(|pod| terminal(pod).to_string()), name) {
        (Some(pod), Some(name)) => format!("{pod}/{name}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "-".to_owned(),
    }
}

pub(super) fn table(width: Option<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    match width.and_then(|width| u16::try_from(width).ok()) {
        Some(width) => {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    table
}

/// The table without the blanks at the ends of lines and the margin before the first column.
pub(super) fn text(table: &Table) -> String {
    let mut out = String::new();
    for line in table.lines() {
        out.push_str(line.strip_prefix(' ').unwrap_or(&line).trim_end());
        out.push('\n');
    }
    out
}
