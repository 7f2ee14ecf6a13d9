//! The program as a whole: what it costs when nothing happens, and how it ends. `CORONER_AGENT_BIN` measures another
//! build than the one under test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod collector;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use collector::Collector;

fn agent(args: &[&str]) -> Child {
    let built = env!("CARGO_BIN_EXE_coroner-agent");
    let program = std::env::var("CORONER_AGENT_BIN").unwrap_or_else(|_| built.to_owned());
    Command::new(program)
        .args(["--http-addr", "127.0.0.1:0"])
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A field of `/proc/PID/status`.
fn status(pid: u32, field: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Nanoseconds on a CPU.
fn cpu_ns(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

fn terminate(child: &mut Child) -> Duration {
    let begun = Instant::now();
    Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(child.wait().unwrap().success());
    begun.elapsed()
}

#[tokio::test]
async fn idle_it_sleeps_and_sigterm_ends_it_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let listening = Collector::default().listen("127.0.0.1:0").await;
    let collector = listening.collector.clone();
    let state = dir.path().to_str().unwrap();
    let mut child =
        agent(&["--collector", &listening.url(), "--state-dir", state, "--start", "now"]);
    collector.until("a status", |log| !log.findings.is_empty()).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let pid = child.id();
    let seconds: u64 = std::env::var("CORONER_IDLE_SECONDS").map_or(10, |s| s.parse().unwrap());
    let before = (status(pid, "voluntary_ctxt_switches"), cpu_ns(pid));
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let switches = status(pid, "voluntary_ctxt_switches") - before.0;
    let cpu = Duration::from_nanos(cpu_ns(pid) - before.1);
    println!(
        "in {seconds} s: {switches} wake-ups, {cpu:?} of CPU, RSS {} KiB, of it anonymous {} KiB, {} threads",
        status(pid, "VmRSS"),
        status(pid, "RssAnon"),
        status(pid, "Threads")
    );
    // Other tests may write a few records meanwhile.
    assert!(switches <= seconds * 3, "{switches} wake-ups in {seconds} s");
    let took = terminate(&mut child);
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(dir.path().join("position.json").exists());
}

#[tokio::test]
async fn without_a_collector_it_waits_and_ends_as_fast() {
    let mut child = agent(&["--collector", "http://127.0.0.1:1", "--start", "now"]);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let took = terminate(&mut child);
    assert!(took < Duration::from_secs(1), "{took:?}");
    let output = child.wait_with_output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        log.matches("cannot connect to the collector at http://127.0.0.1:1/").count(),
        1,
        "{log}"
    );
}

#[test]
fn wrong_flags_are_one_sentence() {
    for (args, says) in [
        (["--collector", "nowhere"], "collector address `nowhere`"),
        (["--state-dir", "/dev/null/x"], "cannot write /dev/null/x"),
        (["--replay", "/dev/null"], "is no recorded kernel log"),
    ] {
        let output = agent(&args).wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains(says), "{text}");
    }
}
