//! A hierarchy of ordinary directories that a test moves as the kernel would.

use std::sync::Arc;
use std::time::Duration;

use coroner_core::finding::{CountedLimit, FindingBody};
use coroner_proto::v1;

use super::*;
use crate::cgroup::tests::Tree as Dirs;
use crate::metrics::Metrics;
use crate::outbox::{Bounds, Outbox};
use crate::position::Position;
use crate::stop;

const POD: &str = "/kubepods/burstable/pod0d2f1c1e-5b8e-4f6e-9d1f-0a1b2c3d4e5f";

fn container(digit: char) -> String {
    format!("{POD}/{}", digit.to_string().repeat(64))
}

/// A group of version 2 with (oom, oom_kill) of the group with those below it, and alone.
fn v2(dirs: &Dirs, path: &str, tree: (u64, u64), own: (u64, u64)) {
    let text = |(oom, kill)| format!("low 0\nhigh 0\nmax 0\noom {oom}\noom_kill {kill}\n");
    dirs.group(
        path,
        &[
            ("memory.max", "max\n"),
            ("cgroup.procs", ""),
            ("cpu.stat", "usage_usec 1\nnr_periods 9\nnr_throttled 4\nthrottled_usec 77\n"),
            ("memory.events.local", &text(own)),
            ("memory.events", &text(tree)),
        ],
    );
}

fn populate(dirs: &Dirs, path: &str, yes: bool) {
    let text = format!("populated {}\nfrozen 0\n", u8::from(yes));
    dirs.group(path, &[("cgroup.procs", if yes { "4194303\n" } else { "" })]);
    dirs.group(path, &[("cgroup.events", &text)]);
}

/// A pod with one container, `a`, that had three kills before the agent's time.
fn pod() -> Dirs {
    let dirs = Dirs::v2();
    for path in ["/kubepods", "/kubepods/burstable", POD] {
        v2(&dirs, path, (3, 3), (0, 0));
    }
    v2(&dirs, &container('a'), (3, 3), (3, 3));
    populate(&dirs, &container('a'), true);
    dirs
}

/// All counts of a pod's lineage, as the kernel adds one kill for `limit` to the container.
fn count(dirs: &Dirs, path: &str, total: u64, own: u64, oom: u64) {
    v2(dirs, path, (oom, own), (oom, own));
    for above in ["/kubepods", "/kubepods/burstable", POD] {
        v2(dirs, above, (oom, total), (0, 0));
    }
}

struct Scene {
    dirs: Dirs,
    proc: tempfile::TempDir,
    watcher: Watcher,
    outbox: Arc<Outbox>,
}

impl Scene {
    fn new(dirs: Dirs) -> Self {
        let metrics: Arc<Metrics> = Arc::default();
        let outbox = Arc::new(Outbox::new(
            "n".into(),
            Position::default(),
            Bounds::default(),
            Arc::clone(&metrics),
        ));
        let findings =
            Findings { node: "n".into(), boot_id: "b".into(), outbox: Arc::clone(&outbox) };
        let joiner = Arc::new(Joiner::new(findings.clone(), metrics));
        let proc = tempfile::tempdir().unwrap();
        let watcher = Watcher::open(dirs.hierarchy(), proc.path(), findings, joiner).unwrap();
        Self { dirs, proc, watcher, outbox }
    }

    /// Lets the watcher see what happened, and do what is due within a moment.
    fn turn(&mut self) {
        for _ in 0..4 {
            while self.watcher.turn() {}
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What was told since the last call: (group, oom_kill, limit) of kills, then groups that ended.
    async fn told(&mut self) -> (Vec<(String, u64, CountedLimit)>, Vec<(String, Option<u64>)>) {
        self.turn();
        let (stopper, stop) = stop::channel();
        stopper.send(true).unwrap();
        // Everything that waits for other witnesses is handed on at the end.
        Arc::clone(&self.watcher.joiner).run(stop).await;
        let batch = self.outbox.take(1000, 1 << 20, false);
        let sent: Vec<v1::Finding> = batch.map_or_else(Vec::new, |batch| batch.findings);
        let (mut kills, mut ends) = (Vec::new(), Vec::new());
        for finding in sent {
            match coroner_core::finding::Finding::try_from(finding).unwrap().body {
                FindingBody::CountedKill(kill) => {
                    kills.push((kill.group, kill.oom_kill, kill.limit));
                }
                FindingBody::ContainerEnd(end) => ends.push((end.group, end.throttled_us)),
                other => panic!("{other:?}"),
            }
        }
        (kills, ends)
    }
}

fn limit(path: &str) -> CountedLimit {
    CountedLimit::Group(path.to_owned())
}

#[tokio::test]
async fn kills_from_before_the_start_are_nobodys_and_new_ones_are_told_once() {
    let a = container('a');
    let mut scene = Scene::new(pod());
    assert_eq!(scene.told().await, (vec![], vec![]));
    count(&scene.dirs, &a, 4, 4, 4);
    assert_eq!(scene.told().await.0, [(a.clone(), 4, limit(&a))]);
    assert_eq!(scene.told().await.0, []);
    count(&scene.dirs, &a, 6, 6, 6);
    let kills = scene.told().await.0;
    assert_eq!(kills.iter().map(|k| k.1).collect::<Vec<_>>(), [5, 6]);
}

#[tokio::test]
async fn a_kill_without_any_limit_is_the_whole_nodes() {
    let a = container('a');
    let mut scene = Scene::new(pod());
    count(&scene.dirs, &a, 4, 4, 3);
    assert_eq!(scene.told().await.0, [(a, 4, CountedLimit::WholeNode)]);
}

/// Seen on 6.1: all pods together hit their limit once more than anybody died of it; four seconds later a container hit its
/// own, and the kill was both's.
#[tokio::test]
async fn an_oom_above_that_nobody_died_of_is_not_laid_to_the_next_kill() {
    let a = container('a');
    let mut scene = Scene::new(pod());
    v2(&scene.dirs, "/kubepods", (4, 3), (1, 0));
    assert_eq!(scene.told().await.0, []);
    let kubepods = scene.watcher.tree.child(ROOT, "kubepods").unwrap();
    let risen = &mut scene.watcher.tree.get_mut(kubepods).unwrap().risen;
    // It was long ago.
    risen.as_mut().expect("it was told of and read").at_us = 1;
    v2(&scene.dirs, &a, (4, 4), (4, 4));
    for (above, own) in [("/kubepods", (1, 0)), ("/kubepods/burstable", (0, 0)), (POD, (0, 0))] {
        v2(&scene.dirs, above, (5, 4), own);
    }
    assert_eq!(scene.told().await.0, [(a.clone(), 4, limit(&a))]);
}

#[tokio::test]
async fn a_container_made_and_killed_at_once_is_counted_from_nothing() {
    let b = container('b');
    let mut scene = Scene::new(pod());
    count(&scene.dirs, &b, 4, 1, 4);
    // Its own limit: the pod's `oom` rose by one.
    v2(&scene.dirs, &b, (1, 1), (1, 1));
    let (kills, _) = scene.told().await;
    assert_eq!(kills, [(b.clone(), 1, limit(&b))]);
    // Somebody else under its name.
    scene.dirs.remove(&b);
    scene.turn();
    v2(&scene.dirs, &b, (0, 0), (0, 0));
    assert_eq!(scene.told().await.0, []);
}

#[tokio::test]
async fn of_a_container_that_is_gone_the_pod_still_counts_the_kill() {
    let a = container('a');
    let mut scene = Scene::new(pod());
    scene.dirs.remove(&a);
    for above in ["/kubepods", "/kubepods/burstable", POD] {
        v2(&scene.dirs, above, (4, 4), (0, 0));
    }
    let (kills, ends) = scene.told().await;
    assert_eq!(kills, [(POD.to_owned(), 4, limit(&a))], "the only one it can have been");
    assert_eq!(ends, [(a, None)]);
}

#[tokio::test]
async fn a_container_ends_once_and_only_after_somebody_lived_in_it() {
    let (a, b) = (container('a'), container('b'));
    let mut scene = Scene::new(pod());
    v2(&scene.dirs, &b, (0, 0), (0, 0));
    populate(&scene.dirs, &b, false);
    assert_eq!(scene.told().await.1, [], "made, and nobody in it yet");
    scene.dirs.remove(&b);
    assert_eq!(scene.told().await.1, [], "nobody ever was");
    populate(&scene.dirs, &a, false);
    assert_eq!(scene.told().await.1, [(a.clone(), Some(77))]);
    scene.dirs.remove(&a);
    assert_eq!(scene.told().await.1, []);
    assert_eq!(scene.watcher.tree.child(ROOT, "kubepods").map(|_| ()), Some(()));
}

#[tokio::test]
async fn after_lost_notices_what_came_is_found_and_the_hole_is_told() {
    let (a, b) = (container('a'), container('b'));
    let mut scene = Scene::new(pod());
    let coverage = &scene.outbox.coverage;
    coverage.begin(Source::Cgroup, scene.watcher.complete_us);
    coverage.covered(Source::Cgroup, monotonic_us());
    let covered = monotonic_us();
    // Nothing is read of what is told from here on.
    scene.dirs.remove(&a);
    v2(&scene.dirs, &b, (1, 1), (1, 1));
    let mut lost = Vec::new();
    while scene.watcher.notices.read(&mut lost) {}
    scene.watcher.rescan("a test");
    let (kills, ends) = scene.told().await;
    assert_eq!(kills, [(b, 1, CountedLimit::Unknown)].map(|(b, n, _)| (b.clone(), n, limit(&b))));
    assert_eq!(ends.len(), 1);
    let coverage = &scene.outbox.coverage;
    coverage.covered(Source::Cgroup, monotonic_us());
    assert!(!coverage.complete(Source::Cgroup, covered - 1, monotonic_us()));
}

#[tokio::test]
async fn a_kill_that_no_group_shows_is_a_hole() {
    let mut scene = Scene::new(pod());
    let vmstat =
        |n: u64| std::fs::write(scene.proc.path().join("vmstat"), format!("a 1\noom_kill {n}\n"));
    vmstat(10).unwrap();
    scene.watcher.total = Total::new(Some(scene.proc.path()));
    vmstat(11).unwrap();
    let coverage = Arc::clone(&scene.outbox);
    coverage.coverage.begin(Source::Cgroup, 1);
    scene.watcher.compare();
    assert!(scene.watcher.looked_once, "looked for everywhere, and once more");
    scene.watcher.scanned = None;
    scene.watcher.compare();
    assert_eq!(scene.watcher.total.missing(scene.watcher.total.read()), Some(0));
    scene.watcher.compare();
    let now = scene.watcher.complete_us;
    assert!(coverage.coverage.complete(Source::Cgroup, now, now), "whole again from there");
    assert!(!coverage.coverage.complete(Source::Cgroup, 2, now));
    assert_eq!(scene.told().await.0, []);
}

#[tokio::test]
async fn groups_by_the_hundred_that_come_and_go_leave_nothing() {
    let mut scene = Scene::new(pod());
    let before = scene.watcher.tree.len();
    for round in 0..4 {
        for n in 0..200 {
            v2(&scene.dirs, &format!("/system.slice/u{round}-{n}.service"), (0, 0), (0, 0));
        }
        for n in 0..200 {
            scene.dirs.remove(&format!("/system.slice/u{round}-{n}.service"));
            if n % 50 == 0 {
                while scene.watcher.turn() {}
            }
        }
    }
    assert_eq!(scene.told().await, (vec![], vec![]));
    assert_eq!(scene.watcher.tree.len(), before + 1);
}

#[tokio::test]
async fn unreadable_files_are_no_kills() {
    let a = container('a');
    let mut scene = Scene::new(pod());
    for text in ["", "oom_kill\n", "oom_kill -1\n", "oom_kill 99999999999999999999999\n", "\u{0}"] {
        scene.dirs.group(&a, &[("memory.events.local", text), ("memory.events", text)]);
        assert_eq!(scene.told().await.0, [], "{text:?}");
    }
    std::fs::remove_file(scene.dirs.path(&a).join("memory.events")).unwrap();
    scene.watcher.look_at_all();
    assert_eq!(scene.told().await, (vec![], vec![]));
}

/// Version 1 does not tell when somebody comes into a group, and on a slow machine that may be seconds after it was made.
#[tokio::test]
async fn a_container_is_looked_at_until_somebody_comes() {
    let dirs = Dirs::v1();
    dirs.group(POD, &[]);
    let mut scene = Scene::new(dirs);
    scene.watcher.host_pids = true;
    let b = container('b');
    scene.dirs.group(&b, &[("cgroup.procs", "")]);
    scene.turn();
    let id = *scene.watcher.tree.all().last().unwrap();
    let since_us = scene.watcher.tree.get(id).unwrap().since_us;
    scene.watcher.looks.clear();
    scene.watcher.look_for_main(id, 0, since_us);
    let again = |watcher: &Watcher, nth| {
        watcher.looks.iter().any(|(_, look)| *look == Look::Main(id, nth, since_us))
    };
    assert!(again(&scene.watcher, 0), "nobody yet");
    scene.dirs.group(&b, &[("cgroup.procs", "4194303\n")]);
    scene.watcher.looks.clear();
    scene.watcher.look_for_main(id, 0, since_us);
    assert_eq!(scene.watcher.tree.get(id).unwrap().main_pid, Some(4_194_303));
    assert!(again(&scene.watcher, 1), "it may be a helper of the runtime");
    scene.watcher.looks.clear();
    scene.watcher.look_for_main(id, 0, since_us - 1);
    assert!(scene.watcher.looks.is_empty(), "another group had that number");

    // Who is moved in is told of at once; who is run in it later is not its first process.
    let c = container('c');
    scene.dirs.group(&c, &[("cgroup.procs", "")]);
    scene.turn();
    let main = |watcher: &Watcher| watcher.tree.get(*watcher.tree.all().last()?)?.main_pid;
    for (procs, first) in [("4194302\n", 4_194_302), ("4194301\n4194302\n", 4_194_302)] {
        scene.watcher.looks.clear();
        scene.dirs.group(&c, &[("cgroup.procs", procs)]);
        while scene.watcher.turn() {}
        assert_eq!(main(&scene.watcher), Some(first));
    }
}

#[tokio::test]
async fn version_1_counts_in_the_victims_group_alone() {
    let dirs = Dirs::v1();
    let files = |kills: u64, failcnt: u64| {
        [
            ("memory.oom_control".to_owned(), format!("under_oom 0\noom_kill {kills}\n")),
            ("memory.failcnt".to_owned(), format!("{failcnt}\n")),
            ("memory.limit_in_bytes".to_owned(), "33554432\n".to_owned()),
            ("memory.max_usage_in_bytes".to_owned(), "33554432\n".to_owned()),
        ]
    };
    let set = |dirs: &Dirs, path: &str, kills, failcnt| {
        for (name, text) in files(kills, failcnt) {
            dirs.group(path, &[(&name, &text)]);
        }
    };
    let a = container('a');
    for path in ["/kubepods", "/kubepods/burstable", POD, &a] {
        set(&dirs, path, 2, 5);
    }
    let mut scene = Scene::new(dirs);
    assert!(scene.watcher.ears.is_none(), "plain directories have no cgroup.event_control");
    set(&scene.dirs, &a, 3, 9);
    scene.watcher.look_at_all();
    assert_eq!(scene.told().await.0, [(a.clone(), 3, limit(&a))]);
    set(&scene.dirs, POD, 2, 7);
    set(&scene.dirs, &a, 4, 9);
    scene.watcher.look_at_all();
    let kills = scene.told().await.0;
    assert_eq!(kills, [(a, 4, CountedLimit::Unknown)], "both limits were hit within a second");
}
