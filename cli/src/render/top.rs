//! Where incidents are most frequent, a row each.

use std::fmt::Write as _;

use coroner_core::escape::terminal;
use jiff::Timestamp;

use super::table::{self, Columns};
use super::{age, time};
use crate::top::{By, Top};

/// Causes that a row names.
const CAUSES: usize = 2;

/// The rows, and below them what was left out.
pub(crate) fn top(top: &Top, by: By, now: Timestamp, columns: Columns) -> String {
    let Columns { width, headers, namespaces } = columns;
    let first = match by {
        By::Workload => "WORKLOAD",
        By::Cause => "CAUSE",
        By::Namespace => "NAMESPACE",
        By::Node => "NODE",
    };
    let row = |namespace: String, cells: [String; 3], causes: String| {
        let mut row = if namespaces { vec![namespace] } else { Vec::new() };
        row.extend(cells);
        if by != By::Cause {
            row.push(causes);
        }
        row
    };
    let dash = || "-".to_owned();
    let mut table = table::table(width);
    if headers {
        let cells = [first, "INCIDENTS", "LAST"].map(str::to_owned);
        table.set_header(row("NAMESPACE".to_owned(), cells, "CAUSES".to_owned()));
    }
    for count in &top.counts {
        let mut causes: Vec<String> = count
            .causes
            .iter()
            .take(CAUSES)
            .map(|cause| format!("{} {}", cause.count, cause.cause))
            .collect();
        if count.causes.len() > CAUSES {
            causes.push(format!("{} more", count.causes.len() - CAUSES));
        }
        let name = |name: &Option<String>| {
            name.as_deref().map_or_else(dash, |name| terminal(name).to_string())
        };
        let last = count.newest.and_then(|newest| age(newest, now));
        let cells = [name(&count.name), count.incidents.to_string(), last.unwrap_or_else(dash)];
        table.add_row(row(name(&count.namespace), cells, causes.join(", ")));
    }
    let mut text = table::text(&table);
    let shown = top.counts.len();
    if headers && usize::try_from(top.groups).is_ok_and(|groups| groups > shown) {
        let _ = writeln!(
            text,
            "{shown} of {} shown; {} incidents in all since {}",
            top.groups,
            top.incidents,
            time(top.since)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use coroner_core::incident::Cause;

    use super::*;
    use crate::top::{CauseCount, Count};

    #[test]
    fn rows_fit_eighty_columns_and_name_what_is_left_out() {
        let now: Timestamp = "2026-01-02T12:00:00Z".parse().unwrap();
        let count = |name: Option<&str>, incidents, causes: &[(Cause, u64)]| Count {
            name: name.map(str::to_owned),
            namespace: name.map(|_| "prod".to_owned()),
            incidents,
            newest: "2026-01-02T11:57:00Z".parse().ok(),
            causes: causes
                .iter()
                .map(|(cause, count)| CauseCount { cause: *cause, count: *count })
                .collect(),
        };
        let all = Top {
            since: "2026-01-01T12:00:00Z".parse().unwrap(),
            until: None,
            incidents: 60,
            groups: 7,
            counts: vec![
                count(
                    Some("Deployment/web"),
                    41,
                    &[
                        (Cause::ContainerMemoryLimit, 39),
                        (Cause::LivenessProbe, 1),
                        (Cause::Crash, 1),
                    ],
                ),
                count(Some("Pod/\u{1b}[2J"), 2, &[(Cause::Unknown, 2)]),
                count(None, 1, &[(Cause::SystemOutOfMemory, 1)]),
            ],
        };
        let columns = Columns { width: Some(80), headers: true, namespaces: true };
        let text = top(&all, By::Workload, now, columns);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        let words: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[0], ["NAMESPACE", "WORKLOAD", "INCIDENTS", "LAST", "CAUSES"]);
        assert_eq!(words[1][..5], ["prod", "Deployment/web", "41", "3m", "39"]);
        assert!(text.contains("Pod/\\x1b[2J") && text.contains("\n-  "), "{text}");
        assert!(
            text.ends_with("3 of 7 shown; 60 incidents in all since 2026-01-01T12:00:00Z\n"),
            "{text}"
        );
        let bare = Columns { headers: false, ..columns };
        assert!(top(&all, By::Cause, now, bare).starts_with("prod"));
    }
}
