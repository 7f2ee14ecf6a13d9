//! The stream between a whole agent, fed with a recorded log, and a collector that may misbehave.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod collector;

use std::time::{Duration, Instant};

use collector::{Collector, Manners};
use coroner_agent::{Agent, Config, KernelLogSource};
use coroner_core::finding::FindingBody;

/// One kill at each of so many sequence numbers from 100 on, and a hole of three after every tenth.
fn recording(kills: u64) -> Vec<u8> {
    let mut log = String::new();
    let mut seq = 100;
    for n in 0..kills {
        let pid = 1000 + n;
        log += &format!(
            "3,{seq},{},-;Memory cgroup out of memory: Killed process {pid} (hog) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0\n",
            seq * 1000
        );
        seq += if n % 10 == 9 { 4 } else { 1 };
    }
    log.into_bytes()
}

fn config(url: &str, kills: u64) -> Config {
    let mut config = Config::new("node-1", url);
    config.kernel_log = KernelLogSource::ReplayBytes(recording(kills));
    config
}

fn kills(ids: &[String]) -> usize {
    let mut kills: Vec<_> = ids.iter().filter(|id| id.starts_with("kmsg:")).collect();
    kills.sort();
    kills.dedup();
    kills.len()
}

#[tokio::test]
async fn everything_arrives_with_its_gaps_and_is_acknowledged() {
    let listening = Collector::default().listen("127.0.0.1:0").await;
    let collector = listening.collector.clone();
    let agent = Agent::start(config(&listening.url(), 25)).await.unwrap();
    collector.until("25 kills", |log| log.findings.len() >= 28).await;
    let findings = collector.findings();
    let gaps: Vec<_> = findings
        .iter()
        .filter_map(|f| match &f.body {
            FindingBody::Gap(gap) => Some((gap.first_lost, gap.lost)),
            _ => None,
        })
        .collect();
    assert_eq!(gaps, [(Some(110), Some(3)), (Some(123), Some(3))]);
    assert_eq!(kills(&collector.ids()), 25);
    assert_eq!(collector.ids().len(), 28, "25 kills, two gaps and a status: {:?}", collector.ids());
    let hello = collector.log.lock().unwrap().hellos[0].clone();
    assert_eq!(
        (hello.node.as_str(), hello.first_sequence, hello.protocol_version),
        ("node-1", 1, 1)
    );
    assert!(findings.iter().all(|f| f.node == "node-1" && f.boot_id == hello.boot_id));
    while agent.acknowledged() < 28 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(agent.queued(), 0);
    let begun = Instant::now();
    agent.shutdown().await;
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_collector_that_comes_late_or_hangs_up_gets_everything_once_it_stays() {
    // Takes a port that is then free again: nobody listens there at first.
    let addr = {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        port.local_addr().unwrap()
    };
    let agent = Agent::start(config(&format!("http://{addr}"), 250)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!agent.is_connected());
    let collector = Collector::default();
    collector.manners.lock().unwrap().hang_up_at = Some(2);
    let listening = collector.clone().listen(&addr.to_string()).await;
    collector.until("second stream", |log| log.hellos.len() >= 2).await;
    *collector.manners.lock().unwrap() = Manners { doubled: true, ..Manners::default() };
    collector.until("250 kills", |log| log.findings.len() >= 275).await;
    assert_eq!(kills(&collector.ids()), 250);
    while agent.queued() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let first: Vec<_> =
        collector.log.lock().unwrap().hellos.iter().map(|h| h.first_sequence).collect();
    assert!(first[0] == 1 && first.is_sorted(), "{first:?}");
    agent.shutdown().await;
    listening.kill().await;
}

#[tokio::test]
async fn what_was_acknowledged_is_not_sent_again_after_a_restart_and_the_rest_is() {
    let dir = tempfile::tempdir().unwrap();
    let listening = Collector::default().listen("127.0.0.1:0").await;
    let collector = listening.collector.clone();
    let config =
        || Config { state_dir: Some(dir.path().to_owned()), ..config(&listening.url(), 25) };

    // Nothing is acknowledged: everything comes again.
    collector.manners.lock().unwrap().silent = true;
    let agent = Agent::start(config()).await.unwrap();
    collector.until("25 kills", |log| log.findings.len() >= 28).await;
    agent.shutdown().await;
    collector.log.lock().unwrap().findings.clear();
    collector.manners.lock().unwrap().silent = false;
    let agent = Agent::start(config()).await.unwrap();
    collector.until("25 kills again", |log| log.findings.len() >= 28).await;
    while agent.queued() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    agent.shutdown().await;

    // Everything is acknowledged: nothing but the new start's status comes.
    collector.log.lock().unwrap().findings.clear();
    let agent = Agent::start(config()).await.unwrap();
    collector.until("a status", |log| !log.findings.is_empty()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(kills(&collector.ids()), 0, "{:?}", collector.ids());
    agent.shutdown().await;

    // What is saved is corrupt: it is set aside, said, and everything comes again under the same ids.
    std::fs::write(dir.path().join("position.json"), "{").unwrap();
    collector.log.lock().unwrap().findings.clear();
    let agent = Agent::start(config()).await.unwrap();
    collector.until("25 kills once more", |log| log.findings.len() >= 28).await;
    assert_eq!(kills(&collector.ids()), 25);
    let told = collector.findings().iter().any(|f| match &f.body {
        FindingBody::SourceStatus(status) => status.reading && status.detail.contains("set aside"),
        _ => false,
    });
    assert!(told && dir.path().join("position.json.corrupt").exists());
    agent.shutdown().await;
}

#[tokio::test]
async fn a_finding_that_is_refused_does_not_block_those_behind_it() {
    let listening = Collector::default().listen("127.0.0.1:0").await;
    let collector = listening.collector.clone();
    let boot = {
        // The boot id of a recording is made of its content.
        let agent = Agent::start(config(&listening.url(), 5)).await.unwrap();
        collector.until("a hello", |log| !log.hellos.is_empty()).await;
        agent.shutdown().await;
        collector.log.lock().unwrap().hellos[0].boot_id.clone()
    };
    *collector.log.lock().unwrap() = collector::Log::default();
    let refused = format!("kmsg:{boot}:102");
    collector.manners.lock().unwrap().refuse = Some(refused.clone());
    let agent = Agent::start(config(&listening.url(), 5)).await.unwrap();
    collector.until("the others and a gap", |log| log.findings.len() >= 6).await;
    let ids = collector.ids();
    assert!(!ids.contains(&refused));
    assert_eq!(kills(&ids), 4);
    assert!(ids.iter().any(|id| id.starts_with("gap:")), "{ids:?}");
    agent.shutdown().await;
}

#[tokio::test]
async fn settings_that_can_never_work_are_one_sentence() {
    let error = |config| async { Agent::start(config).await.unwrap_err().to_string() };
    assert!(
        error(Config::new("n", "collector:7137"))
            .await
            .contains("collector address `collector:7137`")
    );
    assert!(error(Config::new("", "http://c:1")).await.contains("node name"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config("http://127.0.0.1:1", 1);
    config.http_addr = Some(taken.local_addr().unwrap());
    assert!(error(config).await.contains("cannot serve http on"));
}
