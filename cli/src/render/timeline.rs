//! What happened to a pod: a day as a heading, and below it when, who says so, and what.

use std::fmt::Write as _;

use coroner_core::escape::terminal;
use jiff::tz::TimeZone;

use super::wrap::{paragraph, parts_in_lines};
use super::{BOLD, Detail};
use crate::timeline::Timeline;

/// Columns of a time, `12:00:03.412`.
const TIME: usize = 12;

/// Columns of a source at most; a longer one pushes its text to the right.
const SOURCE: usize = 15;

/// Characters of one entry that are shown, unless all are asked for.
const SHORT: usize = 150;

/// The pod as text, lines broken at `width` columns.
pub(crate) fn timeline(timeline: &Timeline, detail: Detail, width: usize) -> String {
    let mut out = String::new();
    let mut head = vec![format!("{} ({})", terminal(&timeline.pod), terminal(&timeline.namespace))];
    head.extend(timeline.nodes.iter().map(|node| terminal(node).to_string()));
    parts_in_lines(&mut out, &head, width);
    if timeline.cut {
        out.push_str("  There is more: what is oldest was not read.\n");
    }
    let containers = timeline.entries.iter().filter_map(|entry| entry.container.as_deref());
    let mut names: Vec<&str> = containers.collect();
    names.sort_unstable();
    names.dedup();
    let mut day = String::new();
    for entry in &timeline.entries {
        let time = match entry.time {
            None => "-".to_owned(),
            Some(time) => {
                let time = time.to_zoned(TimeZone::UTC);
                let of = time.strftime("%Y-%m-%d").to_string();
                if of != day {
                    let _ = writeln!(out, "{BOLD}{of}{BOLD:#}   UTC");
                    day = of;
                }
                let form = if entry.exact { "%H:%M:%S%.3f" } else { "%H:%M:%S" };
                time.strftime(form).to_string()
            }
        };
        let mut what = match &entry.container {
            // A pod with one container needs no names.
            Some(container) if names.len() > 1 => {
                format!("{}: {}", terminal(container), terminal(&entry.what))
            }
            _ => terminal(&entry.what).to_string(),
        };
        if detail == Detail::Short && what.chars().count() > SHORT {
            what = what.chars().take(SHORT).collect::<String>().trim_end().to_owned() + "...";
        } else if let (Detail::Raw, Some(id)) = (detail, &entry.incident) {
            let _ = write!(what, " [{}]", terminal(id));
        }
        let source = terminal(&entry.source).to_string();
        let first = format!("  {time:TIME$}  {source:SOURCE$}  ");
        paragraph(&mut out, &first, 2 + TIME + 2 + SOURCE + 2, &what, width);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::Entry;

    fn entry(time: &str, exact: bool, source: &str, what: &str) -> Entry {
        Entry {
            time: time.parse().ok(),
            exact,
            container: Some("app".to_owned()),
            what: what.to_owned(),
            source: source.to_owned(),
            incident: Some("inc-0011223344556677".to_owned()),
        }
    }

    #[test]
    fn a_life_and_a_death_fit_eighty_columns() {
        let mut all = Timeline {
            namespace: "prod".to_owned(),
            pod: "web-1".to_owned(),
            nodes: vec!["node-2".to_owned()],
            entries: vec![
                entry("2026-01-01T23:59:59Z", false, "pod status", "started"),
                entry(
                    "2026-01-02T12:00:03.412Z",
                    true,
                    "kernel log",
                    "seq 8-9 Memory cgroup out of memory: Killed process 4121 (java)",
                ),
                entry("2026-01-02T12:00:03Z", false, "event (kubelet)", "Unhealthy: \u{1b}[2J"),
            ],
            cut: false,
        };
        let text = anstream::adapter::strip_str(&timeline(&all, Detail::Short, 80)).to_string();
        insta::assert_snapshot!(text, @r"
web-1 (prod)   node-2
2026-01-01   UTC
  23:59:59      pod status       started
2026-01-02   UTC
  12:00:03.412  kernel log       seq 8-9 Memory cgroup out of memory: Killed
                                 process 4121 (java)
  12:00:03      event (kubelet)  Unhealthy: \x1b[2J
");
        all.entries[0].container = Some("sidecar".to_owned());
        all.entries[1].what = "x".repeat(400);
        let text = timeline(&all, Detail::Short, 80);
        assert!(text.contains("sidecar: started") && text.contains("xxx...\n"), "{text}");
        let raw = timeline(&all, Detail::Raw, 80);
        assert!(raw.contains(&"x".repeat(400)) && raw.contains("[inc-0011223344556677]"), "{raw}");
    }
}
