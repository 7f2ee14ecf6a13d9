//! 200 kills as fast as the kernel kills, in two containers: it prints ten headers in five seconds, and bare kill
//! lines for the rest.

use std::collections::BTreeSet;

use coroner_tests::answers::{list, wait_for};
use coroner_tests::groups::{Kubepods, Level, MIB};
use coroner_tests::hogs::Hog;
use coroner_tests::privilege::Kernel;
use coroner_tests::programs::Stack;
use serde_json::Value;

fn victims(incidents: &[Value]) -> Vec<u64> {
    incidents
        .iter()
        .flat_map(|i| i["kernel"]["victims"].as_array().into_iter().flatten())
        .filter_map(|v| v["pid"].as_u64())
        .collect()
}

#[test]
fn two_hundred_kills_are_all_found_and_attributed() {
    let Some(mut kernel) = Kernel::take("two_hundred_kills_are_all_found_and_attributed") else {
        return;
    };
    kernel.expect_storm();
    let stack = Stack::start();
    let groups = Kubepods::create("storm");
    for which in [0, 1] {
        groups.limit(Level::Container(which), 10 * MIB);
    }
    let mut hogs =
        [0, 1].map(|which| Hog::start(&groups, Level::Container(which), &["storm", "100", "32"]));
    for hog in &mut hogs {
        assert!(hog.wait().success());
    }
    let incidents = wait_for(&stack, &groups.pod_uid, |incidents| victims(incidents).len() >= 200);
    let pids = victims(&incidents);
    let distinct: BTreeSet<u64> = pids.iter().copied().collect();
    assert_eq!((pids.len(), distinct.len()), (200, 200), "none lost, none twice");
    for container in &groups.containers {
        let own: Vec<Value> = incidents
            .iter()
            .filter(|i| i["container"]["id"] == container.as_str())
            .cloned()
            .collect();
        assert_eq!(victims(&own).len(), 100, "each is in its own container");
    }
    // Nobody of ours stands outside the pod.
    let stray =
        list(&stack).into_iter().filter(|i| i["pod"].is_null() || i["pod"]["uid"].is_null());
    let stray: Vec<u64> =
        victims(&stray.collect::<Vec<_>>()).into_iter().filter(|p| distinct.contains(p)).collect();
    assert_eq!(stray, Vec::<u64>::new());
}
