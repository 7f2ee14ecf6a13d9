//! Groups that come and go by the hundred, processes that vanish while they are read, files that cannot be read: the
//! agent lives on, tells every kill once and none that was not, and tells what it missed.

#![allow(clippy::expect_used, reason = "a test may fail")]

use std::path::Path;
use std::time::{Duration, Instant};

use coroner_tests::answers::{coroner, list, wait_for};
use coroner_tests::churn::Churn;
use coroner_tests::groups::{Kubepods, Level, MIB, directory};
use coroner_tests::hogs::Hog;
use coroner_tests::privilege::Kernel;
use coroner_tests::programs::Stack;
use coroner_tests::storm::Storm;
use coroner_tests::usage::Usage;
use rustix::mount::{UnmountFlags, mount_bind, unmount};
use serde_json::Value;

/// Groups a second.
const RATE: u32 = 500;

/// What thousands of groups may leave behind in the agent, in KiB.
const GROWTH_MAX: u64 = 4096;

/// How long an answer may take to become right. Generous: this bounds a hang, it measures nothing.
const PATIENCE: Duration = Duration::from_secs(20);

fn kills_beside_a_churn(stack: &Stack) {
    stack.wait_until_ready();
    let agent = stack.agent_pid().expect("it runs");
    let before = Usage::of(agent);
    let mut churn = Churn::start(RATE);
    let mut storm = Storm::start(2, 8, 400);
    storm.wait();
    assert!(churn.stop() > 500, "nothing was shown");
    let start = Instant::now();
    while !storm.judge(&list(stack)).is_honest() && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(200));
    }
    // A moment in which a kill that never was would appear.
    std::thread::sleep(Duration::from_secs(2));
    let incidents = list(stack);
    let judgement = storm.judge(&incidents);
    // Whose a process was that is gone when it is looked up may stay unknown; that it was killed may not.
    assert!(judgement.is_honest(), "{judgement}\n{judgement:#?}");
    let invented = churn.invented(&incidents);
    assert!(invented.is_empty(), "{invented:#?}");
    assert_eq!(stack.agent_pid(), Some(agent));
    let grown = Usage::of(agent).anon_kib.saturating_sub(before.anon_kib);
    assert!(grown < GROWTH_MAX, "the agent grew by {grown} KiB of anonymous memory");
}

#[test]
fn groups_that_come_and_go_hide_no_kill_and_make_none() {
    let name = "groups_that_come_and_go_hide_no_kill_and_make_none";
    let Some(mut kernel) = Kernel::take(name) else { return };
    kernel.expect_storm();
    kills_beside_a_churn(&Stack::start());
}

/// A limit of the whole machine, put back when dropped.
struct Setting(&'static str, String);

impl Setting {
    fn set(path: &'static str, value: &str) -> Self {
        let before = std::fs::read_to_string(path).expect("the setting can be read");
        std::fs::write(path, value).expect("the setting can be written");
        Self(path, before)
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        let _ = std::fs::write(self.0, &self.1);
    }
}

/// The kernel's queue of notices overflows: which groups there are is not known for a moment, and that is told.
#[test]
fn notices_that_were_lost_are_a_gap_and_no_kill_is_lost() {
    let name = "notices_that_were_lost_are_a_gap_and_no_kill_is_lost";
    let Some(mut kernel) = Kernel::take(name) else { return };
    kernel.expect_storm();
    let stack = {
        // Whoever makes an inotify instance now keeps that limit.
        let _short = Setting::set("/proc/sys/fs/inotify/max_queued_events", "16");
        let stack = Stack::start();
        stack.wait_until_ready();
        stack
    };
    kills_beside_a_churn(&stack);
    let start = Instant::now();
    loop {
        let output = coroner(&["node", "node-e2e", "-o", "json", "--collector", &stack.url()]);
        let node: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let sources = node["sources"].as_array().expect("a list");
        let groups = sources.iter().find(|s| s["source"] == "cgroup").expect("it was told of");
        // One before it began, one that is still to come, and one between.
        if groups["coverage"].as_array().is_some_and(|spans| spans.len() > 1) {
            break;
        }
        assert!(start.elapsed() < 2 * PATIENCE, "no gap was told: {groups:#}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Another file in the place of a group's.
struct Instead(std::path::PathBuf);

impl Instead {
    fn of(file: std::path::PathBuf, other: &Path) -> Self {
        mount_bind(other, &file).expect("a file is mounted over another");
        Self(file)
    }
}

impl Drop for Instead {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

/// Files of a group that give an error, nothing, or what makes no sense.
#[test]
fn files_that_cannot_be_read_hide_no_kill() {
    let Some(_kernel) = Kernel::take("files_that_cannot_be_read_hide_no_kill") else { return };
    let stack = Stack::start();
    stack.wait_until_ready();
    let scratch = tempfile::tempdir().expect("a directory");
    let garbage = scratch.path().join("garbage");
    std::fs::write(&garbage, b"oom_kill \xff\x00 99999999999999999999\noom_kill -1\n\n")
        .expect("a file");
    let empty = scratch.path().join("empty");
    std::fs::write(&empty, "").expect("a file");
    // Reading it from its start gives EIO.
    let broken = Path::new("/proc/self/mem");
    for other in [&garbage, &empty, broken] {
        let groups = Kubepods::create("unreadable");
        groups.limit(Level::Container(0), 32 * MIB);
        let group = directory(&groups.path(Level::Container(0)));
        let files = ["memory.oom_control", "memory.events", "memory.stat", "memory.usage_in_bytes"];
        let there = files.map(|name| group.join(name)).into_iter().filter(|file| file.exists());
        let instead: Vec<Instead> = there.map(|file| Instead::of(file, other)).collect();
        assert!(instead.len() > 1);
        let mut hog = Hog::start(&groups, Level::Container(0), &["alloc", "64"]);
        hog.wait_killed();
        let told = wait_for(&stack, &groups.pod_uid, |incidents| !incidents.is_empty());
        assert_eq!(told.len(), 1, "{told:#?}");
        assert_eq!(told[0]["kernel"]["victims"][0]["pid"], hog.pid());
        assert_eq!(told[0]["container"]["id"], groups.containers[0].as_str());
        // Counters that make no sense count nothing.
        std::thread::sleep(Duration::from_secs(1));
        let told = wait_for(&stack, &groups.pod_uid, |incidents| !incidents.is_empty());
        assert_eq!(told.len(), 1, "{told:#?}");
        drop(instead);
    }
}
