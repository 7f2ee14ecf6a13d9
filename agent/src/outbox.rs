//! Findings between those who find them and the one who sends them.
//!
//! Bounded in number and bytes. When nobody takes them, the least telling go first (what was read of cgroups, lines
//! that are no kills), kills last, and gaps never; what went is itself reported as a gap. A finding leaves for good
//! when the collector says that it is durable, and only then does the log's acknowledged position pass it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use coroner_core::finding::{Finding, FindingBody, FindingId, Gap, Source};
use coroner_core::kernel::KernelEvent;
use coroner_proto::v1;
use jiff::Timestamp;
use prost::Message as _;
use tokio::sync::Notify;

use crate::metrics::Metrics;
use crate::position::{Mark, Position, Progress};

/// How much may wait. A full report with a large task table has about 10 KiB, an ordinary kill line 300 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub findings: usize,
    pub bytes: usize,
}

impl Default for Bounds {
    /// Ten thousand bare kills or some hundred full reports, and a few MiB at worst.
    fn default() -> Self {
        Self { findings: 10_000, bytes: 4 << 20 }
    }
}

/// What goes first when there is no room. In the order of going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Sample,
    Failure,
    Kill,
    /// Never dropped: there is at most a handful.
    Coverage,
}

impl Worth {
    const ALL: [Self; 4] = [Self::Sample, Self::Failure, Self::Kill, Self::Coverage];

    fn of(body: &FindingBody) -> Self {
        match body {
            FindingBody::Gap(_) | FindingBody::SourceStatus(_) => Self::Coverage,
            FindingBody::Cgroups(_) => Self::Sample,
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
struct Entry {
    /// Counts all findings, so that those of different worth keep their order.
    order: u64,
    worth: Worth,
    mark: Option<Mark>,
    size: usize,
    wire: v1::Finding,
}

/// Findings given up since the last that was reported about it.
#[derive(Debug)]
struct Dropped {
    first: Option<Mark>,
    count: u64,
    from: Timestamp,
    to: Timestamp,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: [VecDeque<Entry>; Worth::ALL.len()],
    flying: VecDeque<(u64, Vec<Entry>)>,
    bytes: usize,
    order: u64,
    next_sequence: u64,
    dropped: BTreeMap<&'static str, (Source, Dropped)>,
    progress: Progress,
}

/// The queue and the acknowledged position, shared by sources and uplink.
#[derive(Debug)]
pub(crate) struct Outbox {
    inner: Mutex<Inner>,
    bounds: Bounds,
    node: String,
    boot_id: String,
    metrics: Arc<Metrics>,
    /// Rings when there is something to send.
    pub filled: Notify,
    /// Rings when findings were acknowledged, for whoever saves the position.
    pub acknowledged: Notify,
}

impl Outbox {
    /// An empty queue that goes on from `position`.
    pub(crate) fn new(
        node: String,
        position: Position,
        bounds: Bounds,
        metrics: Arc<Metrics>,
    ) -> Self {
        let boot_id = position.boot_id.clone();
        let inner =
            Inner { next_sequence: 1, progress: Progress::resume(position), ..Inner::default() };
        Self {
            inner: Mutex::new(inner),
            bounds,
            node,
            boot_id,
            metrics,
            filled: Notify::new(),
            acknowledged: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics half-way; a poisoned lock still holds whole values.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over a finding. `mark` is the place in the log that it keeps from being passed.
    pub(crate) fn push(&self, finding: Finding, mark: Option<Mark>) {
        let worth = Worth::of(&finding.body);
        let wire = v1::Finding::from(finding);
        let size = wire.encoded_len();
        let mut inner = self.lock();
        if let Some(mark) = mark {
            inner.progress.hold(mark);
        }
        inner.order += 1;
        inner.bytes += size;
        let order = inner.order;
        inner.waiting[worth as usize].push_back(Entry { order, worth, mark, size, wire });
        self.make_room(&mut inner);
        self.metrics.set_queued(inner.len());
        drop(inner);
        self.filled.notify_one();
    }

    /// Drops the least telling, oldest first, until the bounds hold.
    fn make_room(&self, inner: &mut Inner) {
        while inner.len() > self.bounds.findings || inner.bytes > self.bounds.bytes {
            let [samples, failures, kills, _] = &mut inner.waiting;
            let Some(entry) =
                samples.pop_front().or_else(|| failures.pop_front()).or_else(|| kills.pop_front())
            else {
                return;
            };
            inner.bytes -= entry.size;
            self.metrics.dropped.add(1);
            inner.note_dropped(&entry);
        }
    }

    /// Takes the next batch: at most so many findings and bytes, but at least one finding if any waits. Gives its
    /// number, counted from 1 over the life of the agent.
    pub(crate) fn take(
        &self,
        max_findings: usize,
        max_bytes: usize,
    ) -> Option<(u64, Vec<v1::Finding>)> {
        let mut inner = self.lock();
        self.report_dropped(&mut inner);
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < max_findings {
            let Some(worth) = inner.oldest() else { break };
            let Some(entry) = inner.waiting[worth].pop_front() else { break };
            if !batch.is_empty() && bytes + entry.size > max_bytes {
                inner.waiting[worth].push_front(entry);
                break;
            }
            bytes += entry.size;
            batch.push(entry);
        }
        if batch.is_empty() {
            return None;
        }
        let sequence = inner.next_sequence;
        inner.next_sequence += 1;
        let wire: Vec<_> = batch.iter().map(|entry| entry.wire.clone()).collect();
        inner.flying.push_back((sequence, batch));
        self.metrics.sent.add(u64::try_from(wire.len()).unwrap_or(0));
        Some((sequence, wire))
    }

    /// Frees all batches up to `through`. Says how many findings that were; an acknowledgement that says nothing new
    /// frees none.
    pub(crate) fn acknowledge(&self, through: u64) -> usize {
        let mut inner = self.lock();
        let mut freed = 0;
        while inner.flying.front().is_some_and(|(sequence, _)| *sequence <= through) {
            let Some((_, batch)) = inner.flying.pop_front() else { break };
            freed += batch.len();
            for entry in batch {
                inner.bytes -= entry.size;
                let kernel = matches!(entry.wire.body, Some(v1::finding::Body::Kernel(_)));
                if let Some(mark) = entry.mark {
                    inner.progress.release(mark, kernel.then_some(FindingId(entry.wire.id)));
                }
            }
        }
        self.metrics.acknowledged.add(u64::try_from(freed).unwrap_or(0));
        self.metrics.set_queued(inner.len());
        drop(inner);
        if freed > 0 {
            self.acknowledged.notify_one();
        }
        freed
    }

    /// Puts back what was sent and not acknowledged, for a new stream. Gives the number of its first batch.
    pub(crate) fn rewind(&self) -> u64 {
        let mut inner = self.lock();
        if let Some((first, _)) = inner.flying.front() {
            inner.next_sequence = *first;
        }
        while let Some((_, batch)) = inner.flying.pop_back() {
            for entry in batch.into_iter().rev() {
                // What was taken is older than all that waits, so the order holds.
                inner.waiting[entry.worth as usize].push_front(entry);
            }
        }
        inner.next_sequence
    }

    /// Gives up the oldest finding on its way, because the collector will never take it.
    pub(crate) fn refuse_first(&self) -> Option<String> {
        let mut inner = self.lock();
        let (sequence, mut batch) = inner.flying.pop_front()?;
        let entry = if batch.is_empty() { None } else { Some(batch.remove(0)) };
        if !batch.is_empty() {
            inner.flying.push_front((sequence, batch));
        }
        let entry = entry?;
        inner.bytes -= entry.size;
        inner.note_dropped(&entry);
        self.metrics.refused.add(1);
        self.metrics.set_queued(inner.len());
        Some(entry.wire.id)
    }

    /// Batches sent and not acknowledged.
    pub(crate) fn flying(&self) -> usize {
        self.lock().flying.len()
    }

    /// Whether nothing waits and nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        let inner = self.lock();
        inner.len() == 0 && inner.dropped.is_empty()
    }

    /// See [`Progress::read`].
    pub(crate) fn read(&self, mark: Mark) {
        self.lock().progress.read(mark);
    }

    /// See [`Progress::hold`].
    pub(crate) fn hold(&self, mark: Mark) {
        self.lock().progress.hold(mark);
    }

    /// See [`Progress::release`].
    pub(crate) fn release(&self, mark: Mark) {
        self.lock().progress.release(mark, None);
    }

    /// How far the log is done with.
    pub(crate) fn position(&self) -> Position {
        self.lock().progress.position().clone()
    }

    /// Turns what was dropped into gap findings, which take its place in holding the position back.
    fn report_dropped(&self, inner: &mut Inner) {
        for (source, dropped) in std::mem::take(&mut inner.dropped).into_values() {
            let first = dropped.first.and_then(|mark| mark.seq.or(mark.monotonic_us));
            let finding = Finding {
                id: FindingId::gap(source, &self.boot_id, first.unwrap_or(0)),
                node: self.node.clone(),
                boot_id: self.boot_id.clone(),
                time: dropped.from,
                time_uncertainty_us: None,
                source,
                body: FindingBody::Gap(Gap {
                    source,
                    first_lost: first,
                    lost: Some(dropped.count),
                    from: Some(dropped.from),
                    to: Some(dropped.to),
                    reason: "the agent gave up findings: its queue was full, or the collector refused them".into(),
                }),
            };
            let wire = v1::Finding::from(finding);
            let size = wire.encoded_len();
            inner.bytes += size;
            inner.order += 1;
            let worth = Worth::Coverage;
            let entry = Entry { order: inner.order, worth, mark: dropped.first, size, wire };
            inner.waiting[worth as usize].push_back(entry);
        }
    }
}

impl Inner {
    fn len(&self) -> usize {
        self.waiting.iter().map(VecDeque::len).sum::<usize>()
            + self.flying.iter().map(|(_, b)| b.len()).sum::<usize>()
    }

    /// Which queue holds the oldest finding.
    fn oldest(&self) -> Option<usize> {
        let fronts = self.waiting.iter().enumerate();
        fronts.filter_map(|(i, queue)| queue.front().map(|e| (e.order, i))).min().map(|(_, i)| i)
    }

    /// The hold of the first dropped stays until the gap that tells of it is acknowledged.
    fn note_dropped(&mut self, entry: &Entry) {
        let (name, source) = match entry.wire.body {
            Some(v1::finding::Body::Cgroups(_)) => ("cgroup", Source::Cgroup),
            _ => ("kernel log", Source::KernelLog),
        };
        let time = wire_time(&entry.wire);
        match self.dropped.entry(name) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert((
                    source,
                    Dropped { first: entry.mark, count: 1, from: time, to: time },
                ));
            }
            std::collections::btree_map::Entry::Occupied(mut occupied) => {
                let dropped = &mut occupied.get_mut().1;
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

#[cfg(test)]
mod tests;
