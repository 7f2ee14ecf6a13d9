//! Coverage: what each source missed nothing of, kept so that it can be told.
//!
//! A source says how far it has seen everything, and where it may have missed something. That makes spans: one that
//! grows, and those that a hole ended. They travel with the batches, the growing one each time anew. All are kept on
//! `CLOCK_MONOTONIC`, which nobody sets; when the wall clock is stepped the span ends, because times before and after
//! no longer fit together. What cannot be kept for want of room is forgotten: then less is claimed, never more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use coroner_core::finding::{CoverageSpan, Source};
use jiff::Timestamp;

use crate::clock::Clocks;

/// Spans of one source that ended and are not acknowledged yet.
const ENDED_MAX: usize = 256;

/// Wall clock and monotonic clock may drift apart by this much before it is called a step. NTP slews 0.5 ms a second
/// at most, and the two are compared every few seconds.
const STEP_US: i64 = 500_000;

/// A source that is woken has seen what happened so long ago: traces and counters were measured to come within 16 ms.
const WAKING_US: u64 = 100_000;

/// The span that grows.
#[derive(Clone, Copy, Debug)]
struct Open {
    from_us: u64,
    to_us: u64,
    /// The begin on the wall clock, fixed so that the span keeps its identity.
    from: Timestamp,
    /// Wall clock minus monotonic clock when it began.
    offset_us: i64,
    /// What was told of it last.
    told_us: Option<u64>,
    /// The source is woken for everything it sees: it has seen everything until just now, unless it says otherwise.
    woken: bool,
}

/// A span that ended.
#[derive(Debug)]
struct Ended {
    span: CoverageSpan,
    /// The batch it went with.
    sent: Option<u64>,
}

#[derive(Debug, Default)]
struct Spans {
    open: Option<Open>,
    ended: VecDeque<Ended>,
}

/// The spans of all sources.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    sources: Mutex<BTreeMap<Source, Spans>>,
}

impl Coverage {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Source, Spans>> {
        // Nothing in here panics half-way; a poisoned lock still holds whole values.
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `source` sees everything from `from_us` on, in microseconds of `CLOCK_MONOTONIC`. Within a span this says
    /// nothing new.
    pub(crate) fn begin(&self, source: Source, from_us: u64) {
        self.begin_at(source, from_us, Clocks::now());
    }

    fn begin_at(&self, source: Source, from_us: u64, now: Clocks) {
        let mut sources = self.lock();
        let spans = sources.entry(source).or_default();
        if spans.open.is_none() {
            spans.open = Some(open(from_us, now));
        }
    }

    /// Like [`Coverage::begin`], for a source that is woken for everything it sees and need not say again and again how
    /// far that is: it has seen everything until just now, until it tells of a hole.
    pub(crate) fn begin_woken(&self, source: Source, from_us: u64) {
        self.begin(source, from_us);
        if let Some(open) = self.lock().get_mut(&source).and_then(|spans| spans.open.as_mut()) {
            open.woken = true;
        }
    }

    /// Moves those that are woken on.
    fn until_now(&self, now: Clocks) {
        let woken: Vec<Source> = self
            .lock()
            .iter()
            .filter_map(|(source, spans)| spans.open.filter(|open| open.woken).map(|_| *source))
            .collect();
        for source in woken {
            self.covered_at(source, now.monotonic_us.saturating_sub(WAKING_US), now);
        }
    }

    /// `source` has seen everything up to `until_us`. Without a span that was begun this says nothing.
    pub(crate) fn covered(&self, source: Source, until_us: u64) {
        self.covered_at(source, until_us, Clocks::now());
    }

    fn covered_at(&self, source: Source, until_us: u64, now: Clocks) {
        let mut sources = self.lock();
        let spans = sources.entry(source).or_default();
        let Some(span) = &mut spans.open else { return };
        if (offset(now) - span.offset_us).abs() > STEP_US {
            let woken = span.woken;
            spans.end(source);
            spans.open = Some(Open { woken, ..open(now.monotonic_us, now) });
        } else {
            span.to_us = span.to_us.max(until_us);
        }
    }

    /// `source` may have missed something after `from_us`; `None` where it is not known since when. It sees everything
    /// again from `to_us` on, if it does.
    pub(crate) fn hole(&self, source: Source, from_us: Option<u64>, to_us: Option<u64>) {
        self.hole_at(source, from_us, to_us, Clocks::now());
    }

    fn hole_at(&self, source: Source, from_us: Option<u64>, to_us: Option<u64>, now: Clocks) {
        let mut sources = self.lock();
        let spans = sources.entry(source).or_default();
        let woken = spans.open.is_some_and(|span| span.woken);
        if let (Some(span), Some(from_us)) = (&mut spans.open, from_us) {
            let known = if span.woken { from_us } else { span.to_us.min(from_us) };
            span.to_us = known.max(span.from_us);
        }
        spans.end(source);
        spans.open = to_us.map(|to_us| Open { woken, ..open(to_us, now) });
    }

    /// What to send with batch `sequence`: the spans that ended and were not sent, and those that grew.
    pub(crate) fn take(&self, sequence: u64) -> Vec<CoverageSpan> {
        self.until_now(Clocks::now());
        let mut out = Vec::new();
        for (source, spans) in self.lock().iter_mut() {
            for ended in spans.ended.iter_mut().filter(|ended| ended.sent.is_none()) {
                ended.sent = Some(sequence);
                out.push(ended.span.clone());
            }
            if let Some(open) = &mut spans.open
                && open.has_grown()
            {
                open.told_us = Some(open.to_us);
                out.push(open.span(*source));
            }
        }
        out
    }

    /// Whether [`Coverage::take`] would say anything new.
    pub(crate) fn has_news(&self) -> bool {
        self.until_now(Clocks::now());
        self.lock().values().any(|spans| {
            spans.ended.iter().any(|ended| ended.sent.is_none())
                || spans.open.is_some_and(|open| open.has_grown())
        })
    }

    /// Batches up to `through` are durable.
    pub(crate) fn acknowledge(&self, through: u64) {
        for spans in self.lock().values_mut() {
            spans.ended.retain(|ended| ended.sent.is_none_or(|sent| sent > through));
        }
    }

    /// What was sent and not acknowledged has to be sent again.
    pub(crate) fn rewind(&self) {
        for spans in self.lock().values_mut() {
            for ended in &mut spans.ended {
                ended.sent = None;
            }
            if let Some(open) = &mut spans.open {
                open.told_us = None;
            }
        }
    }

    /// For how long up to now `source` has missed nothing, in microseconds; `None` while it may miss something.
    pub(crate) fn complete_us(&self, source: Source) -> Option<u64> {
        self.until_now(Clocks::now());
        let open = self.lock().get(&source)?.open?;
        Some(open.to_us.saturating_sub(open.from_us))
    }

    /// Whether `source` missed nothing between the two, as far as is known now.
    pub(crate) fn complete(&self, source: Source, from_us: u64, to_us: u64) -> bool {
        self.until_now(Clocks::now());
        self.lock()
            .get(&source)
            .and_then(|spans| spans.open)
            .is_some_and(|open| open.from_us <= from_us && to_us <= open.to_us)
    }
}

impl Spans {
    fn end(&mut self, source: Source) {
        // A span without extent says nothing.
        let Some(open) = self.open.take().filter(|open| open.to_us > open.from_us) else { return };
        if self.ended.len() == ENDED_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back(Ended { span: open.span(source), sent: None });
    }
}

impl Open {
    fn has_grown(&self) -> bool {
        self.to_us > self.told_us.unwrap_or(self.from_us)
    }

    fn span(&self, source: Source) -> CoverageSpan {
        let extent = i64::try_from(self.to_us.saturating_sub(self.from_us)).unwrap_or(i64::MAX);
        let to = self.from.checked_add(jiff::SignedDuration::from_micros(extent));
        CoverageSpan { source, from: self.from, to: to.unwrap_or(self.from) }
    }
}

/// A span that begins.
fn open(from_us: u64, now: Clocks) -> Open {
    let offset_us = offset(now);
    let from = i64::try_from(from_us).ok().and_then(|us| us.checked_add(offset_us));
    let from = from.and_then(|us| Timestamp::from_microsecond(us).ok());
    Open {
        from_us,
        to_us: from_us,
        from: from.unwrap_or_else(|| now.timestamp()),
        offset_us,
        told_us: None,
        woken: false,
    }
}

fn offset(now: Clocks) -> i64 {
    now.realtime_us.saturating_sub(i64::try_from(now.monotonic_us).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
