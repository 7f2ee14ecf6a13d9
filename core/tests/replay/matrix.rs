//! The confusion matrix: what it was, what Kubernetes calls it, what the verdict is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use coroner_core::incident::{Cause, Incident};

use super::shown;
use super::truth::Truth;

/// One death or kill with its verdict.
pub(crate) struct Row {
    pub(crate) truth: Truth,
    pub(crate) verdict: Incident,
}

/// The verdict in a cell: `ContainerMemoryLimit (Confirmed)`, `ApplicationExit or ExternalKill (Possible)`.
fn said(incident: &Incident) -> String {
    let mut causes = vec![incident.cause.name()];
    causes.extend(incident.alternatives.iter().map(|cause| cause.name()));
    if incident.cause == Cause::Unknown {
        return "Unknown".to_owned();
    }
    format!("{} ({})", causes.join(" or "), incident.confidence.name())
}

fn reason(truth: &Truth) -> &'static str {
    if truth.reason.is_empty() { "(shows nothing)" } else { truth.reason }
}

/// The whole page.
pub(crate) fn page(rows: &[Row], experiments: usize) -> String {
    let mut out = format!(
        "# Accuracy\n\nThe verdicts on {experiments} recorded runs of a real Kubernetes (1.36, containerd 2.3, cgroup v1 and v2), \
         in which {} deaths and kills were brought about on purpose, so that the truth is known. Each is replayed through the \
         code that a collector runs: kernel log, parser, findings; API objects, records, ends; both joined and judged. No signal \
         trace was recorded in these runs, so who sent a SIGKILL cannot be in their verdicts.\n\nThis page is written by\n\n\
         ```sh\nCORONER_ACCURACY=write cargo test -p coroner-core --test ground_truth\n```\n\nand a test checks that it is \
         current. The truth of each run is written by hand in `core/tests/replay/truth.rs`; the recordings are in \
         `tests/fixtures/kubernetes`.\n\n",
        rows.len()
    );
    let right = rows.iter().filter(|row| is_right(row)).count();
    let open = rows.iter().filter(|row| !is_right(row) && !is_wrong(row)).count();
    let misled = rows.iter().filter(|row| row.truth.disagrees).count();
    let silent = rows.iter().filter(|row| row.truth.reason.is_empty()).count();
    let vague = rows.iter().filter(|row| row.truth.reason == "Error").count();
    let _ = write!(
        out,
        "| | of {} |\n|---|---|\n| one cause, and the right one | {right} |\n| left open: the right one is among those named, or \
         the verdict is `Unknown` | {open} |\n| wrong | {} |\n| Kubernetes says `OOMKilled`, and that end was none | {misled} |\n\
         | Kubernetes says `Error`, which names no cause | {vague} |\n| Kubernetes shows nothing | {silent} |\n\n",
        rows.len(),
        rows.iter().filter(|row| is_wrong(row)).count()
    );
    out.push_str("| what it was | times | Kubernetes says | the verdict |\n|---|---|---|---|\n");
    let truths: BTreeSet<&str> = rows.iter().map(|row| row.truth.cause.name()).collect();
    for truth in truths {
        let ours: Vec<&Row> = rows.iter().filter(|row| row.truth.cause.name() == truth).collect();
        let _ = writeln!(
            out,
            "| {truth} | {} | {} | {} |",
            ours.len(),
            counted(ours.iter().map(|row| reason(&row.truth).to_owned())),
            counted(ours.iter().map(|row| said(&row.verdict)))
        );
    }
    out.push_str(&shown::table(rows));
    out
}

/// `17 × OOMKilled, 8 × (shows nothing)`, the most frequent first.
fn counted(all: impl Iterator<Item = String>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
    let each = counts.into_iter().map(|(what, count)| format!("{count} × {what}"));
    each.collect::<Vec<_>>().join(", ")
}

pub(crate) fn is_right(row: &Row) -> bool {
    row.verdict.cause == row.truth.cause && row.verdict.alternatives.is_empty()
}

/// It names causes, and none of them is the right one.
pub(crate) fn is_wrong(row: &Row) -> bool {
    row.verdict.cause != Cause::Unknown
        && row.verdict.cause != row.truth.cause
        && !row.verdict.alternatives.contains(&row.truth.cause)
}
