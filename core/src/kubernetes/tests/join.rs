//! Which incident is an end: real shapes one by one, and any order of arrival.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert_eq, proptest};
use rstest::rstest;

use super::{at, hex};
use crate::incident::{IncidentId, Outcome};
use crate::kubernetes::{
    Ended, Places, Sighting, SightingKind, Terminated, Termination, TerminationId, places,
};

const POD: &str = "a9114d55-fe7c-41e4-a497-713e57f185a7";

fn termination(container: u32, finished: i64, exit_code: i32) -> Termination {
    Termination {
        pod_uid: POD.to_owned(),
        container: format!("c{container}"),
        ended: Terminated {
            exit_code: Some(exit_code),
            finished_at: Some(at(finished)),
            container_id: Some(hex(container)),
            ..Terminated::default()
        },
        ..Termination::default()
    }
}

fn sighting(
    name: &str,
    kind: SightingKind,
    container: Option<u32>,
    time: i64,
    outcome: Option<Outcome>,
) -> Sighting {
    Sighting {
        id: IncidentId(name.to_owned()),
        kind,
        container_id: container.map(hex),
        pod_uid: Some(POD.to_owned()),
        time: at(time),
        outcome,
    }
}

fn place(ends: &[Termination], sightings: &[Sighting]) -> Places {
    let ended: Vec<Ended<'_>> = ends
        .iter()
        .map(|termination| Ended { termination, cgroup_uid: POD, incident: None })
        .collect();
    places(&ended, sightings)
}

use Outcome::{ContainerExited as Exited, ContainerSurvived as Survived};
use SightingKind::{End, Kill, Other};

/// Name, kind, container, second and outcome.
type Seen = (&'static str, SightingKind, Option<u32>, i64, Option<Outcome>);

/// Of one termination at second 10 with this exit code: which of the sightings are its end.
#[rstest]
#[case::an_oom_kill_that_ended_it(137, &[("k", Kill, Some(1), 10, Some(Exited))], &["k"])]
#[case::a_shell_passes_the_code_on(1, &[("k", Kill, Some(1), 10, Some(Exited))], &["k"])]
#[case::a_child_long_before(137, &[("k", Kill, Some(1), 3, Some(Survived)), ("d", End, Some(1), 10, Some(Exited))], &["d"])]
#[case::a_child_just_before(0, &[("k", Kill, Some(1), 10, Some(Survived))], &[])]
#[case::nobody_looked_afterwards(137, &[("k", Kill, Some(1), 9, None)], &["k"])]
#[case::nobody_looked_and_it_ended_by_itself(0, &[("k", Kill, Some(1), 10, None)], &[])]
#[case::nobody_looked_and_it_was_too_early(137, &[("k", Kill, Some(1), 7, None)], &[])]
#[case::nobody_looked_and_it_was_later(137, &[("k", Kill, Some(1), 12, None)], &[])]
#[case::the_end_was_seen_by_itself(137, &[("k", Kill, Some(1), 10, None), ("d", End, Some(1), 10, Some(Exited))], &["d"])]
#[case::kill_and_end_were_not_joined(137, &[("k", Kill, Some(1), 10, Some(Exited)), ("d", End, Some(1), 10, Some(Exited))], &["d", "k"])]
#[case::two_kills_of_which_the_last_ended_it(137, &[("k", Kill, Some(1), 9, Some(Exited)), ("l", Kill, Some(1), 10, Some(Exited))], &["l"])]
#[case::another_container(137, &[("k", Kill, Some(2), 10, Some(Exited))], &[])]
#[case::a_signal_to_a_child(137, &[("s", Other, Some(1), 10, None)], &[])]
#[case::only_the_pod_is_known(137, &[("k", Kill, None, 10, None)], &["k"])]
#[case::only_the_pod_is_known_and_it_is_explained(137, &[("k", Kill, None, 10, None), ("d", End, Some(1), 10, Some(Exited))], &["d"])]
fn the_end_among_sightings(
    #[case] exit_code: i32,
    #[case] seen: &[Seen],
    #[case] expected: &[&str],
) {
    let end = termination(1, 10, exit_code);
    let seen: Vec<Sighting> =
        seen.iter().map(|(name, kind, c, time, o)| sighting(name, *kind, *c, *time, *o)).collect();
    let placed = place(std::slice::from_ref(&end), &seen);
    let incident = &placed.terminations[&end.id()];
    let with: Vec<&str> = placed
        .sightings
        .iter()
        .filter(|(_, is_in)| *is_in == incident)
        .map(|(id, _)| id.0.as_str())
        .collect();
    assert_eq!(with, expected);
    if expected.is_empty() {
        assert_eq!(*incident, IncidentId::of_termination(&end.id()));
    }
    for (id, is_in) in &placed.sightings {
        assert!(id == is_in || expected.contains(&id.0.as_str()), "{id} is its own");
    }
}

#[test]
fn two_ends_of_a_pod_and_a_kill_without_a_container_stay_apart() {
    let ends = [termination(1, 10, 137), termination(2, 10, 137)];
    let placed = place(&ends, &[sighting("k", Kill, None, 10, None)]);
    assert_eq!(placed.sightings[&IncidentId("k".to_owned())].0, "k");
}

#[test]
fn a_lost_container_is_known_by_what_ran_before() {
    let mut end = termination(1, 10, 137);
    end.ended = Terminated { exit_code: Some(137), ..Terminated::default() };
    end.earlier_container_id = Some(hex(1));
    let placed = place(std::slice::from_ref(&end), &[sighting("d", End, Some(1), 4, Some(Exited))]);
    assert_eq!(placed.terminations[&end.id()].0, "d");
}

#[test]
fn an_end_that_took_a_kill_keeps_its_incident_when_the_kill_was_survived() {
    let end = termination(1, 10, 137);
    let kill = |outcome| sighting("k", Kill, Some(1), 10, outcome);
    let first = place(std::slice::from_ref(&end), &[kill(None)]);
    assert_eq!(first.terminations[&end.id()].0, "k");
    let ended =
        [Ended { termination: &end, cgroup_uid: POD, incident: Some(IncidentId("k".to_owned())) }];
    let later = places(&ended, &[kill(Some(Survived))]);
    assert_eq!(later.terminations[&end.id()].0, "k");
    let apart = IncidentId::apart(&IncidentId("k".to_owned()));
    assert_eq!(later.sightings[&IncidentId("k".to_owned())], apart);
}

/// Something that arrives: an end, or what is then known of a sighting.
#[derive(Clone, Debug)]
enum News {
    End(usize),
    Seen(usize, bool),
}

/// Ends and sightings of three containers of a pod within some seconds. What a sighting says of the outcome may come late.
fn lives() -> impl Strategy<Value = (Vec<Termination>, Vec<Sighting>)> {
    let code = proptest::sample::select(vec![0, 1, 137, 143]);
    let end = (0..3_u32, 0..6_i64, code).prop_map(|(c, time, code)| termination(c, time, code));
    let kind = proptest::sample::select(vec![End, Kill, Kill, Other]);
    let outcome = proptest::sample::select(vec![None, Some(Exited), Some(Survived)]);
    let seen = (kind, proptest::option::weighted(0.8, 0..3_u32), 0..6_i64, outcome);
    (proptest::collection::vec(end, 0..4), proptest::collection::vec(seen, 0..6)).prop_map(
        |(mut ends, seen)| {
            // A container ends once.
            let mut once = BTreeSet::new();
            ends.retain(|end| once.insert(end.id()));
            let seen = seen.into_iter().enumerate();
            let name =
                |(n, (kind, c, time, outcome))| sighting(&format!("s{n}"), kind, c, time, outcome);
            (ends, seen.map(name).collect())
        },
    )
}

fn arrivals() -> impl Strategy<Value = (Vec<Termination>, Vec<Sighting>, Vec<News>)> {
    lives().prop_flat_map(|(ends, seen)| {
        let mut news: Vec<News> = (0..ends.len()).map(News::End).collect();
        for n in 0..seen.len() {
            news.extend([News::Seen(n, false), News::Seen(n, true)]);
        }
        // Some come twice.
        news.extend(news.clone().into_iter().step_by(3));
        (Just(ends), Just(seen), Just(news).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn every_end_has_one_incident_for_ever_whatever_comes_when((ends, seen, news) in arrivals()) {
        let mut given = BTreeMap::<TerminationId, IncidentId>::new();
        let mut told = BTreeMap::<IncidentId, Sighting>::new();
        let mut arrived = BTreeSet::new();
        let mut last = Places::default();
        for one in news {
            match one {
                News::End(n) => { arrived.insert(n); }
                News::Seen(n, whole) => {
                    let known = told.entry(seen[n].id.clone()).or_insert_with(|| Sighting {
                        outcome: None,
                        ..seen[n].clone()
                    });
                    if whole {
                        known.outcome = seen[n].outcome;
                    }
                }
            }
            let ended: Vec<Ended<'_>> = arrived.iter().map(|n| Ended {
                termination: &ends[*n],
                cgroup_uid: POD,
                incident: given.get(&ends[*n].id()).cloned(),
            }).collect();
            let sightings: Vec<Sighting> = told.values().cloned().collect();
            last = places(&ended, &sightings);
            for (id, incident) in &last.terminations {
                let held = given.entry(id.clone()).or_insert_with(|| incident.clone());
                prop_assert_eq!(&*held, incident, "an end keeps its incident");
            }
            let incidents: BTreeSet<_> = last.terminations.values().collect();
            prop_assert_eq!(incidents.len(), arrived.len(), "no incident has two ends");
            prop_assert_eq!(last.sightings.len(), told.len(), "every sighting is in one incident");
        }
        // What belongs together is what would have been told at once.
        let at_once = place(&ends, &seen);
        prop_assert_eq!(partition(&last), partition(&at_once));
    }

    #[test]
    fn the_order_in_which_it_is_given_does_not_matter((ends, seen) in lives(), turn in any::<usize>()) {
        let (mut turned_ends, mut turned_seen) = (ends.clone(), seen.clone());
        turned_ends.reverse();
        if !turned_seen.is_empty() {
            let by = turn % turned_seen.len();
            turned_seen.rotate_left(by);
        }
        turned_ends.extend(ends.clone());
        turned_seen.extend(seen.clone());
        prop_assert_eq!(place(&ends, &seen), place(&turned_ends, &turned_seen));
    }
}

/// Who is together with whom, whatever it is called.
fn partition(places: &Places) -> BTreeSet<(Option<TerminationId>, BTreeSet<IncidentId>)> {
    let mut groups = BTreeMap::<&IncidentId, (Option<TerminationId>, BTreeSet<IncidentId>)>::new();
    for (id, incident) in &places.terminations {
        groups.entry(incident).or_default().0 = Some(id.clone());
    }
    for (id, incident) in &places.sightings {
        groups.entry(incident).or_default().1.insert(id.clone());
    }
    groups.into_values().collect()
}
