//! Single memory files of a group.
//!
//! Each is a number, the word `max`, or lines of `key value`. `memory.oom_control` (v1) has `oom_kill` since 4.13,
//! `memory.events.local` (v2) is since 5.2 and `memory.peak` since 5.19: what is not there is `None`.

use std::os::fd::AsFd;

use coroner_core::kernel::Limit;
use rustix::fs::{Mode, OFlags};

use super::{Group, Version};

/// More than any of these files has.
const FILE_MAX: usize = 4096;

/// What tells kills and limits apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Processes of this group killed since it was made.
    pub kills: Option<u64>,
    /// How often this group's own limit was the one that was hit.
    pub limit_hits: Option<u64>,
    /// False where the kernel only counts a group together with those below it.
    pub own: bool,
}

impl Group {
    /// Reads a small file; `None` when it is absent, empty or unreadable.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(self.dir.as_fd(), name, flags, Mode::empty()).ok()?;
        let mut buffer = [0; FILE_MAX];
        let len = rustix::io::read(&file, &mut buffer).ok()?;
        let text = std::str::from_utf8(buffer.get(..len)?).ok()?.trim_end();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Reads a number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.trim().parse().ok()
    }

    /// Reads a limit: `max`, or bytes.
    pub(super) fn limit(&self, name: &str) -> Option<Limit> {
        match self.text(name)?.trim() {
            "max" => Some(Limit::Unlimited),
            bytes => bytes.parse().ok().map(Limit::from_bytes),
        }
    }

    /// The counters, as the version has them.
    pub(crate) fn counters(&self) -> Counters {
        match self.version {
            Version::V1 => {
                let control = self.text("memory.oom_control");
                // Where memory and swap have the same limit, the sum of both is what is hit.
                let hits = [self.number("memory.failcnt"), self.number("memory.memsw.failcnt")];
                Counters {
                    kills: control.and_then(|text| value(&text, "oom_kill")),
                    limit_hits: hits.into_iter().flatten().reduce(u64::saturating_add),
                    own: true,
                }
            }
            Version::V2 => {
                let local = self.text("memory.events.local");
                let own = local.is_some();
                let events = local.or_else(|| self.text("memory.events"));
                let get = |key| events.as_deref().and_then(|text| value(text, key));
                Counters { kills: get("oom_kill"), limit_hits: get("oom"), own }
            }
        }
    }
}

/// The value behind a key in lines of `key value`.
pub(super) fn value(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::super::tests::Tree;
    use super::*;

    #[test]
    fn keys_are_whole_words() {
        let text = "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\noom_group_kill 5";
        assert_eq!(
            (value(text, "oom"), value(text, "oom_kill"), value(text, "oo")),
            (Some(3), Some(4), None)
        );
        assert_eq!(value("oom_kill x", "oom_kill"), None);
        assert_eq!(value("", "oom"), None);
    }

    #[test]
    fn counters_of_both_versions() {
        let v1 = Tree::v1();
        v1.group(
            "/a",
            &[
                ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n"),
                ("memory.failcnt", "3\n"),
            ],
        );
        v1.group("/b", &[("memory.memsw.failcnt", "2\n"), ("memory.failcnt", "3\n")]);
        let read = |path| v1.hierarchy().group(path).unwrap().counters();
        assert_eq!(read("/a"), Counters { kills: Some(7), limit_hits: Some(3), own: true });
        assert_eq!(read("/b"), Counters { kills: None, limit_hits: Some(5), own: true });

        let v2 = Tree::v2();
        v2.group(
            "/a",
            &[
                ("memory.events", "oom 5\noom_kill 9\n"),
                ("memory.events.local", "oom 0\noom_kill 1\n"),
            ],
        );
        v2.group("/b", &[("memory.events", "oom 5\noom_kill 9\n")]);
        let read = |path| v2.hierarchy().group(path).unwrap().counters();
        assert_eq!(read("/a"), Counters { kills: Some(1), limit_hits: Some(0), own: true });
        assert_eq!(read("/b"), Counters { kills: Some(9), limit_hits: Some(5), own: false });
    }

    #[test]
    fn garbage_is_nothing() {
        let tree = Tree::v2();
        tree.group("/a", &[("memory.current", "many"), ("memory.max", "-1"), ("memory.peak", "")]);
        let group = tree.hierarchy().group("/a").unwrap();
        assert_eq!((group.number("memory.current"), group.limit("memory.max")), (None, None));
        assert_eq!((group.number("memory.peak"), group.number("absent")), (None, None));
    }
}
