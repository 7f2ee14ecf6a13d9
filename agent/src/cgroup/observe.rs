//! What the groups around a kill say: the victim's, the one whose limit was hit, and its neighbours in the pod.

use coroner_core::cgroup::identify;
use coroner_core::finding::{Attribution, CgroupObservation, CgroupState, FindingId, Phase};
use coroner_core::kernel::{Level, Limit};

use super::Hierarchy;
use super::memory::state;
use super::population::children;

/// A pod has some containers; a group with more below it is no pod.
const SIBLINGS_MAX: usize = 64;

/// What is to be read.
pub(crate) struct Question<'a> {
    /// The kernel finding it belongs to.
    pub about: FindingId,
    /// When it is read.
    pub phase: Phase,
    /// The victim's group, where it had to be worked out.
    pub attribution: Option<Attribution>,
    /// The group whose limit was hit.
    pub limit: Option<&'a str>,
    /// The victim's group.
    pub victim: Option<&'a str>,
    /// Which processes count as left.
    pub counts: &'a dyn Fn(u32) -> bool,
}

/// Reads it.
pub(crate) fn observe(hierarchy: &Hierarchy, question: Question<'_>) -> CgroupObservation {
    let Question { about, phase, attribution, limit, victim, counts } = question;
    let other = victim.filter(|victim| Some(*victim) != limit);
    CgroupObservation {
        about,
        phase,
        attribution,
        limit: limit.and_then(|path| state(hierarchy, path, counts)),
        victim: other.and_then(|path| state(hierarchy, path, counts)),
        siblings: limit.map_or_else(Vec::new, |pod| siblings(hierarchy, pod, victim, counts)),
    }
}

/// The other groups directly below a pod's that hold processes or have a limit.
fn siblings(
    hierarchy: &Hierarchy,
    pod: &str,
    victim: Option<&str>,
    counts: &dyn Fn(u32) -> bool,
) -> Vec<CgroupState> {
    if identify(pod).level != Level::Pod {
        return Vec::new();
    }
    let Ok(group) = hierarchy.group(pod) else { return Vec::new() };
    children(&group)
        .into_iter()
        .filter_map(|name| Some(format!("{pod}/{}", name.to_str().ok()?)))
        .filter(|path| victim.is_none_or(|victim| !is_within(victim, path)))
        .take(SIBLINGS_MAX)
        .filter_map(|path| state(hierarchy, &path, counts))
        .filter(|state| {
            state.processes_left != Some(0) || matches!(state.limit, Some(Limit::Bytes(_)))
        })
        .collect()
}

/// Whether `path` is the group `above` or lies in it.
fn is_within(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::super::tests::Tree;
    use super::*;

    const POD: &str = "/kubepods/burstable/pod0d2f1c1e-5b8e-4f6e-9d1f-0a1b2c3d4e5f";

    fn container(digit: char) -> String {
        format!("{POD}/{}", digit.to_string().repeat(64))
    }

    fn ask(tree: &Tree, limit: Option<&str>, victim: Option<&str>) -> CgroupObservation {
        let question = Question {
            about: FindingId("kmsg:b:1".into()),
            phase: Phase::AtKill,
            attribution: None,
            limit,
            victim,
            counts: &|pid| pid != 5,
        };
        observe(&tree.hierarchy(), question)
    }

    #[test]
    fn a_pods_limit_shows_the_other_containers_that_matter() {
        let tree = Tree::v2();
        let limit = [("memory.max", "max\n")];
        tree.group("/kubepods", &limit);
        tree.group("/kubepods/burstable", &limit);
        tree.group(POD, &[("memory.max", "67108864\n"), ("cgroup.procs", "")]);
        tree.group(&container('a'), &[("memory.max", "max\n"), ("cgroup.procs", "5\n")]);
        tree.group(&container('b'), &[("memory.max", "max\n"), ("cgroup.procs", "6\n")]);
        tree.group(&container('c'), &[("memory.max", "100\n"), ("cgroup.procs", "")]);
        tree.group(&container('d'), &[("memory.max", "max\n"), ("cgroup.procs", "")]);
        let seen = ask(&tree, Some(POD), Some(&container('a')));
        assert_eq!(seen.limit.unwrap().limit, Some(Limit::Bytes(67_108_864)));
        assert_eq!(seen.victim.unwrap().processes_left, Some(0));
        let mut others: Vec<_> =
            seen.siblings.into_iter().map(|s| (s.path, s.processes_left)).collect();
        others.sort();
        assert_eq!(others, [(container('b'), Some(1)), (container('c'), Some(0))]);
    }

    #[test]
    fn one_group_is_read_once_and_a_container_has_no_siblings() {
        let tree = Tree::v2();
        tree.group(&container('a'), &[("cgroup.procs", "1\n")]);
        tree.group(&container('b'), &[("cgroup.procs", "1\n")]);
        let a = container('a');
        let seen = ask(&tree, Some(&a), Some(&a));
        assert!(seen.limit.unwrap().exists);
        assert_eq!((seen.victim, seen.siblings.len()), (None, 0));
        let global = ask(&tree, None, Some(&a));
        assert!(global.limit.is_none() && global.victim.unwrap().exists);
    }

    #[test]
    fn a_path_that_leads_out_is_not_followed() {
        let tree = Tree::v1();
        let seen = ask(&tree, Some("/../../etc"), Some("etc"));
        assert!(seen.limit.is_none() && seen.victim.is_none());
    }
}
