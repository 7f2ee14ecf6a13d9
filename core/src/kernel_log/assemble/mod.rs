//! Puts lines together to events.
//!
//! All kills run under one lock since 4.2, so reports do not mix; but other lines come between, and rate-limited
//! reports leave kill lines that stand behind an older report's header. A part joins a report only while that report
//! waits for it. What cannot belong to the open report closes it.

mod ends;
mod failures;
mod parts;
mod single;
mod user_space;

use failures::Failure;

use super::Options;
use super::line::{Line, Origin};
use super::message::{self, Message};
use super::open::Open;
use super::recent::{Given, Recent};
use crate::kernel::{KernelEvent, OomReport, ReportEnd, SlabFailure};

/// A report that has not named its victim after this time never will, in microseconds.
const PATIENCE_US: u64 = 120_000_000;
/// Longest message kept in an event, in bytes.
const LONGEST_MESSAGE: usize = 1200;

type Sink<'a> = &'a mut dyn FnMut(KernelEvent);

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    /// A report waits for its victim.
    Collecting(Box<Open>),
    /// A report was given; the rest of its group may follow.
    Given(Box<Given>),
}

/// The state between two lines.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    page_size: u64,
    state: State,
    failure: Option<Failure>,
    slab: Option<SlabFailure>,
    recent: Recent,
    manual: bool,
    last_seq: Option<u64>,
    last_unverified: Option<u32>,
}

impl Assembler {
    pub(super) fn new(options: Options) -> Self {
        Self { page_size: options.page_size.max(1), ..Self::default() }
    }

    /// Whether the next line matters whatever it says.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Collecting(_)) || self.failure.is_some() || self.slab.is_some()
    }

    /// The line that was taken last was made of records up to this one.
    pub(super) fn continued_to(&mut self, seq: u64) {
        self.last_seq = Some(seq);
    }

    /// Takes one line.
    pub(super) fn take(&mut self, line: &Line<'_>, sink: Sink<'_>) {
        if let (Some(seq), Some(last)) = (line.seq, self.last_seq)
            && seq != last.wrapping_add(1)
            && self.is_open()
        {
            self.close("records are missing here", sink);
        }
        self.last_seq = line.seq;
        self.expire(line, sink);
        if self.part(line, &line.text) {
            return;
        }
        match message::classify(&line.text) {
            Some(message) => self.message(line, &line.text, message, sink),
            // One record may hold many lines; a name with a line break in it was recognised above.
            None if line.text.contains('\n') => {
                for text in line.text.split('\n') {
                    if !self.part(line, text)
                        && let Some(message) = message::classify(text)
                    {
                        self.message(line, text, message, sink);
                    }
                }
            }
            None if is_cut_mark(&line.text) => self.close("the text is cut here", sink),
            None => {}
        }
    }

    /// Gives what is open, since nothing that follows belongs to it.
    pub(super) fn close(&mut self, how: &str, sink: Sink<'_>) {
        match std::mem::take(&mut self.state) {
            State::Collecting(open) => {
                let report = open.cut(how);
                // A summary that is printed again names nobody new.
                if !report.victims.iter().any(|victim| self.recent.knows(victim)) {
                    self.give(report, sink);
                }
            }
            State::Given(_) | State::Idle => {}
        }
        self.give_failure(sink);
        if let Some(slab) = self.slab.take() {
            sink(KernelEvent::SlabFailure(slab));
        }
        self.manual = false;
    }

    /// Lines that only mean something inside an open report: rows and statistics.
    fn part(&mut self, line: &Line<'_>, text: &str) -> bool {
        let State::Collecting(open) = &mut self.state else { return false };
        if matches!(line.origin, Origin::User { .. }) {
            return false;
        }
        if text.starts_with('[')
            && let Some(columns) = &open.columns
        {
            if let Some(row) = message::row(text, columns) {
                open.row(&row);
            } else if let Some(pid) = message::row_pid(text) {
                open.listed(pid, None);
            } else {
                return false;
            }
            open.touch(line);
            return true;
        }
        if open.in_stats
            && let Some((key, value)) = message::stat(text)
        {
            open.stat(key, value);
            open.touch(line);
            return true;
        }
        false
    }

    fn message(&mut self, line: &Line<'_>, text: &str, message: Message<'_>, sink: Sink<'_>) {
        if let Origin::User { facility, program } = &line.origin {
            return self.user_space(line, text, *facility, program.as_deref(), &message, sink);
        }
        match message {
            Message::Announced { .. }
            | Message::Killed(_)
            | Message::GroupKill { .. }
            | Message::AlreadyExiting { .. }
            | Message::NoKillable
            | Message::Panic { .. }
            | Message::ManualOom
            | Message::Reaped { .. } => self.report_end(line, text, message, sink),
            Message::PageAllocationFailure { .. }
            | Message::SlabFailure { .. }
            | Message::SlabCache { .. } => {
                self.failure_part(line, text, message, sink);
            }
            Message::Suppressed { .. }
            | Message::Vmalloc { .. }
            | Message::Hardware { .. }
            | Message::Fault { .. }
            | Message::Userspace { .. } => {
                single::event(line, text, &message).into_iter().for_each(sink);
            }
            _ => self.report_part(line, text, message, sink),
        }
    }

    fn give(&mut self, report: OomReport, sink: Sink<'_>) {
        for victim in &report.victims {
            self.recent.add(victim);
        }
        sink(KernelEvent::Oom(Box::new(report)));
    }

    /// The open report, or a new one without a head; `is_next` says that the line begins another report.
    fn collecting(
        &mut self,
        line: &Line<'_>,
        is_next: impl Fn(&Open) -> bool,
        sink: Sink<'_>,
    ) -> &mut Open {
        if let State::Collecting(open) = &self.state
            && (is_next(open) || open.report.end != ReportEnd::Unfinished)
        {
            self.close("another report follows", sink);
        }
        if !matches!(self.state, State::Collecting(_)) {
            self.give_failure(sink);
            self.state = State::Collecting(Box::new(Open::headless(line, self.page_size)));
        }
        let State::Collecting(open) = &mut self.state else { unreachable!("set above") };
        open.touch(line);
        open
    }

    /// Like [`Self::collecting`], for lines that the kernel prints without a head when it keeps heads back.
    fn collecting_kill(
        &mut self,
        line: &Line<'_>,
        is_next: impl Fn(&Open) -> bool,
        sink: Sink<'_>,
    ) -> &mut Open {
        let fresh = !matches!(self.state, State::Collecting(_));
        let open = self.collecting(line, is_next, sink);
        open.report.bare |= fresh;
        open
    }

    /// Ends what has waited too long.
    fn expire(&mut self, line: &Line<'_>, sink: Sink<'_>) {
        if let State::Collecting(open) = &self.state
            && let Some((start, now)) = open.report.position.monotonic_us.zip(line.us)
            && start.abs_diff(now) > PATIENCE_US
        {
            self.close("the log goes on without it", sink);
        }
        self.expire_failure(line, sink);
    }
}

/// `--` of grep, `...`, `(...snipped...)`, `-- Reboot --`: what stands behind has nothing to do with what stood before.
fn is_cut_mark(text: &str) -> bool {
    let text = text.trim();
    // Most lines that nobody understands are names of functions; they need no second look.
    if !text.starts_with(['-', '.', '(', '[', '<', '*', '\u{2026}']) {
        return false;
    }
    let inner = text.trim_matches(['(', ')', '[', ']', '<', '>', ' ', '*']);
    inner == "--"
        || inner.starts_with("-- Boot ")
        || inner.starts_with("-- Reboot ")
        || inner == "\u{2026}"
        || (inner.starts_with("...") && (inner.len() <= 4 || inner.ends_with("...")))
        || (inner.len() < 24 && (inner.contains("snip") || inner.contains("truncated")))
}
