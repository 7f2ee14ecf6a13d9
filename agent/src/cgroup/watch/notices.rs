//! What inotify tells of the hierarchy: groups that come and go, and counters that moved.
//!
//! The kernel promises IN_CREATE and IN_DELETE for directories that are made and removed through the file system, as all
//! groups are, and on cgroup v2 IN_MODIFY for `memory.events`, `memory.events.local` and `cgroup.events` when what they say has changed
//! (cgroup-v2.rst), for memory at most every 10 ms. A write(2) to `cgroup.procs` is told of as to any file, once it is
//! done: version 1 says in no other way that somebody came. One descriptor serves all of it. When more happens than the queue
//! holds, the kernel says so once (IN_Q_OVERFLOW): then what came and went in between has to be looked for.

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Room for some hundred events.
const BUFFER: usize = 16 << 10;

/// Which file of a group is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum File {
    /// The directory itself.
    Directory = 0,
    /// `memory.events`.
    Counters = 1,
    /// `cgroup.events`.
    Population = 2,
    /// `memory.events.local` (5.2).
    OwnCounters = 3,
    /// `cgroup.procs`.
    Members = 4,
}

/// What was told, with the number of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// A group was made in this one. A name that is not UTF-8 is not watched.
    Made(usize, Box<str>),
    /// A group was removed from this one.
    Removed(usize, Box<str>),
    /// Counters moved.
    Counted(usize),
    /// Its own limit was hit, not one below.
    Hit(usize),
    /// The group became empty, or no longer is.
    Populated(usize),
    /// Somebody was moved into the group.
    Joined(usize),
    /// Notices were lost.
    Lost,
}

/// All watches.
#[derive(Debug)]
pub(super) struct Notices {
    inotify: AsyncFd<OwnedFd>,
    watches: HashMap<i32, (u32, File)>,
}

impl Notices {
    /// # Errors
    /// When the kernel has no inotify, or the user has too many instances of it (`fs.inotify.max_user_instances`).
    pub(super) fn open() -> std::io::Result<Self> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        #[allow(
            deprecated,
            reason = "its successor is unsafe; an OwnedFd that is never replaced keeps that contract"
        )]
        let inotify = AsyncFd::with_interest(inotify, Interest::READABLE)?;
        Ok(Self { inotify, watches: HashMap::new() })
    }

    /// Watches one file of the group `id`, whose directory is `dir`.
    ///
    /// # Errors
    /// ENOENT when the group is gone, ENOSPC when the user may not have more watches (`fs.inotify.max_user_watches`).
    pub(super) fn watch(&mut self, id: usize, dir: &Path, file: File) -> Result<i32, Errno> {
        let watch = match file {
            File::Directory => inotify::add_watch(
                &self.inotify,
                dir,
                WatchFlags::CREATE
                    | WatchFlags::DELETE
                    | WatchFlags::ONLYDIR
                    | WatchFlags::DONT_FOLLOW,
            ),
            File::Counters | File::OwnCounters | File::Population | File::Members => {
                let name = match file {
                    File::Members => "cgroup.procs",
                    File::Counters => "memory.events",
                    File::OwnCounters => "memory.events.local",
                    _ => "cgroup.events",
                };
                let flags = WatchFlags::MODIFY | WatchFlags::DONT_FOLLOW;
                inotify::add_watch(&self.inotify, dir.join(name), flags)
            }
        }?;
        self.watches.insert(watch, (u32::try_from(id).unwrap_or(u32::MAX), file));
        Ok(watch)
    }

    /// Ends a watch, whether or not the kernel has ended it.
    pub(super) fn forget(&mut self, watch: i32) {
        if self.watches.remove(&watch).is_some() {
            // Gone with its file in most cases.
            let _ = inotify::remove_watch(&self.inotify, watch);
        }
    }

    /// Waits until there is something to read. May be dropped and called again.
    pub(super) async fn ready(&self) {
        match self.inotify.readable().await {
            // Read until it is empty, so that the next wait is one.
            Ok(mut ready) => ready.clear_ready(),
            Err(_) => std::future::pending().await,
        }
    }

    /// Reads what there is; at most one buffer, so that other work gets its turn. True when there may be more.
    pub(super) fn read(&mut self, out: &mut Vec<Notice>) -> bool {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(_) => return false,
            };
            let (flags, watch) = (event.events(), event.wd());
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                out.push(Notice::Lost);
            } else if flags.contains(ReadFlags::IGNORED) {
                self.watches.remove(&watch);
            } else if let Some((id, file)) = self.watches.get(&watch) {
                let id = usize::try_from(*id).unwrap_or(usize::MAX);
                let name = || event.file_name().and_then(|name| name.to_str().ok());
                match file {
                    File::Counters => out.push(Notice::Counted(id)),
                    File::OwnCounters => out.push(Notice::Hit(id)),
                    File::Members => out.push(Notice::Joined(id)),
                    File::Population => out.push(Notice::Populated(id)),
                    // Files of a group never come or go by themselves.
                    File::Directory if !flags.contains(ReadFlags::ISDIR) => {}
                    File::Directory => {
                        if let Some(name) = name() {
                            let made = flags.contains(ReadFlags::CREATE);
                            let notice = if made { Notice::Made } else { Notice::Removed };
                            out.push(notice(id, name.into()));
                        }
                    }
                }
            }
            if reader.is_buffer_empty() {
                return true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn directories_and_counters() {
        let dir = tempfile::tempdir().unwrap();
        let pod = dir.path().join("pod");
        std::fs::create_dir(&pod).unwrap();
        for file in ["memory.events", "memory.events.local", "cgroup.events", "cgroup.procs"] {
            std::fs::write(pod.join(file), "").unwrap();
        }
        let mut notices = Notices::open().unwrap();
        notices.watch(3, dir.path(), File::Directory).unwrap();
        notices.watch(4, &pod, File::Counters).unwrap();
        notices.watch(4, &pod, File::OwnCounters).unwrap();
        notices.watch(4, &pod, File::Members).unwrap();
        let population = notices.watch(4, &pod, File::Population).unwrap();
        assert_eq!(notices.watch(5, &dir.path().join("no"), File::Counters), Err(Errno::NOENT));
        std::fs::write(pod.join("memory.events"), "oom 1").unwrap();
        std::fs::write(pod.join("memory.events.local"), "oom 1").unwrap();
        std::fs::write(pod.join("cgroup.events"), "populated 0").unwrap();
        std::fs::write(pod.join("cgroup.procs"), "0").unwrap();
        std::fs::create_dir(dir.path().join("new")).unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        std::fs::remove_dir(dir.path().join("new")).unwrap();
        notices.ready().await;
        let mut seen = Vec::new();
        while notices.read(&mut seen) {}
        seen.dedup();
        let made = Notice::Made(3, "new".into());
        let removed = Notice::Removed(3, "new".into());
        let files = [Notice::Counted(4), Notice::Hit(4), Notice::Populated(4), Notice::Joined(4)];
        assert_eq!(seen, [&files[..], &[made, removed]].concat());
        notices.forget(population);
        std::fs::write(pod.join("cgroup.events"), "populated 1").unwrap();
        seen.clear();
        while notices.read(&mut seen) {}
        assert_eq!(seen, []);
    }
}
