//! Kills as fast as the kernel kills: it prints ten headers in five seconds, and bare kill lines for the rest. Each is
//! attributed to its own container exactly once, with the signal trace and without, and the agent's memory stays.

#![allow(clippy::expect_used, reason = "a test may fail")]

use std::time::{Duration, Instant};

use coroner_tests::answers::list;
use coroner_tests::privilege::Kernel;
use coroner_tests::programs::Stack;
use coroner_tests::storm::{Judgement, Storm};
use coroner_tests::usage::Usage;

/// What a storm may leave behind in the agent, in KiB. Each kill that stayed whole with its findings would leave some ten.
const GROWTH_MAX: u64 = 4096;

/// How long an answer may take to become right. Generous: this bounds a hang, it measures nothing.
const PATIENCE: Duration = Duration::from_secs(20);

fn blow(test: &str, flags: &[&str], pods: usize, each: u64, between_ms: u64) {
    let Some(mut kernel) = Kernel::take(test) else { return };
    kernel.expect_storm();
    let stack = Stack::start_with(flags);
    // Before the first header: what earlier tests left in the ring is read.
    stack.wait_until_ready();
    let agent = stack.agent_pid().expect("it runs");
    let before = Usage::of(agent);
    let mut storm = Storm::start(pods, each, between_ms);
    storm.wait();
    assert_eq!(storm.killed() as u64, 2 * pods as u64 * each, "every process was killed");
    let judgement = settled(&stack, &storm);
    assert!(judgement.is_right(), "{judgement}\n{judgement:#?}");
    let after = Usage::of(agent);
    let grown = after.rss_kib.saturating_sub(before.rss_kib);
    assert!(grown < GROWTH_MAX, "the agent grew by {grown} KiB");
}

/// What is told once it is right, and stays so for longer than a late witness takes.
fn settled(stack: &Stack, storm: &Storm) -> Judgement {
    let start = Instant::now();
    while !storm.judge(&list(stack)).is_right() && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(200));
    }
    std::thread::sleep(Duration::from_secs(2));
    storm.judge(&list(stack))
}

#[test]
fn two_hundred_kills_in_two_containers() {
    blow("two_hundred_kills_in_two_containers", &[], 1, 100, 0);
}

#[test]
fn two_hundred_kills_without_the_trace() {
    let flags = ["--without", "signal-trace"];
    blow("two_hundred_kills_without_the_trace", &flags, 1, 100, 0);
}

/// 4,500 a minute.
#[test]
fn thirty_containers() {
    blow("thirty_containers", &[], 15, 12, 400);
}

#[test]
fn thirty_containers_without_the_trace() {
    let flags = ["--without", "signal-trace"];
    blow("thirty_containers_without_the_trace", &flags, 15, 12, 400);
}
