//! Counts that nobody claims in time.

use coroner_core::finding::{CountedKill, Process, Sigkill};

use super::tests::{BOOT, Scene, count, group, mark, told};

impl Scene {
    fn counted_between(&mut self, from_us: u64, to_us: u64, oom_kill: u64) {
        // Version 1 kills no group whole.
        let counted = CountedKill { from_us, to_us, version: 1, ..count(&group(), oom_kill) };
        let out = self.kills.counted(BOOT, counted, self.now, self.until());
        self.out.extend(told(&out));
    }
}

/// The agent had no processor for a while: the count of an earlier kill waits when the line of a later one is read.
#[test]
fn counts_that_stand_crosswise_open_no_incident() {
    let mut scene = Scene::new();
    scene.counted_between(0, 100_000, 1);
    scene.printed(42, Some(&group()), "kmsg:b:2");
    scene.marked(42, 1_000_000);
    scene.marked(41, 50_000);
    scene.printed(41, Some(&group()), "kmsg:b:1");
    scene.counted_between(900_000, 1_100_000, 2);
    scene.wait(1000);
    let incidents = scene.incidents();
    let opened = |name: &str| incidents.iter().filter(|(incident, _)| incident == name).count();
    assert_eq!((opened("kmsg:b:1"), opened("kmsg:b:2"), incidents.len()), (3, 3, 6));
}

/// The same when nobody knows where the earlier one was.
#[test]
fn the_count_of_a_kill_without_a_home_opens_no_incident() {
    let mut scene = Scene::new();
    scene.counted_between(0, 100_000, 1);
    scene.printed(42, Some(&group()), "kmsg:b:2");
    scene.marked(42, 1_000_000);
    let receiver = Process { pid: 41, ..Process::default() };
    let gone = Sigkill { receiver, ..mark(41, 50_000) };
    let out = scene.kills.marked(BOOT, gone, scene.now, scene.until());
    scene.out.extend(told(&out));
    scene.counted_between(900_000, 1_100_000, 2);
    scene.wait(1000);
    let mut opened: Vec<String> = scene.incidents().into_iter().map(|(opened, _)| opened).collect();
    opened.dedup();
    assert_eq!(opened, ["kmsg:b:2", "signal:b:50000.41"]);
    assert_eq!(scene.kills.take_ambiguous(), 1);
    // It excuses no second one.
    scene.counted_between(1_100_000, 1_200_000, 3);
    scene.wait(1000);
    assert_eq!(scene.out.last(), Some(&(format!("counter:b:3:{}", group()), None)));
}

/// But where the group counted one more than anybody saw, that one is a kill.
#[test]
fn a_count_beyond_all_that_were_seen_is_a_kill() {
    let mut scene = Scene::new();
    scene.printed(41, Some(&group()), "kmsg:b:1");
    scene.marked(41, 50_000);
    scene.counted_between(0, 100_000, 1);
    scene.counted_between(900_000, 1_100_000, 2);
    scene.wait(1000);
    let own = format!("counter:b:2:{}", group());
    assert_eq!(scene.out.last(), Some(&(own, None)));
    // And one that was seen long before says nothing of it.
    let mut scene = Scene::new();
    scene.printed(41, Some(&group()), "kmsg:b:1");
    scene.marked(41, 50_000);
    scene.counted_between(9_900_000, 10_100_000, 2);
    scene.wait(1000);
    let own = format!("counter:b:2:{}", group());
    assert_eq!(scene.out.last(), Some(&(own, None)));
}
