//! The one thread that writes, and its queue.
//!
//! A commit costs a wait for the disk whatever its size, so everything that is queued when a commit begins goes into
//! it. Nobody is answered before the commit has returned. A commit that fails is rolled back whole and everybody in
//! it is told, so that each agent sends its batch again.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use coroner_core::finding::{CoverageSpan, FindingBody};
use coroner_core::kubernetes::Seen;
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::{broadcast, mpsc, oneshot};

use super::cases::{self, Fresh, Rules};
use super::coverage::{Origin, Told};
use super::open::Opened;
use super::rows::{self, Changed, NewFinding};
use super::touched::Touched;
use super::{StoreError, kubernetes, near, retention};
use crate::metrics::Metrics;

/// Most findings in one commit: enough to make the wait for the disk cheap, few enough to bound an answer's delay.
const MAX_FINDINGS: usize = 4000;

/// What a writer answers.
pub(super) type Reply = oneshot::Sender<Result<(), Arc<StoreError>>>;

/// What an agent reports at once.
#[derive(Debug)]
pub(crate) struct NewBatch {
    /// Who reports.
    pub(crate) origin: Arc<Origin>,
    /// What was found.
    pub(crate) findings: Vec<NewFinding>,
    /// What the sources missed nothing of.
    pub(crate) coverage: Vec<CoverageSpan>,
}

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    /// Store a batch and judge what it touches.
    Batch(NewBatch, Reply),
    /// Store what was seen of the Kubernetes API and judge what it touches.
    Seen(Vec<Seen>, Reply),
    /// Find out whether anything can be written.
    Probe(Reply),
    /// Begin to delete what is too old.
    Retain,
}

/// What the writing thread owns.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    db: Connection,
    rules: Rules,
    retention: Duration,
    metrics: Metrics,
    changes: broadcast::Sender<Arc<Changed>>,
    /// Something too old may be left.
    retaining: bool,
    /// Something is known of Kubernetes, so there may be something to join with.
    joined: bool,
    /// Held until the thread ends.
    _lock: File,
}

/// What one commit did.
#[derive(Debug, Default)]
struct Outcome {
    new: u64,
    duplicate: u64,
    gaps: u64,
    changed: Vec<Changed>,
}

impl Writer {
    pub(super) fn new(
        opened: Opened,
        rules: Rules,
        retention: Duration,
        metrics: Metrics,
        changes: broadcast::Sender<Arc<Changed>>,
    ) -> Self {
        let Opened { path, writer: db, lock } = opened;
        db.set_prepared_statement_cache_capacity(32);
        // If that cannot be read, nothing can, and the first commit says so.
        let joined = kubernetes::any_stored(&db).unwrap_or(true);
        Self { path, db, rules, retention, metrics, changes, retaining: true, joined, _lock: lock }
    }

    /// Works until nobody can ask any more, and whatever was asked is done.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        loop {
            let first = if self.retaining { jobs.try_recv().ok() } else { jobs.blocking_recv() };
            match first {
                Some(job) => self.group(job, &mut jobs),
                None if jobs.is_closed() && jobs.is_empty() => break,
                None => {}
            }
            if self.retaining {
                self.retain();
            }
        }
        // Without this the next start would have the log to replay; harmless, so failing is too.
        if let Err(e) = self.db.pragma_update(None, "wal_checkpoint", "TRUNCATE") {
            tracing::debug!(error = %e, "no checkpoint at the end");
        }
    }

    /// Takes what is queued besides `first`, and commits all of it at once.
    fn group(&mut self, first: Job, jobs: &mut mpsc::Receiver<Job>) {
        let (mut batches, mut replies, mut findings) = (Vec::new(), Vec::new(), 0);
        let mut seen = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Batch(batch, reply) => {
                    findings += batch.findings.len();
                    batches.push(batch);
                    replies.push(reply);
                }
                Job::Seen(all, reply) => {
                    findings += all.len();
                    seen.extend(all);
                    replies.push(reply);
                }
                Job::Probe(reply) => replies.push(reply),
                Job::Retain => self.retaining = true,
            }
            next = if findings < MAX_FINDINGS { jobs.try_recv().ok() } else { None };
        }
        if replies.is_empty() {
            return;
        }
        let begin = Instant::now();
        self.joined |= !seen.is_empty();
        match self.commit(&batches, &seen) {
            Ok(outcome) => {
                let Outcome { new, duplicate, gaps, changed } = outcome;
                self.metrics.committed(begin.elapsed(), new, duplicate, gaps);
                // Before the answer, so that who has it finds everyone told. Nobody is waited for.
                self.publish(changed);
                answer(replies, &Ok(()));
            }
            Err(e) => {
                tracing::error!(error = %e, findings, "nothing was stored");
                self.metrics.commit_failed();
                answer(replies, &Err(Arc::new(e)));
            }
        }
    }

    /// Stores batches and the verdicts that follow, all or nothing.
    fn commit(&mut self, batches: &[NewBatch], seen: &[Seen]) -> Result<Outcome, StoreError> {
        let path = self.path.clone();
        let failed = |doing| {
            let path = path.clone();
            move |source| StoreError::Sqlite { path, doing, source }
        };
        let now_us = Timestamp::now().as_microsecond();
        let db = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed("begin to write"))?;
        let mut outcome = Outcome::default();
        if batches.is_empty() && seen.is_empty() {
            db.execute(
                "INSERT INTO probe (id, time_us) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET time_us = excluded.time_us",
                params![now_us],
            )
            .map_err(failed("write"))?;
        }
        let mut touched = Touched::default();
        let mut fresh = Fresh::new();
        let mut late = Vec::new();
        let mut told = Told::default();
        for batch in batches {
            told.add(&batch.origin, &batch.coverage);
            for new in &batch.findings {
                if !rows::insert_finding(&db, new, now_us).map_err(failed("store findings"))? {
                    outcome.duplicate += 1;
                    continue;
                }
                outcome.new += 1;
                if let Some(incident) = &new.incident {
                    touched.finding(incident.clone(), &new.finding);
                }
                fresh.insert(new.finding.id.0.as_str(), &new.finding);
                match new.finding.body {
                    FindingBody::Gap(_) => {
                        outcome.gaps += 1;
                        late.push(&new.finding);
                    }
                    FindingBody::SourceStatus(_) => late.push(&new.finding),
                    _ => {}
                }
            }
        }
        let looking = "find the incidents that a late word concerns";
        for finding in late {
            let near = near::near_finding(&db, finding).map_err(failed(looking))?;
            touched.incidents(near, "how its sources were doing");
        }
        for moved in told.store(&db, now_us).map_err(failed("store coverage"))? {
            let near = near::near_coverage(&db, &moved).map_err(failed(looking))?;
            touched.incidents(near, "what was watched without a gap");
        }
        kubernetes::store(&db, seen, &mut touched, now_us)
            .map_err(failed("store what Kubernetes says"))?;
        let joined = self.joined.then(|| self.metrics.clocks());
        outcome.changed =
            cases::rejudge(&db, &path, &self.rules, touched, &fresh, joined.as_ref(), now_us)?;
        db.commit().map_err(failed("commit"))?;
        Ok(outcome)
    }

    /// Tells whoever watches.
    fn publish(&self, changed: Vec<Changed>) {
        for changed in changed {
            match changed.merged_into {
                Some(_) => self.metrics.merged(),
                None => self.metrics.judged(&changed.incident, changed.revision),
            }
            // An error only means that nobody watches.
            let _ = self.changes.send(Arc::new(changed));
        }
    }

    /// Deletes one batch of what is too old.
    fn retain(&mut self) {
        match retention::delete_batch(&mut self.db, self.retention) {
            Ok(deleted) => self.retaining = deleted > 0,
            Err(e) => {
                self.retaining = false;
                tracing::error!(path = %self.path.display(), error = %e, "cannot delete what is too old");
            }
        }
    }

    /// Limits the size of the file, so that a test can fill the disk.
    #[cfg(test)]
    pub(super) fn with_max_pages(self, pages: u32) -> Self {
        self.db.pragma_update(None, "max_page_count", pages).unwrap();
        self
    }
}

fn answer(replies: Vec<Reply>, result: &Result<(), Arc<StoreError>>) {
    for reply in replies {
        // Who does not wait any more has lost its connection and will ask again.
        let _ = reply.send(result.clone());
    }
}

/// Starts the thread.
pub(super) fn spawn(
    writer: Writer,
    jobs: mpsc::Receiver<Job>,
    path: &Path,
) -> Result<std::thread::JoinHandle<()>, StoreError> {
    std::thread::Builder::new()
        .name("store-writer".to_owned())
        .spawn(move || writer.run(jobs))
        .map_err(|source| StoreError::DataDir { path: path.to_owned(), source })
}
