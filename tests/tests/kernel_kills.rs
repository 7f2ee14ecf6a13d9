//! Real kills by the real kernel at each level of a kubelet-shaped hierarchy, from the kill to `coroner list`.

#![allow(clippy::expect_used, reason = "a test may fail")]

use coroner_tests::answers::{coroner, wait_until_settled};
use coroner_tests::groups::{Kubepods, Level, MIB};
use coroner_tests::hogs::Hog;
use coroner_tests::privilege::Kernel;
use coroner_tests::programs::Stack;
use serde_json::{Value, json};

fn settled(incidents: &[Value]) -> bool {
    incidents.len() == 1 && !incidents[0]["outcome"].is_null()
}

fn check(
    incident: &Value,
    cause: &str,
    level: &str,
    limit: u64,
    groups: &Kubepods,
    limit_at: Level,
    pid: u32,
) {
    assert_eq!(incident["cause"], cause, "{incident:#}");
    assert_eq!(incident["confidence"], "Confirmed", "{incident:#}");
    assert_eq!(incident["kernel"]["scope"], "cgroup");
    assert_eq!(incident["kernel"]["level"], level);
    assert_eq!(incident["kernel"]["limit_bytes"], limit);
    assert_eq!(incident["kernel"]["limit_cgroup"], groups.path(limit_at));
    assert_eq!(incident["kernel"]["victims"][0]["pid"], pid);
    assert_eq!(incident["kernel"]["victims"].as_array().map(Vec::len), Some(1));
    assert_eq!(incident["pod"]["uid"], groups.pod_uid.as_str());
    assert_eq!(incident["termination"], Value::Null);
    assert_eq!(incident["gaps"], json!([]), "{incident:#}");
    let usage = incident["kernel"]["usage_bytes"].as_u64().expect("the usage is known");
    assert!(usage <= limit && usage > limit / 2, "{usage} of {limit}");
}

#[test]
fn the_containers_own_limit() {
    let Some(_kernel) = Kernel::take("the_containers_own_limit") else { return };
    let stack = Stack::start();
    let groups = Kubepods::create("container");
    groups.limit(Level::Container(0), 32 * MIB);
    let mut hog = Hog::start(&groups, Level::Container(0), &["alloc", "64"]);
    let pid = hog.pid();
    hog.wait_killed();
    let incidents = wait_until_settled(&stack, &groups.pod_uid, settled);
    check(
        &incidents[0],
        "ContainerMemoryLimit",
        "container",
        32 * MIB,
        &groups,
        Level::Container(0),
        pid,
    );
    assert_eq!(incidents[0]["outcome"], "ContainerExited");
    assert_eq!(incidents[0]["container"]["id"], groups.containers[0].as_str());

    for target in
        [incidents[0]["id"].as_str().unwrap(), &groups.containers[0], &groups.containers[0][..12]]
    {
        let output = coroner(&["why", target, "-o", "json", "--collector", &stack.url()]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let why: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(why, incidents[0], "why {target}");
    }
    let output = coroner(&["why", &format!("pid:{pid}"), "--collector", &stack.url()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("CONTAINER MEMORY LIMIT") && text.contains("32 MiB"), "{text}");
}

#[test]
fn the_pods_limit_with_two_containers() {
    let Some(_kernel) = Kernel::take("the_pods_limit_with_two_containers") else { return };
    let stack = Stack::start();
    let groups = Kubepods::create("pod");
    groups.limit(Level::Pod, 48 * MIB);
    let _other = Hog::start(&groups, Level::Container(1), &["alloc", "12"]);
    let mut hog = Hog::start(&groups, Level::Container(0), &["alloc", "64"]);
    let pid = hog.pid();
    hog.wait_killed();
    let incidents = wait_until_settled(&stack, &groups.pod_uid, settled);
    check(&incidents[0], "PodMemoryLimit", "pod", 48 * MIB, &groups, Level::Pod, pid);
    assert_eq!(incidents[0]["container"]["id"], groups.containers[0].as_str());
}

#[test]
fn all_pods_together() {
    let Some(_kernel) = Kernel::take("all_pods_together") else { return };
    let stack = Stack::start();
    let groups = Kubepods::create("allocatable");
    groups.limit(Level::Kubepods, 48 * MIB);
    let mut hog = Hog::start(&groups, Level::Container(0), &["alloc", "64"]);
    let pid = hog.pid();
    hog.wait_killed();
    let incidents = wait_until_settled(&stack, &groups.pod_uid, settled);
    check(&incidents[0], "NodeAllocatable", "kubepods", 48 * MIB, &groups, Level::Kubepods, pid);
}

#[test]
fn a_child_dies_and_the_container_lives() {
    let Some(_kernel) = Kernel::take("a_child_dies_and_the_container_lives") else { return };
    let stack = Stack::start();
    let groups = Kubepods::create("child");
    groups.limit(Level::Container(0), 32 * MIB);
    let parent = Hog::start(&groups, Level::Container(0), &["child", "64"]);
    let incidents = wait_until_settled(&stack, &groups.pod_uid, settled);
    assert_eq!(incidents[0]["cause"], "ContainerMemoryLimit");
    assert_eq!(incidents[0]["outcome"], "ContainerSurvived");
    assert_ne!(incidents[0]["kernel"]["victims"][0]["pid"], parent.pid());
}
