//! Who is in a group, and which groups are below it.
//!
//! `cgroup.procs` promises a process id a line, in no order, not always once, and none for processes outside our pid
//! namespace (they read as 0). It cannot be read in a threaded group, whose processes the domain above lists.

use std::ffi::CStr;
use std::os::fd::AsFd;

use rustix::fs::{Dir, FileType, Mode, OFlags};

use super::Group;

/// More processes than this are not told apart: the answer only has to say whether anyone is left.
const PROCS_MAX: usize = 256 << 10;

/// The processes of one group; `None` when they cannot be read.
pub(crate) fn pids(group: &Group) -> Option<Vec<u32>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = rustix::fs::openat(group.dir.as_fd(), "cgroup.procs", flags, Mode::empty()).ok()?;
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match rustix::io::read(&file, &mut buffer) {
            Ok(0) => break,
            Ok(len) => text.extend_from_slice(&buffer[..len]),
            // A threaded group.
            Err(rustix::io::Errno::OPNOTSUPP) => break,
            Err(_) => return None,
        }
        if text.len() > PROCS_MAX {
            break;
        }
    }
    let text = std::str::from_utf8(&text).ok()?;
    let mut pids: Vec<u32> = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
    pids.sort_unstable();
    // Those of other namespaces are all 0 and each is one.
    pids.dedup_by(|a, b| a == b && *a != 0);
    Some(pids)
}

/// Names of the groups directly below.
pub(crate) fn children(group: &Group) -> Vec<std::ffi::CString> {
    let Ok(entries) = Dir::read_from(group.dir.as_fd()) else { return Vec::new() };
    let below = |name: &CStr| !matches!(name.to_bytes(), b"." | b"..");
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type() == FileType::Directory && below(entry.file_name()))
        .map(|entry| entry.file_name().to_owned())
        .collect()
}

/// Visits a group and all below it, `path` being its own. False when there were more than `budget`.
pub(crate) fn walk(
    group: Group,
    path: &str,
    budget: usize,
    visit: &mut dyn FnMut(&str, &Group),
) -> bool {
    let base = path.trim_end_matches('/').to_owned();
    let mut left = budget;
    let mut stack = vec![(base, group)];
    while let Some((path, group)) = stack.pop() {
        if left == 0 {
            return false;
        }
        left -= 1;
        visit(if path.is_empty() { "/" } else { &path }, &group);
        for name in children(&group) {
            if stack.len() >= left {
                return false;
            }
            // A name that is not UTF-8 cannot be reported as a path; its processes count all the same.
            if let Some(child) = group.child(&name) {
                stack.push((format!("{path}/{}", name.to_string_lossy()), child));
            }
        }
    }
    true
}

/// Processes in a group and below that `counts` counts; `None` when that cannot be told.
pub(super) fn processes(group: Group, counts: &dyn Fn(u32) -> bool) -> Option<u64> {
    /// Some hundred pods with some groups each.
    const GROUPS_MAX: usize = 4096;
    let mut total = Some(0u64);
    let complete = walk(group, "", GROUPS_MAX, &mut |path, group| {
        match (pids(group), total) {
            (Some(pids), Some(sum)) => {
                let here = pids.into_iter().filter(|pid| counts(*pid)).count();
                total = Some(sum + u64::try_from(here).unwrap_or(0));
            }
            // A group below that went meanwhile holds nobody; the group itself must be readable.
            (None, _) if path == "/" => total = None,
            _ => {}
        }
    });
    total.filter(|_| complete)
}

#[cfg(test)]
mod tests {
    use super::super::tests::Tree;
    use super::*;

    #[test]
    fn processes_below_count_and_victims_do_not() {
        let tree = Tree::v2();
        tree.group("/pod", &[("cgroup.procs", "")]);
        tree.group("/pod/a", &[("cgroup.procs", "10\n11\n11\n0\n0\n")]);
        tree.group("/pod/a/deep", &[("cgroup.procs", "12\n")]);
        let open = || tree.hierarchy().group("/pod").unwrap();
        assert_eq!(processes(open(), &|_| true), Some(5));
        assert_eq!(processes(open(), &|pid| pid != 11), Some(4));
    }

    #[test]
    fn a_group_without_the_file_is_unknown_and_not_empty() {
        let tree = Tree::v2();
        tree.group("/pod", &[]);
        assert_eq!(processes(tree.hierarchy().group("/pod").unwrap(), &|_| true), None);
        assert_eq!(pids(&tree.hierarchy().group("/pod").unwrap()), None);
    }

    #[test]
    fn a_walk_names_every_group_and_keeps_to_its_budget() {
        let tree = Tree::v1();
        for path in ["/a", "/a/b", "/c"] {
            tree.group(path, &[]);
        }
        let mut seen = Vec::new();
        let root = || tree.hierarchy().group("/").unwrap();
        assert!(walk(root(), "/", 10, &mut |path, _| seen.push(path.to_owned())));
        seen.sort();
        assert_eq!(seen, ["/", "/a", "/a/b", "/c"]);
        assert!(!walk(root(), "/", 2, &mut |_, _| {}));
    }
}
