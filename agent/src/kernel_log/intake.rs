//! From records to findings: numbers checked, text parsed, events handed on.
//!
//! Knows nothing of where records come from. The parser may hold a report open over many records; until it is closed
//! the acknowledged position stays before its first line, so that a restart reads it whole again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coroner_core::kernel::KernelEvent;
use coroner_core::kernel_log::{Options, Parser};

use super::record::head;
use super::reporter::{Hole, Reporter};
use super::sequence::Sequence;
use crate::clock::monotonic_us;
use crate::metrics::Metrics;
use crate::position::Mark;

/// The log must be silent for this long before an open report is given as it stands. A slow serial console makes the
/// kernel pause some 10 ms between the lines of one report; a kill itself is never held back by this.
const SILENCE: Duration = Duration::from_millis(500);

/// In a storm kills come at any time; then the groups' counts are a little off until it is over.
const BEGIN_TRIES: usize = 3;

/// Why the numbers of the next records will have a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Unknown,
    Overrun,
    TooLarge,
}

/// The way of records into findings.
#[derive(Debug)]
pub(crate) struct Intake {
    parser: Parser,
    sequence: Sequence,
    /// What becomes of events.
    pub reporter: Reporter,
    metrics: Arc<Metrics>,
    events: Vec<KernelEvent>,
    cause: Cause,
    /// Last record read.
    last: Option<Mark>,
    /// Last record read with no report open, and not yet told to the reporter.
    closed: Option<Mark>,
    last_at: Instant,
    /// When the log was last seen empty, on `CLOCK_MONOTONIC`; `None` before the first time.
    waiting_since: Option<u64>,
    /// The same when the report that is open was opened.
    opened_since: Option<u64>,
    /// The kills that are read now were before the agent's time.
    catching_up: bool,
    kills: usize,
    tries: usize,
}

impl Intake {
    /// Begins behind what `reporter` knows to be acknowledged.
    pub(crate) fn new(reporter: Reporter, metrics: Arc<Metrics>, page_size: u64) -> Self {
        Self {
            parser: Parser::new(Options { page_size }),
            sequence: Sequence::new(reporter.acknowledged().and_then(|mark| mark.seq)),
            reporter,
            metrics,
            events: Vec::new(),
            cause: Cause::Unknown,
            last: None,
            closed: None,
            last_at: Instant::now(),
            waiting_since: None,
            opened_since: None,
            catching_up: true,
            kills: 0,
            tries: 0,
        }
    }

    /// Takes one raw record.
    pub(crate) fn record(&mut self, raw: &[u8]) {
        let mark = head(raw).map(|h| Mark { seq: Some(h.seq), monotonic_us: Some(h.monotonic_us) });
        if let (Some(mark), Some(last)) = (mark, self.last)
            && mark.seq <= last.seq
        {
            // The device was opened again and begins with the oldest record.
            return;
        }
        self.metrics.records_read.add(1);
        if let Some(seq) = mark.and_then(|m| m.seq) {
            let resuming = self.sequence.is_resuming();
            if let Some(lost) = self.sequence.see(seq) {
                self.hole(Some((lost.first, lost.count)), resuming, mark);
            }
        }
        if self.last.is_none() {
            self.reporter.reads_from(mark);
        }
        self.opening();
        let events = &mut self.events;
        self.parser.record(raw, &mut |event| events.push(event));
        self.note(mark);
    }

    /// Takes the next lines of a text whose last line stands at `mark`.
    pub(crate) fn text(&mut self, lines: &[u8], first: Option<Mark>, mark: Option<Mark>) {
        if self.last.is_none() {
            self.reporter.reads_from(first);
        }
        let count = memchr::memchr_iter(b'\n', lines).count();
        self.metrics.records_read.add(u64::try_from(count).unwrap_or(0));
        self.opening();
        let events = &mut self.events;
        self.parser.text(lines, &mut |event| events.push(event));
        self.note(mark);
    }

    /// The kernel says that records were overwritten; their numbers will tell how many.
    pub(crate) fn overrun(&mut self) {
        self.cause = Cause::Overrun;
    }

    /// A record was passed over because it did not fit.
    pub(crate) fn too_large(&mut self) {
        self.metrics.records_too_large.add(1);
        self.cause = Cause::TooLarge;
    }

    /// Records are missing here, and nobody can know how many.
    pub(crate) fn unknown_loss(&mut self, next: Option<Mark>) {
        self.hole(None, self.last.is_none(), next);
    }

    /// Whether the agent is still reading what was there before it.
    pub(crate) fn is_catching_up(&mut self) -> bool {
        self.catching_up && self.reporter.witness().is_some()
    }

    /// Everything that was there before is read: from here on kills are watched as they happen. Called again while
    /// kills came in between, a few times at most.
    pub(crate) fn begin_watching(&mut self) {
        let kills = std::mem::take(&mut self.kills);
        self.tries += 1;
        if self.tries > 1 && (kills == 0 || self.tries > BEGIN_TRIES) {
            self.catching_up = false;
        } else if let Some(witness) = self.reporter.witness() {
            witness.begin();
        }
    }

    /// The log is read to its end. Everything given so far is in the outbox.
    pub(crate) fn drained(&mut self) {
        self.drained_at(monotonic_us());
    }

    /// The log is read to where its end was at `at_us` of `CLOCK_MONOTONIC`.
    pub(crate) fn drained_at(&mut self, at_us: u64) {
        self.waiting_since = Some(at_us);
        self.reporter.read_to_end(at_us);
        self.pass_on();
        self.metrics.set_log_read_until(at_us);
    }

    /// Tells how far the log is read. For the times in between, when the log does not end.
    pub(crate) fn pass_on(&mut self) {
        if let Some(mark) = self.closed.take() {
            self.reporter.read(mark);
        }
    }

    /// When an open report is to be given as it stands.
    pub(crate) fn silent_at(&self) -> Option<Instant> {
        self.parser.is_open().then(|| self.last_at + SILENCE)
    }

    /// Gives an open report as it stands, if the log was silent for long enough or nothing will follow.
    pub(crate) fn finish(&mut self, now: bool) {
        if self.silent_at().is_some_and(|at| now || at <= Instant::now()) {
            let events = &mut self.events;
            self.parser.finish(&mut |event| events.push(event));
            self.give();
            if !self.parser.is_open() {
                self.closed = self.last;
            }
            self.pass_on();
        }
    }

    /// Before a record: a report that is open keeps the bound it was opened with.
    fn opening(&mut self) {
        if !self.parser.is_open() {
            self.opened_since = self.waiting_since;
        }
    }

    /// After a record.
    fn note(&mut self, mark: Option<Mark>) {
        self.give();
        if mark.is_some() {
            self.last = mark;
        }
        let open = self.parser.is_open();
        if open {
            self.last_at = Instant::now();
        } else if mark.is_some() {
            self.closed = mark;
        }
    }

    fn give(&mut self) {
        if self.events.is_empty() {
            return;
        }
        let since = self.opened_since;
        for event in self.events.drain(..) {
            self.kills +=
                usize::from(matches!(event, KernelEvent::Oom(_) | KernelEvent::OomVictim(_)));
            self.reporter.event(event, since);
        }
    }

    fn hole(&mut self, lost: Option<(u64, u64)>, resuming: bool, next: Option<Mark>) {
        let events = &mut self.events;
        self.parser.lost(&mut |event| events.push(event));
        self.give();
        // What was read before the hole is closed by it.
        self.closed = self.last.or(self.closed);
        self.pass_on();
        let reason = match (resuming, std::mem::replace(&mut self.cause, Cause::Unknown)) {
            (true, _) => "the kernel's ring overwrote them while no agent was reading",
            (false, Cause::Overrun) => "the kernel's ring overwrote them before they could be read",
            (false, Cause::TooLarge) => "a record was larger than 8192 bytes and could not be read",
            (false, Cause::Unknown) => "the kernel did not hand them out",
        };
        match lost {
            Some((_, count)) => self.metrics.records_lost.add(count),
            None => self.metrics.gaps_of_unknown_size.add(1),
        }
        let before = self.last.or_else(|| self.reporter.acknowledged());
        let since = self.waiting_since;
        self.reporter.hole(&Hole { lost, before, after: next, reason }, since);
    }
}
