//! Which ends and signals tell of a death, and whose.

use std::time::Instant;

use coroner_core::counters::Whole;
use coroner_core::finding::{ContainerEnd, CountedKill, FindingId, Process, Sigkill, SignalResult};
use rstest::rstest;

use super::deaths::Deaths;
use super::kills::Kills;
use super::tests::{BOOT, ID, Scene, count, group, mark, sigkill};

fn end(main_pid: Option<u32>) -> ContainerEnd {
    ContainerEnd {
        group: group(),
        container_id: ID.to_owned(),
        main_pid,
        watched_since: None,
        not_before: None,
        main_sigkilled: None,
        oom_kills: None,
        throttled_us: None,
        throttled_periods: None,
        sandbox: false,
    }
}

/// Lets a container end, and gives what its end is about and whether its first process got SIGKILL.
fn ends(
    deaths: &mut Deaths,
    kills: &Kills,
    main: Option<u32>,
    traced: bool,
) -> (Option<String>, Option<bool>) {
    let now = Instant::now();
    deaths.ended(end(main), None, now, now);
    let out = deaths.overdue(BOOT, now, kills, &|_, _| traced);
    let coroner_core::finding::FindingBody::ContainerEnd(end) = &out[0].body else {
        panic!("{out:?}")
    };
    assert_eq!(out[0].id, FindingId::container_end(BOOT, ID));
    (out[0].about.as_ref().map(|about| about.0.clone()), end.main_sigkilled)
}

#[test]
fn an_end_belongs_to_the_kill_of_the_first_process_and_else_stands_for_itself() {
    let death = format!("death:b:{ID}");
    let mut scene = Scene::new();
    scene.printed(41, Some(&group()), "kmsg:b:1");
    let mut deaths = Deaths::default();
    deaths.killed(&mark(41, 100), scene.now);
    let about = ends(&mut deaths, &scene.kills, Some(41), true);
    assert_eq!(about, (Some("kmsg:b:1".to_owned()), Some(true)));
    // A child was killed, and the container ended by itself.
    let about = ends(&mut deaths, &scene.kills, Some(40), true);
    assert_eq!(about, (Some(death.clone()), Some(false)));
    // Nobody knows its first process: the kill is the best there is.
    assert_eq!(ends(&mut deaths, &scene.kills, None, true), (Some("kmsg:b:1".to_owned()), None));
    // Without a complete trace nobody can say that it got none.
    assert_eq!(ends(&mut deaths, &Kills::default(), Some(40), false), (Some(death), None));
}

/// A count names no process. Just before the end of its container it is what ended it; long before it is not.
#[test]
fn an_end_belongs_to_a_kill_that_only_was_counted_just_before() {
    let now_us = crate::clock::monotonic_us();
    let counter = Some(format!("counter:b:1:{}", group()));
    let death = Some(format!("death:b:{ID}"));
    let counted = |ago_us| {
        let mut scene = Scene::new();
        let at_us = now_us.saturating_sub(ago_us);
        let count = CountedKill { from_us: at_us, to_us: at_us, ..count(&group(), 1) };
        scene.counted_with(count, Whole::No);
        scene.wait(500);
        scene.kills
    };
    let ends = |kills: &Kills, main, traced| ends(&mut Deaths::default(), kills, main, traced).0;
    for main in [Some(41), None] {
        assert_eq!(ends(&counted(300_000), main, false), counter);
        assert_eq!(ends(&counted(5_000_000), main, false), death, "a child's, or another's");
    }
    // The trace missed nothing, and the first process got no SIGKILL.
    assert_eq!(ends(&counted(300_000), Some(41), true), death);
}

/// Nobody had looked into the container when somebody was killed: whoever was seen there later need not be its first.
#[rstest]
// By its child, which was seen: the parent was the first.
#[case::by_its_child(Some(group()), 41, Some(41), 1_500, (Some(41), Some(true)))]
#[case::by_an_unknown_one(Some(group()), 41, None, 1_500, (None, None))]
// Its group could not be read.
#[case::from_nowhere(None, 41, None, 1_500, (None, None))]
#[case::elsewhere(Some("/system.slice/a.service".into()), 41, None, 1_500, (Some(43), Some(false)))]
// A worker, when the first process had been seen, or before the group was there.
#[case::later(Some(group()), 41, None, 2_500, (Some(43), Some(false)))]
#[case::before(Some(group()), 41, None, 500, (Some(43), Some(false)))]
#[case::itself(Some(group()), 43, None, 1_500, (Some(43), Some(true)))]
fn who_was_the_first_process(
    #[case] home: Option<String>,
    #[case] pid: u32,
    #[case] parent: Option<u32>,
    #[case] at_us: u64,
    #[case] expected: (Option<u32>, Option<bool>),
) {
    let receiver = Process { pid, cgroup: home, ..Process::default() };
    let sender = Process { pid: 43, cgroup: Some(group()), ..Process::default() };
    let ancestors = parent.map(|pid| Process { pid, ..Process::default() }).into_iter().collect();
    let mut deaths = Deaths::default();
    let now = Instant::now();
    deaths.killed(&Sigkill { receiver, sender, ancestors, ..sigkill(pid, at_us, 0) }, now);
    deaths.ended(end(Some(43)), Some((1_000, 2_000)), now, now);
    let out = deaths.overdue(BOOT, now, &Kills::default(), &|_, _| true);
    let coroner_core::finding::FindingBody::ContainerEnd(end) = &out[0].body else {
        panic!("{out:?}")
    };
    assert_eq!((end.main_pid, end.main_sigkilled), expected);
}

/// The kernel sends the first victim of a whole group another SIGKILL, without a mark.
#[test]
fn a_signal_that_is_pending_already_tells_nothing_new() {
    let again = || {
        let sender = Process { pid: 41, cgroup: Some(group()), ..Process::default() };
        Sigkill { result: SignalResult::AlreadyPending, sender, ..sigkill(41, 2, 128) }
    };
    let mut deaths = Deaths::default();
    deaths.killed(&mark(41, 1), Instant::now());
    assert_eq!(deaths.sigkill(BOOT, again(), Instant::now()), []);
    // The first one was not seen: then this is all there is.
    assert_eq!(Deaths::default().sigkill(BOOT, again(), Instant::now()).len(), 1);
}

#[rstest]
// From outside to the first process: about the death.
#[case::outside(sigkill(41, 1, 0), Some(Some(format!("death:b:{ID}"))))]
// From outside to another process: a kill that the container survives.
#[case::child(Sigkill { receiver_is_main: Some(false), ..sigkill(41, 1, 0) }, Some(None))]
// Its own processes among themselves.
#[case::inside(
    Sigkill {
        receiver_is_main: Some(false),
        sender: Process { pid: 40, cgroup: Some(group()), ..Process::default() },
        ..sigkill(41, 1, 0)
    },
    None
)]
// Follows from the end of a pid namespace.
#[case::namespace(sigkill(41, 1, 128), None)]
// Somebody used up his CPU time.
#[case::cpu_time(
    Sigkill {
        sender: Process { pid: 41, cgroup: Some(group()), ..Process::default() },
        ..sigkill(41, 1, 128)
    },
    Some(Some(format!("death:b:{ID}")))
)]
// It was dying already.
#[case::ignored(Sigkill { result: SignalResult::Ignored, ..sigkill(41, 1, 0) }, None)]
// No container.
#[case::host(
    Sigkill {
        receiver: Process { pid: 41, cgroup: Some("/system.slice/ssh.service".into()), ..Process::default() },
        ..sigkill(41, 1, 0)
    },
    None
)]
fn which_signals_tell_of_a_death(
    #[case] sigkill: Sigkill,
    #[case] expected: Option<Option<String>>,
) {
    let mut deaths = Deaths::default();
    let out = deaths.sigkill(BOOT, sigkill, Instant::now());
    let about = out.first().map(|p| p.about.as_ref().map(|about| about.0.clone()));
    assert_eq!(about, expected);
    assert_eq!(deaths.take_not_reported(), u64::from(expected.is_none()));
}

#[test]
fn a_flood_of_signals_is_bounded_and_counted() {
    let mut deaths = Deaths::default();
    let now = Instant::now();
    let told: usize = (0..2000).map(|n| deaths.sigkill(BOOT, sigkill(n, 1, 0), now).len()).sum();
    assert_eq!((told, deaths.take_not_reported()), (600, 1400));
}
