//! Counts that nobody claims in time.

use coroner_core::counters::Whole;
use coroner_core::finding::{CountedKill, Process, Sigkill};

use super::tests::{BOOT, Scene, count, group, id, mark, pair, told};

impl Scene {
    fn counted_between(&mut self, from_us: u64, to_us: u64, oom_kill: u64) {
        let counted = CountedKill { from_us, to_us, ..count(&group(), oom_kill) };
        self.counted_with(counted, Whole::No);
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
    scene.wait(11_000);
    let mut opened: Vec<String> = scene.incidents().into_iter().map(|(opened, _)| opened).collect();
    opened.dedup();
    assert_eq!(opened, ["kmsg:b:2", "signal:b:50000.41"]);
    assert_eq!(scene.kills.take_ambiguous(), 1);
    // It excuses no second one.
    scene.counted_between(1_100_000, 1_200_000, 3);
    scene.wait(11_000);
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

#[test]
fn a_count_that_could_be_of_a_kill_without_a_home_opens_nothing() {
    let counter = format!("counter:b:1:{}", group());
    let mut scene = Scene::new();
    scene.printed(41, None, "kmsg:b:1");
    scene.counted(&group(), 1);
    scene.wait(9_000);
    assert_eq!(scene.incidents(), [pair("kmsg:b:1", "kmsg:b:1")]);
    // In the end it is told with it.
    scene.wait(2_000);
    let told_of = [pair("kmsg:b:1", &counter), pair("kmsg:b:1", "kmsg:b:1")];
    assert_eq!((scene.incidents(), scene.kills.take_ambiguous()), (told_of.into(), 0));
    // Where the home is worked out in time, it is a witness.
    let mut scene = Scene::new();
    scene.printed(41, None, "kmsg:b:1");
    scene.counted(&group(), 1);
    for _ in 0..8 {
        scene.wait(600);
    }
    let out = scene.kills.attributed(&id("kmsg:b:1"), 41, &group());
    assert_eq!(told(&out), [(counter, Some("kmsg:b:1".to_owned()))]);
    scene.wait(1000);
    assert_eq!((scene.out.len(), scene.kills.take_ambiguous()), (1, 0));
}

#[test]
fn processes_that_were_gone_when_they_were_looked_up_are_those_their_group_counted() {
    let gone = |scene: &mut Scene, pid, at_us| {
        let mark = mark(pid, at_us);
        let receiver = Process { cgroup: None, ..mark.receiver.clone() };
        let mark = Sigkill { receiver, ..mark };
        let out = scene.kills.marked(BOOT, mark, scene.now, scene.until());
        scene.out.extend(told(&out));
    };
    let count = |n| format!("counter:b:{n}:{}", group());
    let mut scene = Scene::new();
    gone(&mut scene, 41, 1);
    gone(&mut scene, 42, 2);
    // The counter was read from 1 to 2: this one was killed at another time.
    gone(&mut scene, 43, 900_000);
    scene.wait(10);
    scene.counted(&group(), 1);
    scene.counted(&group(), 2);
    scene.wait(1000);
    assert_eq!(
        scene.incidents(),
        [
            pair("signal:b:1.41", &count(1)),
            pair("signal:b:1.41", "signal:b:1.41"),
            pair("signal:b:2.42", &count(2)),
            pair("signal:b:2.42", "signal:b:2.42"),
            pair("signal:b:900000.43", "signal:b:900000.43"),
        ]
    );
    // Two groups counted: which process was whose cannot be told, but that each had one, and no kill is told twice.
    let mut scene = Scene::new();
    gone(&mut scene, 41, 1);
    gone(&mut scene, 42, 2);
    scene.counted(&group(), 1);
    scene.counted("/system.slice", 1);
    scene.wait(9_000);
    assert_eq!(scene.incidents().len(), 2);
    scene.wait(2_000);
    assert_eq!((scene.incidents().len(), scene.kills.take_ambiguous()), (4, 0));
    let mut opened: Vec<_> = scene.incidents().into_iter().map(|(opened, _)| opened).collect();
    opened.dedup();
    assert_eq!(opened, ["signal:b:1.41", "signal:b:2.42"]);
}
