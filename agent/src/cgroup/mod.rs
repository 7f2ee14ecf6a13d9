//! The memory cgroup hierarchy, read from outside by paths that others chose.
//!
//! The kernel promises a directory per group and small text files in it (Documentation/admin-guide/cgroup-v1/memory.rst,
//! cgroup-v2.rst); that a path leads back into the hierarchy is promised by nobody, so paths are checked name by name
//! and resolved beneath the root only. A group goes when its last process does: ENOENT and ENODEV mean gone. What a
//! file does not say is `None`. cgroups-rs is not used here: it reports every failed read as 0.

mod files;
mod memory;
mod mount;
mod observe;
mod population;
mod watch;

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use coroner_core::escape::terminal;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

pub(crate) use files::Counters;
pub(crate) use observe::{Question, observe};
pub(crate) use population::{children, pids, walk};
pub(crate) use watch::Watcher;

/// The longest path the kernel takes (`PATH_MAX`).
const PATH_MAX: usize = 4096;

/// The longest name (`NAME_MAX`).
const NAME_MAX: usize = 255;

/// A group cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CgroupError {
    /// It was removed.
    #[error("the group is gone")]
    Gone,
    /// The path does not name a group of this hierarchy.
    #[error("the path leads out of the hierarchy or is malformed")]
    Outside,
    #[error("cannot open {path}: {errno}")]
    Open { path: PathBuf, errno: Errno },
    #[error("no memory cgroup hierarchy is mounted")]
    NoHierarchy,
    #[error(
        "`{root}` (--cgroup-root) is no memory cgroup hierarchy, expected one like /sys/fs/cgroup: it has neither \
         memory.limit_in_bytes (version 1, also below `memory`) nor cgroup.controllers (version 2, also below `unified`)"
    )]
    NotThere { root: String },
}

/// Which interface the memory controller has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}

impl Version {
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

/// The hierarchy that the memory controller is in.
#[derive(Debug)]
pub(crate) struct Hierarchy {
    pub version: Version,
    /// Where it is mounted.
    pub mount: PathBuf,
    root: OwnedFd,
    /// The part of the hierarchy that is mounted, `/` for all of it.
    prefix: String,
}

/// An open group.
#[derive(Debug)]
pub(crate) struct Group {
    dir: OwnedFd,
    version: Version,
}

impl Hierarchy {
    /// Finds the hierarchy: at `cgroup_root` if given, else in the mount table.
    ///
    /// # Errors
    /// When there is none, or it may not be opened.
    pub(crate) fn find(proc_root: &Path, cgroup_root: Option<&Path>) -> Result<Self, CgroupError> {
        let found = match cgroup_root {
            Some(root) => mount::at(root),
            None => mount::in_table(&proc_root.join("self/mountinfo")),
        };
        let found = found.ok_or_else(|| match cgroup_root {
            Some(root) => {
                CgroupError::NotThere { root: terminal(&root.display().to_string()).to_string() }
            }
            None => CgroupError::NoHierarchy,
        })?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(&found.path, flags, Mode::empty())
            .map_err(|errno| CgroupError::Open { path: found.path.clone(), errno })?;
        Ok(Self { version: found.version, mount: found.path, root, prefix: found.prefix })
    }

    /// Opens the group at a path as the kernel prints it.
    ///
    /// # Errors
    /// [`CgroupError::Gone`] when there is none, [`CgroupError::Outside`] for a path that could lead elsewhere.
    pub(crate) fn group(&self, path: &str) -> Result<Group, CgroupError> {
        let relative = self.relative(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let dir = match rustix::fs::openat2(&self.root, relative, flags, Mode::empty(), resolve) {
            // Kernels before 5.6, and some seccomp filters, do not have it.
            Err(Errno::NOSYS | Errno::PERM) => self.step_by_step(relative),
            other => other,
        };
        match dir {
            Ok(dir) => Ok(Group { dir, version: self.version }),
            Err(Errno::NOENT | Errno::NODEV) => Err(CgroupError::Gone),
            Err(Errno::XDEV | Errno::LOOP | Errno::NOTDIR | Errno::NAMETOOLONG) => {
                Err(CgroupError::Outside)
            }
            Err(errno) => Err(CgroupError::Open { path: self.mount.clone(), errno }),
        }
    }

    /// The path of the topmost group that is mounted here, as the kernel prints it.
    pub(crate) fn top(&self) -> &str {
        &self.prefix
    }

    /// The directory of a group whose path was checked by [`Hierarchy::group`].
    fn directory(&self, path: &str) -> PathBuf {
        let relative = self.relative(path).unwrap_or(".");
        self.mount.join(relative)
    }

    /// Visits every group that is mounted here, under its path as the kernel prints it. False when there were more
    /// than `budget`.
    pub(crate) fn all(&self, budget: usize, visit: &mut dyn FnMut(&str, &Group)) -> bool {
        self.group(&self.prefix).is_ok_and(|root| walk(root, &self.prefix, budget, visit))
    }

    /// The same as `openat2` beneath the root without symbolic links.
    fn step_by_step(&self, relative: &str) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mut dir = rustix::fs::openat(&self.root, ".", flags, Mode::empty())?;
        for name in relative.split('/').filter(|name| *name != ".") {
            dir = rustix::fs::openat(&dir, name, flags, Mode::empty())?;
        }
        Ok(dir)
    }

    /// A kernel path without what is not mounted here, `.` for the mount's own group. Every name is checked.
    fn relative<'a>(&self, path: &'a str) -> Result<&'a str, CgroupError> {
        if path.len() >= PATH_MAX {
            return Err(CgroupError::Outside);
        }
        let inner = if self.prefix == "/" {
            path
        } else {
            let rest = path.strip_prefix(self.prefix.as_str()).ok_or(CgroupError::Outside)?;
            if rest.is_empty() { "/" } else { rest }
        };
        let relative = inner.strip_prefix('/').ok_or(CgroupError::Outside)?;
        if relative.is_empty() {
            return Ok(".");
        }
        let good = |name: &str| {
            !name.is_empty()
                && name != "."
                && name != ".."
                && name.len() <= NAME_MAX
                && !name.contains('\0')
        };
        if relative.split('/').all(good) { Ok(relative) } else { Err(CgroupError::Outside) }
    }
}

impl Group {
    /// Which interface it has.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// Opens a group directly below this one.
    pub(crate) fn child(&self, name: &std::ffi::CStr) -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let dir = rustix::fs::openat(self.dir.as_fd(), name, flags, Mode::empty()).ok()?;
        Some(Self { dir, version: self.version })
    }
}

/// The path of a group and of all groups above it, the innermost first and without the root.
pub(crate) fn lineage(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        let (parent, _) = path.rsplit_once('/')?;
        (!parent.is_empty()).then_some(parent)
    })
    .filter(|path| path.len() > 1)
}

#[cfg(test)]
pub(crate) mod tests;
