//! What the memory files of one group say, as one value.

use coroner_core::counters::value;
use coroner_core::finding::CgroupState;

use super::population::processes;
use super::{CgroupError, Group, Hierarchy, Version};

/// Reads a group. One that is gone has `exists` false and nothing else; `None` where nothing can be said, because the
/// path is not one of this hierarchy's or may not be opened.
pub(super) fn state(
    hierarchy: &Hierarchy,
    path: &str,
    counts: &dyn Fn(u32) -> bool,
) -> Option<CgroupState> {
    let mut state = CgroupState {
        path: path.to_owned(),
        version: hierarchy.version.number(),
        ..CgroupState::default()
    };
    let group = match hierarchy.group(path) {
        Ok(group) => group,
        Err(CgroupError::Gone) => return Some(state),
        Err(error) => {
            tracing::debug!(path = %coroner_core::escape::terminal(path), "{error}");
            return None;
        }
    };
    state.exists = true;
    match hierarchy.version {
        Version::V1 => v1(&group, &mut state),
        Version::V2 => v2(&group, &mut state),
    }
    state.processes_left = processes(group, counts);
    Some(state)
}

fn v1(group: &Group, state: &mut CgroupState) {
    state.usage = group.number("memory.usage_in_bytes");
    state.peak = group.number("memory.max_usage_in_bytes");
    state.limit = group.limit("memory.limit_in_bytes");
    state.limit_hits = group.number("memory.failcnt");
    state.oom_kill = group.text("memory.oom_control").and_then(|text| value(&text, "oom_kill"));
}

fn v2(group: &Group, state: &mut CgroupState) {
    state.usage = group.number("memory.current");
    state.peak = group.number("memory.peak");
    state.limit = group.limit("memory.max");
    state.oom_group = group.number("memory.oom.group").map(|flag| flag != 0);
    if let Some(events) = group.text("memory.events") {
        state.limit_hits = value(&events, "max");
        state.oom = value(&events, "oom");
        state.oom_kill = value(&events, "oom_kill");
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Tree;
    use super::*;
    use coroner_core::kernel::Limit;

    #[test]
    fn version_1() {
        let tree = Tree::v1();
        tree.group(
            "/c",
            &[
                ("memory.usage_in_bytes", "33554432\n"),
                ("memory.max_usage_in_bytes", "33558528\n"),
                ("memory.limit_in_bytes", "9223372036854771712\n"),
                ("memory.failcnt", "24\n"),
                ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"),
                ("cgroup.procs", "7\n8\n"),
            ],
        );
        let expected = CgroupState {
            path: "/c".into(),
            version: 1,
            exists: true,
            usage: Some(33_554_432),
            peak: Some(33_558_528),
            limit: Some(Limit::Unlimited),
            limit_hits: Some(24),
            oom: None,
            oom_kill: Some(1),
            oom_group: None,
            processes_left: Some(1),
        };
        assert_eq!(state(&tree.hierarchy(), "/c", &|pid| pid != 7), Some(expected));
    }

    #[test]
    fn version_2() {
        let tree = Tree::v2();
        tree.group(
            "/c",
            &[
                ("memory.current", "100\n"),
                ("memory.max", "max\n"),
                ("memory.events", "low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\n"),
                ("memory.oom.group", "1\n"),
                ("cgroup.procs", ""),
            ],
        );
        let read = state(&tree.hierarchy(), "/c", &|_| true).unwrap();
        assert_eq!((read.usage, read.peak, read.limit), (Some(100), None, Some(Limit::Unlimited)));
        assert_eq!((read.limit_hits, read.oom, read.oom_kill), (Some(9), Some(3), Some(2)));
        assert_eq!((read.oom_group, read.processes_left), (Some(true), Some(0)));
    }

    #[test]
    fn a_group_that_is_gone_says_only_that() {
        let tree = Tree::v2();
        let gone = state(&tree.hierarchy(), "/gone", &|_| true).unwrap();
        assert_eq!(
            gone,
            CgroupState { path: "/gone".into(), version: 2, ..CgroupState::default() }
        );
        assert_eq!(state(&tree.hierarchy(), "/../gone", &|_| true), None);
    }
}
