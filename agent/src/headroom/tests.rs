//! Rooms made of real memory files and of trees of both cgroup versions.

use coroner_core::finding::Concern;
use coroner_core::kernel::Limit;
use rstest::rstest;

use super::*;
use crate::cgroup::tests::Tree;

const MIB: u64 = 1 << 20;

/// A `/proc` of a machine of 1,000 MiB.
fn proc_with(available_mib: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(&dir, available_mib);
    dir
}

fn write(dir: &tempfile::TempDir, available_mib: u64) {
    let text = format!(
        "MemTotal: {} kB\nMemAvailable: {} kB\nSUnreclaim: 2048 kB\n",
        1000 * 1024,
        available_mib * 1024
    );
    std::fs::write(dir.path().join("meminfo"), text).unwrap();
}

fn v2(tree: &Tree, path: &str, mib: u64, limit: &str) {
    let stat = format!("anon {}\nfile 99999999\nshmem 0\nkernel 0\n", mib * MIB);
    let current = ((mib + 90) * MIB).to_string();
    tree.group(
        path,
        &[("memory.stat", &stat), ("memory.current", &current), ("memory.max", limit)],
    );
}

#[rstest]
#[case::systemd("/kubepods.slice")]
#[case::cgroupfs("/kubepods")]
#[case::below_another("/kubelet.slice/kubelet-kubepods.slice")]
#[case::in_a_container(
    "/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/kubelet/kubepods"
)]
fn the_pods_group_is_found_wherever_it_is(#[case] path: &str) {
    for tree in [Tree::v1(), Tree::v2()] {
        tree.group("/system.slice/ssh.service", &[]);
        tree.group(&format!("{path}/burstable/pod1"), &[]);
        assert_eq!(groups::pods(&tree.hierarchy()).as_deref(), Some(path));
    }
}

#[test]
fn of_two_the_one_nearest_to_the_top_is_the_nodes() {
    let tree = Tree::v2();
    tree.group("/a/b/kubepods.slice", &[]);
    tree.group("/z/kubepods.slice", &[]);
    assert_eq!(groups::pods(&tree.hierarchy()).as_deref(), Some("/z/kubepods.slice"));
    assert_eq!(groups::pods(&Tree::v2().hierarchy()), None);
}

#[test]
fn host_groups_are_services_and_never_pods() {
    let tree = Tree::v2();
    v2(&tree, "/system.slice/docker.service", 300, "max");
    v2(&tree, "/system.slice/ssh.service", 5, "max");
    v2(&tree, "/system.slice", 305, "max");
    v2(&tree, "/init.scope", 10, "max");
    v2(&tree, "/kubelet.slice", 500, "max");
    v2(&tree, "/kubelet.slice/kubelet.service", 60, "max");
    v2(&tree, "/kubelet.slice/kubelet-kubepods.slice", 440, "max");
    let found = groups::host(&tree.hierarchy(), Some("/kubelet.slice/kubelet-kubepods.slice"));
    let found: Vec<_> =
        found.iter().map(|g| (g.group.as_str(), g.held.unwrap_or(0) / MIB)).collect();
    assert_eq!(
        found,
        [
            ("/system.slice/docker.service", 300),
            ("/kubelet.slice/kubelet.service", 60),
            ("/init.scope", 10),
            ("/system.slice/ssh.service", 5),
        ]
    );
}

#[test]
fn the_host_outgrows_its_reservation() {
    let tree = Tree::v2();
    let hierarchy = tree.hierarchy();
    // 200 MiB are reserved; pods hold 400.
    v2(&tree, "/kubepods.slice", 400, &(800 * MIB).to_string());
    v2(&tree, "/system.slice/docker.service", 150, "max");
    let proc_root = proc_with(450);
    let mut room = Room::open(proc_root.path(), Reserved::default()).unwrap();
    assert_eq!(room.sample(0, Some(&hierarchy)).unwrap(), None, "150 of 200");
    write(&proc_root, 350);
    assert_eq!(room.sample(20, Some(&hierarchy)).unwrap(), None);
    let seen = room.sample(40, Some(&hierarchy)).unwrap().unwrap();
    assert_eq!(
        (seen.occasion, seen.concerns.as_slice()),
        (Occasion::Raised, [Concern::OverReservation].as_slice())
    );
    assert_eq!((seen.outside, seen.reservation.enforced), (Some(250 * MIB), Some(200 * MIB)));
    assert_eq!(seen.most.map(|most| (most.bytes, most.seconds)), Some((250 * MIB, 40)));
    assert_eq!(seen.groups[0].group, "/system.slice/docker.service");
    assert_eq!(seen.kernel.slab_unreclaimable, Some(2 * MIB));
    // What the kubelet was told goes before what follows from the limit.
    let told = Reserved { kube: Some(300 * MIB), system: None };
    let mut room = Room::open(proc_root.path(), told).unwrap();
    let seen = room.now(0, Occasion::Sample, Some(&hierarchy), true).unwrap();
    assert_eq!(seen.reservation.bytes(), Some(300 * MIB));
}

#[test]
fn version_1_and_a_group_without_a_limit() {
    let tree = Tree::v1();
    tree.group(
        "/kubepods",
        &[
            ("memory.stat", "cache 5\nrss 1\ntotal_rss 104857600\ntotal_shmem 1048576\n"),
            ("memory.usage_in_bytes", "209715200\n"),
            ("memory.kmem.usage_in_bytes", "1048576\n"),
            ("memory.limit_in_bytes", "9223372036854771712\n"),
        ],
    );
    let proc_root = proc_with(500);
    let mut room = Room::open(proc_root.path(), Reserved::default()).unwrap();
    let seen = room.sample(0, Some(&tree.hierarchy())).unwrap().unwrap();
    assert_eq!(seen.concerns, [Concern::NoPodsLimit]);
    let pods = seen.pods.unwrap();
    assert_eq!((pods.held, pods.limit), (Some(102 * MIB), Some(Limit::Unlimited)));
    assert_eq!(seen.outside, Some(398 * MIB));
    assert_eq!(room.sample(20, Some(&tree.hierarchy())).unwrap(), None);
}

#[test]
fn pods_that_come_later_are_found_and_those_that_go_are_looked_for() {
    let tree = Tree::v2();
    let hierarchy = tree.hierarchy();
    let proc_root = proc_with(500);
    let mut room = Room::open(proc_root.path(), Reserved::default()).unwrap();
    let pods =
        |room: &mut Room, at| room.now(at, Occasion::Sample, Some(&hierarchy), true).unwrap().pods;
    assert_eq!(pods(&mut room, 0), None);
    v2(&tree, "/kubepods.slice", 1, "max");
    assert_eq!(pods(&mut room, 59), None, "not looked for at every sample");
    assert!(pods(&mut room, 60).is_some());
    tree.remove("/kubepods.slice");
    v2(&tree, "/kubepods", 1, "max");
    assert_eq!(pods(&mut room, 200).map(|pods| pods.group), Some("/kubepods".to_owned()));
    assert!(room.now(300, Occasion::Sample, None, true).unwrap().pods.is_none());
}

#[test]
fn a_machine_without_pods_has_nothing_to_complain_of() {
    let told = Reserved { kube: Some(MIB), system: None };
    let proc_root = proc_with(100);
    let mut room = Room::open(proc_root.path(), told).unwrap();
    let hierarchy = Tree::v2().hierarchy();
    assert!((0..9).all(|n| room.sample(n * 20, Some(&hierarchy)).unwrap().is_none()));
    let seen = room.now(200, Occasion::Sample, Some(&hierarchy), true).unwrap();
    assert_eq!((seen.concerns.len(), seen.most, seen.pods), (0, None, None));
}

#[test]
fn a_broken_proc_is_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let absent = Room::open(dir.path(), Reserved::default()).unwrap_err().to_string();
    assert!(absent.starts_with("headroom is not watched: cannot open"), "{absent}");
    for text in ["", "\u{0}\u{1b}[2J", "MemFree: 1 kB\n", "MemTotal: 99999999999999999999 kB\n"] {
        std::fs::write(dir.path().join("meminfo"), text).unwrap();
        let error = Room::open(dir.path(), Reserved::default()).unwrap_err().to_string();
        assert!(error.ends_with("meminfo does not say how much memory there is"), "{error}");
    }
}
