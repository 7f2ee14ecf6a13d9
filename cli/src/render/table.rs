//! Many incidents, one in a row.
//!
//! Cells are escaped text, so a row is a line. `narrow` leaves out what does not decide where to look next; without a
//! terminal nothing is cut, so that other programs find whole values.

use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};
use coroner_core::escape::terminal;
use coroner_core::incident::Incident;
use jiff::Timestamp;

use super::{age, process, size, time, whose};

/// Below this many columns a terminal has no room for where and how sure.
const ROOMY: usize = 130;

/// Which columns a table has.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// Columns of the terminal; `None` where nothing is cut.
    pub width: Option<usize>,
    /// With a line that names them.
    pub headers: bool,
    /// With the namespace of each row, where any has one: several are shown.
    pub namespaces: bool,
}

/// What people need: whose, why, how long ago, and the id for `coroner why`; where there is room, also when, where, how sure
/// and which process.
#[must_use]
pub fn narrow(incidents: &[Incident], now: Timestamp, columns: Columns) -> String {
    let Columns { width, headers, namespaces } = columns;
    let roomy = width.is_none_or(|width| width >= ROOMY);
    let namespace = |incident: &Incident| -> Option<String> {
        let namespace = incident.pod.as_ref()?.namespace.as_deref()?;
        Some(terminal(namespace).to_string())
    };
    let namespaces = namespaces && incidents.iter().any(|one| namespace(one).is_some());
    let row = |namespace: String, cells: [String; 8]| {
        let [time, age, node, cause, confidence, whose, process, id] = cells;
        let mut row = if namespaces { vec![namespace] } else { Vec::new() };
        if roomy {
            row.extend([time, node, cause, confidence, whose, process, id]);
        } else {
            row.extend([whose, cause, age, id]);
        }
        row
    };
    let mut table = table(width);
    if headers {
        let names = ["TIME", "AGE", "NODE", "CAUSE", "CONFIDENCE", "WHOSE", "PROCESS", "ID"];
        table.set_header(row("NAMESPACE".to_owned(), names.map(str::to_owned)));
    }
    for incident in incidents {
        let process = process(incident);
        let dash = || "-".to_owned();
        let whose = match short_whose(incident) {
            // Where there is no room for the process, it is what tells a bare kill from others.
            None if !roomy => process.clone(),
            whose => whose,
        };
        table.add_row(row(
            namespace(incident).unwrap_or_else(dash),
            [
                time(incident.time),
                age(incident.time, now).unwrap_or_else(dash),
                terminal(&incident.node).to_string(),
                incident.cause.to_string(),
                incident.confidence.name().to_owned(),
                whose.unwrap_or_else(dash),
                process.unwrap_or_else(dash),
                terminal(&incident.id.0).to_string(),
            ],
        ));
    }
    // An age or an id in two pieces is none.
    let last = table.column_count().saturating_sub(1);
    for whole in if roomy { [0, last] } else { [last.saturating_sub(1), last] } {
        if let Some(column) = table.column_mut(whole) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    text(&table)
}

/// Everything that fits a row.
#[must_use]
pub fn wide(incidents: &[Incident], headers: bool) -> String {
    let mut table = table(None);
    let names = [
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
    ];
    if headers {
        table.set_header(names.to_vec());
    }
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

/// A pod by its name or the beginning of its uid; a container by its name or twelve digits; `None` for neither.
fn short_whose(incident: &Incident) -> Option<String> {
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
        (Some(pod), Some(name)) => Some(format!("{pod}/{name}")),
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => None,
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
