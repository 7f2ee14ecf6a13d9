//! One streaming parser for everything the kernel prints about memory deaths.
//!
//! It reads raw `/dev/kmsg` records and text in whatever form a tool printed it. The kernel promises nothing about its
//! wording, and lines may be cut, wrapped, mixed or missing: what is known is given, nothing is invented. Only what
//! the kernel itself wrote is a kill; a record of another facility that reads like one is given as unverified.
//!
//! Time is linear in the input and memory is bounded, whatever the input: while nothing is open, text is searched for
//! a few words without being split into lines; an open report keeps a bounded part of itself.

mod assemble;
mod fields;
mod hosts;
mod journal;
mod line;
mod message;
mod open;
mod pages;
mod prefix;
mod recent;
mod record;
mod scan;
mod syslog;
mod wrap;

use hosts::Hosts;
use line::Line;
use record::Head;
use wrap::Joiner;

use crate::kernel::KernelEvent;

/// Longest line that is read, in bytes; of a longer one the beginning is read and the rest skipped. The kernel's own
/// records are below 1 KiB (8 KiB with escapes); a journal's JSON line has many fields.
const LONGEST_LINE: usize = 256 * 1024;

/// Longest line that is put together from pieces, in bytes.
const LONGEST_PIECES: usize = 8192;

/// How to read a log.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Page size of the machine that printed the log, in bytes: the task table counts in pages. Where a report shows
    /// another one, that one is used.
    pub page_size: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { page_size: 4096 }
    }
}

/// Reads kernel-log records or text and gives [`KernelEvent`]s, each as soon as it is known.
///
/// The first victim of an out-of-memory report is given at once, inside its [`KernelEvent::Oom`]; further victims of
/// the same report (`memory.oom.group`) follow as [`KernelEvent::OomVictim`]. No victim is given twice.
#[derive(Debug)]
pub struct Parser {
    hosts: Hosts,
    /// The first pieces of a line that old kernels hand out in several records.
    pieces: Option<(Head, Vec<u8>, u64)>,
    joiner: Joiner,
    /// A line whose end has not come yet.
    partial: Vec<u8>,
    /// The rest of an overlong line is being skipped.
    overlong: bool,
    lines: u64,
}

impl Parser {
    /// A parser that knows nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            hosts: Hosts::new(options),
            pieces: None,
            joiner: Joiner::default(),
            partial: Vec::new(),
            overlong: false,
            lines: 0,
        }
    }

    /// Takes one raw record, as one `read(2)` of `/dev/kmsg` gives it. Bytes that are no record are ignored.
    pub fn record(&mut self, raw: &[u8], sink: &mut dyn FnMut(KernelEvent)) {
        if let Some((head, body)) = record::parse(raw) {
            self.piece(head, body, 0, sink);
        }
    }

    /// Takes the next bytes of a text in any format, cut anywhere.
    pub fn text(&mut self, chunk: &[u8], sink: &mut dyn FnMut(KernelEvent)) {
        let mut rest = chunk;
        if !self.partial.is_empty() || self.overlong {
            let Some(end) = memchr::memchr(b'\n', rest) else { return self.keep(rest) };
            self.keep(&rest[..end]);
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut self.partial);
            self.overlong = false;
            self.line(&line, sink);
        }
        let Some(last) = memchr::memrchr(b'\n', rest) else { return self.keep(rest) };
        let (whole, tail) = rest.split_at(last + 1);
        self.whole_lines(whole, sink);
        self.keep(tail);
    }

    /// Says that records were lost here: nothing that follows belongs to what came before.
    pub fn lost(&mut self, sink: &mut dyn FnMut(KernelEvent)) {
        self.flush(sink);
        self.hosts.close("records were lost here", sink);
    }

    /// Says that nothing follows for now: gives an open report as far as it is known.
    pub fn finish(&mut self, sink: &mut dyn FnMut(KernelEvent)) {
        self.flush(sink);
        self.hosts.close("the log ends", sink);
    }

    /// True while a report is open, so that a caller may call [`Parser::finish`] when the log falls silent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.hosts.is_open() || self.joiner.is_holding() || self.pieces.is_some()
    }

    fn flush(&mut self, sink: &mut dyn FnMut(KernelEvent)) {
        if !self.partial.is_empty() {
            let line = std::mem::take(&mut self.partial);
            self.line(&line, sink);
        }
        self.overlong = false;
        self.give_pieces(sink);
        let hosts = &mut self.hosts;
        self.joiner.flush(&mut |line| hosts.take(line, sink));
    }

    /// Takes one record, which may be a piece of a line (`number` is that of its line in a text).
    fn piece(&mut self, head: Head, body: &[u8], number: u64, sink: &mut dyn FnMut(KernelEvent)) {
        if head.flag == b'+'
            && let Some((_, text, last)) = &mut self.pieces
            && text.len() + body.len() <= LONGEST_PIECES
        {
            text.extend_from_slice(body);
            *last = head.seq;
            return;
        }
        self.give_pieces(sink);
        if head.flag == b'c' {
            self.pieces = Some((head, body.to_vec(), head.seq));
        } else {
            self.whole(head, body, number, sink);
        }
    }

    fn give_pieces(&mut self, sink: &mut dyn FnMut(KernelEvent)) {
        if let Some((head, text, last)) = self.pieces.take() {
            self.whole(head, &text, 0, sink);
            self.hosts.continued_to(last);
        }
    }

    fn whole(&mut self, head: Head, body: &[u8], number: u64, sink: &mut dyn FnMut(KernelEvent)) {
        if self.hosts.is_open() || scan::find(body).is_some() {
            let line = Line { number, ..prefix::from_record(head, body) };
            self.hosts.take(&line, sink);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LONGEST_LINE.saturating_sub(self.partial.len());
        self.overlong |= bytes.len() > room;
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Lines that end with a line break, all of them whole.
    fn whole_lines(&mut self, mut text: &[u8], sink: &mut dyn FnMut(KernelEvent)) {
        while !text.is_empty() {
            if !self.is_open() {
                let Some(hit) = scan::find(text) else { break };
                let start = memchr::memrchr(b'\n', &text[..hit]).map_or(0, |at| at + 1);
                self.lines += count_lines(&text[..start]);
                text = &text[start..];
            }
            let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
            self.line(&text[..end.min(LONGEST_LINE)], sink);
            text = &text[(end + 1).min(text.len())..];
        }
        self.lines += count_lines(text);
    }

    fn line(&mut self, raw: &[u8], sink: &mut dyn FnMut(KernelEvent)) {
        self.lines += 1;
        if !self.is_open() && scan::find(raw).is_none() {
            return;
        }
        if let Some((head, body)) = record::parse(raw) {
            let hosts = &mut self.hosts;
            self.joiner.flush(&mut |line| hosts.take(line, sink));
            return self.piece(head, body, self.lines, sink);
        }
        let raw = record::lossy(raw);
        let mut line = prefix::strip(&raw);
        line.number = self.lines;
        let hosts = &mut self.hosts;
        self.joiner.push(line, &raw, &mut |line| hosts.take(line, sink));
    }
}

fn count_lines(text: &[u8]) -> u64 {
    u64::try_from(memchr::memchr_iter(b'\n', text).count()).unwrap_or(u64::MAX)
}
