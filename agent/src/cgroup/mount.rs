//! Where the memory controller's hierarchy is mounted.
//!
//! proc(5) promises in `mountinfo` the file system's type, the mount's root within it, and for cgroup v1 the
//! controllers among the super block's options. On a hybrid machine v2 is mounted without the memory controller, so
//! v1 goes first. A directory given by the user is known by the files that only a memory hierarchy has.

use std::path::{Path, PathBuf};

use procfs::FromRead as _;
use procfs::process::MountInfos;

use super::Version;

/// A mounted hierarchy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mounted {
    pub version: Version,
    pub path: PathBuf,
    /// The part of the hierarchy that is mounted, `/` for all.
    pub prefix: String,
}

/// The hierarchy in a mount table.
pub(super) fn in_table(mountinfo: &Path) -> Option<Mounted> {
    let mounts = MountInfos::from_file(mountinfo).ok()?;
    let mut v2 = None;
    for mount in mounts {
        let prefix = mount.root;
        match mount.fs_type.as_str() {
            "cgroup" if mount.super_options.contains_key("memory") => {
                return Some(Mounted { version: Version::V1, path: mount.mount_point, prefix });
            }
            "cgroup2" if v2.is_none() => {
                v2 = Some(Mounted { version: Version::V2, path: mount.mount_point, prefix });
            }
            _ => {}
        }
    }
    v2
}

/// Where a controller of version 1 is mounted as a whole.
pub(super) fn controller(mountinfo: &Path, name: &str) -> Option<PathBuf> {
    let mounts = MountInfos::from_file(mountinfo).ok()?;
    let is_it = |mount: &procfs::process::MountInfo| {
        mount.fs_type == "cgroup" && mount.root == "/" && mount.super_options.contains_key(name)
    };
    mounts.into_iter().find(is_it).map(|mount| mount.mount_point)
}

/// The hierarchy at or below a directory, as `/sys/fs/cgroup` is laid out.
pub(super) fn at(root: &Path) -> Option<Mounted> {
    let v1 = |path: PathBuf| {
        let there = path.join("memory.limit_in_bytes").exists();
        there.then(|| Mounted { version: Version::V1, path, prefix: "/".into() })
    };
    let v2 = |path: PathBuf| {
        let there = path.join("cgroup.controllers").exists();
        there.then(|| Mounted { version: Version::V2, path, prefix: "/".into() })
    };
    v1(root.join("memory"))
        .or_else(|| v1(root.to_owned()))
        .or_else(|| v2(root.to_owned()))
        .or_else(|| v2(root.join("unified")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(lines: &str) -> Option<Mounted> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mountinfo");
        std::fs::write(&path, lines).unwrap();
        in_table(&path)
    }

    const CPU: &str = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n";
    const MEMORY: &str =
        "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n";
    const UNIFIED: &str = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
    const PART: &str = "41 31 0:38 /docker/ab /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n";

    #[test]
    fn v1_goes_before_v2_and_the_mounted_part_is_known() {
        let hybrid = table(&[UNIFIED, CPU, MEMORY].concat()).unwrap();
        assert_eq!(
            (hybrid.version, hybrid.path.as_path()),
            (Version::V1, Path::new("/sys/fs/cgroup/memory"))
        );
        let part = table(PART).unwrap();
        assert_eq!((part.version, part.prefix.as_str()), (Version::V2, "/docker/ab"));
        assert_eq!(table(CPU), None);
        assert_eq!(table(""), None);
        assert_eq!(in_table(Path::new("/nonexistent/mountinfo")), None);
    }

    #[test]
    fn a_given_directory_is_known_by_its_files() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(at(dir.path()), None);
        std::fs::create_dir(dir.path().join("unified")).unwrap();
        std::fs::write(dir.path().join("unified/cgroup.controllers"), "").unwrap();
        assert_eq!(at(dir.path()).unwrap().path, dir.path().join("unified"));
        std::fs::create_dir(dir.path().join("memory")).unwrap();
        std::fs::write(dir.path().join("memory/memory.limit_in_bytes"), "").unwrap();
        assert_eq!(at(dir.path()).unwrap().version, Version::V1);
        assert_eq!(at(&dir.path().join("memory")).unwrap().path, dir.path().join("memory"));
    }
}
