//! What the agent costs when nothing happens.

use std::time::Duration;

use coroner_tests::groups::{Kubepods, MIB};
use coroner_tests::programs::{self, Stack};
use coroner_tests::usage::Usage;

/// What the agent costs when nothing happens, connected, beside pods of two containers each.
pub(crate) fn idle(seconds: u64, pods: u64) {
    let stack = Stack::start();
    let pods: Vec<Kubepods> = (0..pods).map(|n| Kubepods::create(&format!("idle{n}"))).collect();
    let pid = stack.agent_pid().expect("it runs");
    std::thread::sleep(Duration::from_secs(10));
    let before = Usage::of(pid);
    std::thread::sleep(Duration::from_secs(seconds));
    let after = Usage::of(pid);
    let minutes = seconds as f64 / 60.0;
    println!("agent, idle for {seconds} s beside {} pods of two containers:", pods.len());
    println!("RSS            {:8.2} MiB", after.rss_kib as f64 / 1024.0);
    println!("  anonymous    {:8.2} MiB", after.anon_kib as f64 / 1024.0);
    println!(
        "CPU            {:8.2} ms a minute",
        (after.cpu_ns - before.cpu_ns) as f64 / 1e6 / minutes
    );
    println!(
        "wake-ups       {:8.2} a second",
        (after.switches - before.switches) as f64 / seconds as f64
    );
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    println!("descriptors    {files:8}");
    let size = std::fs::metadata(programs::path("coroner-agent")).map_or(0, |m| m.len());
    println!("binary         {:8.2} MiB (this build)", size as f64 / MIB as f64);
}
