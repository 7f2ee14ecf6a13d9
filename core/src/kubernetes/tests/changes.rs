//! What follows from two records; and that no sequence of them makes two of one end.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, proptest};
use rstest::rstest;

use super::{at, ended, hex, lost, pod, running, terminated, waiting};
use crate::kubernetes::{Changes, Deletion, PodRecord, TerminationId};

fn ids(changes: &Changes) -> Vec<String> {
    changes.terminations.iter().map(|end| end.id().0).collect()
}

fn term(run: u32) -> String {
    format!("term:{}", hex(run))
}

/// Restarts of `e1b-oom-restart`, a back-off and states that were skipped.
#[rstest]
#[case::first_end(pod(0, Some(0), running(), None), pod(0, Some(0), terminated(ended(0)), None), &[0], 0)]
#[case::shown_again(
    pod(0, Some(0), terminated(ended(0)), None),
    pod(1, Some(1), running(), Some(ended(0))),
    &[],
    0
)]
#[case::the_state_was_skipped(pod(0, Some(0), running(), None), pod(1, Some(1), running(), Some(ended(0))), &[0], 0)]
#[case::both_are_new(
    pod(0, Some(0), running(), None),
    pod(1, Some(1), terminated(ended(1)), Some(ended(0))),
    &[0, 1],
    0
)]
#[case::back_off(
    pod(1, Some(1), terminated(ended(1)), Some(ended(0))),
    pod(1, Some(1), waiting("CrashLoopBackOff"), Some(ended(1))),
    &[],
    0
)]
#[case::after_the_back_off(
    pod(1, Some(1), waiting("CrashLoopBackOff"), Some(ended(1))),
    pod(2, Some(2), running(), Some(ended(1))),
    &[],
    0
)]
#[case::two_are_missed(pod(0, Some(0), running(), None), pod(3, Some(3), running(), Some(ended(2))), &[2], 2)]
#[case::a_back_off_after_two_missed(
    pod(0, Some(0), running(), None),
    pod(2, Some(2), waiting("CrashLoopBackOff"), Some(ended(2))),
    &[2],
    2
)]
#[case::the_count_fell_back(pod(7, Some(7), running(), Some(ended(6))), pod(0, Some(8), running(), None), &[], 0)]
fn ends_and_misses(
    #[case] before: PodRecord,
    #[case] after: PodRecord,
    #[case] runs: &[u32],
    #[case] missed: u32,
) {
    let changes = Changes::between(Some(&before), &after, at(9));
    assert_eq!(ids(&changes), runs.iter().map(|run| term(*run)).collect::<Vec<_>>());
    for (end, run) in changes.terminations.iter().zip(runs) {
        assert_eq!(end.restart_count, *run);
        assert_eq!(end.first_seen, Some(at(9)));
    }
    let counted: Vec<u32> = changes.missed.iter().map(|missed| missed.count).collect();
    assert_eq!(counted, if missed == 0 { vec![] } else { vec![missed] });
}

#[test]
fn ends_of_a_pod_that_is_seen_for_the_first_time_are_new_and_none_was_missed() {
    let record = pod(5, Some(5), terminated(ended(5)), Some(ended(4)));
    let changes = Changes::between(None, &record, at(1));
    assert_eq!(ids(&changes), [term(4), term(5)]);
    assert_eq!(changes.missed, []);
    // And so for another pod with the same name.
    let other = PodRecord { uid: "other".to_owned(), ..record.clone() };
    assert_eq!(Changes::between(Some(&other), &record, at(1)), changes);
}

/// `e17-lost-container-never`, `e17b-…-always` and `e17c-…-then-deleted`.
#[test]
fn a_lost_container_ends_once_wherever_the_kubelet_shows_it() {
    let deleted = |record: PodRecord| PodRecord {
        deletion: Some(Deletion { deadline: at(30), grace_s: Some(30) }),
        ..record
    };
    let e17 = [
        pod(0, Some(0), running(), None),
        pod(1, None, waiting("ContainerCreating"), Some(lost())),
        pod(1, None, terminated(lost()), None),
        pod(1, None, terminated(lost()), Some(lost())),
    ];
    let e17b = [
        pod(0, Some(0), running(), None),
        pod(1, None, waiting("ContainerCreating"), Some(lost())),
        pod(1, Some(1), running(), Some(lost())),
        pod(1, Some(1), terminated(ended(1)), Some(lost())),
    ];
    let e17c = [
        pod(0, Some(0), running(), None),
        deleted(pod(0, None, waiting("ContainerCreating"), Some(lost()))),
        deleted(pod(0, None, terminated(lost()), Some(lost()))),
        deleted(pod(0, None, terminated(lost()), None)),
    ];
    for (records, expected) in [
        (&e17, vec!["term:u/c/1".to_owned()]),
        (&e17b, vec!["term:u/c/1".to_owned(), term(1)]),
        (&e17c, vec!["term:u/c/0".to_owned()]),
    ] {
        let mut seen = Vec::new();
        let mut previous = None;
        for record in records {
            let changes = Changes::between(previous, record, at(0));
            assert_eq!(changes.missed, []);
            seen.extend(changes.terminations);
            previous = Some(record);
        }
        assert_eq!(seen.iter().map(|end| end.id().0).collect::<Vec<_>>(), expected);
        assert_eq!(seen[0].restart_count, 0);
        // What ran under that name is known from before.
        assert_eq!(seen[0].container_id(), Some(hex(0).as_str()));
    }
}

#[test]
fn waiting_begins_and_ends_once_and_a_new_word_for_it_is_told() {
    let first = pod(0, None, waiting("ErrImagePull"), None);
    let second = pod(0, None, waiting("ImagePullBackOff"), None);
    let began = |before: Option<&PodRecord>, after| {
        let changes = Changes::between(before, after, at(0));
        let words = |all: &[super::super::Waiting]| {
            all.iter().map(|waiting| waiting.reason.clone()).collect::<Vec<_>>()
        };
        (words(&changes.waiting_began), words(&changes.waiting_ended))
    };
    let none = Vec::<String>::new;
    assert_eq!(began(None, &first), (vec!["ErrImagePull".to_owned()], none()));
    assert_eq!(began(Some(&first), &second), (vec!["ImagePullBackOff".to_owned()], none()));
    assert_eq!(began(Some(&second), &second), (none(), none()));
    let runs = pod(0, Some(0), running(), None);
    assert_eq!(began(Some(&second), &runs), (none(), vec!["ImagePullBackOff".to_owned()]));
    // Every container is created first, and that is no news.
    assert_eq!(began(None, &pod(0, None, waiting("ContainerCreating"), None)), (none(), none()));
}

/// The records that a kubelet would make of a container's life, one for each step.
fn life(steps: &[u8]) -> (Vec<PodRecord>, BTreeSet<String>) {
    let (mut records, mut real) = (Vec::new(), BTreeSet::new());
    let (mut count, mut next) = (0, 0);
    let mut last = None;
    for step in steps {
        let run = next;
        next += 1;
        records.push(pod(count, Some(run), running(), last.clone()));
        if step % 5 == 4 {
            // Lost: the kubelet counts one more and makes an end up.
            count += 1;
            real.insert(format!("term:u/c/{count}"));
            last = Some(lost());
            records.push(pod(count, None, waiting("ContainerCreating"), last.clone()));
            continue;
        }
        real.insert(term(run));
        records.push(pod(count, Some(run), terminated(ended(run)), last));
        last = Some(ended(run));
        if step % 2 == 0 {
            records.push(pod(count, Some(run), waiting("CrashLoopBackOff"), last.clone()));
        }
        count += 1;
    }
    (records, real)
}

/// Lives of up to seven runs with their records in some order, some of them often, some never.
fn told() -> impl Strategy<Value = (Vec<u8>, Vec<usize>)> {
    proptest::collection::vec(any::<u8>(), 1..7).prop_flat_map(|steps| {
        let records = life(&steps).0.len();
        (Just(steps), proptest::collection::vec(0..records, 0..40))
    })
}

proptest! {
    #[test]
    fn in_order_every_end_is_new_exactly_once(steps in proptest::collection::vec(any::<u8>(), 1..9)) {
        let (records, real) = life(&steps);
        let mut seen = BTreeMap::<TerminationId, u32>::new();
        let mut previous = None;
        for record in &records {
            let changes = Changes::between(previous, record, at(0));
            prop_assert_eq!(changes.missed, vec![]);
            for end in changes.terminations {
                *seen.entry(end.id()).or_default() += 1;
            }
            previous = Some(record);
        }
        prop_assert!(seen.values().all(|times| *times == 1), "{:?}", seen);
        let ids: BTreeSet<String> = seen.into_keys().map(|id| id.0).collect();
        prop_assert_eq!(ids, real);
    }

    #[test]
    fn in_any_order_no_end_has_two_ids_and_none_is_made_up((steps, order) in told()) {
        let (records, real) = life(&steps);
        let mut seen = BTreeSet::new();
        let mut previous = None;
        for index in order {
            let changes = Changes::between(previous, &records[index], at(0));
            let new = ids(&changes);
            prop_assert_eq!(new.iter().collect::<BTreeSet<_>>().len(), new.len());
            seen.extend(new);
            // Seen once more there is nothing new.
            let again = Changes::between(Some(&records[index]), &records[index], at(1));
            prop_assert_eq!(again, Changes::default());
            previous = Some(&records[index]);
        }
        prop_assert!(seen.is_subset(&real), "{:?} not in {:?}", seen, real);
    }

    #[test]
    fn what_is_seen_and_what_is_missed_are_all((steps, order) in told()) {
        let (records, _) = life(&steps);
        let order: BTreeSet<usize> = order.into_iter().chain([0, records.len() - 1]).collect();
        let (mut seen, mut missed) = (0, 0);
        let mut previous = None;
        for index in &order {
            let changes = Changes::between(previous, &records[*index], at(0));
            seen += changes.terminations.len();
            missed += changes.missed.iter().map(|missed| missed.count as usize).sum::<usize>();
            previous = Some(&records[*index]);
        }
        prop_assert_eq!(seen + missed, steps.len());
    }
}
