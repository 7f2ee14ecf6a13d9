//! A storm of kills over thirty containers: the kernel prints ten headers in five seconds, and bare lines for the rest.

use std::time::{Duration, Instant};

use coroner_tests::answers;
use coroner_tests::programs::Stack;
use coroner_tests::storm::Storm;
use coroner_tests::usage::Usage;

const PODS: u64 = 15;
const CONTAINERS: u64 = 2 * PODS;

/// What is told of a kill that is not as it should be, at most.
const SHOWN: usize = 5;

/// Of the agent's own counts, those that say what became of kills.
const COUNTS: [(&str, &str); 7] = [
    ("attributed by the agent's rules", "coroner_agent_kills_attributed_total"),
    ("left without a group", "coroner_agent_kills_unattributed_total"),
    ("counts of one of several kills", "coroner_agent_kill_counts_unmatched_total"),
    ("trace events lost", "coroner_agent_trace_events_lost_total"),
    ("signals not looked up", "coroner_agent_trace_signals_not_looked_up_total"),
    ("kernel-log records lost", "coroner_agent_kernel_records_lost_total"),
    ("findings dropped", "coroner_agent_findings_dropped_total"),
];

/// What becomes of so many kills a minute, for so long.
pub(crate) fn storm(seconds: u64, a_minute: u64, without: Option<&str>) {
    let flags = without.map_or_else(Vec::new, |source| vec!["--without", source]);
    let stack = Stack::start_with(&flags);
    std::thread::sleep(Duration::from_secs(3));
    let pid = stack.agent_pid().expect("it runs");
    // What earlier kills left in the ring is counted too.
    let counts = || COUNTS.map(|(_, name)| stack.agent_metric(name));
    let counts_before = counts();
    let each = a_minute * seconds / 60 / CONTAINERS;
    let between_ms = 60_000 * CONTAINERS / a_minute.max(1);
    let (before, total, start) = (Usage::of(pid), kernel_total(), Instant::now());
    let pods = usize::try_from(PODS).expect("a few");
    let mut storm = Storm::start(pods, each, between_ms);
    let mut resident = Vec::new();
    while start.elapsed() < Duration::from_secs(seconds) {
        std::thread::sleep(Duration::from_secs(1));
        resident.push(Usage::of(pid).rss_kib);
    }
    storm.wait();
    let wall = start.elapsed();
    std::thread::sleep(Duration::from_secs(5));
    let after = Usage::of(pid);
    let counted = kernel_total() - total;
    let judgement = storm.judge(&answers::list(&stack));
    let mib = |kib: u64| kib as f64 / 1024.0;
    println!("{each} kills in each of {CONTAINERS} containers within {:.1} s:", wall.as_secs_f64());
    println!("{judgement}");
    let wrong = [&judgement.invented, &judgement.elsewhere, &judgement.nameless];
    for incident in wrong.into_iter().flat_map(|some| some.iter().take(SHOWN)) {
        println!("{incident:#}");
    }
    for (container, pid) in
        judgement.missing.iter().chain(&judgement.homeless).chain(&judgement.twice).take(SHOWN)
    {
        println!("not attributed once: {pid} in {container}");
    }
    println!("{:34}{counted:7}", "the kernel counts on the machine");
    for ((what, _), (before, after)) in COUNTS.iter().zip(counts_before.iter().zip(counts())) {
        println!("{what:34}{:7}", after - before);
    }
    println!(
        "{:34}{:7.2} % of a core",
        "agent CPU",
        (after.cpu_ns - before.cpu_ns) as f64 / wall.as_nanos() as f64 * 100.0
    );
    println!(
        "{:34}{:7.2} {:.2} {:.2} MiB",
        "agent RSS before, at most, after",
        mib(before.rss_kib),
        mib(resident.iter().copied().max().unwrap_or(0)),
        mib(after.rss_kib)
    );
}

/// Kills by the OOM killer on this machine since it was started.
fn kernel_total() -> u64 {
    let text = std::fs::read_to_string("/proc/vmstat").expect("proc is mounted");
    let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    count.and_then(|count| count.parse().ok()).expect("the kernel counts kills")
}
