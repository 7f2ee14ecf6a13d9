//! The memory of groups: that of all pods, wherever it is, and those of the host.
//!
//! The pods' group is `kubepods.slice` or `kubepods`, at the top or below another (`kubelet.slice`), known by its name
//! alone ([`identify`]); of several the one nearest to the top is the node's. Everything else that is not on the way to
//! it is the host's: a top-level group, or, where that is a slice, each group in it.

use std::collections::VecDeque;

use coroner_core::cgroup::identify;
use coroner_core::finding::GroupUse;
use coroner_core::headroom::{held_v1, held_v2};
use coroner_core::kernel::Level;

use crate::cgroup::{Group, Hierarchy, Version, children};

/// Groups looked at to find the pods': on every node it is among the first.
const SEARCHED: usize = 2000;

/// How deep it may be.
const DEPTH: usize = 8;

/// Groups of the host looked at.
const HOST_MAX: usize = 512;

/// The path of the group of all pods.
pub(super) fn pods(hierarchy: &Hierarchy) -> Option<String> {
    let root = hierarchy.group(hierarchy.top()).ok()?;
    let mut queue = VecDeque::from([(hierarchy.top().trim_end_matches('/').to_owned(), root, 0)]);
    let mut left = SEARCHED;
    while let Some((path, group, depth)) = queue.pop_front() {
        if identify(&path).level == Level::Kubepods {
            return Some(path);
        }
        for name in children(&group).into_iter().filter(|_| depth < DEPTH) {
            let Some(text) = name.to_str().ok().filter(|_| left > 0) else { continue };
            left -= 1;
            if let Some(child) = group.child(&name) {
                queue.push_back((format!("{path}/{text}"), child, depth + 1));
            }
        }
    }
    None
}

/// What a group uses and holds; `None` when it is gone.
pub(super) fn usage(hierarchy: &Hierarchy, path: &str) -> Option<GroupUse> {
    let group = hierarchy.group(path).ok()?;
    Some(of(&group, path))
}

fn of(group: &Group, path: &str) -> GroupUse {
    let stat = group.long_text("memory.stat");
    let stat = stat.as_deref();
    let (usage, limit, held) = match group.version() {
        Version::V1 => {
            let kmem = group.number("memory.kmem.usage_in_bytes");
            let held = stat.and_then(|stat| held_v1(stat, kmem));
            (group.number("memory.usage_in_bytes"), group.limit("memory.limit_in_bytes"), held)
        }
        Version::V2 => {
            let held = stat.and_then(held_v2);
            (group.number("memory.current"), group.limit("memory.max"), held)
        }
    };
    GroupUse { group: path.to_owned(), usage, held, limit }
}

/// The groups of the host with what they hold, the largest first. `pods` is not among them.
pub(super) fn host(hierarchy: &Hierarchy, pods: Option<&str>) -> Vec<GroupUse> {
    let mut found = Vec::new();
    let Ok(root) = hierarchy.group(hierarchy.top()) else { return found };
    let mut stack = vec![(hierarchy.top().trim_end_matches('/').to_owned(), root)];
    let mut left = HOST_MAX;
    while let Some((path, group)) = stack.pop() {
        for name in children(&group) {
            let Some(text) = name.to_str().ok().filter(|_| left > 0) else { continue };
            let below = format!("{path}/{text}");
            let Some(child) = group.child(&name).filter(|_| pods != Some(below.as_str())) else {
                continue;
            };
            left -= 1;
            let above_pods = pods.is_some_and(|pods| {
                pods.strip_prefix(below.as_str()).is_some_and(|rest| rest.starts_with('/'))
            });
            if above_pods || (text.ends_with(".slice") && !children(&child).is_empty()) {
                stack.push((below, child));
            } else {
                found.push(of(&child, &below));
            }
        }
    }
    found.retain(|group| group.held.is_some_and(|held| held > 0));
    found.sort_by(|a, b| b.held.cmp(&a.held).then_with(|| a.group.cmp(&b.group)));
    found
}
