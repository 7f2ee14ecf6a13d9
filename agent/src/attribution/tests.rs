use super::storm::{QUIET, STORM};
use super::*;
use crate::cgroup::tests::Tree;
use coroner_core::kernel::Position;

const START: u64 = 4;

/// A v1 hierarchy of `/a`, `/b` and `/p/x`, whose groups had some kills before.
struct Storm {
    tree: Tree,
    hierarchy: Hierarchy,
    attributor: Attributor,
    kills: std::collections::BTreeMap<&'static str, u64>,
    proc: tempfile::TempDir,
    now: Instant,
}

impl Storm {
    fn new() -> Self {
        let tree = Tree::v1();
        let proc = tempfile::tempdir().unwrap();
        let hierarchy = tree.hierarchy();
        let attributor = Attributor::new(Processes::new(proc.path()), true, Arc::new(Homes::new()));
        let mut storm =
            Self { tree, hierarchy, attributor, kills: [].into(), proc, now: Instant::now() };
        for path in ["/a", "/b", "/p", "/p/x"] {
            storm.set(path, START, "33554432", "33554432", "");
        }
        storm.set("/p", 0, "99999999", "33554432", "");
        storm.attributor.begin(&storm.hierarchy);
        storm
    }

    fn set(&mut self, path: &'static str, kills: u64, limit: &str, peak: &str, procs: &str) {
        self.kills.insert(path, kills);
        self.tree.group(
            path,
            &[
                (
                    "memory.oom_control",
                    &format!("oom_kill_disable 0\nunder_oom 0\noom_kill {kills}\n"),
                ),
                ("memory.failcnt", "0\n"),
                ("memory.limit_in_bytes", limit),
                ("memory.max_usage_in_bytes", peak),
                ("cgroup.procs", procs),
            ],
        );
    }

    /// The kernel counts a kill.
    fn count(&mut self, path: &'static str) {
        let kills = self.kills.entry(path).or_insert(0);
        *kills += 1;
        let text = format!("oom_kill {kills}\n");
        self.tree.group(path, &[("memory.oom_control", &text)]);
    }

    fn procs(&self, path: &str, pids: &str) {
        self.tree.group(path, &[("cgroup.procs", pids)]);
    }

    /// A bare kill line is read.
    fn bare(&mut self, pid: u32) {
        let position = Position { seq: Some(u64::from(pid)), ..Position::default() };
        let victim = Victim { pid, comm: "hog".into(), position, ..Victim::default() };
        let about = FindingId(format!("kmsg:b:{pid}"));
        let bare = Bare { about, mark: Mark::default(), victim, scope: Scope::Cgroup };
        self.attributor.bare(&self.hierarchy, bare, self.now);
    }

    fn named(&mut self, path: &'static str) {
        self.count(path);
        self.attributor.named(&self.hierarchy, path, self.now);
    }

    /// The log is at its end: (pid, group, method) of what is decided.
    fn decide(&mut self) -> Vec<(u32, Option<String>)> {
        if !self.attributor.count(&self.hierarchy, self.now) {
            return Vec::new();
        }
        let decided = self.attributor.decide(&self.hierarchy, self.now);
        decided
            .into_iter()
            .map(|(bare, found)| (bare.victim.pid, found.map(|f| f.cgroup)))
            .collect()
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.attributor.tick(&self.hierarchy, self.now);
    }
}

fn home(pid: u32, path: &str) -> (u32, Option<String>) {
    (pid, Some(path.to_owned()))
}

#[test]
fn a_counter_that_alone_rose_names_the_group_and_its_limit() {
    let mut storm = Storm::new();
    storm.count("/p/x");
    storm.bare(10);
    assert!(storm.attributor.count(&storm.hierarchy, storm.now));
    let decided = storm.attributor.decide(&storm.hierarchy, storm.now);
    let found = decided[0].1.clone().unwrap();
    assert_eq!(
        (found.pid, found.cgroup.as_str(), found.method),
        (10, "/p/x", AttributionMethod::OomKillCounter)
    );
    assert_eq!(
        found.limit_cgroup.as_deref(),
        Some("/p/x"),
        "the group above was never near its own"
    );
    assert_eq!(storm.decide(), []);
}

#[test]
fn a_limit_that_could_be_either_is_not_told() {
    let mut storm = Storm::new();
    storm.set("/p", 0, "33554432", "33554432", "");
    storm.count("/p/x");
    storm.bare(10);
    storm.attributor.count(&storm.hierarchy, storm.now);
    let found = storm.attributor.decide(&storm.hierarchy, storm.now)[0].1.clone().unwrap();
    assert_eq!((found.cgroup.as_str(), found.limit_cgroup), ("/p/x", None));
}

#[test]
fn kills_the_log_names_do_not_stand_in_for_bare_ones() {
    let mut storm = Storm::new();
    storm.named("/a");
    storm.named("/a");
    storm.count("/b");
    storm.bare(10);
    assert_eq!(storm.decide(), [home(10, "/b")]);
}

#[test]
fn two_groups_and_two_kills_are_not_guessed_and_do_not_spoil_what_follows() {
    let mut storm = Storm::new();
    storm.count("/a");
    storm.count("/b");
    storm.bare(10);
    storm.bare(11);
    assert_eq!(storm.decide(), [], "somebody may have seen them");
    storm.pass(PATIENCE * 2);
    assert_eq!(storm.decide(), [(10, None), (11, None)]);
    storm.count("/b");
    storm.bare(12);
    assert_eq!(storm.decide(), [home(12, "/b")]);
}

#[test]
fn kills_in_many_groups_are_told_apart_by_who_was_seen_late() {
    let homes = Arc::new(Homes::new());
    let mut storm = Storm::new();
    storm.attributor.storm = super::storm::Storm::new(Arc::clone(&homes));
    for (pid, group) in [(10, "/a"), (11, "/b"), (12, "/p/x")] {
        storm.count(group);
        storm.bare(pid);
    }
    assert_eq!(storm.decide(), []);
    homes.note(10, "/a", storm.now);
    assert_eq!(storm.decide(), [home(10, "/a")]);
    homes.note(11, "/b", storm.now);
    let mut decided = storm.decide();
    decided.sort();
    assert_eq!(decided, [home(11, "/b"), home(12, "/p/x")], "the last one's group is left over");
}

#[test]
fn a_count_that_is_ahead_of_the_log_waits_for_it() {
    let mut storm = Storm::new();
    storm.count("/a");
    storm.count("/b");
    storm.bare(10);
    assert_eq!(storm.decide(), []);
    storm.named("/b");
    storm.kills.insert("/b", START + 1);
    storm.tree.group("/b", &[("memory.oom_control", &format!("oom_kill {}\n", START + 1))]);
    assert_eq!(storm.decide(), [home(10, "/a")]);
}

#[test]
fn who_was_seen_is_known_by_its_id_if_the_counter_agrees() {
    let mut storm = Storm::new();
    for _ in 0..STORM {
        storm.named("/a");
        storm.named("/b");
    }
    storm.procs("/a", "20\n21\n");
    storm.procs("/b", "30\n31\n");
    storm.pass(LOOK);
    storm.count("/a");
    storm.count("/b");
    storm.bare(30);
    storm.bare(20);
    let mut decided = storm.decide();
    decided.sort();
    assert_eq!(decided, [home(20, "/a"), home(30, "/b")]);
    // Seen in one, but only the other's counter rose: it has moved, or the id is somebody else's.
    storm.count("/b");
    storm.bare(21);
    assert_eq!(storm.decide(), [home(21, "/b")]);
    // One is known, so the other can be told as well.
    storm.count("/a");
    storm.count("/b");
    storm.bare(31);
    storm.bare(99);
    let mut decided = storm.decide();
    decided.sort();
    assert_eq!(decided, [home(31, "/b"), home(99, "/a")]);
}

#[test]
fn a_group_that_is_new_is_found_and_one_that_is_gone_is_given_up() {
    let mut storm = Storm::new();
    storm.tree.group("/new", &[("memory.oom_control", "oom_kill 1\n")]);
    storm.bare(10);
    assert_eq!(storm.decide(), [home(10, "/new")]);
    storm.tree.remove("/new");
    storm.bare(11);
    assert_eq!(storm.decide(), []);
    storm.pass(PATIENCE * 2);
    assert_eq!(storm.decide(), [(11, None)]);
}

#[test]
fn after_lost_records_only_what_else_is_known_counts() {
    let mut storm = Storm::new();
    for _ in 0..STORM {
        storm.named("/a");
    }
    storm.procs("/a", "20\n");
    storm.pass(LOOK);
    storm.attributor.lost();
    storm.count("/a");
    storm.count("/b");
    storm.bare(20);
    storm.bare(10);
    assert_eq!(storm.decide(), [home(20, "/a"), (10, None)]);
    storm.count("/b");
    storm.bare(12);
    assert_eq!(storm.decide(), [home(12, "/b")]);
}

#[test]
fn when_it_is_quiet_nothing_is_due() {
    let mut storm = Storm::new();
    assert_eq!(storm.attributor.deadline(storm.now), None);
    for _ in 0..STORM {
        storm.named("/a");
    }
    assert_eq!(storm.attributor.deadline(storm.now), Some(storm.now + LOOK));
    storm.pass(QUIET);
    assert_eq!(storm.attributor.deadline(storm.now), None);
    assert!(storm.attributor.storm.active().next().is_none());
    assert!(storm.proc.path().exists());
}
