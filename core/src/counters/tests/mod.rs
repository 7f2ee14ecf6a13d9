//! Readings of real groups before and after real kills (`tests/fixtures/counters`), and what cannot be recorded.

mod recorded;
mod whole;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::finding::CountedLimit;

fn v2(tree: (u64, u64), own: (u64, u64)) -> Reading {
    let text = |(oom, kill)| format!("low 0\nhigh 0\nmax 9\noom {oom}\noom_kill {kill}\n");
    Reading::v2(Some(&text(tree)), Some(&text(own)), true)
}

#[test]
fn keys_are_whole_words_and_absent_ones_absent() {
    let text = "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\noom_group_kill 5";
    assert_eq!(
        (value(text, "oom"), value(text, "oom_kill"), value(text, "oo")),
        (Some(3), Some(4), None)
    );
    assert_eq!((value("oom_kill x", "oom_kill"), value("", "oom")), (None, None));
    let old = Reading::v2(Some(text), None, true);
    assert_eq!((old.kills, old.tree_kills, old.limit_hits), (None, Some(4), None));
    let local = Reading::v2(Some(text), None, false);
    assert_eq!((local.kills, local.tree_kills, local.group_kills), (Some(4), None, Some(5)));
    let v1 = Reading::v1(Some("oom_kill_disable 0\nunder_oom 0\n"), Some(2), Some(3));
    assert_eq!((v1.kills, v1.limit_hits), (None, Some(5)), "before 4.13 nobody counts");
}

#[test]
fn a_group_made_again_under_its_name_is_known_by_its_counts() {
    let (before, after) = (v2((1, 3), (1, 3)), v2((0, 1), (0, 1)));
    assert!(before.is_remade(&after) && !after.is_remade(&before));
    assert!(!before.is_remade(&Reading::default()), "not readable is not less");
    assert_eq!(before.at_birth(), Reading { limit_hits: Some(0), ..v2((0, 0), (0, 0)) });
}

/// Pod, container and a group inside of it, as they were at first.
fn family() -> [Watched; 3] {
    let start = Watched { before: v2((0, 0), (0, 0)), ..Watched::default() };
    [start, Watched { parent: Some(0), ..start }, Watched { parent: Some(1), ..start }]
}

#[rstest]
#[case::own([v2((1, 1), (0, 0)), v2((1, 1), (1, 1)), v2((0, 0), (0, 0))], &[(1, 1, 0)])]
#[case::nested([v2((1, 2), (0, 0)), v2((1, 2), (1, 0)), v2((0, 2), (0, 2))], &[(2, 2, 0)])]
#[case::nested_is_gone([v2((1, 1), (0, 0)), v2((1, 1), (0, 0)), v2((0, 0), (0, 0))], &[(1, 1, 1)])]
#[case::container_is_gone([v2((1, 3), (0, 0)), v2((1, 2), (1, 2)), v2((0, 0), (0, 0))], &[(1, 2, 0), (0, 1, 1)])]
#[case::read_in_between([v2((0, 0), (0, 0)), v2((1, 1), (1, 1)), v2((0, 0), (0, 0))], &[(1, 1, 0)])]
#[case::quiet([v2((9, 0), (9, 0)), v2((0, 0), (0, 0)), v2((0, 0), (0, 0))], &[])]
fn the_innermost_group_that_counted(
    #[case] after: [Reading; 3],
    #[case] expected: &[(usize, u64, u64)],
) {
    let mut groups = family();
    for (watched, after) in groups.iter_mut().zip(after) {
        watched.after = Some(after);
    }
    let found: Vec<_> = counted(&groups).iter().map(|c| (c.group, c.kills, c.below)).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_group_that_cannot_be_read_leaves_its_kills_to_the_one_above() {
    let mut groups = family();
    groups[0].after = Some(v2((1, 1), (0, 0)));
    groups[2].after = Some(v2((0, 0), (0, 0)));
    assert_eq!(counted(&groups), [Counted { group: 0, kills: 1, below: 1 }]);
}

fn v1_group(path: &str, hits: u64, near: bool, notified: Option<bool>) -> Ancestor<'_> {
    let reading = |hits| Reading { kills: Some(0), limit_hits: Some(hits), ..Reading::default() };
    Ancestor {
        path,
        before: reading(0),
        after: Some(reading(hits)),
        near: Some(near),
        notified,
        ..Ancestor::default()
    }
}

#[rstest]
// failcnt stays 0 on some kernels: the one group whose use came near its limit.
#[case(&[(0, true, None), (0, false, None)], CountedLimit::Group("/0".into()))]
#[case(&[(0, false, None), (0, true, None)], CountedLimit::Group("/1".into()))]
#[case(&[(0, false, None), (0, false, None)], CountedLimit::WholeNode)]
#[case(&[(0, true, None), (0, true, None)], CountedLimit::Unknown)]
// The cache of a container fills its limit all the time; this kill was for the pod's.
#[case(&[(5, true, Some(true)), (1, true, Some(true))], CountedLimit::Group("/1".into()))]
#[case(&[(5, true, Some(true)), (1, true, Some(false))], CountedLimit::Group("/0".into()))]
// ... and this one for nobody's: no listener was told.
#[case(&[(5, true, Some(false)), (0, false, Some(false))], CountedLimit::WholeNode)]
#[case(&[(5, true, None), (1, true, None)], CountedLimit::Unknown)]
// Told, but nothing shows of what.
#[case(&[(0, false, Some(true)), (0, false, Some(true))], CountedLimit::Unknown)]
fn version_1_where_failcnt_does_not_decide(
    #[case] groups: &[(u64, bool, Option<bool>)],
    #[case] expected: CountedLimit,
) {
    let paths: Vec<String> = (0..groups.len()).map(|n| format!("/{n}")).collect();
    let lineage: Vec<_> = groups
        .iter()
        .zip(&paths)
        .map(|((hits, near, told), path)| v1_group(path, *hits, *near, *told))
        .collect();
    let kill = Counted { group: 0, kills: 1, below: 0 };
    assert_eq!(whose_limit(1, &kill, &lineage, None), expected);
}

#[rstest]
#[case::own_limit_went_with_it((1, 0), (1, 0), Some("/p/c"), CountedLimit::Group("/p/c".into()))]
#[case::two_are_gone((1, 0), (1, 0), None, CountedLimit::Unknown)]
#[case::the_pods_limit((1, 1), (1, 1), Some("/p/c"), CountedLimit::Group("/p".into()))]
#[case::both((2, 1), (2, 1), Some("/p/c"), CountedLimit::Unknown)]
#[case::whole_node((0, 0), (0, 0), Some("/p/c"), CountedLimit::WholeNode)]
fn a_container_that_is_gone(
    #[case] pod: (u64, u64),
    #[case] above: (u64, u64),
    #[case] gone: Option<&str>,
    #[case] expected: CountedLimit,
) {
    let group = |path, (tree, own): (u64, u64)| Ancestor {
        path,
        before: v2((0, 0), (0, 0)),
        after: Some(v2((tree, 1), (own, 0))),
        ..Ancestor::default()
    };
    let lineage = [group("/p", pod), group("/", (above.0, 0))];
    let kill = Counted { group: 0, kills: 1, below: 1 };
    assert_eq!(whose_limit(2, &kill, &lineage, gone), expected);
}

#[test]
fn what_cannot_be_read_is_never_called_the_whole_node() {
    let kill = Counted { group: 0, kills: 1, below: 0 };
    let group =
        |after| Ancestor { path: "/a", before: v2((0, 0), (0, 0)), after, ..Ancestor::default() };
    for version in [1, 2, 3] {
        assert_eq!(whose_limit(version, &kill, &[group(None)], None), CountedLimit::Unknown);
    }
    assert_eq!(whose_limit(2, &kill, &[], None), CountedLimit::Unknown);
    let old = |oom| Reading::v2(Some(&format!("oom {oom}\noom_kill 1\n")), None, true);
    let before = Reading::v2(Some("oom 0\noom_kill 0\n"), None, true);
    let old = |oom| Ancestor { path: "/a", before, after: Some(old(oom)), ..Ancestor::default() };
    let limit = |lineage: &[Ancestor<'_>]| whose_limit(2, &kill, lineage, None);
    assert_eq!(limit(&[old(1), old(1)]), CountedLimit::Group("/a".into()));
    assert_eq!(limit(&[old(0), old(1)]), CountedLimit::Unknown, "a neighbour's, perhaps");
    assert_eq!(limit(&[old(0), old(0)]), CountedLimit::WholeNode);
}

proptest! {
    /// Nothing is counted twice, whatever the numbers say, and no numbers make it panic.
    #[test]
    fn never_more_than_the_outermost_group_counts(
        own in prop::collection::vec(any::<Option<u64>>(), 1..8),
        tree in prop::collection::vec(any::<Option<u64>>(), 8),
    ) {
        let groups: Vec<_> = own.iter().zip(&tree).enumerate().map(|(at, (kills, tree))| Watched {
            parent: at.checked_sub(1),
            before: Reading { kills: Some(0), tree_kills: Some(0), ..Reading::default() },
            after: Some(Reading { kills: *kills, tree_kills: *tree, ..Reading::default() }),
        }).collect();
        let all: Vec<_> = counted(&groups);
        prop_assert!(all.iter().all(|c| c.kills > 0 && c.below <= c.kills));
        let sum = all.iter().fold(0_u64, |sum, c| sum.saturating_add(c.kills));
        let most = own.iter().chain(&tree).flatten().fold(0_u64, |a, b| a.saturating_add(*b));
        prop_assert!(sum <= most);
    }

    #[test]
    fn any_text_can_be_read(text in "(oom|oom_kill|max|x)? ?[-0-9a-z\n ]{0,40}") {
        let _ = Reading::v2(Some(&text), Some(&text), true);
        let _ = Reading::v1(Some(&text), None, None);
    }
}
