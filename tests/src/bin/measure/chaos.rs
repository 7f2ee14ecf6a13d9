//! Kills beside groups that come and go by the hundred.

use std::time::{Duration, Instant};

use coroner_tests::answers;
use coroner_tests::churn::Churn;
use coroner_tests::programs::Stack;
use coroner_tests::storm::Storm;
use coroner_tests::usage::Usage;

/// Kills in four containers, one in 400 ms each, beside `rate` groups a second.
pub(crate) fn chaos(seconds: u64, rate: u64) {
    let stack = Stack::start();
    stack.wait_until_ready();
    let pid = stack.agent_pid().expect("it runs");
    let (before, start) = (Usage::of(pid), Instant::now());
    let mut churn = Churn::start(u32::try_from(rate).expect("some groups"));
    let mut storm = Storm::start(2, seconds * 1000 / 400, 400);
    storm.wait();
    let groups = churn.stop();
    let wall = start.elapsed();
    std::thread::sleep(Duration::from_secs(5));
    let after = Usage::of(pid);
    let incidents = answers::list(&stack);
    println!("{groups} groups came and went within {:.1} s:", wall.as_secs_f64());
    println!("{}", storm.judge(&incidents));
    println!("{:34}{:7}", "invented in groups that went", churn.invented(&incidents).len());
    println!(
        "{:34}{:7.2} % of a core",
        "agent CPU",
        (after.cpu_ns - before.cpu_ns) as f64 / wall.as_nanos() as f64 * 100.0
    );
    println!("{:34}{:7} KiB", "agent RSS before", before.rss_kib);
    println!("{:34}{:7} KiB", "agent RSS after", after.rss_kib);
}
