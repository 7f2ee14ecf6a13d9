//! What the host's `/proc` says of one task, read at once: it may be dying.
//!
//! proc(5): `status` names the process of a thread (`Tgid`), its parent and its ids in its pid namespaces (`NStgid`, host
//! first); `stat` has the flags of the task, of which `PF_EXITING` (include/linux/sched.h) says that it is on its way out,
//! and the time it began. `/proc/TID` works for threads as for processes. A task that exits shows the group `/` on
//! cgroup v1; on v2 it keeps its path, with ` (deleted)` behind once the group is gone. An agent in a cgroup namespace sees
//! paths relative to its own group.

use std::io::Read as _;
use std::path::Path;

use coroner_core::cgroup::identify;

/// `PF_EXITING`.
const EXITING: u64 = 0x4;

/// Larger than any `status`: the mask of allowed CPUs is its longest line.
const FILE_MAX: u64 = 16 * 1024;

/// One task, as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Task {
    /// Its process.
    pub process: u32,
    pub parent: Option<u32>,
    pub name: String,
    /// Its process's id in its own pid namespace, where that is not the host's.
    pub namespace_pid: Option<u32>,
}

/// Reads `status`; `None` when the task is gone.
pub(super) fn status(proc_root: &Path, id: u32) -> Option<Task> {
    let text = file(proc_root, id, "status")?;
    let field = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
    };
    let mut ids = field("NStgid").unwrap_or_default().split_ascii_whitespace();
    let host = ids.next();
    Some(Task {
        // A task that is being released while it is read has no ids any more.
        process: field("Tgid")?.parse().ok().filter(|id| *id != 0)?,
        parent: field("PPid").and_then(|id| id.parse().ok()).filter(|id| *id != 0),
        name: field("Name").unwrap_or_default().to_owned(),
        namespace_pid: ids.next_back().filter(|_| host.is_some()).and_then(|id| id.parse().ok()),
    })
}

/// Whether a task is exiting, and when it began, in clock ticks since boot; `None` when it is gone.
pub(super) fn stat(proc_root: &Path, id: u32) -> Option<(bool, u64)> {
    let text = file(proc_root, id, "stat")?;
    // The name stands in brackets and may hold brackets.
    let (_, rest) = text.rsplit_once(") ")?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let flags: u64 = fields.nth(5)?.parse().ok()?;
    let began = fields.nth(12)?.parse().ok()?;
    Some((flags & EXITING != 0 || matches!(state, "Z" | "X"), began))
}

/// The memory group of a task; `None` when it is gone, or may be `/` only because the task exits.
pub(super) fn group(proc_root: &Path, id: u32) -> Option<String> {
    let text = file(proc_root, id, "cgroup")?;
    let path = match memory_group(&text)? {
        // Exiting tasks are shown so on v1. The hierarchy of v2 beside it, where there is one, still knows.
        "/" => {
            let other = unified(&text).filter(|path| identify(path).container_id.is_some());
            match other {
                Some(path) => path,
                None if stat(proc_root, id).is_some_and(|(exits, _)| !exits) => "/",
                None => return None,
            }
        }
        path => path,
    };
    Some(from_the_root(path))
}

fn memory_group(text: &str) -> Option<&str> {
    let v1 = text.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let controllers = fields.nth(1)?;
        controllers.split(',').any(|name| name == "memory").then(|| fields.next()).flatten()
    });
    v1.or_else(|| unified(text))
}

fn unified(text: &str) -> Option<&str> {
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(path.strip_suffix(" (deleted)").unwrap_or(path))
}

/// A path that begins at the agent's own group, as from the root where its names tell: systemd puts `a-b.slice` into
/// `a.slice` (systemd.slice(5)).
pub(crate) fn from_the_root(path: &str) -> String {
    let mut below = path;
    while let Some(rest) = below.strip_prefix("/..") {
        below = rest;
    }
    if below.len() == path.len() {
        return path.to_owned();
    }
    let names = below.split('/').filter(|name| !name.is_empty());
    let mut names = names.skip_while(|name| !name.contains("kubepods")).peekable();
    let Some(slice) = names.peek().and_then(|name| name.strip_suffix(".slice")) else {
        let rest: Vec<&str> = names.collect();
        return if rest.is_empty() { path.to_owned() } else { format!("/{}", rest.join("/")) };
    };
    let parents = slice.match_indices('-').filter_map(|(at, _)| slice.get(..at));
    let mut whole = String::new();
    for parent in parents {
        whole.push('/');
        whole.push_str(parent);
        whole.push_str(".slice");
    }
    for name in names {
        whole.push('/');
        whole.push_str(name);
    }
    whole
}

fn file(proc_root: &Path, id: u32, name: &str) -> Option<String> {
    let file = std::fs::File::open(proc_root.join(id.to_string()).join(name)).ok()?;
    let mut bytes = Vec::with_capacity(2048);
    file.take(FILE_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("4:memory:/a\n0::/c\n", Some("/a"))]
    #[case("4:cpu,memory:/a:b\n", Some("/a:b"))]
    #[case("1:cpu:/b\n0::/c (deleted)\n", Some("/c"))]
    #[case("1:cpu:/b\n", None)]
    #[case("", None)]
    fn the_memory_group_of_either_version(#[case] text: &str, #[case] group: Option<&str>) {
        assert_eq!(memory_group(text), group);
    }

    #[rstest]
    #[case("/a/b", "/a/b")]
    #[case("/", "/")]
    #[case("/../../kubepods/burstable/podx/c", "/kubepods/burstable/podx/c")]
    #[case(
        "/../kubepods-burstable-podx.slice/c.scope",
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podx.slice/c.scope"
    )]
    #[case("/../../system.slice/ssh.service", "/../../system.slice/ssh.service")]
    #[case("/..", "/..")]
    fn paths_of_a_cgroup_namespace(#[case] path: &str, #[case] whole: &str) {
        assert_eq!(from_the_root(path), whole);
    }

    #[test]
    fn our_own_task_is_read() {
        let root = Path::new("/proc");
        let task = status(root, std::process::id()).unwrap();
        assert_eq!(task.process, std::process::id());
        assert!(task.parent.is_some() && !task.name.is_empty());
        let (exits, began) = stat(root, std::process::id()).unwrap();
        assert!(!exits && began > 0);
        assert!(group(root, std::process::id()).is_some());
        let thread = std::thread::spawn(move || rustix::thread::gettid().as_raw_nonzero().get());
        assert!(thread.join().is_ok());
    }

    #[test]
    fn names_with_brackets_and_tasks_that_are_gone() {
        let dir = tempfile::tempdir().unwrap();
        let task = dir.path().join("42");
        std::fs::create_dir(&task).unwrap();
        let zeros = "0 ".repeat(12);
        std::fs::write(task.join("stat"), format!("42 (a) R 1 (b) S 1 1 1 0 -1 4 {zeros}777 0\n"))
            .unwrap();
        assert_eq!(stat(dir.path(), 42), Some((true, 777)));
        std::fs::write(
            task.join("status"),
            "Name:\ta\\nb\nTgid:\t41\nPPid:\t0\nNStgid:\t41\t7\t1\n",
        )
        .unwrap();
        let read = status(dir.path(), 42).unwrap();
        assert_eq!((read.process, read.parent, read.namespace_pid), (41, None, Some(1)));
        std::fs::write(task.join("cgroup"), "3:memory:/\n").unwrap();
        assert_eq!(group(dir.path(), 42), None, "it exits");
        assert_eq!(
            (status(dir.path(), 43), stat(dir.path(), 43), group(dir.path(), 43)),
            (None, None, None)
        );
        std::fs::write(task.join("status"), "Name:\ta\nTgid:\t0\nPPid:\t0\nNStgid:\n").unwrap();
        assert_eq!(status(dir.path(), 42), None, "it is being released");
        std::fs::write(task.join("status"), "garbage").unwrap();
        std::fs::write(task.join("stat"), "garbage").unwrap();
        assert_eq!((status(dir.path(), 42), stat(dir.path(), 42)), (None, None));
    }
}
