//! The volumes in memory of a pod, out of the host's mount table.
//!
//! proc(5): a line of `mountinfo` has the mount point, the file system's type and, of a tmpfs, its size. The kubelet mounts an
//! emptyDir of medium Memory at `.../pods/UID/volumes/kubernetes.io~empty-dir/NAME`. Process 1 of the host's `/proc` sees
//! all mounts; our own table is the second choice. How much is in a volume is only known where its path leads to it from
//! here: inside a container it does not.

use std::path::Path;

use coroner_core::finding::{MemoryVolume, MemoryVolumes};
use procfs::FromRead as _;
use procfs::process::{MountInfo, MountInfos};
use rustix::fs::{statfs, statvfs};

/// `TMPFS_MAGIC` (include/uapi/linux/magic.h).
const TMPFS: u64 = 0x0102_1994;

/// Volumes of one pod that are named.
const NAMED: usize = 16;

/// The volumes in memory of a pod; `None` when it has none, or no table can be read.
pub(super) fn volumes(proc_root: &Path, pod_uid: &str) -> Option<MemoryVolumes> {
    let table = |who: &str| MountInfos::from_file(proc_root.join(who).join("mountinfo")).ok();
    let mounts = table("1").or_else(|| table("self"))?;
    let place = format!("/pods/{pod_uid}/volumes/kubernetes.io~empty-dir/");
    let mut volumes: Vec<MemoryVolume> =
        mounts.into_iter().filter_map(|mount| volume(&mount, &place)).collect();
    volumes.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.name.cmp(&b.name)));
    // A table may show a mount twice.
    volumes.dedup_by(|a, b| a.path == b.path);
    volumes.truncate(NAMED);
    (!volumes.is_empty()).then(|| MemoryVolumes { pod_uid: pod_uid.to_owned(), volumes })
}

fn volume(mount: &MountInfo, place: &str) -> Option<MemoryVolume> {
    if mount.fs_type != "tmpfs" {
        return None;
    }
    let path = mount.mount_point.to_str()?;
    let (_, name) = path.split_once(place)?;
    let named = !name.is_empty() && !name.contains('/');
    let option = mount.super_options.get("size").and_then(Option::as_deref);
    named.then(|| MemoryVolume {
        name: name.to_owned(),
        path: path.to_owned(),
        size: option.and_then(size),
        used: used(&mount.mount_point),
    })
}

/// `65536k`, or bytes.
fn size(text: &str) -> Option<u64> {
    let (number, unit) = match text.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1024),
        None => (text, 1),
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// What is in it, if the path leads to a tmpfs from here.
fn used(path: &Path) -> Option<u64> {
    let kind = u64::try_from(statfs(path).ok()?.f_type).ok()?;
    let stat = statvfs(path).ok().filter(|_| kind == TMPFS)?;
    stat.f_blocks.checked_sub(stat.f_bfree)?.checked_mul(stat.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "11111111-2222-3333-4444-555555555555";

    fn proc_with(who: &str, table: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(who)).unwrap();
        std::fs::write(dir.path().join(who).join("mountinfo"), table).unwrap();
        dir
    }

    fn line(kind: &str, uid: &str, below: &str, options: &str) -> String {
        format!(
            "99 31 0:50 / /absent/kubelet/pods/{uid}/volumes/kubernetes.io~{below} rw,relatime shared:1 - {kind} {kind} {options}\n"
        )
    }

    #[test]
    fn volumes_of_this_pod_in_memory_and_nothing_else() {
        let table = [
            line("tmpfs", UID, "empty-dir/cache", "rw,size=65536k,inode64"),
            line("tmpfs", UID, "empty-dir/cache", "rw,size=65536k,inode64"),
            line("tmpfs", UID, "empty-dir/all", "rw"),
            line("tmpfs", UID, "projected/token", "rw,size=5k"),
            line("tmpfs", UID, "empty-dir/a/nested", "rw,size=5k"),
            line("ext4", UID, "empty-dir/disk", "rw"),
            line("tmpfs", "99999999-2222-3333-4444-555555555555", "empty-dir/other", "rw"),
        ]
        .concat();
        for who in ["1", "self"] {
            let found = volumes(proc_with(who, &table).path(), UID).unwrap();
            let names: Vec<_> =
                found.volumes.iter().map(|v| (v.name.as_str(), v.size, v.used)).collect();
            assert_eq!(names, [("all", None, None), ("cache", Some(64 << 20), None)]);
        }
    }

    #[test]
    fn tables_that_are_absent_empty_or_garbage() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(volumes(dir.path(), UID), None);
        for table in ["", "garbage\n", "1 2 3\n"] {
            assert_eq!(volumes(proc_with("1", table).path(), UID), None, "{table:?}");
        }
        assert_eq!(
            (size("5k"), size("7"), size("5m"), size("18446744073709551615k")),
            (Some(5120), Some(7), None, None)
        );
    }

    #[test]
    fn what_a_tmpfs_holds_is_known_where_it_can_be_looked_into() {
        assert_eq!(used(Path::new("/proc")), None);
        let shm = Path::new("/dev/shm");
        if statfs(shm).is_ok_and(|stat| u64::try_from(stat.f_type) == Ok(TMPFS)) {
            assert!(used(shm).is_some());
        }
    }
}
