//! Witnesses arrive in every order, late, twice and not at all.

use std::time::{Duration, Instant};

use coroner_core::counters::Whole;
use coroner_core::finding::{
    CountedKill, CountedLimit, FindingId, GroupRise, OomMark, Process, Sigkill, SignalResult,
};
use rstest::rstest;

use super::Publication;
use super::kill::Witness;
use super::kills::Kills;

pub(super) const BOOT: &str = "b";
pub(super) const ID: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

pub(super) fn group() -> String {
    format!("/kubepods/pod00000000-0000-0000-0000-000000000001/{ID}")
}

pub(super) fn mark(pid: u32, at_us: u64) -> Sigkill {
    Sigkill { oom_mark: Some(OomMark::default()), ..sigkill(pid, at_us, 128) }
}

pub(super) fn sigkill(pid: u32, at_us: u64, code: i32) -> Sigkill {
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

pub(super) fn count(group: &str, oom_kill: u64) -> CountedKill {
    CountedKill {
        group: group.to_owned(),
        version: 2,
        oom_kill,
        of: 1,
        from_us: 1,
        to_us: 2,
        lineage: vec![GroupRise { group: group.to_owned(), ..GroupRise::default() }],
        limit: CountedLimit::Unknown,
        one_of: Vec::new(),
    }
}

pub(super) fn id(name: &str) -> FindingId {
    FindingId(name.to_owned())
}

/// Ids with what each is about.
pub(super) fn told(out: &[Publication]) -> Vec<(String, Option<String>)> {
    out.iter().map(|p| (p.id.0.clone(), p.about.as_ref().map(|a| a.0.clone()))).collect()
}

/// A run of witnesses: what each published, in order. A printed kill shows as its id.
pub(super) struct Scene {
    pub(super) kills: Kills,
    pub(super) now: Instant,
    pub(super) out: Vec<(String, Option<String>)>,
    /// What was published after a wait.
    pub(super) published: Vec<Publication>,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self {
            kills: Kills::default(),
            now: Instant::now(),
            out: Vec::new(),
            published: Vec::new(),
        }
    }

    pub(super) fn without_log() -> Self {
        let kills = Kills { without_log: true, ..Kills::default() };
        Self { kills, ..Self::new() }
    }

    pub(super) fn until(&self) -> Instant {
        self.now + Duration::from_millis(500)
    }

    pub(super) fn printed(&mut self, pid: u32, group: Option<&str>, name: &str) {
        let victim = Witness::new(Some(pid), group);
        let (about, out) = self.kills.printed(victim, &id(name), None, self.now);
        self.out.push((name.to_owned(), about.map(|about| about.0)));
        self.out.extend(told(&out));
    }

    fn further(&mut self, pid: u32, name: &str, report: &str) {
        let group = group();
        self.further_of(Witness::new(Some(pid), Some(&group)), name, report);
    }

    pub(super) fn further_of(&mut self, victim: Witness<'_>, name: &str, report: &str) {
        let (about, out) = self.kills.printed(victim, &id(name), Some(&id(report)), self.now);
        self.out.push((name.to_owned(), about.map(|about| about.0)));
        self.out.extend(told(&out));
    }

    pub(super) fn marked(&mut self, pid: u32, at_us: u64) {
        self.traced(mark(pid, at_us));
    }

    pub(super) fn traced(&mut self, mark: Sigkill) {
        let out = self.kills.marked(BOOT, mark, self.now, self.until());
        self.out.extend(told(&out));
    }

    pub(super) fn counted(&mut self, group: &str, oom_kill: u64) {
        self.counted_with(count(group, oom_kill), Whole::Untold);
    }

    pub(super) fn counted_with(&mut self, count: CountedKill, whole: Whole) {
        let out = self.kills.counted(BOOT, count, whole, self.now, self.until());
        self.out.extend(told(&out));
    }

    pub(super) fn wait(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        let out = self.kills.overdue(self.now);
        self.out.extend(told(&out));
        self.published.extend(out);
    }

    /// Which incident each finding belongs to, sorted.
    pub(super) fn incidents(&self) -> Vec<(String, String)> {
        let mut all: Vec<_> = self
            .out
            .iter()
            .map(|(id, about)| (about.clone().unwrap_or_else(|| id.clone()), id.clone()))
            .collect();
        all.sort();
        all
    }
}

pub(super) fn pair(incident: &str, finding: &str) -> (String, String) {
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
fn a_group_that_is_killed_whole_counts_one_more_than_there_were() {
    // Counts may come before all else, and before each other witness of the same group.
    for first in [true, false] {
        let mut scene = Scene::new();
        let counts = |scene: &mut Scene| (1..=4).for_each(|n| scene.counted(&group(), n));
        if first {
            counts(&mut scene);
        }
        (41..=43).for_each(|pid| scene.marked(pid, 1));
        scene.printed(41, Some(&group()), "kmsg:b:1");
        scene.further(42, "kmsg:b:2", "kmsg:b:1");
        scene.further(43, "kmsg:b:3", "kmsg:b:1");
        if !first {
            counts(&mut scene);
        }
        scene.wait(1000);
        let own = |name: &str| name == "kmsg:b:2" || name == "kmsg:b:3";
        let incidents = scene.incidents();
        assert_eq!((incidents.len(), scene.kills.take_ambiguous()), (10, 0));
        assert!(
            incidents.iter().all(|(incident, f)| incident == "kmsg:b:1" || own(f)),
            "{incidents:?}"
        );
    }
}

#[test]
fn a_count_that_is_read_late_belongs_to_the_kill_of_its_time() {
    let mut scene = Scene::new();
    scene.printed(41, Some(&group()), "kmsg:b:1");
    scene.wait(8_000);
    scene.counted(&group(), 1);
    scene.wait(1000);
    assert!(scene.incidents().iter().all(|(incident, _)| incident == "kmsg:b:1"));
}

#[test]
fn a_count_belongs_to_a_process_whose_group_only_the_log_knows() {
    let mut scene = Scene::new();
    // The agent was stopped: the process was gone when it was looked up, its group had counted it.
    let receiver = Process { pid: 41, ..Process::default() };
    let gone = Sigkill { receiver, ..mark(41, 1) };
    let out = scene.kills.marked(BOOT, gone, scene.now, scene.until());
    scene.out.extend(told(&out));
    scene.counted(&group(), 1);
    scene.printed(41, Some(&group()), "kmsg:b:1");
    scene.wait(1000);
    assert_eq!(scene.incidents().len(), 3);
    assert!(scene.incidents().iter().all(|(incident, _)| incident == "kmsg:b:1"));
}

#[test]
fn the_same_process_id_at_another_time_is_another_process() {
    let mut scene = Scene::new();
    let old = Witness::new(Some(41), None).between(1_000_000, 2_000_000);
    let _ = scene.kills.printed(old, &id("kmsg:b:1"), None, scene.now);
    scene.marked(41, 90_000_000);
    scene.wait(1000);
    assert_eq!(scene.incidents(), [pair("signal:b:90000000.41", "signal:b:90000000.41")]);
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
    scene.wait(61_000);
    assert_eq!(scene.kills.len(), 0);
}
