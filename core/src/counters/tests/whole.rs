//! Which group was killed whole, for kernels that count it, kernels that do not, and groups that are gone.

use rstest::rstest;

use super::super::*;
use crate::finding::CountedLimit;

/// Container and pod; each with its own `oom_group_kill` before and after, and its flag.
type Group = (Option<(u64, u64)>, Option<bool>);

fn group(nth: Option<u64>) -> Whole {
    Whole::Group { path: "/pod/container".into(), nth }
}

fn pod(nth: Option<u64>) -> Whole {
    Whole::Group { path: "/pod".into(), nth }
}

fn lineage([container, pod]: [Group; 2]) -> Vec<Ancestor<'static>> {
    let reading = |own: Option<u64>| Reading {
        group_kills: own,
        tree_group_kills: own,
        ..Reading::default()
    };
    let ancestor = |path, (counts, flag): Group| Ancestor {
        path,
        before: reading(counts.map(|c| c.0)),
        after: Some(reading(counts.map(|c| c.1))),
        whole: flag,
        ..Ancestor::default()
    };
    vec![ancestor("/pod/container", container), ancestor("/pod", pod)]
}

const OF_CONTAINER: &str = "/pod/container";

#[rstest]
#[case::counted([(Some((0, 1)), None), (Some((0, 0)), None)], OF_CONTAINER, group(Some(1)))]
#[case::counted_before_too([(Some((4, 5)), None), (Some((0, 0)), None)], OF_CONTAINER, group(Some(5)))]
#[case::pod([(Some((0, 0)), Some(true)), (Some((2, 3)), Some(true))], "/pod", pod(Some(3)))]
// The flag is set, and the limit of a group inside was hit: one process died.
#[case::flag_without_a_count([(Some((1, 1)), Some(true)), (Some((0, 0)), None)], OF_CONTAINER, Whole::No)]
// Kernels before 5.17.
#[case::flag([(None, Some(true)), (None, Some(false))], OF_CONTAINER, group(None))]
#[case::outermost_flag([(None, Some(true)), (None, Some(true))], "/pod", pod(None))]
#[case::flag_above_the_limit([(None, Some(false)), (None, Some(true))], OF_CONTAINER, Whole::No)]
#[case::no_flag([(None, Some(false)), (None, Some(false))], "/pod", Whole::No)]
#[case::unreadable([(None, None), (None, Some(false))], "/pod", Whole::Untold)]
fn which_group_was_killed_whole(
    #[case] groups: [Group; 2],
    #[case] limit: &str,
    #[case] expected: Whole,
) {
    let kill = Counted { group: 0, kills: 1, below: 0 };
    let limit = CountedLimit::Group(limit.to_owned());
    assert_eq!(killed_whole(2, &kill, &lineage(groups), &limit), expected);
    assert_eq!(killed_whole(1, &kill, &lineage(groups), &limit), Whole::No, "version 1");
}

#[test]
fn a_group_that_is_gone_is_counted_by_the_one_above() {
    let kill = Counted { group: 0, kills: 3, below: 3 };
    let above = |own, tree: Option<(u64, u64)>| {
        let reading =
            |own, tree| Reading { group_kills: own, tree_group_kills: tree, ..Reading::default() };
        [Ancestor {
            path: "/pod",
            before: reading(own, tree.map(|t| t.0)),
            after: Some(reading(own, tree.map(|t| t.1))),
            whole: Some(false),
            ..Ancestor::default()
        }]
    };
    let of = |lineage: &[Ancestor<'_>]| killed_whole(2, &kill, lineage, &CountedLimit::Unknown);
    assert_eq!(of(&above(Some(0), Some((1, 2)))), Whole::Gone { nth: Some(2) });
    assert_eq!(of(&above(Some(0), Some((1, 1)))), Whole::No, "one after the other");
    assert_eq!(of(&above(None, None)), Whole::Untold, "a kernel before 5.17");
}
