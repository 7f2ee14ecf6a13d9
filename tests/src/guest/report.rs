//! What a run prints: every case that is wrong with its answers, the table, and at the very end the same once more in a
//! line each, for whoever sees the end only.

use super::cases;
use super::judge::{self, Judgement};
use super::table::{self, Column};

/// So many answers are printed of a case that is wrong; `--keep` has them all.
const SHOWN: usize = 3;

/// Lines at the end, and characters in each.
const LINES_MAX: usize = 40;
const LINE_MAX: usize = 300;

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// For people: what is wrong, the table, and what is wrong in short.
    pub text: String,
    /// Whether everything was shown and is right.
    pub right: bool,
}

/// Draws it up. `missing` is what could not even be begun.
#[must_use]
pub fn report(columns: &[Column], missing: &[String], seconds: u64) -> Report {
    let mut text = String::new();
    let mut short: Vec<String> = Vec::new();
    for why in missing {
        text.push_str(&format!("*** NOT SHOWN: {why}\n"));
        short.push(format!("NOT SHOWN: {why}"));
    }
    let (mut passed, mut open, mut failed, mut lost) = (0, 0, missing.len(), 0);
    for column in columns {
        let boot = column.boot.name();
        for judgement in &column.judgements {
            let case = &judgement.case;
            let known = cases::open(case, column.boot.without.off());
            match (judgement, known) {
                (Judgement { wrong, .. }, _) if wrong.is_empty() => {
                    passed += 1;
                    continue;
                }
                (Judgement { lost: true, wrong, .. }, _) => {
                    lost += 1;
                    text.push_str(&format!("\n{boot} {case}: NOT SHOWN\n"));
                    // The cases of a guest that is lost are all lost for the reason that stands last.
                    if case == judge::BETWEEN || column.judgements.iter().any(|j| !j.lost) {
                        short.extend(wrong.iter().map(|why| format!("{boot}: NOT SHOWN: {why}")));
                    }
                }
                (_, Some(known)) => {
                    open += 1;
                    text.push_str(&format!("\n{boot} {case}: open, because {}\n", known.why));
                }
                (_, None) => {
                    failed += 1;
                    text.push_str(&format!("\n{boot} {case}: WRONG\n"));
                    short.push(format!("{boot} {case}: {}", in_short(judgement)));
                }
            }
            for wrong in &judgement.wrong {
                text.push_str(&format!("  {wrong}\n"));
            }
            for incident in judgement.incidents.iter().take(SHOWN) {
                text.push_str(&format!("  answered: {incident}\n"));
            }
            if judgement.incidents.len() > SHOWN {
                text.push_str(&format!("  ... {} answers in all\n", judgement.incidents.len()));
            }
        }
    }
    for column in columns.iter().filter(|column| column.times > 1) {
        let (boot, times) = (column.boot.name(), column.times);
        short.push(format!(
            "{boot}: the emulated machine did not work, so it was booted {times} times"
        ));
    }
    let boots = columns.len();
    let table = table::draw(columns);
    text.push_str(&format!("\n{table}\n{boots} boots, {seconds} s, {open} open\n"));
    failed += lost;
    text.push_str(&format!("guests: {passed} passed, {failed} failed, {lost} of them not shown\n"));
    for line in short.iter().take(LINES_MAX) {
        text.push_str(&format!("  {}\n", cut(line)));
    }
    if short.len() > LINES_MAX {
        text.push_str(&format!("  ... and {} more\n", short.len() - LINES_MAX));
    }
    Report { text, right: failed == 0 && passed > 0 }
}

/// What was expected and what was found. The sentences of a judgement say both where an answer differs; what they are
/// about is told by the answers.
fn in_short(judgement: &Judgement) -> String {
    let found: Vec<String> = judgement.incidents.iter().map(judge::headline).collect();
    let found = if found.is_empty() { "no incident".to_owned() } else { found.join(" / ") };
    format!("{}; found: {found}", judgement.wrong.join("; "))
}

fn cut(line: &str) -> String {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LINE_MAX) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line,
    }
}
