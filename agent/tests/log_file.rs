//! A whole agent that follows a log file: only what killers in user space write, and each kill once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod collector;

use std::io::Write as _;
use std::time::Duration;

use collector::Collector;
use coroner_agent::{Agent, Config};
use coroner_core::finding::{Finding, FindingBody, Source};
use coroner_core::kernel::KernelEvent;

const LINES: &str = "\
Nov 21 10:00:00 n kernel: Out of memory: Killed process 7 (java) total-vm:1kB, anon-rss:1kB, file-rss:0kB\n\
Nov 21 10:00:01 n earlyoom[9]: sending SIGTERM to process 1234 uid 1000 \"java\": oom_score 900, VmRSS 512 MiB\n\
Nov 21 10:00:02 n sh[9]: sending SIGTERM to process 4321 uid 1000 \"java\": oom_score 900, VmRSS 512 MiB\n\
Nov 21 10:00:03 n earlyoom[9]: sending SIGKILL to process 1234 uid 1000 \"java\": oom_score 900, VmRSS 512 MiB\n";

#[tokio::test]
async fn killers_in_user_space_are_heard_and_nobody_else() {
    let listening = Collector::default().listen("127.0.0.1:0").await;
    let collector = listening.collector.clone();
    let file = tempfile::NamedTempFile::new().unwrap();
    write(
        &file,
        "Nov 21 09:00:00 n earlyoom[9]: sending SIGKILL to process 1 uid 0 \"old\": oom_score 1\n",
    );
    let mut config = Config::new("node-1", listening.url());
    config.log_files = vec![file.path().to_owned()];
    config.disabled = Source::ALL.into_iter().filter(|s| *s != Source::LogFile).collect();
    let agent = Agent::start(config).await.unwrap();
    let from_file = |f: &&Finding| f.source == Source::LogFile;
    collector.until("a status", |log| log.findings.iter().any(|f| from_file(&f))).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    write(&file, LINES);
    collector.until("two lines", |log| log.findings.iter().filter(from_file).count() >= 3).await;
    agent.shutdown().await;

    let kills: Vec<Finding> = collector
        .findings()
        .into_iter()
        .filter(|f| matches!(f.body, FindingBody::Kernel(_)))
        .collect();
    let pids: Vec<_> = kills
        .iter()
        .map(|f| match &f.body {
            FindingBody::Kernel(event) => match event.as_ref() {
                KernelEvent::UserspaceKill(kill) => kill.pid,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(pids, [Some(1234), Some(1234)]);
    assert_eq!((&kills[0].about, &kills[1].about), (&None, &Some(kills[0].id.clone())));
    // What is switched off says so.
    let silent = |f: &Finding| match &f.body {
        FindingBody::SourceStatus(status) => !status.reading && status.detail.contains("--without"),
        _ => false,
    };
    assert_eq!(collector.findings().iter().filter(|f| silent(f)).count(), Source::ALL.len() - 1);
}

fn write(file: &tempfile::NamedTempFile, text: &str) {
    let mut file = std::fs::OpenOptions::new().append(true).open(file.path()).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
