//! Where results and complaints go: standard output and standard error, with colour only where a terminal shows it.
//!
//! `anstream` honours `NO_COLOR` and takes the colour out for files and pipes. A pipe whose reader has gone is an error
//! that [`crate::Error::is_broken_pipe`] tells from others; it never is a panic.

use std::io::{self, StdoutLock, Write};

use anstream::AutoStream;
use clap::ValueEnum;
use coroner_core::escape::terminal;
use coroner_core::incident::Incident;
use coroner_core::node_report::NodeReport;
use serde::Serialize;

use crate::program::Program;

/// How to print an answer. The words are kubectl's, whose default has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For people with wide terminals: more columns, or raw evidence; never cut.
    Wide,
    /// For programs.
    Json,
    /// For programs, and people who like it.
    Yaml,
    /// Only what it is called: `incident/ID`, `node/NAME`.
    Name,
}

/// Widest text for people: longer lines are hard to read.
const WIDEST: usize = 110;

/// Narrower than this nothing can be laid out.
const NARROWEST: usize = 40;

/// Width where there is no terminal.
const DEFAULT_WIDTH: usize = 80;

/// Standard output.
pub(crate) fn stdout() -> AutoStream<StdoutLock<'static>> {
    anstream::stdout().lock()
}

/// How wide text may be.
pub(crate) fn width() -> usize {
    terminal_width().unwrap_or(DEFAULT_WIDTH).clamp(NARROWEST, WIDEST)
}

/// How wide a table may be: all of the terminal, or as wide as it needs.
pub(crate) fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

/// One sentence on standard error. Where that cannot be written there is nobody left to tell.
pub(crate) fn complain(error: &dyn std::fmt::Display) {
    let red = anstyle::Style::new().bold().fg_color(Some(anstyle::AnsiColor::Red.into()));
    let said = Program::this().says(&error.to_string());
    let _ = writeln!(anstream::stderr(), "{red}error:{red:#} {}", terminal(&said));
}

/// A remark on standard error.
pub(crate) fn remark(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", terminal(&Program::this().says(text)));
}

/// JSON for programs: indented, with a newline at the end.
pub(crate) fn json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(io::Error::from)?;
    writeln!(out)?;
    out.flush()
}

/// YAML for programs.
pub(crate) fn yaml(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_yaml_ng::to_string(value).map_err(io::Error::other)?;
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The shape of `list -o json`.
#[derive(Serialize)]
pub(crate) struct Incidents<'a> {
    pub incidents: &'a [Incident],
    pub orderly_left_out: u64,
}

/// The shape of a line of `list --watch -o json` about an incident that is no longer one of those.
#[derive(Serialize)]
pub(crate) struct Withdrawn {
    pub id: String,
    pub merged_into: Option<String>,
}

/// The shape of `nodes -o json`.
#[derive(Serialize)]
pub(crate) struct Nodes<'a> {
    pub nodes: &'a [NodeReport],
}
