//! What is acknowledged is kept, once; what is malformed is named.

use std::time::{Duration, Instant};

use coroner_collector::{Collector, Config};
use coroner_proto::v1::{self, report_request};
use tonic::Code;

use crate::agent::{Agent, collector, config, get, hello, list};
use crate::facts::{BOOT, covered, gap, kill, kill_id, observation, status};
use coroner_core::finding::Source;

#[tokio::test]
async fn a_kill_is_an_incident_when_it_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    Agent::connect(&collector, "node-1").await.report(&[kill("node-1", 7, 0)]).await;
    let found = get(&collector, "pid:7").await.unwrap();
    assert_eq!((found.revision, found.has_older), (1, false));
    let incident = found.incident.unwrap();
    assert_eq!(
        (incident.node.as_str(), incident.cause()),
        ("node-1", v1::Cause::ContainerMemoryLimit)
    );
    collector.shutdown().await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_start_without_an_orderly_end() {
    let dir = tempfile::tempdir().unwrap();
    let first = collector(dir.path()).await;
    Agent::connect(&first, "node-1")
        .await
        .report(&[kill("node-1", 7, 0), kill("node-1", 8, 1)])
        .await;
    // What a SIGKILL leaves: the file and its log as they are now, with no end of any kind.
    let copy = tempfile::tempdir().unwrap();
    for file in ["coroner.db", "coroner.db-wal"] {
        std::fs::copy(dir.path().join(file), copy.path().join(file)).unwrap();
    }
    let second = collector(copy.path()).await;
    assert_eq!(list(&second).await.len(), 2);
    // The agent never heard of it and sends both again, with one that is new.
    let mut agent = Agent::connect(&second, "node-1").await;
    agent.report(&[kill("node-1", 7, 0), kill("node-1", 8, 1), kill("node-1", 9, 2)]).await;
    assert_eq!(list(&second).await.len(), 3);
    assert_eq!(get(&second, "pid:7").await.unwrap().revision, 1);
    first.shutdown().await;
    second.shutdown().await;
}

#[tokio::test]
async fn a_batch_sent_twice_is_stored_once() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    for _ in 0..3 {
        agent.report(&[kill("node-1", 7, 0), kill("node-1", 7, 0)]).await;
    }
    assert_eq!(list(&collector).await.len(), 1);
    assert_eq!(get(&collector, "pid:7").await.unwrap().revision, 1);
    let metrics = crate::web::get(&collector, "/metrics").await;
    assert!(metrics.contains("coroner_findings_ingested_total 1\n"), "{metrics}");
    assert!(metrics.contains("coroner_findings_duplicate_total 5\n"), "{metrics}");
    collector.shutdown().await;
}

#[tokio::test]
async fn later_evidence_revises_a_verdict_and_keeps_the_earlier_one() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    agent.report(&[kill("node-1", 7, 100)]).await;
    agent.report(&[observation("node-1", 7, 101)]).await;
    let found = get(&collector, "pid:7").await.unwrap();
    assert_eq!(
        (found.revision, found.incident.unwrap().summary.as_str()),
        (2, "2 findings, 0 gaps")
    );

    agent.report(&[gap("node-1", 90, 99, 100)]).await;
    let found = get(&collector, "pid:7").await.unwrap();
    let incident = found.incident.unwrap();
    assert_eq!((found.revision, incident.summary.as_str()), (3, "2 findings, 1 gaps"));
    assert_eq!(incident.confidence(), v1::Confidence::Possible);

    // Neither hours away nor on another node.
    agent.report(&[gap("node-1", 95, 7000, 7001)]).await;
    Agent::connect(&collector, "node-2").await.report(&[gap("node-2", 91, 99, 100)]).await;
    assert_eq!(get(&collector, "pid:7").await.unwrap().revision, 3);
    collector.shutdown().await;

    let db = rusqlite::Connection::open(dir.path().join("coroner.db")).unwrap();
    let revisions: Vec<(i64, i64)> = db
        .prepare("SELECT revision, replaced_us FROM incident_revision ORDER BY revision")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(revisions.iter().map(|r| r.0).collect::<Vec<_>>(), [1, 2]);
    assert!(0 < revisions[0].1 && revisions[0].1 <= revisions[1].1, "{revisions:?}");
}

#[tokio::test]
async fn a_case_holds_the_gap_that_came_before_and_the_status_of_that_time() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    let statuses =
        [status("node-1", 0, "early"), status("node-1", 90, "then"), status("node-1", 900, "late")];
    agent.report(&statuses).await;
    agent.report(&[gap("node-1", 90, 99, 100)]).await;
    agent.report(&[kill("node-1", 7, 100)]).await;
    let incident = get(&collector, "pid:7").await.unwrap().incident.unwrap();
    assert_eq!(incident.summary, "1 findings, 1 gaps");
    assert_eq!(incident.explanation, ["then"]);
    collector.shutdown().await;
}

#[tokio::test]
async fn an_observation_that_comes_before_its_kill_waits_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    agent.report(&[observation("node-1", 7, 101)]).await;
    assert!(list(&collector).await.is_empty());
    agent.report(&[kill("node-1", 7, 100)]).await;
    assert_eq!(list(&collector).await[0].summary, "2 findings, 0 gaps");
    collector.shutdown().await;
}

#[tokio::test]
async fn batches_sent_together_are_acknowledged_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    for seq in 0..100 {
        agent.send(&[kill("node-1", seq, 0)]).await;
        if seq % 10 == 9 {
            for n in seq - 9..=seq {
                assert_eq!(agent.acknowledged().await.unwrap(), n + 1);
            }
        }
    }
    assert_eq!(list(&collector).await.len(), 100);
    collector.shutdown().await;
}

/// What the collector says to a hello and one message after it.
async fn refusal(message: report_request::Message) -> (Code, String) {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    agent.say(message).await;
    let status = agent.hear().await.unwrap_err();
    assert!(list(&collector).await.is_empty());
    collector.shutdown().await;
    (status.code(), status.message().to_owned())
}

fn batch(sequence: u64, findings: Vec<v1::Finding>) -> report_request::Message {
    report_request::Message::Batch(v1::Batch { sequence, findings, ..Default::default() })
}

#[tokio::test]
async fn malformed_messages_are_refused_by_field_and_value() {
    let good = || v1::Finding::from(kill("node-1", 1, 0));
    let many = vec![good(); coroner_proto::MAX_BATCH_FINDINGS + 1];
    let cases = [
        (batch(2, vec![]), "field `batch.sequence` is 2, expected 1"),
        (batch(1, many), "field `batch.findings` holds 1001, expected at most 1000"),
        (
            batch(1, vec![good(), v1::Finding { source: 77, ..good() }]),
            "field `batch.findings[1].source` is 77, which is no Source",
        ),
        (
            batch(1, vec![kill("node-2", 1, 0).into()]),
            "field `batch.findings[0].node` is `node-2`, expected `node-1`: an agent reports for its own node only",
        ),
        (
            batch(1, vec![v1::Finding { id: String::new(), ..good() }]),
            "field `batch.findings[0].id` is ``, expected 1 to 512 bytes",
        ),
        (
            batch(1, vec![v1::Finding { boot_id: "x".to_owned(), ..good() }]),
            "field `batch.findings[0].boot_id` is `x`, expected 1 to 64 hex digits and dashes",
        ),
        (
            report_request::Message::Batch(v1::Batch {
                sequence: 1,
                findings: vec![good()],
                coverage: vec![v1::CoverageSpan::default()],
                ..Default::default()
            }),
            "field `batch.coverage[0].source` is 0, which is no Source",
        ),
        (report_request::Message::Hello(hello("node-1")), "a second hello on one stream"),
    ];
    for (message, expected) in cases {
        assert_eq!(refusal(message).await, (Code::InvalidArgument, expected.to_owned()));
    }
    let huge = v1::Finding { id: "x".repeat(coroner_proto::MAX_MESSAGE_BYTES), ..good() };
    let (code, message) = refusal(batch(1, vec![huge])).await;
    assert_eq!(code, Code::InvalidArgument);
    assert!(message.starts_with("a message cannot be read: "), "{message}");
}

#[tokio::test]
async fn nothing_is_taken_before_a_good_hello() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::silent(&collector).await;
    agent.say(batch(1, vec![kill("node-1", 1, 0).into()])).await;
    let status = agent.hear().await.unwrap_err();
    assert_eq!(status.message(), "the first message of a stream must be a hello");

    let mut agent = Agent::silent(&collector).await;
    let bad = v1::Hello { protocol_version: 2, ..hello("node-1") };
    agent.say(report_request::Message::Hello(bad)).await;
    let status = agent.hear().await.unwrap_err();
    assert_eq!(status.message(), "field `hello.protocol_version` is 2, expected 1");
    assert!(list(&collector).await.is_empty());
    collector.shutdown().await;
}

#[tokio::test]
async fn the_end_comes_within_a_second_although_streams_are_open() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agents = Vec::new();
    for n in 0..20 {
        agents.push(Agent::connect(&collector, &format!("node-{n}")).await);
    }
    let silent = Agent::silent(&collector).await;
    agents[0].report(&[kill("node-0", 7, 0)]).await;
    let begin = Instant::now();
    collector.shutdown().await;
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    assert_eq!(agents[0].hear().await.unwrap_err().code(), Code::Unavailable);
    drop(silent);
    // Everything is given back: the same directory can be opened at once.
    let again = Collector::start(config(dir.path())).await.unwrap();
    assert_eq!(list(&again).await.len(), 1);
    again.shutdown().await;
}

#[tokio::test]
async fn what_is_too_old_is_deleted_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let first = collector(dir.path()).await;
    let kills: Vec<_> = (0..900).map(|seq| kill("node-1", seq, 0)).collect();
    let mut agent = Agent::connect(&first, "node-1").await;
    for second in 1..4 {
        let span = covered(Source::KernelLog, 0, second * 1000);
        agent.report_with(&kills, &[span]).await;
    }
    first.shutdown().await;

    let short = Config { retention: Duration::from_millis(1), ..config(dir.path()) };
    let second = Collector::start(short).await.unwrap();
    let begin = Instant::now();
    while !list(&second).await.is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(10), "still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    second.shutdown().await;
    let db = rusqlite::Connection::open(dir.path().join("coroner.db")).unwrap();
    for table in ["finding", "incident", "incident_pid", "incident_revision", "coverage", "node"] {
        let left: i64 =
            db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

#[tokio::test]
async fn a_taken_port_and_a_used_directory_are_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let first = collector(dir.path()).await;
    let taken = Config { grpc_addr: first.grpc_addr(), ..config(dir.path()) };
    let error = Collector::start(taken).await.unwrap_err().to_string();
    assert!(
        error
            .starts_with(&format!("--grpc-addr {} is taken by another process", first.grpc_addr())),
        "{error}"
    );
    let error = Collector::start(config(dir.path())).await.unwrap_err().to_string();
    assert!(error.contains("is in use by another collector"), "{error}");
    first.shutdown().await;
}

#[test]
fn ids_here_are_unlike_over_nodes() {
    assert_ne!(kill_id("node-1", 1), kill_id("node-2", 1));
    assert!(kill_id("node-1", 1).0.contains(BOOT));
}
