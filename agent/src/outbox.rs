//! Findings between those who find them and the one who sends them.
//!
//! Bounded in number and bytes. When nobody takes them, the least telling go first (what was read of cgroups, lines
//! that are no kills), kills last, and gaps never; what went is itself reported as a gap. A finding leaves for good
//! when the collector says that it is durable, and only then does the log's acknowledged position pass it.

mod queue;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use coroner_core::finding::{Finding, FindingBody, FindingId, Gap};
use coroner_proto::v1;
use prost::Message as _;
use tokio::sync::Notify;

use crate::coverage::Coverage;
use crate::metrics::Metrics;
use crate::position::{Mark, Position, Progress};
use crate::standing::Standing;
use queue::{Entry, Queue, Worth};

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

/// The queue and the acknowledged position, shared by sources and uplink.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    bounds: Bounds,
    node: String,
    boot_id: String,
    metrics: Arc<Metrics>,
    /// What the sources missed nothing of; it travels with the findings.
    pub coverage: Coverage,
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
        let queue =
            Queue { next_sequence: 1, progress: Progress::resume(position), ..Queue::default() };
        Self {
            queue: Mutex::new(queue),
            bounds,
            node,
            boot_id,
            metrics,
            coverage: Coverage::default(),
            filled: Notify::new(),
            acknowledged: Notify::new(),
        }
    }

    /// How the agent's sources stand.
    pub(crate) fn standing(&self) -> &Standing {
        &self.metrics.standing
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing in here panics half-way; a poisoned lock still holds whole values.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over a finding. `mark` is the place in the log that it keeps from being passed.
    pub(crate) fn push(&self, finding: Finding, mark: Option<Mark>) {
        let worth = Worth::of(&finding.body);
        if let FindingBody::Gap(_) = finding.body {
            self.metrics.gap(finding.source);
        }
        let wire = v1::Finding::from(finding);
        let size = wire.encoded_len();
        let mut queue = self.lock();
        if let Some(mark) = mark {
            queue.progress.hold(mark);
        }
        queue.order += 1;
        queue.bytes += size;
        let order = queue.order;
        queue.waiting[worth as usize].push_back(Entry { order, worth, mark, size, wire });
        self.make_room(&mut queue);
        self.metrics.set_queued(queue.len());
        drop(queue);
        self.filled.notify_one();
    }

    /// Drops the least telling, oldest first, until the bounds hold.
    fn make_room(&self, queue: &mut Queue) {
        while queue.len() > self.bounds.findings || queue.bytes > self.bounds.bytes {
            let [samples, failures, kills, _] = &mut queue.waiting;
            let Some(entry) =
                samples.pop_front().or_else(|| failures.pop_front()).or_else(|| kills.pop_front())
            else {
                return;
            };
            queue.bytes -= entry.size;
            self.metrics.dropped.add(1);
            queue.note_dropped(&entry);
        }
    }

    /// Takes the next batch: at most so many findings and bytes, but at least one finding if any waits. Its number is
    /// counted from 1 over the life of the agent. When `anyway`, what is newly known of coverage is reason enough for
    /// a batch.
    pub(crate) fn take(
        &self,
        max_findings: usize,
        max_bytes: usize,
        anyway: bool,
    ) -> Option<v1::Batch> {
        let mut queue = self.lock();
        self.report_dropped(&mut queue);
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < max_findings {
            let Some(worth) = queue.oldest() else { break };
            let Some(entry) = queue.waiting[worth].pop_front() else { break };
            if !batch.is_empty() && bytes + entry.size > max_bytes {
                queue.waiting[worth].push_front(entry);
                break;
            }
            bytes += entry.size;
            batch.push(entry);
        }
        if batch.is_empty() && !(anyway && self.coverage.has_news()) {
            return None;
        }
        let sequence = queue.next_sequence;
        queue.next_sequence += 1;
        let findings: Vec<_> = batch.iter().map(|entry| entry.wire.clone()).collect();
        queue.flying.push_back((sequence, batch));
        self.metrics.sent.add(u64::try_from(findings.len()).unwrap_or(0));
        let coverage = self.coverage.take(sequence).into_iter().map(Into::into).collect();
        Some(v1::Batch { sequence, findings, coverage, sent: None, heard: None })
    }

    /// Frees all batches up to `through`. Says how many findings that were; an acknowledgement that says nothing new
    /// frees none.
    pub(crate) fn acknowledge(&self, through: u64) -> usize {
        let mut queue = self.lock();
        let mut freed = 0;
        while queue.flying.front().is_some_and(|(sequence, _)| *sequence <= through) {
            let Some((_, batch)) = queue.flying.pop_front() else { break };
            freed += batch.len();
            for entry in batch {
                queue.bytes -= entry.size;
                let kernel = matches!(entry.wire.body, Some(v1::finding::Body::Kernel(_)));
                if let Some(mark) = entry.mark {
                    queue.progress.release(mark, kernel.then_some(FindingId(entry.wire.id)));
                }
            }
        }
        self.coverage.acknowledge(through);
        self.metrics.acknowledged.add(u64::try_from(freed).unwrap_or(0));
        self.metrics.set_queued(queue.len());
        drop(queue);
        if freed > 0 {
            self.acknowledged.notify_one();
        }
        freed
    }

    /// Puts back what was sent and not acknowledged, for a new stream. Gives the number of its first batch.
    pub(crate) fn rewind(&self) -> u64 {
        let mut queue = self.lock();
        self.coverage.rewind();
        if let Some((first, _)) = queue.flying.front() {
            queue.next_sequence = *first;
        }
        while let Some((_, batch)) = queue.flying.pop_back() {
            for entry in batch.into_iter().rev() {
                // What was taken is older than all that waits, so the order holds.
                queue.waiting[entry.worth as usize].push_front(entry);
            }
        }
        queue.next_sequence
    }

    /// Gives up the oldest finding on its way, because the collector will never take it.
    pub(crate) fn refuse_first(&self) -> Option<String> {
        let mut queue = self.lock();
        let (sequence, mut batch) = queue.flying.pop_front()?;
        let entry = if batch.is_empty() { None } else { Some(batch.remove(0)) };
        if !batch.is_empty() {
            queue.flying.push_front((sequence, batch));
        }
        let entry = entry?;
        queue.bytes -= entry.size;
        queue.note_dropped(&entry);
        self.metrics.refused.add(1);
        self.metrics.set_queued(queue.len());
        Some(entry.wire.id)
    }

    /// Batches sent and not acknowledged.
    pub(crate) fn flying(&self) -> usize {
        self.lock().flying.len()
    }

    /// Whether nothing waits and nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        let queue = self.lock();
        queue.len() == 0 && queue.flying.is_empty() && queue.dropped.is_empty()
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
    fn report_dropped(&self, queue: &mut Queue) {
        for (source, dropped) in std::mem::take(&mut queue.dropped) {
            let first = dropped.first.and_then(|mark| mark.seq.or(mark.monotonic_us));
            // Sources without numbers have only the time to tell one gap from the next.
            let time = u64::try_from(dropped.from.as_microsecond()).unwrap_or(0);
            let finding = Finding {
                id: FindingId::gap(source, &self.boot_id, first.unwrap_or(time)),
                node: self.node.clone(),
                boot_id: self.boot_id.clone(),
                time: dropped.from,
                time_uncertainty_us: None,
                source,
                about: None,
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
            queue.bytes += size;
            queue.order += 1;
            let worth = Worth::Coverage;
            let entry = Entry { order: queue.order, worth, mark: dropped.first, size, wire };
            queue.waiting[worth as usize].push_back(entry);
        }
    }
}

#[cfg(test)]
mod tests;
