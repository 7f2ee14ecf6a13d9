//! Single memory files of a group.
//!
//! Each is a number, the word `max`, or lines of `key value`. `memory.oom_control` (v1) has `oom_kill` since 4.13,
//! `memory.events.local` (v2) is since 5.2 and `memory.peak` since 5.19: what is not there is `None`.

use std::io::Read as _;
use std::os::fd::AsFd;

use coroner_core::counters::{Reading, value};
use coroner_core::kernel::Limit;
use rustix::fs::{Mode, OFlags};

use super::{Group, Version};

/// More than any of these files has.
const FILE_MAX: usize = 4096;

/// More than `memory.stat` has.
const LONG_MAX: u64 = 64 << 10;

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
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(self.dir.as_fd(), name, flags, Mode::empty()).ok()?;
        let mut buffer = [0; FILE_MAX];
        let len = rustix::io::read(&file, &mut buffer).ok()?;
        let text = std::str::from_utf8(buffer.get(..len)?).ok()?.trim_end();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Reads a file that may be longer, such as `memory.stat`; `None` as above.
    pub(crate) fn long_text(&self, name: &str) -> Option<String> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(self.dir.as_fd(), name, flags, Mode::empty()).ok()?;
        let mut bytes = Vec::new();
        let mut file = std::fs::File::from(file).take(LONG_MAX);
        file.read_to_end(&mut bytes).ok()?;
        String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
    }

    /// Reads a number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.trim().parse().ok()
    }

    /// Reads a limit: `max`, or bytes.
    pub(crate) fn limit(&self, name: &str) -> Option<Limit> {
        match self.text(name)?.trim() {
            "max" => Some(Limit::Unlimited),
            bytes => bytes.parse().ok().map(Limit::from_bytes),
        }
    }

    /// Whether this group's limit can have been the one that was hit: it has one, and its use once came close.
    /// `None` when that cannot be read. What is left of the lineage when those that cannot are taken away is the answer
    /// where `failcnt` does not count (it stayed 0 on a 6.18 kernel with cgroup v1).
    pub(crate) fn can_have_hit_limit(&self) -> Option<bool> {
        /// The largest charge that can fail is one huge page.
        const CHARGE_MAX: u64 = 2 << 20;
        let close = |limit: &str, peak: &str| match self.limit(limit)? {
            Limit::Unlimited => Some(false),
            Limit::Bytes(limit) => {
                Some(self.number(peak).is_none_or(|peak| peak.saturating_add(CHARGE_MAX) >= limit))
            }
        };
        match self.version {
            Version::V1 => {
                let memory = close("memory.limit_in_bytes", "memory.max_usage_in_bytes")?;
                let with_swap =
                    close("memory.memsw.limit_in_bytes", "memory.memsw.max_usage_in_bytes");
                Some(memory || with_swap.unwrap_or(false))
            }
            Version::V2 => close("memory.max", "memory.peak"),
        }
    }

    /// Everything that is counted.
    pub(super) fn reading(&self) -> Reading {
        match self.version {
            Version::V1 => Reading::v1(
                self.text("memory.oom_control").as_deref(),
                self.number("memory.failcnt"),
                self.number("memory.memsw.failcnt"),
            ),
            Version::V2 => {
                // The outer count first: what comes in between is then missing there, and not counted twice.
                let events = self.text("memory.events");
                let local = self.text("memory.events.local");
                Reading::v2(events.as_deref(), local.as_deref(), true)
            }
        }
    }

    /// Kills in this group, from one file; version 1.
    pub(super) fn own_kills(&self) -> Option<u64> {
        value(&self.text("memory.oom_control")?, "oom_kill")
    }

    /// Kills in this group and below, and hits of limits there, from one file; version 2.
    pub(super) fn tree_kills(&self) -> (Option<u64>, Option<u64>) {
        let text = self.text("memory.events").unwrap_or_default();
        (value(&text, "oom_kill"), value(&text, "oom"))
    }

    /// The memory limit.
    pub(super) fn own_limit(&self) -> Option<Limit> {
        self.limit(match self.version {
            Version::V1 => "memory.limit_in_bytes",
            Version::V2 => "memory.max",
        })
    }

    /// Bytes in use, now and at most.
    pub(super) fn usage(&self) -> (Option<u64>, Option<u64>) {
        match self.version {
            Version::V1 => {
                (self.number("memory.usage_in_bytes"), self.number("memory.max_usage_in_bytes"))
            }
            Version::V2 => (self.number("memory.current"), self.number("memory.peak")),
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

#[cfg(test)]
mod tests {
    use super::super::tests::Tree;
    use super::*;

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
    fn a_limit_that_was_never_near_was_not_hit() {
        let tree = Tree::v1();
        let group = |path, limit, peak| {
            tree.group(
                path,
                &[("memory.limit_in_bytes", limit), ("memory.max_usage_in_bytes", peak)],
            );
            tree.hierarchy().group(path).unwrap().can_have_hit_limit()
        };
        assert_eq!(group("/hit", "33554432", "33554432"), Some(true));
        assert_eq!(group("/near", "33554432", "31457280"), Some(true));
        assert_eq!(group("/far", "33554432", "31457279"), Some(false));
        assert_eq!(group("/none", "9223372036854771712", "33554432"), Some(false));
        assert_eq!(group("/garbage", "x", "33554432"), None);
        let tree = Tree::v2();
        tree.group("/old", &[("memory.max", "4096")]);
        assert_eq!(tree.hierarchy().group("/old").unwrap().can_have_hit_limit(), Some(true));
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
