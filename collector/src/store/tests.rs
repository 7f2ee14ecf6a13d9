//! Durability and refusal, at the store itself.

use coroner_core::finding::{Finding, FindingBody, FindingId, Gap, Source};
use coroner_core::verdict::Case;

use super::*;

const RULES: Rules = Rules { incident_of: |_| None, judge: |_: &Case| None };

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

fn finding(n: u64, reason: &str) -> v1::Finding {
    let gap = Gap {
        source: Source::KernelLog,
        first_lost: Some(n),
        lost: None,
        from: None,
        to: None,
        reason: reason.to_owned(),
    };
    Finding {
        id: FindingId::gap(Source::KernelLog, "b007", n),
        node: "node-1".to_owned(),
        boot_id: "b007".to_owned(),
        time: jiff::Timestamp::UNIX_EPOCH,
        time_uncertainty_us: None,
        source: Source::KernelLog,
        about: None,
        body: FindingBody::Gap(gap),
    }
    .into()
}

async fn submit(
    store: &Store,
    findings: impl IntoIterator<Item = v1::Finding>,
) -> Result<(), Arc<StoreError>> {
    let findings = findings.into_iter().map(|f| store.prepare(f).unwrap()).collect();
    store.submit(batch(findings)).await?.await.unwrap()
}

fn batch(findings: Vec<NewFinding>) -> NewBatch {
    NewBatch { origin: origin(), findings, coverage: Vec::new() }
}

fn origin() -> Arc<Origin> {
    let origin = |node: &str| Origin {
        node: node.to_owned(),
        boot_id: "b007".to_owned(),
        agent_version: "test".to_owned(),
    };
    Arc::new(origin("node-1"))
}

/// Findings in the file, as another process sees them.
fn stored(dir: &Path) -> i64 {
    let db = open::reader(&dir.join("coroner.db")).unwrap();
    db.query_row("SELECT count(*) FROM finding", [], |row| row.get(0)).unwrap()
}

fn end(store: Store, thread: JoinHandle<()>) {
    drop(store);
    thread.join().unwrap();
}

#[tokio::test]
async fn an_answer_means_that_it_is_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (store, thread) = Store::open(dir.path(), RULES, MONTH, Metrics::new()).unwrap();
    for n in 0..20 {
        submit(&store, [finding(n, "")]).await.unwrap();
        assert_eq!(stored(dir.path()), i64::try_from(n).unwrap() + 1);
    }
    end(store, thread);
}

#[tokio::test]
async fn no_answer_comes_before_the_commit() {
    let dir = tempfile::tempdir().unwrap();
    let (store, thread) = Store::open(dir.path(), RULES, MONTH, Metrics::new()).unwrap();
    // Somebody else writes: the commit has to wait, and so has the answer.
    let other = rusqlite::Connection::open(dir.path().join("coroner.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let new = store.prepare(finding(1, "")).unwrap();
    let mut pending = store.submit(batch(vec![new])).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(pending.try_recv().is_err(), "answered without a commit");
    assert_eq!(stored(dir.path()), 0);
    other.execute_batch("COMMIT").unwrap();
    pending.await.unwrap().unwrap();
    assert_eq!(stored(dir.path()), 1);
    end(store, thread);
}

#[tokio::test]
async fn a_finding_is_stored_once_within_a_batch_over_batches_and_over_starts() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let (store, thread) = Store::open(dir.path(), RULES, MONTH, Metrics::new()).unwrap();
        submit(&store, [finding(1, ""), finding(2, ""), finding(1, "")]).await.unwrap();
        submit(&store, [finding(2, "")]).await.unwrap();
        assert_eq!(stored(dir.path()), 2);
        end(store, thread);
    }
}

#[tokio::test]
async fn a_full_disk_is_said_and_nothing_is_half_stored() {
    let dir = tempfile::tempdir().unwrap();
    let metrics = Metrics::new();
    let (store, thread) = Store::start(dir.path(), RULES, MONTH, |opened, changes| {
        Writer::new(opened, RULES, MONTH, metrics.clone(), changes).with_max_pages(40)
    })
    .unwrap();
    submit(&store, [finding(0, "")]).await.unwrap();
    let large = "x".repeat(50_000);
    let error = submit(
        &store,
        [finding(1, ""), finding(2, &large), finding(3, &large), finding(4, &large)],
    )
    .await;
    assert_eq!(
        error.unwrap_err().to_string(),
        format!(
            "database `{}`: cannot store findings: database or disk is full",
            dir.path().join("coroner.db").display()
        )
    );
    assert_eq!(stored(dir.path()), 1);
    assert!(metrics.encode().contains("coroner_commit_failures_total 1\n"));
    // What fits is stored: nothing is left broken by the failure.
    submit(&store, [finding(1, "")]).await.unwrap();
    store.probe().await.unwrap();
    assert_eq!(stored(dir.path()), 2);
    end(store, thread);
}

#[tokio::test]
async fn a_file_locked_for_long_is_said_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (store, thread) = Store::open(dir.path(), RULES, MONTH, Metrics::new()).unwrap();
    let other = rusqlite::Connection::open(dir.path().join("coroner.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = submit(&store, [finding(1, "")]).await.unwrap_err().to_string();
    assert!(error.ends_with("cannot begin to write: database is locked"), "{error}");
    other.execute_batch("COMMIT").unwrap();
    submit(&store, [finding(1, "")]).await.unwrap();
    assert_eq!(stored(dir.path()), 1);
    end(store, thread);
}

#[tokio::test]
async fn what_was_queued_is_stored_before_the_writer_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (store, thread) = Store::open(dir.path(), RULES, MONTH, Metrics::new()).unwrap();
    for n in 0..50 {
        let new = store.prepare(finding(n, "")).unwrap();
        drop(store.submit(batch(vec![new])).await.unwrap());
    }
    end(store, thread);
    assert_eq!(stored(dir.path()), 50);
}

#[tokio::test]
async fn every_list_reads_its_index_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (store, thread) = Store::open(dir.path(), RULES, MONTH, Metrics::new()).unwrap();
    let db = open::reader(&dir.path().join("coroner.db")).unwrap();
    for (sql, values) in crate::query::every_list() {
        let plan: Vec<String> = db
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap()
            .query_map(rusqlite::params_from_iter(values), |row| row.get(3))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(plan.iter().all(|step| step.contains("USING INDEX incident_")), "{sql}: {plan:?}");
    }
    end(store, thread);
}
