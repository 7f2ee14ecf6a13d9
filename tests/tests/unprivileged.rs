//! CAP_SYSLOG alone, as user nobody, against root with the device: the same kills, the same answers.

#![allow(clippy::expect_used, reason = "a test may fail")]

use coroner_tests::answers::wait_for;
use coroner_tests::groups::{Kubepods, Level, MIB};
use coroner_tests::hogs::Hog;
use coroner_tests::privilege::Kernel;
use coroner_tests::programs::Stack;
use serde_json::Value;

fn settled(incidents: &[Value]) -> bool {
    incidents.len() == 1 && !incidents[0]["outcome"].is_null()
}

#[test]
fn syslog_gives_what_the_device_gives() {
    let Some(_kernel) = Kernel::take("syslog_gives_what_the_device_gives") else { return };
    let device = Stack::start();
    let mut syslog = Stack::without_programs();
    syslog.start_collector();
    syslog.start_agent_with_cap_syslog();
    for (level, mark) in [
        (Level::Container(0), "syslogctr"),
        (Level::Pod, "syslogpod"),
        (Level::Kubepods, "syslogall"),
    ] {
        let groups = Kubepods::create(mark);
        groups.limit(level, 32 * MIB);
        let mut hog = Hog::start(&groups, Level::Container(0), &["alloc", "64"]);
        hog.wait_killed();
        let told = |stack: &Stack| {
            let incident = wait_for(stack, &groups.pod_uid, settled).remove(0);
            // What root sees besides, the signal trace, is another source.
            ["cause", "outcome", "kernel", "pod", "container"].map(|name| incident[name].clone())
        };
        let (with, without) = (told(&device), told(&syslog));
        assert_eq!(with, without, "at {level:?}");
        assert_eq!(with[2]["victims"][0]["pid"], hog.pid());
    }
}
