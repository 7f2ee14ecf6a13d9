//! How each source stands: still to be tried, reading, or not.
//!
//! A source says so itself when it has opened what it reads, or could not; until then nobody knows, and nothing may be
//! claimed. Kept as one number a source, so that whoever asks waits for nobody.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use coroner_core::finding::Source;

/// Sources that can see a kill by themselves.
const WITNESSES: [Source; 3] = [Source::KernelLog, Source::Cgroup, Source::SignalTrace];

/// Was started and has not said anything yet.
const AWAITED: u8 = 1;
const READING: u8 = 2;
const BLIND: u8 = 3;

/// All sources of an agent. One that was never started is none of them.
#[derive(Debug, Default)]
pub(crate) struct Standing([AtomicU8; Source::ALL.len()]);

impl Standing {
    /// A source was started: it will say how it is doing.
    pub(crate) fn started(&self, source: Source) {
        self.set(source, AWAITED);
    }

    /// A source reads, or cannot.
    pub(crate) fn said(&self, source: Source, reading: bool) {
        self.set(source, if reading { READING } else { BLIND });
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
        self.0.get(source as usize).map_or(0, |slot| slot.load(Relaxed))
    }

    fn set(&self, source: Source, standing: u8) {
        if let Some(slot) = self.0.get(source as usize) {
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
}
