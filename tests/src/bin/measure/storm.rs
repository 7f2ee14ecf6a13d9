//! A storm of kills over thirty containers: the kernel prints ten headers in five seconds, and bare lines for the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use coroner_tests::answers;
use coroner_tests::groups::{Kubepods, Level, MIB};
use coroner_tests::hogs::Hog;
use coroner_tests::programs::Stack;
use serde_json::Value;

use crate::usage::Usage;

const PODS: u64 = 15;
const CONTAINERS: u64 = 2 * PODS;

/// What becomes of so many kills a minute, for so long.
pub(crate) fn storm(seconds: u64, a_minute: u64) {
    let stack = Stack::start();
    std::thread::sleep(Duration::from_secs(3));
    let pid = stack.agent_pid().expect("it runs");
    let pods: Vec<Kubepods> = (0..PODS).map(|n| Kubepods::create(&format!("gale{n}"))).collect();
    let each = a_minute * seconds / 60 / CONTAINERS;
    let between_ms = 60_000 * CONTAINERS / a_minute.max(1);
    let (before, total, start) = (Usage::of(pid), kernel_total(), Instant::now());
    let mut hogs: Vec<Hog> = pods
        .iter()
        .flat_map(|pod| [(pod, 0), (pod, 1)])
        .map(|(pod, which)| {
            pod.limit(Level::Container(which), 10 * MIB);
            let (kills, between) = (each.to_string(), between_ms.to_string());
            Hog::start(pod, Level::Container(which), &["storm", &kills, "32", &between])
        })
        .collect();
    let mut resident = Vec::new();
    while start.elapsed() < Duration::from_secs(seconds) {
        std::thread::sleep(Duration::from_secs(1));
        resident.push(Usage::of(pid).rss_kib);
    }
    for hog in &mut hogs {
        hog.wait();
    }
    let wall = start.elapsed();
    std::thread::sleep(Duration::from_secs(5));
    let after = Usage::of(pid);
    let killed = kernel_total() - total;
    let found = found(&answers::list(&stack), &pods);
    let distinct: BTreeSet<u64> = found.values().flatten().copied().collect();
    let incidents: usize = found.values().map(Vec::len).sum();
    let full = found.values().filter(|pids| pids.len() as u64 == each).count();
    let mib = |kib: u64| kib as f64 / 1024.0;
    println!("{each} kills in each of {CONTAINERS} containers within {:.1} s:", wall.as_secs_f64());
    println!("the kernel counts on the machine  {killed:7}");
    println!("found in one of the containers    {incidents:7}");
    println!("victims among them, each once     {:7}", distinct.len());
    println!("containers with exactly their own {full:7}");
    println!(
        "attributed by the agent's rules   {:7}",
        stack.agent_metric("coroner_agent_kills_attributed_total")
    );
    println!(
        "left without a group              {:7}",
        stack.agent_metric("coroner_agent_kills_unattributed_total")
    );
    println!(
        "agent CPU                         {:7.2} % of a core",
        (after.cpu_ns - before.cpu_ns) as f64 / wall.as_nanos() as f64 * 100.0
    );
    println!(
        "agent RSS before, at most, after  {:7.2} {:.2} {:.2} MiB",
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

/// Process ids of victims by container; each container of ours is there.
fn found(incidents: &[Value], pods: &[Kubepods]) -> BTreeMap<String, Vec<u64>> {
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for container in pods.iter().flat_map(|pod| &pod.containers) {
        found.insert(container.clone(), Vec::new());
    }
    for incident in incidents {
        let container = incident["container"]["id"].as_str().unwrap_or_default();
        if let Some(pids) = found.get_mut(container) {
            let victims = incident["kernel"]["victims"].as_array().into_iter().flatten();
            pids.extend(victims.filter_map(|victim| victim["pid"].as_u64()));
        }
    }
    found
}
