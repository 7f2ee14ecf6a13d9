use super::*;
use rstest::rstest;

/// A hierarchy made of ordinary directories.
pub(crate) struct Tree {
    dir: tempfile::TempDir,
}

impl Tree {
    pub(crate) fn v1() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("memory")).unwrap();
        std::fs::write(dir.path().join("memory/memory.limit_in_bytes"), "9223372036854771712\n")
            .unwrap();
        Self { dir }
    }

    pub(crate) fn v2() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("cgroup.controllers"), "memory\n").unwrap();
        Self { dir }
    }

    pub(crate) fn hierarchy(&self) -> Hierarchy {
        Hierarchy::find(Path::new("/proc"), Some(self.dir.path())).unwrap()
    }

    /// Makes a group, or writes files of one that is there.
    pub(crate) fn group(&self, path: &str, files: &[(&str, &str)]) {
        let dir = self.path(path);
        std::fs::create_dir_all(&dir).unwrap();
        for (name, text) in files {
            std::fs::write(dir.join(name), text).unwrap();
        }
    }

    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_dir_all(self.path(path)).unwrap();
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.hierarchy().mount.join(path.trim_start_matches('/'))
    }
}

#[rstest]
#[case::up("/../a")]
#[case::up_inside("/a/../../etc")]
#[case::here("/a/./b")]
#[case::empty_name("/a//b")]
#[case::relative("a")]
#[case::nothing("")]
#[case::nul("/a\0b")]
#[case::long_name(&format!("/{}", "n".repeat(256)))]
#[case::long_path(&"/nn".repeat(2000))]
fn paths_that_could_lead_out_are_refused(#[case] path: &str) {
    let tree = Tree::v2();
    tree.group("/a/b", &[]);
    assert!(matches!(tree.hierarchy().group(path), Err(CgroupError::Outside)));
}

#[test]
fn symbolic_links_are_not_followed_by_either_way() {
    let tree = Tree::v2();
    tree.group("/a/b", &[]);
    std::os::unix::fs::symlink("/etc", tree.path("/a/out")).unwrap();
    std::os::unix::fs::symlink(tree.path("/a/b"), tree.path("/a/inside")).unwrap();
    let hierarchy = tree.hierarchy();
    for path in ["/a/out", "/a/inside", "/a/out/ssl"] {
        assert!(hierarchy.group(path).is_err(), "{path}");
        assert!(hierarchy.step_by_step(&path[1..]).is_err(), "{path}");
    }
    assert!(hierarchy.group("/a/b").is_ok());
    assert!(hierarchy.step_by_step("a/b").is_ok());
    assert!(matches!(hierarchy.group("/a/gone"), Err(CgroupError::Gone)));
}

#[test]
fn a_mount_of_a_part_takes_paths_of_that_part_only() {
    let tree = Tree::v2();
    tree.group("/pods/x", &[]);
    let hierarchy = Hierarchy { prefix: "/docker/ab".into(), ..tree.hierarchy() };
    assert!(hierarchy.group("/docker/ab/pods/x").is_ok());
    assert!(hierarchy.group("/docker/ab").is_ok());
    assert!(matches!(hierarchy.group("/pods/x"), Err(CgroupError::Outside)));
    assert!(matches!(hierarchy.group("/docker/abc"), Err(CgroupError::Outside)));
}

#[test]
fn without_a_hierarchy_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let error = Hierarchy::find(Path::new("/proc"), Some(dir.path())).unwrap_err().to_string();
    assert!(error.contains("(--cgroup-root) is no memory cgroup hierarchy"), "{error}");
    assert!(error.contains(&dir.path().display().to_string()) && !error.contains('\n'), "{error}");
    std::fs::create_dir(dir.path().join("self")).unwrap();
    std::fs::write(dir.path().join("self/mountinfo"), "").unwrap();
    let error = Hierarchy::find(dir.path(), None).unwrap_err().to_string();
    assert_eq!(error, "no memory cgroup hierarchy is mounted");
}

#[test]
fn a_lineage_goes_up_to_below_the_root() {
    assert_eq!(lineage("/a/b/c").collect::<Vec<_>>(), ["/a/b/c", "/a/b", "/a"]);
    assert_eq!(lineage("/").count(), 0);
}
