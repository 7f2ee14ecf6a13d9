//! What an earlier demo left because it was killed with SIGKILL: groups and directories whose owner is gone.
//!
//! Names hold the owner's process id. A demo in another pid namespace is not seen, so what is only seconds old is left
//! alone as well: a group is empty, and could be removed, only for the moment until its process joins.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Beginning of the names of the demo's directories.
const PREFIX: &str = "coroner-demo-";

/// Younger than this may be a demo's that cannot be seen.
const YOUNG: Duration = Duration::from_secs(1);

/// Older than this is nobody's, although a process has the owner's number again.
const OLD: Duration = Duration::from_secs(60);

/// Whether the demo that made it is gone.
pub(super) fn is_left_behind(path: &Path, owner: Option<u32>) -> bool {
    let age = fs::symlink_metadata(path)
        .and_then(|meta| meta.modified())
        .ok()
        .and_then(|time| time.elapsed().ok())
        .unwrap_or_default();
    let alive = owner.is_none_or(|pid| Path::new("/proc").join(pid.to_string()).exists());
    age >= OLD || !alive && age >= YOUNG
}

/// A directory for the store, gone when dropped; those of earlier demos that were killed go now.
pub(super) fn directory() -> std::io::Result<tempfile::TempDir> {
    let place = std::env::temp_dir();
    for old in left_behind(&place) {
        let _ = fs::remove_dir_all(old);
    }
    tempfile::Builder::new().prefix(&format!("{PREFIX}{}-", std::process::id())).tempdir_in(place)
}

/// Directories of ours whose demo is gone. Anybody may put things with such names into a shared place: what is not a
/// directory of our own user is not touched.
fn left_behind(place: &Path) -> Vec<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let owner = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').next())
            .and_then(|pid| pid.parse().ok());
        owner.is_some()
            && fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir() && meta.uid() == user)
            && is_left_behind(path, owner)
    };
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(ours).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_and_has_no_owner_is_left_behind() {
        let place = tempfile::tempdir().unwrap();
        // No process has the number 0, and this one is alive.
        for name in ["coroner-demo-0-abc", "coroner-demo-x", "other-0-abc"] {
            fs::create_dir(place.path().join(name)).unwrap();
        }
        let alive = format!("{PREFIX}{}-abc", std::process::id());
        fs::create_dir(place.path().join(&alive)).unwrap();
        assert_eq!(left_behind(place.path()), Vec::<PathBuf>::new(), "too young");
        let earlier = std::time::SystemTime::now() - Duration::from_secs(10);
        for entry in fs::read_dir(place.path()).unwrap() {
            let directory = fs::File::open(entry.unwrap().path()).unwrap();
            directory.set_modified(earlier).unwrap();
        }
        assert_eq!(left_behind(place.path()), [place.path().join("coroner-demo-0-abc")]);
    }
}
