//! Agent and collector killed with SIGKILL at the worst moments: each incident stays exactly one.

use std::time::{Duration, Instant};

use coroner_tests::answers::{of_pod, wait_for};
use coroner_tests::groups::{Kubepods, Level, MIB};
use coroner_tests::hogs::Hog;
use coroner_tests::privilege::Kernel;
use coroner_tests::programs::Stack;
use coroner_tests::relay::Relay;

fn kill_one(groups: &Kubepods) {
    let mut hog = Hog::start(groups, Level::Container(0), &["alloc", "64"]);
    hog.wait_killed();
}

/// A moment in which a second, wrong incident would appear.
fn let_it_go_wrong() {
    std::thread::sleep(Duration::from_secs(2));
}

#[test]
fn an_agent_killed_and_restarted_repeats_and_loses_nothing() {
    let Some(_kernel) = Kernel::take("an_agent_killed_and_restarted_repeats_and_loses_nothing")
    else {
        return;
    };
    let mut stack = Stack::start();
    let groups = Kubepods::create("agentcrash");
    groups.limit(Level::Container(0), 32 * MIB);
    kill_one(&groups);
    let _ = wait_for(&stack, &groups.pod_uid, |i| i.len() == 1);
    stack.kill_9_agent();
    // Nobody watches while this one dies.
    kill_one(&groups);
    stack.start_agent();
    let _ = wait_for(&stack, &groups.pod_uid, |i| i.len() == 2);
    // Killed before it can have been acknowledged, or after: either way once.
    kill_one(&groups);
    stack.kill_9_agent();
    stack.start_agent();
    let _ = wait_for(&stack, &groups.pod_uid, |i| i.len() == 3);
    let_it_go_wrong();
    assert_eq!(of_pod(&stack, &groups.pod_uid).len(), 3);
}

#[test]
fn a_collector_killed_between_commit_and_acknowledgement_stores_once() {
    let Some(_kernel) =
        Kernel::take("a_collector_killed_between_commit_and_acknowledgement_stores_once")
    else {
        return;
    };
    let mut stack = Stack::without_programs();
    stack.start_collector();
    let relay = Relay::start(stack.grpc_port());
    stack.start_agent_towards(relay.url());
    let groups = Kubepods::create("collectorcrash");
    groups.limit(Level::Container(0), 32 * MIB);
    kill_one(&groups);
    let _ = wait_for(&stack, &groups.pod_uid, |i| i.len() == 1);
    relay.mute(true);
    kill_one(&groups);
    // It can be asked for, so it is committed; the agent was not told.
    let _ = wait_for(&stack, &groups.pod_uid, |i| i.len() == 2);
    stack.kill_9_collector();
    relay.mute(false);
    stack.start_collector();
    // The new collector gets again what the old one had committed.
    let start = Instant::now();
    while stack.collector_metric("coroner_findings_duplicate_total") == 0 {
        assert!(start.elapsed() < Duration::from_secs(30), "nothing was sent again");
        std::thread::sleep(Duration::from_millis(50));
    }
    let_it_go_wrong();
    assert_eq!(of_pod(&stack, &groups.pod_uid).len(), 2);
}

#[test]
fn a_collector_killed_right_after_a_death_stores_once() {
    let Some(_kernel) = Kernel::take("a_collector_killed_right_after_a_death_stores_once") else {
        return;
    };
    let mut stack = Stack::start();
    let groups = Kubepods::create("collectorcrash");
    groups.limit(Level::Container(0), 32 * MIB);
    // Each round the collector dies a little later after the death: before, in and after the commit.
    for round in 0..6u64 {
        kill_one(&groups);
        std::thread::sleep(Duration::from_millis(round * 3));
        stack.kill_9_collector();
        stack.start_collector();
        let wanted = usize::try_from(round).unwrap() + 1;
        let _ = wait_for(&stack, &groups.pod_uid, |i| i.len() == wanted);
    }
    let_it_go_wrong();
    assert_eq!(of_pod(&stack, &groups.pod_uid).len(), 6);
}
