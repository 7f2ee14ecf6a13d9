use super::*;
use rstest::rstest;

fn counters(kills: u64, hits: u64) -> Counters {
    Counters { kills: Some(kills), limit_hits: Some(hits), own: true }
}

/// A ledger of `/a`, `/b` and `/p` with `/p/x` and `/p/y` below it, which all had kills before.
fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    let groups = ["/a", "/b", "/p", "/p/x", "/p/y"];
    ledger.begin(groups.map(|path| (path.to_owned(), counters(5, 100))).into(), true);
    ledger
}

#[rstest]
#[case::nothing_rose(&[], 1, Answer::Missing)]
#[case::one_rose(&[("/a", 1)], 1, Answer::One("/a".into()))]
#[case::one_rose_by_all(&[("/a", 3)], 3, Answer::One("/a".into()))]
#[case::one_rose_by_less(&[("/a", 1)], 2, Answer::Missing)]
#[case::one_rose_by_more(&[("/a", 2)], 1, Answer::Ahead)]
#[case::two_rose(&[("/a", 1), ("/b", 1)], 2, Answer::Ambiguous)]
#[case::two_rose_one_line_read(&[("/a", 1), ("/b", 1)], 1, Answer::Ahead)]
#[case::nested(&[("/p/x", 1)], 1, Answer::One("/p/x".into()))]
fn whose_kills(#[case] rose: &[(&str, u64)], #[case] homeless: u64, #[case] expected: Answer) {
    let mut ledger = ledger();
    for (path, by) in rose {
        ledger.read(path, Some(counters(5 + by, 100)));
    }
    assert_eq!(ledger.whose(homeless), expected);
}

#[test]
fn kills_with_a_header_are_not_counted_again() {
    let mut ledger = ledger();
    ledger.known("/a");
    ledger.read("/a", Some(counters(7, 100)));
    ledger.read("/b", Some(counters(5, 100)));
    assert_eq!(ledger.whose(1), Answer::One("/a".into()));
    ledger.known("/a");
    assert_eq!(ledger.whose(1), Answer::Missing);
    // Once the other's home is known, what two groups share is told apart.
    ledger.read("/a", Some(counters(8, 100)));
    ledger.read("/b", Some(counters(6, 100)));
    assert_eq!(ledger.whose(2), Answer::Ambiguous);
    assert!(ledger.allows("/b"));
    ledger.known("/b");
    assert!(!ledger.allows("/b"));
    assert_eq!(ledger.whose(1), Answer::One("/a".into()));
}

#[test]
fn a_new_group_began_at_zero_and_a_gone_one_says_nothing() {
    let mut ledger = ledger();
    ledger.read("/new", Some(counters(2, 9)));
    assert_eq!(ledger.whose(2), Answer::One("/new".into()));
    assert_eq!(ledger.limit_of("/new"), Some("/new"));
    ledger.read("/new", None);
    assert_eq!(ledger.whose(2), Answer::Missing);
    assert!(ledger.allows("/new") && ledger.allows("/never-seen"));
    // Made again under the same name.
    ledger.read("/new", Some(counters(1, 1)));
    assert_eq!(ledger.whose(1), Answer::One("/new".into()));
    ledger.read("/a", Some(counters(0, 0)));
    assert_eq!(ledger.whose(1), Answer::One("/new".into()));
}

#[test]
fn an_incomplete_ledger_decides_nothing() {
    let mut ledger = Ledger::default();
    ledger.begin(vec![("/a".into(), counters(0, 0))], false);
    ledger.read("/a", Some(counters(1, 1)));
    assert_eq!(ledger.whose(1), Answer::Missing);
}

#[test]
fn settling_forgets_what_nobody_could_tell() {
    let mut ledger = ledger();
    ledger.read("/a", Some(counters(6, 100)));
    ledger.read("/b", Some(counters(6, 100)));
    ledger.settle(None);
    ledger.read("/b", Some(counters(7, 100)));
    assert_eq!(ledger.whose(1), Answer::One("/b".into()));
}

#[rstest]
#[case::own(&[("/p/x", 1)], Some("/p/x"))]
#[case::pod(&[("/p", 1)], Some("/p"))]
#[case::both(&[("/p", 1), ("/p/x", 1)], None)]
#[case::neither(&[], None)]
#[case::elsewhere(&[("/a", 1), ("/p/y", 1)], None)]
fn whose_limit(#[case] hit: &[(&str, u64)], #[case] expected: Option<&str>) {
    let mut ledger = ledger();
    for (path, by) in hit {
        ledger.read(path, Some(counters(5, 100 + by)));
    }
    assert_eq!(ledger.limit_of("/p/x"), expected);
    ledger.settle(Some("/p/x"));
    assert_eq!(ledger.limit_of("/p/x"), None);
}

#[test]
fn without_local_counters_the_innermost_that_rose_is_the_limit_and_leaves_alone_count_kills() {
    let shared = |kills, hits| Counters { own: false, ..counters(kills, hits) };
    let mut ledger = Ledger::default();
    ledger.begin(vec![("/p".into(), shared(5, 5)), ("/p/x".into(), shared(2, 2))], true);
    ledger.read("/p", Some(shared(6, 6)));
    ledger.read("/p/x", Some(shared(3, 2)));
    assert_eq!(ledger.whose(1), Answer::One("/p/x".into()));
    assert_eq!(ledger.limit_of("/p/x"), Some("/p"));
    ledger.read("/p/x", Some(shared(3, 3)));
    assert_eq!(ledger.limit_of("/p/x"), Some("/p/x"));
}

#[test]
fn a_group_without_counters_has_no_limit_to_tell() {
    let mut ledger = Ledger::default();
    let none = Counters { kills: None, limit_hits: None, own: true };
    ledger.begin(vec![("/p".into(), none), ("/p/x".into(), counters(0, 0))], true);
    ledger.read("/p/x", Some(counters(1, 1)));
    assert_eq!(ledger.limit_of("/p/x"), None);
}
