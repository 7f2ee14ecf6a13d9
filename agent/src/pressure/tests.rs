//! Pressure files as kernels have them and as they do not.

use std::path::PathBuf;

use rstest::rstest;

use super::*;
use crate::cgroup::tests::Tree;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/node").join(name)
}

const QUIET: &str = "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=2\n";

/// A `/proc` with pressure, to be written to.
fn proc_with(memory: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("pressure")).unwrap();
    std::fs::write(dir.path().join("meminfo"), "").unwrap();
    std::fs::write(dir.path().join("pressure/memory"), memory).unwrap();
    dir
}

#[rstest]
#[case("7.2-cut", 40_178, 38_346)]
#[case("6.1-v1", 28_292, 15_512)]
fn real_guests(#[case] name: &str, #[case] some: u64, #[case] full: u64) {
    let mut stalls = Stalls::open(&fixture(name)).unwrap();
    let seen = stalls.now(1, Occasion::Incident, None, std::iter::empty()).unwrap();
    let [node] = seen.groups.as_slice() else { panic!("{seen:?}") };
    let memory = node.memory.unwrap();
    assert_eq!(node.group, "/");
    assert_eq!(memory.some.map(|some| some.total_us), Some(some));
    assert_eq!(memory.full.map(|full| full.total_us), Some(full));
    assert!(node.cpu.is_some() && node.io.is_some());
    assert_eq!(memory.before, None, "nothing is known of the time before the first look");
}

#[test]
fn the_stall_before_a_kill_is_exact() {
    let dir = proc_with(QUIET);
    let mut stalls = Stalls::open(dir.path()).unwrap();
    for n in 0..4 {
        assert_eq!(stalls.sample(n * 20_000_000).unwrap(), None);
    }
    let later = QUIET.replace("total=5", "total=12000005").replace("total=2", "total=7000002");
    std::fs::write(dir.path().join("pressure/memory"), later).unwrap();
    let seen = stalls.now(75_000_000, Occasion::Incident, None, std::iter::empty()).unwrap();
    let before = seen.groups[0].memory.unwrap().before.unwrap();
    assert_eq!(
        (before.window_us, before.some_us, before.full_us),
        (75_000_000, Some(12_000_000), Some(7_000_000))
    );
}

#[test]
fn a_node_that_stands_still_is_said_once() {
    let dir = proc_with(QUIET);
    let mut stalls = Stalls::open(dir.path()).unwrap();
    let mut occasions = Vec::new();
    for (n, share) in
        ["0.00", "25.00", "19.00", "30.00", "5.00", "5.00", "5.00", "5.00"].iter().enumerate()
    {
        let text = QUIET.replace("avg60=0.00", &format!("avg60={share}"));
        std::fs::write(dir.path().join("pressure/memory"), text).unwrap();
        let at = u64::try_from(n).unwrap() * 20_000_000;
        occasions.extend(stalls.sample(at).unwrap().map(|seen| (n, seen.occasion)));
    }
    assert_eq!(occasions, [(1, Occasion::Raised), (6, Occasion::Cleared)]);
}

#[test]
fn groups_that_have_pressure_are_read_on_version_2_only() {
    let dir = proc_with(QUIET);
    let mut stalls = Stalls::open(dir.path()).unwrap();
    let names = ["/pod/c", "/pod", "/gone", "/../etc"];
    for (tree, expected) in [(Tree::v2(), vec!["/", "/pod/c"]), (Tree::v1(), vec!["/"])] {
        tree.group("/pod/c", &[("memory.pressure", QUIET), ("cpu.pressure", "some avg10=")]);
        let hierarchy = tree.hierarchy();
        let seen = stalls.now(1, Occasion::Incident, Some(&hierarchy), names.into_iter()).unwrap();
        let groups: Vec<_> = seen.groups.iter().map(|group| group.group.as_str()).collect();
        assert_eq!(groups, expected);
    }
}

#[test]
fn kernels_without_pressure_and_files_that_are_none() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("meminfo"), "").unwrap();
    let error = Stalls::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("this kernel has no /proc/pressure"), "{error}");
    let nowhere = Stalls::open(&dir.path().join("nowhere")).unwrap_err().to_string();
    assert!(nowhere.contains("cannot open"), "{nowhere}");
    let error = Stalls::open(proc_with("garbage\n").path()).unwrap_err().to_string();
    assert!(
        error.ends_with("pressure/memory does not hold what the kernel writes there"),
        "{error}"
    );
    let source = std::io::Error::from(rustix::io::Errno::OPNOTSUPP);
    let refused = KernelFileError::Io { what: "read", path: PathBuf::from("/p"), source };
    assert!(switched_off(refused).to_string().contains("psi=1"));
}
