//! The task table. Its columns changed five times and vendors add their own, so rows are read by the names of the
//! heads. Sizes are in pages, except `pgtables_bytes`. The name is the rest of the line and may hold blanks.

use super::super::fields::leading_signed;
use super::Message;

/// Most columns that are read; mainline has eleven.
const MOST_COLUMNS: usize = 24;

/// What a column means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Column {
    Uid,
    Tgid,
    TotalVm,
    Rss,
    PageTableBytes,
    PageTablePages,
    Swap,
    OomScoreAdj,
    Other,
}

/// Columns that count pages and must be multiplied by the page size.
pub(in super::super) const PAGE_COLUMNS: [Column; 4] =
    [Column::TotalVm, Column::Rss, Column::PageTablePages, Column::Swap];

/// The heads between `[ pid ]` and `name`; none where the line of heads is cut off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Columns(Vec<Column>);

/// One row, sizes still in the units of their columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Row<'a> {
    pub(in super::super) pid: u32,
    pub(in super::super) values: Vec<(Column, i64)>,
    pub(in super::super) comm: &'a str,
}

pub(super) fn title(text: &str) -> Option<Message<'_>> {
    text.starts_with("Tasks state (memory values in pages)").then_some(Message::TableTitle)
}

pub(super) fn header(text: &str) -> Option<Message<'_>> {
    let (pid, rest) = text.strip_prefix('[')?.split_once(']')?;
    (pid.trim() == "pid" && rest.trim_start().starts_with("uid")).then_some(())?;
    if !rest.trim_end().ends_with(" name") {
        // Wrapped or cut off: what the columns mean is not known, whose rows follow is.
        return Some(Message::TableHeader(Columns::default()));
    }
    let columns = rest
        .split_ascii_whitespace()
        .take(MOST_COLUMNS)
        .take_while(|head| *head != "name")
        .map(|head| match head {
            "uid" => Column::Uid,
            "tgid" => Column::Tgid,
            "total_vm" => Column::TotalVm,
            "rss" => Column::Rss,
            "pgtables_bytes" => Column::PageTableBytes,
            "nr_ptes" => Column::PageTablePages,
            "swapents" => Column::Swap,
            "oom_score_adj" => Column::OomScoreAdj,
            _ => Column::Other,
        })
        .collect();
    Some(Message::TableHeader(Columns(columns)))
}

pub(super) fn row<'a>(text: &'a str, columns: &Columns) -> Option<Row<'a>> {
    (!columns.0.is_empty()).then_some(())?;
    let (pid, mut rest) = text.strip_prefix('[')?.split_once(']')?;
    let pid = pid.trim().parse().ok()?;
    let mut values = Vec::with_capacity(columns.0.len());
    for &column in &columns.0 {
        let (value, tail) = signed(rest.trim_start_matches(' '))?;
        (tail.starts_with(' ')).then_some(())?;
        values.push((column, value));
        rest = tail;
    }
    Some(Row { pid, values, comm: rest.strip_prefix(' ').unwrap_or(rest) })
}

/// The pid of a row that is cut off behind it.
pub(super) fn row_pid(text: &str) -> Option<u32> {
    text.strip_prefix('[')?.split_once(']')?.0.trim().parse().ok()
}

fn signed(text: &str) -> Option<(i64, &str)> {
    if let Some((small, rest)) = leading_signed(text) {
        return Some((i64::from(small), rest));
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, &text[digits..]))
}
