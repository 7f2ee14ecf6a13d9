//! The table case x kernel.

use std::fmt::Write as _;

use super::cases;
use super::judge::{BETWEEN, Judgement};
use super::plan::{Boot, Without};

/// What came of one boot.
#[derive(Debug)]
pub struct Column {
    /// Which boot.
    pub boot: Boot,
    /// Its cases.
    pub judgements: Vec<Judgement>,
    /// How often it was booted: more than once where the emulated machine did not work, and this is of the last time.
    pub times: u32,
}

/// Draws it: one row for each case, one column for each kernel with each hierarchy and each source that is off.
#[must_use]
pub fn draw(columns: &[Column]) -> String {
    let mut heads: Vec<Head> = Vec::new();
    for column in columns {
        let head = head(&column.boot);
        if !heads.contains(&head) {
            heads.push(head);
        }
    }
    let mut text = String::new();
    for (label, part) in [("kernel", 0), ("cgroup", 1), ("without", 2)] {
        let cells = heads.iter().map(|h| [&h.0, &h.1, &h.2][part].clone());
        let _ = writeln!(text, "{label:<20}{}", row(cells));
    }
    for case in cases::all().map(|c| c.name).chain([BETWEEN]) {
        let cells = heads.iter().map(|h| {
            let own: Vec<&Judgement> = columns
                .iter()
                .filter(|c| head(&c.boot) == *h)
                .flat_map(|c| &c.judgements)
                .filter(|j| j.case == case)
                .collect();
            match own.iter().any(|j| !j.wrong.is_empty()) {
                _ if own.is_empty() => "-",
                true if own.iter().any(|j| j.lost) => "lost",
                false => "right",
                true if cases::open(case, h.3.off()).is_some() => "open",
                true => "WRONG",
            }
            .to_owned()
        });
        let cells: Vec<String> = cells.collect();
        if cells.iter().any(|c| c != "-") {
            let _ = writeln!(text, "{case:<20}{}", row(cells));
        }
    }
    text
}

/// Kernel, hierarchy, what is off by name, what is off.
type Head = (String, String, String, Without);

fn head(boot: &Boot) -> Head {
    let without = match boot.without {
        Without::Nothing => "",
        other => other.name(),
    };
    let version = boot.kernel.version.split(['-', '+', '~']).next().unwrap_or_default();
    (version.to_owned(), boot.hierarchy.name().to_owned(), without.to_owned(), boot.without)
}

fn row(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|c| format!("{c:<13}")).collect();
    cells.concat().trim_end().to_owned()
}
