//! Whoever may write the kernel log writes kills that never were: the real kernel marks them as user space's.

#![allow(clippy::expect_used, reason = "a test may fail")]

use std::io::Write as _;

use coroner_tests::answers::{list, wait_for};
use coroner_tests::groups::{Kubepods, Level, MIB};
use coroner_tests::hogs::Hog;
use coroner_tests::privilege::Kernel;
use coroner_tests::programs::Stack;

#[test]
fn what_user_space_writes_kills_nobody() {
    let Some(_kernel) = Kernel::take("what_user_space_writes_kills_nobody") else { return };
    let stack = Stack::start();
    stack.wait_until_ready();
    let groups = Kubepods::create("forged");
    groups.limit(Level::Container(0), 32 * MIB);
    let (container, other) = (groups.path(Level::Container(0)), groups.path(Level::Container(1)));
    let mut device = std::fs::OpenOptions::new().write(true).open("/dev/kmsg").expect("it opens");
    // Process 4194305 is one more than there can be.
    for line in [
        "<0>hog invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0".to_owned(),
        format!(
            "<0>oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg={other},task_memcg={other},task=hog,pid=4194305,uid=0"
        ),
        "<0>Memory cgroup out of memory: Killed process 4194305 (hog) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0"
            .to_owned(),
    ] {
        device.write_all(line.as_bytes()).expect("a record is written");
    }
    let mut hog = Hog::start(&groups, Level::Container(0), &["alloc", "64"]);
    hog.wait_killed();
    let told = wait_for(&stack, &groups.pod_uid, |incidents| !incidents.is_empty());
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["kernel"]["victims"][0]["pid"], hog.pid());
    assert_eq!(told[0]["kernel"]["limit_cgroup"], container.as_str());
    let of_forged = list(&stack).into_iter().filter(|incident| {
        let victims = incident["kernel"]["victims"].as_array().cloned().unwrap_or_default();
        victims.iter().any(|victim| victim["pid"] == 4_194_305)
    });
    assert_eq!(of_forged.count(), 0);
}
