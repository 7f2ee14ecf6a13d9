//! A flooded kernel log: what the agent could not read it counts exactly, and no kill is lost that others saw.

use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use coroner_tests::answers::wait_for;
use coroner_tests::flood::{Flood, next_sequence};
use coroner_tests::groups::{Kubepods, Level, MIB};
use coroner_tests::hogs::Hog;
use coroner_tests::privilege::Kernel;
use coroner_tests::programs::Stack;
use rustix::process::{Pid, Signal, kill_process};

/// Enough to overrun the smallest ring while the agent is stopped.
const RATE: u64 = 40_000;

#[test]
fn what_a_flood_overwrites_is_counted_exactly() {
    let Some(_kernel) = Kernel::take("what_a_flood_overwrites_is_counted_exactly") else { return };
    let stack = Stack::start();
    // Built before the flood, not in it.
    let _ = coroner_tests::programs::path("hog");
    let groups = Kubepods::create("flood");
    groups.limit(Level::Container(0), 16 * MIB);
    let agent = i32::try_from(stack.agent_pid().unwrap()).unwrap();
    let agent = Pid::from_raw(agent).unwrap();
    let known = || {
        stack.agent_metric("coroner_agent_kernel_records_read_total")
            + stack.agent_metric("coroner_agent_kernel_records_lost_total")
    };
    // Everything up to a record of ours is read; what others write meanwhile is numbered too.
    let settled = || {
        let start = Instant::now();
        loop {
            let (before, count, after) = (next_sequence(), known(), next_sequence());
            if after == before + 1 && known() == count + 1 {
                return (after, count + 1);
            }
            assert!(start.elapsed() < Duration::from_secs(30), "the log never came to rest");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    std::thread::sleep(Duration::from_secs(2));
    let (first, known_first) = settled();

    let mut killed = Vec::new();
    std::thread::scope(|scope| {
        let flood =
            scope.spawn(|| Flood::prepare().run(RATE, Duration::from_secs(3), &AtomicU64::new(0)));
        let mut kill = || {
            let mut hog = Hog::start(&groups, Level::Container(0), &["alloc", "32"]);
            killed.push(u64::from(hog.pid()));
            hog.wait_killed();
        };
        kill();
        kill_process(agent, Signal::STOP).unwrap();
        // Printed and overwritten while nobody reads; the group and the trace still tell.
        kill();
        std::thread::sleep(Duration::from_secs(1));
        kill_process(agent, Signal::CONT).unwrap();
        kill();
        assert!(flood.join().unwrap() > RATE);
    });

    let (last, known_last) = settled();
    assert_eq!(known_last - known_first, last - first, "read and lost are all there were");
    let lost = stack.agent_metric("coroner_agent_kernel_records_lost_total");
    assert!(lost > 0, "the ring is larger than this flood: nothing was shown");
    let victims = |incidents: &[serde_json::Value]| -> Vec<u64> {
        let all =
            incidents.iter().flat_map(|i| i["kernel"]["victims"].as_array().into_iter().flatten());
        all.filter_map(|v| v["pid"].as_u64()).collect()
    };
    let found = wait_for(&stack, &groups.pod_uid, |incidents| {
        let victims = victims(incidents);
        killed.iter().all(|pid| victims.contains(pid))
    });
    assert_eq!(victims(&found).len(), killed.len(), "none twice");
}
