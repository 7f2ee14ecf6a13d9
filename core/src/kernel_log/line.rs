//! One line of a log, freed of what the tool that printed it put in front.

use std::borrow::Cow;

use crate::kernel::Position;

/// Who wrote a line, as far as the format tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Origin {
    /// The kernel: facility 0, or the `kernel:` of a syslog.
    Kernel,
    /// The format does not tell (plain `dmesg`).
    #[default]
    Untold,
    /// User space: the facility of the record, or the program that a syslog names.
    User { facility: Option<u32>, program: Option<String> },
}

/// A line without its prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Sequence number, raw records only.
    pub(super) seq: Option<u64>,
    /// Microseconds since boot.
    pub(super) us: Option<u64>,
    /// The stamp as printed.
    pub(super) stamp: Option<Cow<'a, str>>,
    /// Which machine, where the format says: one file may hold many machines' lines.
    pub(super) host: Option<Cow<'a, str>>,
    /// Who wrote it.
    pub(super) origin: Origin,
    /// The message.
    pub(super) text: Cow<'a, str>,
    /// Whether anything stood in front at all; a line without may be the rest of a wrapped one.
    pub(super) prefixed: bool,
    /// Number of the line in its text, from 1; 0 for a record.
    pub(super) number: u64,
}

impl Line<'_> {
    /// The line's position, as events carry it.
    pub(super) fn position(&self) -> Position {
        Position {
            seq: self.seq,
            monotonic_us: self.us,
            stamp: self.stamp.as_deref().map(str::to_owned),
            line: self.number,
        }
    }
}
