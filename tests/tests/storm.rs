//! Kills as fast as the kernel kills: it prints ten headers in five seconds, and bare kill lines for the rest. Each is
//! attributed to its own container exactly once, and the agent's memory stays. With the signal trace each process is known, also
//! where the agent hardly gets a processor. Without it nobody records who was where: of a process that is gone before it is looked
//! for only the container's count tells, so there it need only be known how many died in each container.

#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test may fail, and says how it went"
)]

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use coroner_tests::answers::list;
use coroner_tests::privilege::Kernel;
use coroner_tests::programs::Stack;
use coroner_tests::storm::{Judgement, Storm};
use coroner_tests::usage::Usage;

/// What a storm may leave behind in the agent, in KiB of anonymous memory: what it first runs of its program file comes on
/// top, and says nothing. Each kill that stayed whole with its findings would leave some ten.
const GROWTH_MAX: u64 = 4096;

/// How long an answer may take to become right. Generous: this bounds a hang, it measures nothing.
const PATIENCE: Duration = Duration::from_secs(20);

const WITHOUT_TRACE: [&str; 2] = ["--without", "signal-trace"];

fn blow(test: &str, flags: &[&str], killed: u64, start: impl FnOnce() -> Storm) {
    let Some(mut kernel) = Kernel::take(test) else { return };
    kernel.expect_storm();
    let right =
        if flags.is_empty() { Judgement::is_right } else { Judgement::is_right_by_container };
    let stack = Stack::start_with(flags);
    // Before the first header: what earlier tests left in the ring is read.
    stack.wait_until_ready();
    let agent = stack.agent_pid().expect("it runs");
    let before = Usage::of(agent);
    let mut storm = start();
    storm.wait();
    assert_eq!(storm.killed() as u64, killed, "every process was killed");
    let judgement = settled(&stack, &storm, right);
    eprintln!("{judgement}");
    assert!(right(&judgement), "{judgement}\n{judgement:#?}");
    let after = Usage::of(agent);
    let grown = after.anon_kib.saturating_sub(before.anon_kib);
    eprintln!("the agent grew by {grown} KiB of anonymous memory");
    assert!(grown < GROWTH_MAX, "the agent grew by {grown} KiB");
}

/// What is told once it is right, and stays so for longer than a late witness takes.
fn settled(stack: &Stack, storm: &Storm, right: fn(&Judgement) -> bool) -> Judgement {
    let start = Instant::now();
    while !right(&storm.judge(&list(stack))) && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(200));
    }
    std::thread::sleep(Duration::from_secs(2));
    storm.judge(&list(stack))
}

#[test]
fn two_hundred_kills_in_one_container() {
    blow("two_hundred_kills_in_one_container", &[], 200, || Storm::start_in_one(200, 0));
}

#[test]
fn two_hundred_kills_in_one_container_without_the_trace() {
    let test = "two_hundred_kills_in_one_container_without_the_trace";
    blow(test, &WITHOUT_TRACE, 200, || Storm::start_in_one(200, 0));
}

#[test]
fn two_hundred_kills_in_two_containers() {
    blow("two_hundred_kills_in_two_containers", &[], 200, || Storm::start(1, 100, 0));
}

#[test]
fn two_hundred_kills_in_two_containers_without_the_trace() {
    let test = "two_hundred_kills_in_two_containers_without_the_trace";
    blow(test, &WITHOUT_TRACE, 200, || Storm::start(1, 100, 0));
}

/// 4,500 a minute.
#[test]
fn thirty_containers() {
    blow("thirty_containers", &[], 360, || Storm::start(15, 12, 400));
}

#[test]
fn thirty_containers_without_the_trace() {
    let test = "thirty_containers_without_the_trace";
    blow(test, &WITHOUT_TRACE, 360, || Storm::start(15, 12, 400));
}

/// Processes that take every processor the scheduler gives them. They end when dropped.
struct Busy(Vec<Child>);

impl Busy {
    /// So many, each with a share of its own (sched(7), autogroup).
    fn processes(count: usize) -> Self {
        let busy = || Command::new("setsid").args(["sh", "-c", "while :; do :; done"]).spawn();
        Self((0..count).map(|_| busy().expect("a shell")).collect())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn thirty_containers_beside_busy_processes() {
    let test = "thirty_containers_beside_busy_processes";
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let _busy = Busy::processes(2 * processors);
    blow(test, &[], 180, || Storm::start(15, 6, 400));
}
