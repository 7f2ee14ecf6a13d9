//! How each source stands: still to be tried, reading, or not.
//!
//! A source says so itself when it has opened what it reads, or could not; until then nobody knows, and nothing may be
//! claimed. Kept as one number a source, so that whoever asks waits for nobody.
//!
//! A source that reads also says each time its loop comes round, which it does at least once a minute whether anything
//! happens or not. One that has not for long is stuck: it claims to read and does not. What a source cannot open is no
//! such thing, and neither is a collector that is away: starting anew would mend neither.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use coroner_core::finding::Source;

use crate::clock::monotonic_us;

/// Sources that can see a kill by themselves.
const WITNESSES: [Source; 3] = [Source::KernelLog, Source::Cgroup, Source::SignalTrace];

/// Was started and has not said anything yet.
const AWAITED: u8 = 1;
const READING: u8 = 2;
const BLIND: u8 = 3;

/// A source whose loop has not come round for so long is stuck. Three times the longest time between two rounds.
const STUCK_US: u64 = 180_000_000;

/// All sources of an agent. One that was never started is none of them.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    sources: [AtomicU8; Source::ALL.len()],
    /// When each came round last, in microseconds of `CLOCK_MONOTONIC`; 0 for one that was never started.
    turned_us: [AtomicU64; Source::ALL.len()],
}

impl Standing {
    /// A source was started: it will say how it is doing.
    pub(crate) fn started(&self, source: Source) {
        self.set(source, AWAITED);
        self.turn(source, monotonic_us().max(1));
    }

    /// A source reads, or cannot.
    pub(crate) fn said(&self, source: Source, reading: bool) {
        self.set(source, if reading { READING } else { BLIND });
        self.turned(source);
    }

    /// A source's loop has come round. Of one that was never started this says nothing.
    pub(crate) fn turned(&self, source: Source) {
        if self.last_turn(source) != 0 {
            self.turn(source, monotonic_us());
        }
    }

    /// Sources that should be at work and have not come round for long, with commas; empty when all have.
    pub(crate) fn stuck(&self) -> String {
        self.stuck_at(monotonic_us())
    }

    fn stuck_at(&self, now_us: u64) -> String {
        let such = Source::ALL.into_iter().filter(|source| {
            let last = self.last_turn(*source);
            let late = last != 0 && now_us.saturating_sub(last) > STUCK_US;
            late && matches!(self.get(*source), AWAITED | READING)
        });
        such.map(|source| source.to_string()).collect::<Vec<_>>().join(", ")
    }

    /// Whether a source reads.
    pub(crate) fn is_reading(&self, source: Source) -> bool {
        self.get(source) == READING
    }

    /// Whether any source reads that could see a kill.
    pub(crate) fn sees_kills(&self) -> bool {
        WITNESSES.into_iter().any(|source| self.is_reading(source))
    }

    /// Sources that have not said anything yet, with commas; empty when all have.
    pub(crate) fn awaited(&self) -> String {
        self.named(&Source::ALL, AWAITED)
    }

    /// Sources that could see a kill and cannot read, with commas.
    pub(crate) fn blind(&self) -> String {
        self.named(&WITNESSES, BLIND)
    }

    fn named(&self, sources: &[Source], standing: u8) -> String {
        let such = sources.iter().filter(|source| self.get(**source) == standing);
        such.map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    fn get(&self, source: Source) -> u8 {
        self.sources.get(source as usize).map_or(0, |slot| slot.load(Relaxed))
    }

    fn last_turn(&self, source: Source) -> u64 {
        self.turned_us.get(source as usize).map_or(0, |slot| slot.load(Relaxed))
    }

    fn turn(&self, source: Source, at_us: u64) {
        if let Some(slot) = self.turned_us.get(source as usize) {
            slot.store(at_us, Relaxed);
        }
    }

    fn set(&self, source: Source, standing: u8) {
        if let Some(slot) = self.sources.get(source as usize) {
            slot.store(standing, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_stands_for_itself() {
        let standing = Standing::default();
        assert_eq!((standing.awaited(), standing.sees_kills()), (String::new(), false));
        Source::ALL.into_iter().for_each(|source| standing.started(source));
        assert_eq!(standing.awaited().split(", ").count(), Source::ALL.len());
        // That the free blocks are read says nothing of kills.
        standing.said(Source::Fragmentation, true);
        assert!(standing.is_reading(Source::Fragmentation) && !standing.sees_kills());
        Source::ALL.into_iter().for_each(|source| standing.said(source, false));
        assert_eq!((standing.awaited().as_str(), standing.sees_kills()), ("", false));
        assert_eq!(standing.blind(), "kernel log, cgroup, signal trace");
        standing.said(Source::Cgroup, true);
        assert!(standing.sees_kills());
        assert_eq!(standing.blind(), "kernel log, signal trace");
    }

    #[test]
    fn a_source_is_stuck_when_it_should_come_round_and_does_not() {
        let standing = Standing::default();
        standing.started(Source::KernelLog);
        standing.started(Source::Cgroup);
        standing.started(Source::SignalTrace);
        let soon = monotonic_us() + STUCK_US / 2;
        let late = soon + STUCK_US;
        assert_eq!(standing.stuck_at(soon), "");
        // One that never says how it is doing hangs in opening what it reads.
        assert_eq!(standing.stuck_at(late), "kernel log, cgroup, signal trace");
        standing.said(Source::KernelLog, true);
        standing.said(Source::SignalTrace, false);
        assert_eq!(
            standing.stuck_at(late),
            "kernel log, cgroup",
            "what cannot be read is no fault"
        );
        standing.turn(Source::KernelLog, late - 1);
        standing.turn(Source::Cgroup, late - 1);
        assert_eq!(standing.stuck_at(late), "");
        // A recording is played once, and no source is started for it.
        standing.said(Source::LogFile, true);
        standing.turned(Source::LogFile);
        assert_eq!(standing.stuck_at(u64::MAX), "kernel log, cgroup");
    }
}
