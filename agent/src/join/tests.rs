//! Witnesses arrive in every order, late, twice and not at all.

use std::time::{Duration, Instant};

use coroner_core::finding::{
    ContainerEnd, CountedKill, CountedLimit, FindingId, OomMark, Process, Sigkill, SignalResult,
};
use rstest::rstest;

use super::Publication;
use super::deaths::Deaths;
use super::kills::{Kills, Witness};

const BOOT: &str = "b";
const ID: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn group() -> String {
    format!("/kubepods/pod00000000-0000-0000-0000-000000000001/{ID}")
}

fn mark(pid: u32, at_us: u64) -> Sigkill {
    Sigkill { oom_mark: Some(OomMark::default()), ..sigkill(pid, at_us, 128) }
}

fn sigkill(pid: u32, at_us: u64, code: i32) -> Sigkill {
    Sigkill {
        at_us,
        code,
        whole_process: Some(true),
        result: SignalResult::Delivered,
        receiver: Process { pid, cgroup: Some(group()), ..Process::default() },
        receiver_is_main: None,
        sender: Process { pid: 7, comm: "kill".into(), ..Process::default() },
        ancestors: Vec::new(),
        oom_mark: None,
    }
}

fn count(group: &str, oom_kill: u64) -> CountedKill {
    CountedKill {
        group: group.to_owned(),
        version: 2,
        oom_kill,
        of: 1,
        from_us: 1,
        to_us: 2,
        lineage: Vec::new(),
        limit: CountedLimit::Unknown,
    }
}

fn id(name: &str) -> FindingId {
    FindingId(name.to_owned())
}

/// Ids with what each is about.
fn told(out: &[Publication]) -> Vec<(String, Option<String>)> {
    out.iter().map(|p| (p.id.0.clone(), p.about.as_ref().map(|a| a.0.clone()))).collect()
}

/// A run of witnesses: what each published, in order. A printed kill shows as its id.
struct Scene {
    kills: Kills,
    now: Instant,
    out: Vec<(String, Option<String>)>,
}

impl Scene {
    fn new() -> Self {
        Self { kills: Kills::default(), now: Instant::now(), out: Vec::new() }
    }

    fn until(&self) -> Instant {
        self.now + Duration::from_millis(500)
    }

    fn printed(&mut self, pid: u32, group: Option<&str>, name: &str) {
        let victim = Witness::new(Some(pid), group);
        let (about, out) = self.kills.printed(BOOT, victim, &id(name), None, self.now);
        self.out.push((name.to_owned(), about.map(|about| about.0)));
        self.out.extend(told(&out));
    }

    fn further(&mut self, pid: u32, name: &str, report: &str) {
        let group = group();
        let victim = Witness::new(Some(pid), Some(&group));
        let (about, out) = self.kills.printed(BOOT, victim, &id(name), Some(&id(report)), self.now);
        self.out.push((name.to_owned(), about.map(|about| about.0)));
        self.out.extend(told(&out));
    }

    fn marked(&mut self, pid: u32, at_us: u64) {
        let out = self.kills.marked(BOOT, mark(pid, at_us), self.now, self.until());
        self.out.extend(told(&out));
    }

    fn counted(&mut self, group: &str, oom_kill: u64) {
        let out = self.kills.counted(BOOT, count(group, oom_kill), self.now, self.until());
        self.out.extend(told(&out));
    }

    fn wait(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        let out = self.kills.overdue(BOOT, self.now);
        self.out.extend(told(&out));
    }

    /// Which incident each finding belongs to, sorted.
    fn incidents(&self) -> Vec<(String, String)> {
        let mut all: Vec<_> = self
            .out
            .iter()
            .map(|(id, about)| (about.clone().unwrap_or_else(|| id.clone()), id.clone()))
            .collect();
        all.sort();
        all
    }
}

fn pair(incident: &str, finding: &str) -> (String, String) {
    (incident.to_owned(), finding.to_owned())
}

#[rstest]
#[case([0, 1, 2])]
#[case([0, 2, 1])]
#[case([1, 0, 2])]
#[case([1, 2, 0])]
#[case([2, 0, 1])]
#[case([2, 1, 0])]
fn three_witnesses_of_one_kill_are_one_incident_in_any_order(#[case] order: [u8; 3]) {
    let mut scene = Scene::new();
    for witness in order {
        match witness {
            0 => scene.printed(41, Some(&group()), "kmsg:b:1"),
            1 => scene.marked(41, 100),
            _ => scene.counted(&group(), 1),
        }
        scene.wait(10);
    }
    scene.wait(1000);
    let counter = format!("counter:b:1:{}", group());
    let expected = [
        pair("kmsg:b:1", &counter),
        pair("kmsg:b:1", "kmsg:b:1"),
        pair("kmsg:b:1", "signal:b:100.41"),
    ];
    assert_eq!(scene.incidents(), expected);
}

#[test]
fn a_mark_that_nobody_prints_opens_an_incident_and_late_lines_join_it() {
    let mut scene = Scene::new();
    scene.marked(41, 100);
    scene.counted(&group(), 1);
    assert!(scene.out.is_empty(), "they wait for the log");
    scene.wait(499);
    assert!(scene.out.is_empty());
    scene.wait(1);
    let counter = format!("counter:b:1:{}", group());
    assert_eq!(
        scene.out,
        [("signal:b:100.41".to_owned(), None), (counter, Some("signal:b:100.41".to_owned())),]
    );
    scene.wait(2000);
    scene.printed(41, None, "klog:b:9.0");
    assert_eq!(
        scene.out.last(),
        Some(&("klog:b:9.0".to_owned(), Some("signal:b:100.41".to_owned())))
    );
}

#[test]
fn a_count_alone_opens_an_incident() {
    let mut scene = Scene::new();
    scene.counted(&group(), 3);
    scene.wait(500);
    assert_eq!(scene.out, [(format!("counter:b:3:{}", group()), None)]);
}

#[test]
fn two_kills_in_one_container_in_one_moment_stay_two() {
    let mut scene = Scene::new();
    scene.marked(41, 100);
    scene.marked(42, 100);
    scene.counted(&group(), 1);
    scene.printed(42, Some(&group()), "kmsg:b:2");
    scene.printed(41, Some(&group()), "kmsg:b:1");
    scene.counted(&group(), 2);
    scene.wait(1000);
    let incidents = scene.incidents();
    let of = |name: &str| incidents.iter().filter(|(incident, _)| incident == name).count();
    assert_eq!((of("kmsg:b:1"), of("kmsg:b:2"), incidents.len()), (3, 3, 6));
}

#[test]
fn a_process_id_that_is_used_again_is_another_kill() {
    let mut scene = Scene::new();
    scene.printed(41, Some(&group()), "kmsg:b:1");
    scene.marked(41, 100);
    scene.printed(41, Some(&group()), "kmsg:b:2");
    scene.marked(41, 200);
    scene.wait(10_000);
    // Much later the number comes round again, and only the trace sees it.
    scene.marked(41, 300);
    scene.wait(1000);
    assert_eq!(
        scene.incidents(),
        [
            pair("kmsg:b:1", "kmsg:b:1"),
            pair("kmsg:b:1", "signal:b:100.41"),
            pair("kmsg:b:2", "kmsg:b:2"),
            pair("kmsg:b:2", "signal:b:200.41"),
            pair("signal:b:300.41", "signal:b:300.41"),
        ]
    );
}

#[test]
fn victims_of_a_group_kill_join_their_report() {
    let mut scene = Scene::new();
    scene.marked(42, 101);
    scene.printed(41, Some(&group()), "kmsg:b:1");
    scene.marked(41, 100);
    scene.further(42, "kmsg:b:2", "kmsg:b:1");
    // The first victim is printed again.
    scene.further(41, "kmsg:b:3", "kmsg:b:1");
    scene.wait(1000);
    let incidents = scene.incidents();
    assert_eq!(incidents.len(), 5);
    // What a record says by itself needs no word.
    let own = |name: &str| name == "kmsg:b:2" || name == "kmsg:b:3";
    assert!(
        incidents.iter().all(|(incident, f)| incident == "kmsg:b:1" || own(f)),
        "{incidents:?}"
    );
}

#[test]
fn a_pods_counter_counts_for_a_container_that_is_gone() {
    let mut scene = Scene::new();
    scene.printed(41, Some(&group()), "kmsg:b:1");
    scene.counted("/kubepods/pod00000000-0000-0000-0000-000000000001", 1);
    scene.wait(1000);
    assert!(scene.incidents().iter().all(|(incident, _)| incident == "kmsg:b:1"));
    // But a neighbour's name that begins alike is another group.
    scene.counted("/kubepods/pod00000000-0000-0000-0000-00000000000", 1);
    scene.wait(1000);
    assert_eq!(scene.out.last().map(|(_, about)| about.clone()), Some(None));
}

#[test]
fn a_group_whose_process_is_dying_has_nobody_else_to_kill() {
    let mut scene = Scene::new();
    scene.printed(41, Some(&group()), "kmsg:b:1");
    let now = scene.now + Duration::from_millis(30);
    assert_eq!(scene.kills.dying_in(&group(), now), Some(&id("kmsg:b:1")));
    let pod = "/kubepods/pod00000000-0000-0000-0000-000000000001";
    assert_eq!(scene.kills.dying_in(pod, now), Some(&id("kmsg:b:1")));
    assert_eq!(scene.kills.dying_in("/kubepods/pod2", now), None);
    assert_eq!(scene.kills.dying_in(&group(), now + Duration::from_secs(2)), None);
}

#[test]
fn a_count_that_could_be_of_a_kill_without_a_home_opens_nothing() {
    let mut scene = Scene::new();
    scene.printed(41, None, "kmsg:b:1");
    scene.counted(&group(), 1);
    scene.wait(1000);
    assert_eq!(scene.incidents(), [pair("kmsg:b:1", "kmsg:b:1")]);
    assert_eq!(scene.kills.take_ambiguous(), 1);
    // Where the home is worked out in time, it is a witness.
    let mut scene = Scene::new();
    scene.printed(41, None, "kmsg:b:1");
    scene.counted(&group(), 1);
    let out = scene.kills.attributed(BOOT, &id("kmsg:b:1"), 41, &group());
    let counter = format!("counter:b:1:{}", group());
    assert_eq!(told(&out), [(counter, Some("kmsg:b:1".to_owned()))]);
    scene.wait(1000);
    assert_eq!((scene.out.len(), scene.kills.take_ambiguous()), (1, 0));
}

#[test]
fn a_storm_stays_bounded_and_every_kill_keeps_its_witness() {
    let mut scene = Scene::new();
    for n in 0..6_000_u32 {
        scene.now += Duration::from_micros(500);
        scene.marked(n, u64::from(n));
        scene.printed(n, Some(&group()), &format!("kmsg:b:{n}"));
    }
    scene.wait(1000);
    let split = scene.out.iter().filter(|(id, about)| id.starts_with("signal") && about.is_none());
    assert_eq!((scene.out.len(), split.count()), (12_000, 0));
    scene.wait(6000);
    assert_eq!(scene.kills.len(), 0);
}

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
    deaths.ended(end(main), now, now);
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
