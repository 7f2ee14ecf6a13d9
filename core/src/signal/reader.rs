//! From the bytes of `trace_pipe` to events.
//!
//! A line is a line only as far as names allow: a process may have a line break in its name, and then one event comes
//! in two or three pieces. What is no whole line is kept and tried again with the next one behind it. Names are too
//! short to forge the 30 bytes that every line begins with.

use super::event::TraceEvent;
use super::line::{Layouts, Name, parse};

/// The longest line that makes sense, in bytes: some 60 before the event, 200 of the event.
const LINE_MAX: usize = 1024;

/// Makes events of text.
#[derive(Debug)]
pub struct Reader {
    layouts: Layouts,
    /// The end of what was fed, as far as it has no line end.
    tail: Vec<u8>,
    /// Lines that are not whole.
    held: Vec<u8>,
    not_understood: u64,
}

impl Reader {
    /// A reader for events that are printed like this.
    #[must_use]
    pub fn new(layouts: Layouts) -> Self {
        Self { layouts, tail: Vec::new(), held: Vec::new(), not_understood: 0 }
    }

    /// Takes what was read and hands on the events in it, in order.
    pub fn feed(&mut self, bytes: &[u8], mut event: impl FnMut(TraceEvent)) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(end);
            rest = behind.get(1..).unwrap_or_default();
            let found = if self.tail.is_empty() {
                self.line(line)
            } else {
                self.tail.extend_from_slice(line);
                let line = std::mem::take(&mut self.tail);
                self.line(&line)
            };
            found.into_iter().for_each(&mut event);
        }
        if self.tail.len() + rest.len() <= LINE_MAX {
            self.tail.extend_from_slice(rest);
        } else {
            self.not_understood += 1;
            self.tail.clear();
        }
    }

    fn line(&mut self, line: &[u8]) -> Option<TraceEvent> {
        if !self.held.is_empty() {
            self.held.push(b'\n');
            self.held.extend_from_slice(line);
            if let Some(event) = parse(&self.held, Name::InColumns, &self.layouts) {
                self.held.clear();
                return Some(event);
            }
        }
        if let Some(event) = parse(line, Name::Anywhere, &self.layouts) {
            // What was held belongs to no event that we know.
            self.not_understood += u64::from(!self.held.is_empty());
            self.held.clear();
            return Some(event);
        }
        if self.held.is_empty() {
            self.held.extend_from_slice(line);
        }
        if self.held.len() > LINE_MAX {
            self.not_understood += 1;
            self.held.clear();
        }
        None
    }

    /// Whether what was fed ends within a line, or with one that makes no sense as yet.
    #[must_use]
    pub fn is_within_a_line(&self) -> bool {
        !self.tail.is_empty() || !self.held.is_empty()
    }

    /// Lines since the last call that made no sense.
    pub fn take_not_understood(&mut self) -> u64 {
        std::mem::take(&mut self.not_understood)
    }
}
