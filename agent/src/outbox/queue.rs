//! The queue itself: what waits by worth, what is on its way, and what had to be given up.

use std::collections::{BTreeMap, VecDeque};

use coroner_core::finding::{FindingBody, Source};
use coroner_core::kernel::KernelEvent;
use coroner_proto::v1;
use jiff::Timestamp;

use crate::position::{Mark, Progress};

/// What goes first when there is no room. In the order of going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    Sample,
    Failure,
    Kill,
    /// Never dropped: there is at most a handful.
    Coverage,
}

impl Worth {
    const ALL: [Self; 4] = [Self::Sample, Self::Failure, Self::Kill, Self::Coverage];

    pub(super) fn of(body: &FindingBody) -> Self {
        match body {
            FindingBody::Gap(_) | FindingBody::SourceStatus(_) => Self::Coverage,
            FindingBody::Cgroups(_)
            | FindingBody::Fragmentation(_)
            | FindingBody::Headroom(_)
            | FindingBody::Pressure(_)
            | FindingBody::Population(_)
            | FindingBody::MemoryVolumes(_) => Self::Sample,
            FindingBody::Node(_) => Self::Failure,
            FindingBody::Sigkill(_)
            | FindingBody::CountedKill(_)
            | FindingBody::ContainerEnd(_) => Self::Kill,
            FindingBody::Kernel(event) => match **event {
                KernelEvent::Oom(_) | KernelEvent::OomVictim(_) | KernelEvent::UserspaceKill(_) => {
                    Self::Kill
                }
                KernelEvent::HardwareMemoryError(_) => Self::Kill,
                KernelEvent::Reaped(_)
                | KernelEvent::Unverified(_)
                | KernelEvent::Suppressed(_) => Self::Sample,
                _ => Self::Failure,
            },
        }
    }
}

/// A finding that waits.
#[derive(Debug)]
pub(super) struct Entry {
    /// Counts all findings, so that those of different worth keep their order.
    pub(super) order: u64,
    pub(super) worth: Worth,
    pub(super) mark: Option<Mark>,
    pub(super) size: usize,
    pub(super) wire: v1::Finding,
}

/// Findings given up since the last that was reported about it.
#[derive(Debug)]
pub(super) struct Dropped {
    pub(super) first: Option<Mark>,
    pub(super) count: u64,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) waiting: [VecDeque<Entry>; Worth::ALL.len()],
    pub(super) flying: VecDeque<(u64, Vec<Entry>)>,
    pub(super) bytes: usize,
    pub(super) order: u64,
    pub(super) next_sequence: u64,
    pub(super) dropped: BTreeMap<Source, Dropped>,
    pub(super) progress: Progress,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.waiting.iter().map(VecDeque::len).sum::<usize>()
            + self.flying.iter().map(|(_, b)| b.len()).sum::<usize>()
    }

    /// Which queue holds the oldest finding.
    pub(super) fn oldest(&self) -> Option<usize> {
        let fronts = self.waiting.iter().enumerate();
        fronts.filter_map(|(i, queue)| queue.front().map(|e| (e.order, i))).min().map(|(_, i)| i)
    }

    /// The hold of the first dropped stays until the gap that tells of it is acknowledged.
    pub(super) fn note_dropped(&mut self, entry: &Entry) {
        let source = v1::Source::try_from(entry.wire.source).ok();
        let source = source.and_then(|s| Source::try_from(s).ok()).unwrap_or(Source::KernelLog);
        let time = wire_time(&entry.wire);
        match self.dropped.entry(source) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(Dropped { first: entry.mark, count: 1, from: time, to: time });
            }
            std::collections::btree_map::Entry::Occupied(mut occupied) => {
                let dropped = occupied.get_mut();
                dropped.count += 1;
                dropped.from = dropped.from.min(time);
                dropped.to = dropped.to.max(time);
                let (keep, free) = match (dropped.first, entry.mark) {
                    (Some(a), Some(b)) => (Some(a.min(b)), Some(a.max(b))),
                    (a, b) => (a.or(b), None),
                };
                dropped.first = keep;
                if let Some(mark) = free {
                    self.progress.release(mark, None);
                }
            }
        }
    }
}

fn wire_time(wire: &v1::Finding) -> Timestamp {
    wire.time
        .as_ref()
        .and_then(|t| Timestamp::new(t.seconds, t.nanos).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
