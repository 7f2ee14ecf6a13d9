//! Counts that nobody claims in time.

use coroner_core::counters::Whole;
use coroner_core::finding::{CountedKill, FindingBody, Process, Sigkill};

use super::tests::{Scene, count, group, id, mark, pair, told};

impl Scene {
    /// The process was gone when its group was looked up.
    fn gone(&mut self, pid: u32, at_us: u64) {
        let mark = mark(pid, at_us);
        let receiver = Process { cgroup: None, ..mark.receiver.clone() };
        self.traced(Sigkill { receiver, ..mark });
    }

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

/// The same when nobody knows where the earlier one was: its count went to the later one, whose own is told with it.
#[test]
fn the_count_of_a_kill_without_a_home_opens_no_incident() {
    let mut scene = Scene::new();
    scene.counted_between(0, 100_000, 1);
    scene.printed(42, Some(&group()), "kmsg:b:2");
    scene.marked(42, 1_000_000);
    scene.gone(41, 50_000);
    scene.counted_between(900_000, 1_100_000, 2);
    scene.wait(11_000);
    let (first, second) = (format!("counter:b:1:{}", group()), format!("counter:b:2:{}", group()));
    let of = |pid: &str| pair(&format!("signal:b:{pid}"), &format!("signal:b:{pid}"));
    let mut told_of = vec![
        pair("kmsg:b:2", &first),
        pair("kmsg:b:2", "kmsg:b:2"),
        pair("kmsg:b:2", "signal:b:1000000.42"),
        pair("signal:b:50000.41", &second),
        of("50000.41"),
    ];
    told_of.sort();
    let mut incidents = scene.incidents();
    incidents.sort();
    assert_eq!((incidents, scene.kills.take_ambiguous()), (told_of, 0));
    // The trace misses no kill, so it was this one and no other.
    assert!(scene.published.iter().all(|publication| match &publication.body {
        FindingBody::CountedKill(kill) => kill.one_of.is_empty(),
        _ => true,
    }));
    // It excuses no second one.
    scene.counted_between(1_100_000, 1_200_000, 3);
    scene.wait(11_000);
    assert_eq!(scene.out.last(), Some(&(format!("counter:b:3:{}", group()), None)));
}

/// A storm in one group, of which the first was gone too soon: each of the others may take the count of the one before it,
/// and what is left over is the first one's in the end.
#[test]
fn a_kill_without_a_home_gets_what_the_others_left_over() {
    for log_first in [true, false] {
        let mut scene = Scene::new();
        scene.gone(40, 0);
        for n in 0..12_u32 {
            let (pid, at_us) = (40 + n, u64::from(n) * 400_000);
            let name = format!("kmsg:b:{pid}");
            let count = |scene: &mut Scene| {
                scene.counted_between(
                    at_us.saturating_sub(300_000),
                    at_us + 9_000,
                    u64::from(n) + 1,
                );
            };
            match (n, log_first) {
                (0, _) => count(&mut scene),
                (_, true) => {
                    scene.printed(pid, Some(&group()), &name);
                    scene.wait(700);
                    count(&mut scene);
                    scene.marked(pid, at_us);
                }
                (_, false) => {
                    scene.marked(pid, at_us);
                    scene.wait(700);
                    scene.printed(pid, Some(&group()), &name);
                    count(&mut scene);
                }
            }
        }
        for _ in 0..3 {
            scene.wait(11_000);
        }
        let mut opened: Vec<String> =
            scene.incidents().into_iter().map(|(opened, _)| opened).collect();
        let counts_of_first = scene
            .incidents()
            .into_iter()
            .filter(|(opened, what)| opened == "signal:b:0.40" && what.starts_with("counter"))
            .count();
        opened.sort();
        opened.dedup();
        assert_eq!((opened.len(), counts_of_first), (12, 1), "{opened:?}");
        assert_eq!(scene.kills.take_ambiguous(), 0);
    }
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
    let count = |n| format!("counter:b:{n}:{}", group());
    let mut scene = Scene::new();
    scene.gone(41, 1);
    scene.gone(42, 2);
    // The counter was read from 1 to 2: this one was killed at another time.
    scene.gone(43, 900_000);
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
    scene.gone(41, 1);
    scene.gone(42, 2);
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
