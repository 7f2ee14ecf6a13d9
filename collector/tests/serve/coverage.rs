//! What sources missed nothing of: kept in one row for a span, and part of every case near it.

use std::path::Path;

use coroner_collector::Collector;
use coroner_core::finding::{Finding, FindingId, Source};
use coroner_proto::v1;

use crate::agent::{Agent, collector, get, list};
use crate::facts::{covered, gap, kill, kill_id, observation, status};

const KMSG: Source = Source::KernelLog;
const TRACE: Source = Source::SignalTrace;

/// The stored spans: source, begin and end in milliseconds after noon.
fn stored(dir: &Path) -> Vec<(String, String, i64, i64)> {
    let db = rusqlite::Connection::open(dir.join("coroner.db")).unwrap();
    let sql = "SELECT node, source, from_us / 1000 - $1, to_us / 1000 - $1 FROM coverage ORDER BY 1, 2, 3";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    db.prepare(sql)
        .unwrap()
        .query_map([crate::facts::NOON * 1000], row)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

/// The verdict's revision and the coverage it was given with.
async fn judged(collector: &Collector, target: &str) -> (u32, Vec<String>) {
    let found = get(collector, target).await.unwrap();
    (found.revision, found.incident.unwrap().remedies)
}

#[tokio::test]
async fn a_span_is_one_row_whose_last_word_counts() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    agent.report_with(&[], &[covered(KMSG, 0, 500), covered(TRACE, 100, 500)]).await;
    agent.report_with(&[], &[covered(KMSG, 0, 900)]).await;
    // Told twice, by a stream that broke before its answer: nothing changes.
    let mut again = Agent::connect(&collector, "node-1").await;
    again.report_with(&[], &[covered(KMSG, 0, 900), covered(KMSG, 1000, 1500)]).await;
    let mut other = Agent::connect(&collector, "node-2").await;
    other.report_with(&[], &[covered(KMSG, 0, 700)]).await;
    // It ended earlier than was thought, and then nothing of it is left.
    other.report_with(&[], &[covered(KMSG, 0, 600)]).await;
    let row =
        |node: &str, source: Source, from, to| (node.to_owned(), source.to_string(), from, to);
    assert_eq!(
        stored(dir.path()),
        [
            row("node-1", KMSG, 0, 900),
            row("node-1", KMSG, 1000, 1500),
            row("node-1", TRACE, 100, 500),
            row("node-2", KMSG, 0, 600),
        ]
    );
    collector.shutdown().await;
}

#[tokio::test]
async fn spans_that_mean_nothing_are_counted_and_hold_nothing_up() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    let future = 100 * 365 * 24 * 3600 * 1000;
    let odd = [covered(KMSG, 500, 0), covered(KMSG, 0, future), covered(TRACE, 0, 1)];
    agent.report_with(&[kill("node-1", 7, 0)], &odd).await;
    assert_eq!(stored(dir.path()).len(), 1);
    assert_eq!(list(&collector).await.len(), 1);
    let metrics = crate::web::get(&collector, "/metrics").await;
    assert!(metrics.contains("coroner_coverage_spans_refused_total 2\n"), "{metrics}");
    collector.shutdown().await;
}

#[tokio::test]
async fn a_case_holds_the_coverage_around_it_and_no_more_as_time_goes_by() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    // Long before: no business of this incident.
    agent.report_with(&[], &[covered(KMSG, 0, 50_000), covered(TRACE, 60_000, 99_000)]).await;
    agent.report_with(&[kill("node-1", 7, 100)], &[covered(KMSG, 60_000, 100_000)]).await;
    let seen = |kmsg: &str, trace: &str| vec![kmsg.to_owned(), trace.to_owned()];
    let first = seen("kernel log 60000..100000", "signal trace 60000..99000");
    assert_eq!(judged(&collector, "pid:7").await, (1, first));
    // It grows over the incident, and the verdict is given anew until its surroundings are past.
    agent
        .report_with(&[], &[covered(KMSG, 60_000, 101_000), covered(TRACE, 60_000, 101_000)])
        .await;
    agent
        .report_with(&[], &[covered(KMSG, 60_000, 105_000), covered(TRACE, 60_000, 104_000)])
        .await;
    // The stamp is good to a millisecond, so the cut is a millisecond later.
    let last = seen("kernel log 60000..102001", "signal trace 60000..102001");
    assert_eq!(judged(&collector, "pid:7").await, (3, last.clone()));
    agent
        .report_with(&[], &[covered(KMSG, 60_000, 900_000), covered(TRACE, 60_000, 900_000)])
        .await;
    assert_eq!(judged(&collector, "pid:7").await, (3, last));
    // Word comes that it ended before the incident after all.
    agent.report_with(&[], &[covered(TRACE, 60_000, 99_500)]).await;
    let (revision, spans) = judged(&collector, "pid:7").await;
    assert_eq!((revision, spans[1].as_str()), (4, "signal trace 60000..99500"));
    // What a gap took is no coverage, and another node's coverage is none of this one's.
    agent.report(&[gap("node-1", 90, 99, 101)]).await;
    let mut other = Agent::connect(&collector, "node-2").await;
    other.report_with(&[], &[covered(Source::Cgroup, 0, 900_000)]).await;
    let (revision, spans) = judged(&collector, "pid:7").await;
    let cut = ["kernel log 60000..98900", "kernel log 101100..102001", "signal trace 60000..99500"];
    assert_eq!((revision, spans), (5, cut.map(str::to_owned).to_vec()));
    collector.shutdown().await;
}

/// Coverage counts once it reaches two seconds beyond the last finding, which may come late: what is told of it by then
/// lies more than two seconds behind the kill.
#[tokio::test]
async fn a_case_is_judged_anew_until_coverage_reaches_beyond_its_last_finding() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    let findings = [kill("node-1", 7, 100), observation("node-1", 7, 101)];
    agent.report_with(&findings, &[covered(KMSG, 60_000, 102_500)]).await;
    let spans = |to: &str| vec![format!("kernel log 60000..{to}")];
    assert_eq!(judged(&collector, "pid:7").await, (1, spans("101001")));
    agent.report_with(&[], &[covered(KMSG, 60_000, 104_000)]).await;
    assert_eq!(judged(&collector, "pid:7").await, (2, spans("103001")));
    agent.report_with(&[], &[covered(KMSG, 60_000, 900_000)]).await;
    assert_eq!(judged(&collector, "pid:7").await, (2, spans("103001")));
    collector.shutdown().await;
}

#[tokio::test]
async fn a_storm_shares_its_surroundings_and_each_takes_its_part() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    let mut findings: Vec<Finding> =
        (0..400).map(|n| kill("node-1", n, i64::try_from(n).unwrap() * 3)).collect();
    findings.extend([status("node-1", -5, "early"), status("node-1", 600, "late")]);
    findings.push(gap("node-1", 9000, 300, 301));
    agent.report_with(&findings, &[covered(KMSG, 0, 450_000)]).await;
    let all = list(&collector).await;
    assert_eq!(all.len(), 400);
    for incident in all {
        let second = incident.time.unwrap().seconds - crate::facts::NOON;
        let gaps = usize::from((290..=311).contains(&second));
        assert_eq!(incident.summary, format!("1 findings, {gaps} gaps"), "{second}");
        let word = if second + 10 >= 600 { "late" } else { "early" };
        assert_eq!(incident.explanation, [word], "{second}");
        assert_eq!(incident.remedies.is_empty(), second - 2 > 450, "{second}");
    }
    collector.shutdown().await;
}

#[tokio::test]
async fn a_status_that_comes_late_changes_the_verdicts_it_is_about() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    agent.report(&[kill("node-1", 7, 100), kill("node-1", 8, 500)]).await;
    let words =
        async |target: &str| get(&collector, target).await.unwrap().incident.unwrap().explanation;
    assert!(words("pid:7").await.is_empty());
    // The first word of a source is all that is known of the time before, too.
    agent.report(&[status("node-1", 300, "first")]).await;
    assert_eq!(
        (words("pid:7").await, words("pid:8").await),
        (vec!["first".to_owned()], vec!["first".to_owned()])
    );
    agent.report(&[status("node-1", 90, "before")]).await;
    assert_eq!(
        (words("pid:7").await, words("pid:8").await),
        (vec!["before".to_owned()], vec!["first".to_owned()])
    );
    agent.report(&[status("node-1", 900, "after")]).await;
    assert_eq!(get(&collector, "pid:7").await.unwrap().revision, 3);
    assert_eq!(get(&collector, "pid:8").await.unwrap().revision, 2);
    collector.shutdown().await;
}

#[tokio::test]
async fn findings_about_an_incident_wait_for_whoever_opens_it_and_count_once() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    let about = |mut finding: Finding, n: u64| {
        finding.id = FindingId(format!("{}:{n}", finding.id.0));
        finding.about = Some(kill_id("node-1", 7));
        finding
    };
    let witnesses: Vec<Finding> =
        (0..3).map(|n| about(status("node-1", 100, "a witness"), n)).collect();
    agent.report(&witnesses).await;
    assert!(list(&collector).await.is_empty());
    agent.report(&[kill("node-1", 7, 100)]).await;
    let found = get(&collector, "pid:7").await.unwrap();
    assert_eq!(
        (found.revision, found.incident.unwrap().summary.as_str()),
        (1, "4 findings, 0 gaps")
    );
    // Many at once are one verdict, not one for each.
    let more: Vec<Finding> = (3..9).map(|n| about(status("node-1", 100, "a witness"), n)).collect();
    agent.report(&more).await;
    agent.report(&more).await;
    let found = get(&collector, "pid:7").await.unwrap();
    assert_eq!(
        (found.revision, found.incident.unwrap().summary.as_str()),
        (2, "10 findings, 0 gaps")
    );
    collector.shutdown().await;
}

#[tokio::test]
async fn nobody_adds_to_what_happened_on_another_node() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    // Before it happened, and after.
    let mut stranger = Agent::connect(&collector, "node-2").await;
    let claim = |n: i64| {
        let mut finding = observation("node-2", 7, n);
        finding.id = FindingId(format!("{}:{n}", finding.id.0));
        finding.about = Some(kill_id("node-1", 7));
        finding
    };
    stranger.report(&[claim(1)]).await;
    Agent::connect(&collector, "node-1").await.report(&[kill("node-1", 7, 100)]).await;
    stranger.report(&[claim(2)]).await;
    let found = get(&collector, "pid:7").await.unwrap();
    assert_eq!(
        (found.revision, found.incident.unwrap().summary.as_str()),
        (1, "1 findings, 0 gaps")
    );
    collector.shutdown().await;
}

#[tokio::test]
async fn a_database_of_version_1_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let db = rusqlite::Connection::open(dir.path().join("coroner.db")).unwrap();
    // As the first version made it.
    db.pragma_update(None, "auto_vacuum", "INCREMENTAL").unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    db.execute_batch(include_str!("../../src/store/schema.sql")).unwrap();
    db.pragma_update(None, "application_id", 0x434f_524e).unwrap();
    db.pragma_update(None, "user_version", 1).unwrap();
    let finding = kill("node-1", 7, 100);
    let body = prost::Message::encode_to_vec(&v1::Finding::from(finding.clone()));
    for (seq, node) in [(1, "node-1"), (2, "node-2"), (3, "node-1")] {
        db.execute(
            "INSERT INTO finding (seq, id, node, boot_id, time_us, source, kind, incident_id, received_us, body)
             VALUES (?1, 'id-' || ?1, ?2, 'b' || ?1, ?3, 'kernel log', 'kernel', NULL, ?3 + ?1, ?4)",
            rusqlite::params![seq, node, jiff::Timestamp::now().as_microsecond(), body],
        )
        .unwrap();
    }
    drop(db);

    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-3").await;
    agent.report_with(&[kill("node-3", 9, 100)], &[covered(KMSG, 0, 900)]).await;
    assert_eq!(list(&collector).await.len(), 1);
    collector.shutdown().await;
    let db = rusqlite::Connection::open(dir.path().join("coroner.db")).unwrap();
    let version: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 5);
    let nodes: Vec<(String, String)> = db
        .prepare("SELECT name, boot_id FROM node ORDER BY name")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let known: Vec<&str> = nodes.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(known, ["node-1", "node-2", "node-3"]);
    assert_eq!((nodes[0].1.as_str(), nodes[1].1.as_str()), ("b3", "b2"));
    assert_eq!(stored(dir.path()).len(), 1);
}
