//! tracefs for the agent's signal trace: where the machine has it, or mounted for the time of a test.

use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// Where a kernel's tracefs is. Unmounted when dropped, if it was mounted for this.
pub struct Tracefs {
    path: PathBuf,
    mounted: bool,
}

impl Tracefs {
    /// Finds it, or mounts it on `dir`, which is made. `None` where neither is possible, as without root.
    #[must_use]
    pub fn find(dir: PathBuf) -> Option<Self> {
        let usual = Path::new("/sys/kernel/tracing");
        if usual.join("instances").is_dir() {
            return Some(Self { path: usual.to_owned(), mounted: false });
        }
        std::fs::create_dir_all(&dir).ok()?;
        mount("tracefs", &dir, "tracefs", MountFlags::empty(), None).ok()?;
        Some(Self { path: dir, mounted: true })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Tracefs {
    fn drop(&mut self) {
        if self.mounted {
            let _ = unmount(&self.path, UnmountFlags::DETACH);
        }
    }
}
