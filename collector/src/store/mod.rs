//! Keeps findings and incidents in one SQLite file.
//!
//! SQLite promises that a commit which returned is on the disk (WAL, `synchronous=FULL`) and that readers see whole
//! commits. On top of that stands one rule: one thread owns the only connection that writes, fed by a bounded queue,
//! and it answers after its commit. Every finding is stored once, by its id; a verdict is stored in the same commit
//! as the findings it rests on. If the file cannot be written, nothing is acknowledged and nothing is lost: the
//! agents keep what they have and come again.

mod cases;
mod coverage;
mod error;
mod join;
mod kubernetes;
mod naming;
mod near;
mod open;
mod reader;
mod recent;
mod retention;
mod rows;
mod surroundings;
mod touched;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use coroner_core::kubernetes::Seen;
use coroner_proto::v1;
use prost::Message as _;
use tokio::sync::{broadcast, mpsc, oneshot};

pub use cases::Rules;
pub(crate) use coverage::{Origin, overlapping as coverage_of, source};
pub use error::StoreError;
pub(crate) use join::part_of;
pub(crate) use kubernetes::of_pod;
pub(crate) use reader::Readers;
pub(crate) use rows::{Changed, NewFinding};
pub(crate) use writer::NewBatch;

use crate::metrics::Metrics;
use writer::{Job, Writer};

/// Batches waiting for the writer. Behind them agents wait by flow control, so this bounds memory: each is at most
/// one message.
const QUEUE: usize = 64;

/// Changes that a watcher may lag behind before it is told to list again.
const WATCH_BACKLOG: usize = 1024;

/// The store: a handle that can be cloned. The writer ends with the last of them.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    jobs: mpsc::Sender<Job>,
    changes: broadcast::Sender<Arc<Changed>>,
    readers: Readers,
    rules: Rules,
    retention: Duration,
}

/// An answer that comes after the commit.
pub(crate) type Pending = oneshot::Receiver<Result<(), Arc<StoreError>>>;

impl Store {
    /// Opens `coroner.db` in `dir` and starts the thread that writes. Blocks while the disk works.
    ///
    /// # Errors
    ///
    /// If the directory cannot be written, is in use, or holds a file that is not ours or newer.
    pub(crate) fn open(
        dir: &Path,
        rules: Rules,
        retention: Duration,
        metrics: Metrics,
    ) -> Result<(Self, JoinHandle<()>), StoreError> {
        Self::start(dir, rules, retention, |opened, changes| {
            Writer::new(opened, rules, retention, metrics, changes)
        })
    }

    fn start(
        dir: &Path,
        rules: Rules,
        retention: Duration,
        writer: impl FnOnce(open::Opened, broadcast::Sender<Arc<Changed>>) -> Writer,
    ) -> Result<(Self, JoinHandle<()>), StoreError> {
        let opened = open::open(dir)?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (changes, _) = broadcast::channel(WATCH_BACKLOG);
        let readers = Readers::new(opened.path.clone());
        let thread = writer::spawn(writer(opened, changes.clone()), queue, dir)?;
        Ok((Self { jobs, changes, readers, rules, retention }, thread))
    }

    /// Makes a finding from the wire ready to be stored.
    ///
    /// # Errors
    ///
    /// If the finding is malformed; the error names the field.
    pub(crate) fn prepare(
        &self,
        finding: v1::Finding,
    ) -> Result<NewFinding, coroner_proto::ConvertError> {
        let bytes = finding.encode_to_vec();
        let finding = finding.try_into()?;
        let incident = (self.rules.incident_of)(&finding);
        Ok(NewFinding { finding, bytes, incident })
    }

    /// Queues a batch, waiting while the queue is full. The answer comes when it is durable, or cannot be.
    ///
    /// # Errors
    ///
    /// If the writer has ended.
    pub(crate) async fn submit(&self, batch: NewBatch) -> Result<Pending, StoreError> {
        let (reply, pending) = oneshot::channel();
        self.send(Job::Batch(batch, reply)).await?;
        Ok(pending)
    }

    /// Queues what was seen of the Kubernetes API. The answer comes when it is durable and joined, or cannot be.
    ///
    /// # Errors
    ///
    /// If the writer has ended.
    pub(crate) async fn observe(&self, seen: Vec<Seen>) -> Result<Pending, StoreError> {
        let (reply, pending) = oneshot::channel();
        self.send(Job::Seen(seen, reply)).await?;
        Ok(pending)
    }

    /// Writes one row and waits until it is durable.
    ///
    /// # Errors
    ///
    /// If that is not possible; the error says why.
    pub(crate) async fn probe(&self) -> Result<(), Arc<StoreError>> {
        let (reply, pending) = oneshot::channel();
        self.send(Job::Probe(reply)).await?;
        pending.await.unwrap_or_else(|_| gone())
    }

    /// Has what is too old deleted, in the background.
    ///
    /// # Errors
    ///
    /// If the writer has ended.
    pub(crate) async fn retain(&self) -> Result<(), StoreError> {
        self.send(Job::Retain).await
    }

    /// Incidents that are created or revised from now on.
    pub(crate) fn watch(&self) -> broadcast::Receiver<Arc<Changed>> {
        self.changes.subscribe()
    }

    /// What questions are asked through.
    pub(crate) fn readers(&self) -> &Readers {
        &self.readers
    }

    /// How long what arrives is kept.
    pub(crate) fn retention(&self) -> Duration {
        self.retention
    }

    async fn send(&self, job: Job) -> Result<(), StoreError> {
        self.jobs.send(job).await.map_err(|_| StoreError::Stopped { thread: "writing" })
    }
}

/// What is said when the writer ended without an answer.
pub(crate) fn gone<T>() -> Result<T, Arc<StoreError>> {
    Err(Arc::new(StoreError::Stopped { thread: "writing" }))
}

#[cfg(test)]
mod tests;
