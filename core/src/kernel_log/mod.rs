//! One streaming parser for everything the kernel prints about memory deaths.

use crate::kernel::KernelEvent;

/// How to read a log.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Page size of the machine that printed the log, in bytes: the task table counts in pages.
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
    _options: Options,
}

impl Parser {
    /// A parser that knows nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { _options: options }
    }

    /// Takes one raw record, as one `read(2)` of `/dev/kmsg` gives it.
    pub fn record(&mut self, _raw: &[u8], _sink: &mut dyn FnMut(KernelEvent)) {}

    /// Takes the next bytes of a text in any format, cut anywhere.
    pub fn text(&mut self, _chunk: &[u8], _sink: &mut dyn FnMut(KernelEvent)) {}

    /// Says that records were lost here: nothing that follows belongs to what came before.
    pub fn lost(&mut self, _sink: &mut dyn FnMut(KernelEvent)) {}

    /// Says that nothing follows for now: gives an open report as far as it is known.
    pub fn finish(&mut self, _sink: &mut dyn FnMut(KernelEvent)) {}

    /// True while a report is open, so that a caller may call [`Parser::finish`] when the log falls silent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        false
    }
}
