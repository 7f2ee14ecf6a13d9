//! `coroner explain`: any saved kernel log, offline.
//!
//! It reads files or standard input in pieces, so memory does not grow with their size, and says what the log says.
//! Text is printed as it is found, so an endless log can be watched; JSON comes at the end. A file that cannot be a
//! log gets one sentence, and the others are still read.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use coroner_core::explain::Explanation;
use coroner_core::kernel_log::{Options, Parser};

use crate::explain_text::Printer;

/// Bytes read at once.
const PIECE: usize = 256 * 1024;
/// The beginning of a file decides whether it can be text, in bytes.
const SNIFF: usize = PIECE;
/// Progress is shown for files of at least this size in bytes; smaller ones are done before anybody looks.
const SHOW_PROGRESS: u64 = 64 * 1024 * 1024;
/// How often progress is drawn.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Explain a saved kernel log: `dmesg`, journal, syslog, console or raw `/dev/kmsg` records.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sudo dmesg | coroner explain\n  \
    journalctl -k -o json | coroner explain -o json\n  \
    coroner explain /var/log/kern.log console.txt\n\n\
    Exit status: 0 when everything was read, whatever it said; 1 when something could not be read.")]
pub struct Args {
    /// Files to read; `-` is standard input, which is also read when no file is named.
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Page size in bytes of the machine that printed the log; a report that shows another is believed.
    #[arg(long, value_name = "BYTES", default_value_t = 4096, value_parser = page_size)]
    page_size: u64,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

fn page_size(value: &str) -> Result<u64, String> {
    match value.parse::<u64>() {
        Ok(size) if size.is_power_of_two() && (4096..=65_536).contains(&size) => Ok(size),
        _ => Err("expected 4096, 8192, 16384, 32768 or 65536".to_owned()),
    }
}

/// What goes wrong with one input.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be opened or read.
    #[error("cannot read {name}: {source}")]
    Read {
        /// The file as it was named.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("{name} is empty; expected a kernel log{hint}")]
    Empty {
        /// The file as it was named.
        name: String,
        /// What may help.
        hint: &'static str,
    },
    /// It is compressed.
    #[error("{name} is {kind} data, not text; try `{tool} {name} | coroner explain`")]
    Compressed {
        /// The file as it was named.
        name: String,
        /// What it is.
        kind: &'static str,
        /// What unpacks it.
        tool: &'static str,
    },
    /// It is no text.
    #[error("{name} is no text: {found}; expected a kernel log")]
    Binary {
        /// The file as it was named.
        name: String,
        /// What was found instead.
        found: String,
    },
    /// The result cannot be printed.
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
}

/// Reads all files and prints what they say to `out`. Gives the errors of single files; the others are read all the
/// same.
///
/// # Errors
///
/// Only when `out` cannot be written to.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<Vec<Error>, Error> {
    let stdin = [PathBuf::from("-")];
    let files = if args.files.is_empty() { &stdin[..] } else { &args.files };
    let mut all = Explanation::default();
    let mut errors = Vec::new();
    let mut read_any = false;
    for path in files {
        let heading = (files.len() > 1).then(|| name(path));
        let printer = (args.output == Format::Text).then(|| Printer::new(heading));
        match read(path, args, &mut all, printer, out) {
            Ok(()) => read_any = true,
            Err(Error::Write(error)) => return Err(error.into()),
            Err(error) => errors.push(error),
        }
    }
    if args.output == Format::Json && (read_any || errors.is_empty()) {
        serde_json::to_writer_pretty(&mut *out, &all).map_err(io::Error::from)?;
        writeln!(out)?;
    }
    out.flush()?;
    Ok(errors)
}

fn read(
    path: &Path,
    args: &Args,
    all: &mut Explanation,
    mut printer: Option<Printer>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let name = name(path);
    let fail = |source| Error::Read { name: name.clone(), source };
    let (mut input, size): (Box<dyn Read>, Option<u64>) = if path == Path::new("-") {
        (Box::new(io::stdin().lock()), None)
    } else {
        let file = File::open(path).map_err(fail)?;
        let size = file.metadata().map_err(fail)?;
        (Box::new(file), Some(size.len()).filter(|_| size.is_file()))
    };
    let mut progress = Progress::new(&name, size);
    let mut parser = Parser::new(Options { page_size: args.page_size });
    let mut buffer = vec![0; PIECE];
    let mut total = 0u64;
    // The printer keeps its own account so that what was printed can be let go.
    let mut own = Explanation::default();
    loop {
        let length = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(fail(source)),
        };
        let piece = &buffer[..length];
        if total == 0 {
            sniff(&name, piece)?;
        }
        total += u64::try_from(length).unwrap_or(u64::MAX);
        let account = if printer.is_some() { &mut own } else { &mut *all };
        parser.text(piece, &mut |event| account.add(event));
        match &mut printer {
            Some(printer) => printer.print(&mut own, out)?,
            // JSON does not show these; a log may be full of them.
            None => drop(all.take_others()),
        }
        progress.draw(total);
    }
    progress.clear();
    if total == 0 {
        let hint =
            if path == Path::new("-") { " (without root, `dmesg` may print nothing)" } else { "" };
        return Err(Error::Empty { name, hint });
    }
    let account = if printer.is_some() { &mut own } else { &mut *all };
    parser.finish(&mut |event| account.add(event));
    if let Some(mut printer) = printer {
        printer.print(&mut own, out)?;
        printer.end(out)?;
    }
    Ok(())
}

fn name(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        coroner_core::escape::terminal(&path.display().to_string()).to_string()
    }
}

/// Refuses what cannot be a log, by its beginning.
fn sniff(name: &str, start: &[u8]) -> Result<(), Error> {
    const PACKED: [(&[u8], &str, &str); 4] = [
        (b"\x1f\x8b", "gzip", "zcat"),
        (b"\xfd7zXZ\0", "xz", "xzcat"),
        (b"\x28\xb5\x2f\xfd", "zstd", "zstdcat"),
        (b"BZh", "bzip2", "bzcat"),
    ];
    if let Some((_, kind, tool)) = PACKED.into_iter().find(|(magic, _, _)| start.starts_with(magic))
    {
        return Err(Error::Compressed { name: name.to_owned(), kind, tool });
    }
    let start = &start[..start.len().min(SNIFF)];
    // A log that a crash tore may hold a run of zeros; a file that is a third control bytes is no log.
    let is_control =
        |b: &&u8| **b < 0x20 && !matches!(**b, b'\n' | b'\r' | b'\t' | 0x1b | 0x08 | 0x0c);
    let control = start.iter().filter(is_control).count();
    if control * 3 > start.len() {
        let found = format!("{control} of its first {} bytes are control bytes", start.len());
        return Err(Error::Binary { name: name.to_owned(), found });
    }
    Ok(())
}

/// A line on standard error that says how far the reading is; only on a terminal, only for large files.
struct Progress<'a> {
    name: &'a str,
    size: Option<u64>,
    last: Option<Instant>,
    drawn: bool,
}

impl<'a> Progress<'a> {
    fn new(name: &'a str, size: Option<u64>) -> Self {
        let worth_it = size.is_none_or(|size| size >= SHOW_PROGRESS) && io::stderr().is_terminal();
        Self { name, size, last: worth_it.then(Instant::now), drawn: false }
    }

    fn draw(&mut self, done: u64) {
        if self.last.is_none_or(|last| last.elapsed() < PROGRESS_EVERY) {
            return;
        }
        self.last = Some(Instant::now());
        self.drawn = true;
        let done_text = coroner_core::bytes::Bytes(done);
        // Progress is a courtesy: where it cannot be shown, the reading goes on.
        let _ = match self.size.filter(|size| *size > 0) {
            Some(size) => write!(
                io::stderr(),
                "\r\x1b[Kreading {}: {} %",
                self.name,
                done.min(size) * 100 / size
            ),
            None => write!(io::stderr(), "\r\x1b[Kreading {}: {done_text}", self.name),
        };
    }

    fn clear(&mut self) {
        if self.drawn {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
