//! A whole group is killed at once: one incident, whoever saw which part of it, in whatever order.

use std::collections::BTreeSet;

use coroner_core::counters::Whole;
use coroner_core::finding::{CountedKill, Process, Sigkill};
use rstest::rstest;

use super::kill::Witness;
use super::tests::{Scene, count, mark, pair};

const POD: &str = "/kubepods/pod00000000-0000-0000-0000-000000000001";

fn container(name: char) -> String {
    format!("{POD}/{}", name.to_string().repeat(64))
}

/// One thing that somebody says of a pod that is killed whole: `a` is the container of the process that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// The log's report of process 41 in `a`, which comes before what else the log says.
    Report,
    /// The log's line of process 42, which names the pod only.
    Line,
    /// The trace's mark of 41 in `a` or 42 in `b`.
    Mark(u32),
    /// A container's nth count: `a` counts its process twice.
    Count(char, u64),
}

use Word::{Count, Line, Mark, Report};

const LOG: &[Word] = &[Report, Line];
const TRACE: &[Word] = &[Mark(41), Mark(42)];
const COUNTS: &[Word] = &[Count('a', 1), Count('a', 2), Count('b', 1)];

fn at(at_us: u64, group: &str, nth: u64) -> CountedKill {
    CountedKill { from_us: at_us - 50, to_us: at_us, ..count(group, nth) }
}

fn mark_in(pid: u32, at_us: u64, group: &str) -> Sigkill {
    let receiver = Process { pid, cgroup: Some(group.to_owned()), ..Process::default() };
    Sigkill { receiver, ..mark(pid, at_us) }
}

fn of_pod(nth: Option<u64>) -> Whole {
    Whole::Group { path: POD.to_owned(), nth }
}

fn say(scene: &mut Scene, word: Word, whole: &Whole) {
    match word {
        Report => scene.printed(41, Some(&container('a')), "kmsg:b:1"),
        Line => {
            let victim = Witness::new(Some(42), None).killed_with(Some(POD));
            scene.further_of(victim, "kmsg:b:2", "kmsg:b:1");
        }
        Mark(41) => scene.traced(mark_in(41, 1_000_000, &container('a'))),
        Mark(pid) => scene.traced(mark_in(pid, 1_000_400, &container('b'))),
        Count(name, nth) => scene.counted_with(at(1_000_500, &container(name), nth), whole.clone()),
    }
}

/// Every order of the words in which the log says its own in order.
fn orders(words: &[Word]) -> Vec<Vec<Word>> {
    let Some((last, rest)) = words.split_last() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for order in orders(rest) {
        for place in 0..=order.len() {
            let mut order = order.clone();
            order.insert(place, *last);
            let of = |word| order.iter().position(|other| *other == word);
            if of(Report) <= of(Line) || of(Line).is_none() {
                all.push(order);
            }
        }
    }
    all
}

/// Incidents by their anchors. What a further line of the log says by itself needs no word.
fn opened(scene: &Scene) -> BTreeSet<String> {
    let all = scene.incidents().into_iter();
    all.map(|(incident, _)| incident).filter(|incident| incident != "kmsg:b:2").collect()
}

#[rstest]
#[case::all(&[LOG, TRACE, COUNTS])]
#[case::without_the_log(&[TRACE, COUNTS])]
#[case::without_the_trace(&[LOG, COUNTS])]
#[case::without_counters(&[LOG, TRACE])]
#[case::log_alone(&[LOG])]
#[case::counters_alone(&[COUNTS])]
fn one_incident_in_every_order_of_witnesses(
    #[case] sources: &[&[Word]],
    // The kernel counts whole kills, or only the flag is known.
    #[values(Some(1), None)] nth: Option<u64>,
    // All at once, or one after the other.
    #[values(0, 20)] pause_ms: u64,
) {
    let words = sources.concat();
    for order in orders(&words) {
        let log = order.contains(&Report);
        let mut scene = if log { Scene::new() } else { Scene::without_log() };
        for word in &order {
            say(&mut scene, *word, &of_pod(nth));
            scene.wait(pause_ms);
        }
        scene.wait(2000);
        let incidents = scene.incidents();
        assert_eq!(incidents.len(), words.len(), "{order:?}: {incidents:?}");
        assert_eq!(opened(&scene).len(), 1, "{order:?}: {incidents:?}");
        assert_eq!(scene.kills.take_ambiguous(), 0, "{order:?}");
    }
}

/// Only some of the counters were read before the group was counted as killed whole.
#[test]
fn the_first_victims_count_may_be_read_before_the_groups() {
    for order in orders(COUNTS) {
        let mut scene = Scene::new();
        for word in order {
            let whole = if word == Count('a', 1) { Whole::No } else { of_pod(Some(1)) };
            say(&mut scene, word, &whole);
        }
        scene.wait(1000);
        assert_eq!(opened(&scene).len(), 1, "{:?}", scene.incidents());
    }
}

/// The marks waited long enough without a count, and the counts come late.
#[test]
fn a_count_that_comes_late_opens_nothing_beside_the_marks() {
    let mut scene = Scene::new();
    say(&mut scene, Mark(41), &Whole::No);
    scene.wait(500);
    for word in COUNTS {
        say(&mut scene, *word, &of_pod(Some(1)));
    }
    say(&mut scene, Mark(42), &Whole::No);
    scene.wait(1000);
    let anchor = BTreeSet::from(["signal:b:1000000.41".to_owned()]);
    assert_eq!((opened(&scene), scene.incidents().len()), (anchor, 5));
}

/// A mark that comes after its count was published is of that count's incident.
#[test]
fn a_mark_that_comes_late_is_of_the_kill_that_was_counted_at_its_time() {
    let mut scene = Scene::new();
    scene.counted_with(at(1_000_500, &container('a'), 1), Whole::No);
    scene.wait(1000);
    scene.traced(mark_in(41, 1_000_480, &container('a')));
    // This one was not yet killed when the counter was read.
    scene.traced(mark_in(42, 1_900_000, &container('a')));
    scene.wait(1000);
    let counter = format!("counter:b:1:{}", container('a'));
    let own = "signal:b:1900000.42".to_owned();
    assert_eq!(opened(&scene), BTreeSet::from([counter, own]));
}

/// The log is read when the marks were published already: all of it is of their incident, also whom the trace missed.
#[test]
fn a_report_that_comes_late_takes_its_further_victims_along() {
    let mut scene = Scene::new();
    say(&mut scene, Mark(41), &Whole::No);
    scene.wait(600);
    say(&mut scene, Report, &Whole::No);
    say(&mut scene, Line, &Whole::No);
    let anchor = "signal:b:1000000.41";
    let expected = [pair(anchor, "kmsg:b:1"), pair(anchor, "kmsg:b:2"), pair(anchor, anchor)];
    assert_eq!(scene.incidents(), expected);
}

#[test]
fn a_group_that_is_killed_whole_again_is_another_incident() {
    for nth in [[Some(1), Some(2)], [None, None]] {
        let mut scene = Scene::new();
        for (round, nth) in nth.into_iter().enumerate() {
            let round = round as u64;
            for n in 1..=3 {
                let count = at(1_000_000 * (round + 1), &container('a'), round * 3 + n);
                scene.counted_with(count, of_pod(nth));
            }
            scene.wait(1000);
        }
        assert_eq!(opened(&scene).len(), 2, "{:?}", scene.incidents());
    }
    // By its number even where one follows at once.
    let mut scene = Scene::new();
    for n in 1..=3 {
        scene.counted_with(at(1_000_000, &container('a'), n), of_pod(Some(1)));
        scene.counted_with(at(1_000_050, &container('b'), n), of_pod(Some(2)));
    }
    scene.wait(1000);
    assert_eq!(opened(&scene).len(), 2, "{:?}", scene.incidents());
}

#[rstest]
// Version 1, or version 2 without the flag: each kill is one.
#[case(Whole::No, 3)]
// Another pod was killed whole at that time.
#[case(Whole::Group { path: "/kubepods/pod2".into(), nth: Some(1) }, 3)]
// Nobody can tell, and nothing else was seen.
#[case(Whole::Untold, 3)]
#[case(of_pod(Some(1)), 1)]
#[case(Whole::Gone { nth: Some(4) }, 1)]
fn counts_of_one_group_are_one_incident_only_if_it_was_killed_whole(
    #[case] whole: Whole,
    #[case] expected: usize,
) {
    let mut scene = Scene::new();
    for n in 1..=3 {
        scene.counted_with(at(1_000_000, POD, n), whole.clone());
    }
    scene.wait(1000);
    assert_eq!(opened(&scene).len(), expected, "{:?}", scene.incidents());
}

/// What dies in another pod at the same time is nobody's part.
#[test]
fn a_neighbour_that_dies_at_the_same_time_is_no_part_of_it() {
    for order in orders(&[TRACE, COUNTS].concat()) {
        let mut scene = Scene::new();
        let other = "/kubepods/pod2/neighbour";
        for word in order {
            say(&mut scene, word, &of_pod(Some(1)));
            if word == Mark(41) {
                scene.traced(mark_in(50, 1_000_200, other));
            }
            if word == Count('a', 2) {
                scene.counted_with(at(1_000_500, other, 1), Whole::No);
            }
        }
        scene.wait(1000);
        let incidents = scene.incidents();
        let neighbours = incidents.iter().filter(|(i, _)| i == "signal:b:1000200.50").count();
        assert_eq!((opened(&scene).len(), neighbours), (2, 2), "{incidents:?}");
    }
}

/// The container is gone: its pod counts what was killed in it, one more than the trace saw.
#[test]
fn a_container_that_is_gone_was_killed_whole() {
    let mut scene = Scene::new();
    for pid in [41, 42, 43] {
        scene.traced(mark_in(pid, 1_000_000 + u64::from(pid), &container('a')));
    }
    for n in 1..=4 {
        scene.counted_with(at(1_000_500, POD, n), Whole::Gone { nth: Some(1) });
    }
    scene.wait(1000);
    assert_eq!((opened(&scene).len(), scene.incidents().len()), (1, 7), "{:?}", scene.incidents());
}

/// The processes were gone when their groups were looked up; the counts are one more than there were processes.
#[rstest]
// Each is in the container that counted.
#[case(&[Count('a', 1), Count('a', 2), Count('a', 3)], &[None, None])]
// In two containers; of one process the group is known.
#[case(&[Count('a', 1), Count('a', 2), Count('b', 1)], &[Some('a'), None])]
#[case(&[Count('a', 1), Count('a', 2), Count('b', 1)], &[None, None])]
fn processes_that_nobody_could_look_up_died_with_the_whole(
    #[case] counts: &[Word],
    #[case] homes: &[Option<char>],
) {
    for counts_first in [true, false] {
        let mut scene = Scene::without_log();
        for counting in [counts_first, !counts_first] {
            if counting {
                counts.iter().for_each(|word| say(&mut scene, *word, &of_pod(Some(1))));
            } else {
                for (pid, home) in (41..).zip(homes) {
                    let mut mark = mark_in(pid, 1_000_480, "");
                    mark.receiver.cgroup = home.map(container);
                    scene.traced(mark);
                }
            }
            scene.wait(10);
        }
        scene.wait(1000);
        let all = counts.len() + homes.len();
        let incidents = scene.incidents();
        assert_eq!((opened(&scene).len(), incidents.len()), (1, all), "{incidents:?}");
    }
}
