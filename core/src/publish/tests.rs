//! What is told, once, and what is not.

use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::incident::{Cause, Confidence, ContainerRef, Incident, IncidentId, Outcome, PodRef};
use crate::kubernetes::EventType;

const BEGIN: i64 = 1_767_355_200;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(BEGIN + second).unwrap()
}

fn incident(n: u32, second: i64) -> Incident {
    Incident {
        id: IncidentId(format!("inc-{n:016x}")),
        time: at(second),
        node: "node-2".to_owned(),
        cause: Cause::SystemOutOfMemory,
        outcome: Some(Outcome::ContainerExited),
        confidence: Confidence::Confirmed,
        alternatives: Vec::new(),
        summary: "The node ran out of memory, and the kernel killed pid 4121 (java)".to_owned(),
        explanation: Vec::new(),
        remedies: vec!["Raise system-reserved by at least 1.6 GiB.".to_owned()],
        pod: Some(PodRef {
            namespace: Some("prod".to_owned()),
            name: Some("web-1".to_owned()),
            uid: Some(format!("00000000-0000-4000-8000-{n:012x}")),
            owner: None,
        }),
        container: Some(ContainerRef { name: Some("app".to_owned()), id: None }),
        termination: None,
        kubernetes: None,
        kernel: None,
        sigkill: None,
        evidence: Vec::new(),
        gaps: Vec::new(),
        previous: Vec::new(),
        revised_from: None,
        orderly: false,
    }
}

fn of_host(n: u32, second: i64) -> Incident {
    let (pod, container) = (None, None);
    Incident { outcome: Some(Outcome::HostProcessKilled), pod, container, ..incident(n, second) }
}

fn ledger() -> Ledger {
    Ledger::new(Limits::default())
}

/// Everything that is to be written at that second, each answered in the same way.
fn written(ledger: &mut Ledger, second: i64, answer: Answer) -> Vec<Write> {
    let mut all = Vec::new();
    // What fails is asked again, and again.
    while let Some(write) = ledger.next(at(second)).filter(|_| all.len() < 500) {
        ledger.answered(&write, answer, at(second));
        all.push(write);
    }
    all
}

fn names(writes: &[Write]) -> Vec<String> {
    let of = |write: &Write| match write {
        Write::Create { name, .. } => name.clone(),
        Write::Count { name, count, last, .. } => format!("{name} x{count} {last}"),
    };
    writes.iter().map(of).collect()
}

#[test]
fn an_event_says_what_how_sure_and_what_to_do() {
    let event = VerdictEvent::of(&incident(1, 0)).unwrap();
    assert_eq!(
        event.note,
        "Container app: The node ran out of memory, and the kernel killed pid 4121 (java) (confirmed). \
         What to do: Raise system-reserved by at least 1.6 GiB. More: coroner why inc-0000000000000001"
    );
    assert_eq!(event.name(1), "coroner-inc-0000000000000001.systemoutofmemory");
    assert_eq!(event.name(2), "coroner-inc-0000000000000001.systemoutofmemory.2");
    assert_eq!(event.kind, EventType::Warning);
    assert_eq!(event.about.namespace(), "prod");
    assert_eq!(event.time(), "2026-01-02T12:00:00.000000Z");
    let either = Incident {
        alternatives: vec![Cause::ExternalKill],
        confidence: Confidence::Possible,
        ..incident(1, 0)
    };
    let note = VerdictEvent::of(&either).unwrap().note;
    assert!(note.contains("(possible). As much speaks for ExternalKill. What to do"), "{note}");
}

/// Every cause is a name that the API takes.
#[test]
fn names_are_names_of_the_api() {
    for cause in Cause::ALL {
        let event = VerdictEvent::of(&Incident { cause, ..incident(7, 0) }).unwrap();
        let name = event.name(12);
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        assert!(name.chars().all(plain) && name.len() < 100, "{name}");
        assert!(cause.name().len() <= 128);
    }
}

#[test]
fn a_host_process_is_told_on_its_node() {
    let event = VerdictEvent::of(&of_host(1, 0)).unwrap();
    assert_eq!(event.about, About::Node { name: "node-2".to_owned() });
    assert_eq!(event.about.namespace(), "default");
    // Whom it hit is not known: that is no word about the node.
    assert_eq!(VerdictEvent::of(&Incident { outcome: None, ..of_host(1, 0) }), None);
    assert_eq!(VerdictEvent::of(&Incident { orderly: true, ..incident(1, 0) }), None);
}

/// They become part of an address.
#[rstest]
#[case("prod/pods", "web-1", "u")]
#[case("prod", "web-1?x=", "u")]
#[case("prod", "../secrets", "u")]
#[case("a.b", "web-1", "u")]
#[case("", "web-1", "u")]
#[case("Prod", "web-1", "u")]
#[case("prod", "web-1", "u\n")]
#[case("prod", "", "u")]
#[case("-prod", "web", "u")]
fn what_is_no_name_is_nobody(#[case] namespace: &str, #[case] name: &str, #[case] uid: &str) {
    let pod = PodRef {
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
        uid: Some(uid.to_owned()),
        owner: None,
    };
    assert_eq!(VerdictEvent::of(&Incident { pod: Some(pod), ..incident(1, 0) }), None);
    assert_eq!(About::of(&Incident { node: name.to_owned() + "/", ..of_host(1, 0) }), None);
}

#[test]
fn a_verdict_is_told_once_after_it_has_settled() {
    let mut ledger = ledger();
    let possible = Incident { cause: Cause::Unknown, ..incident(1, 0) };
    ledger.judged(&possible, at(1));
    assert_eq!(ledger.next(at(3)), None, "it may change yet");
    ledger.judged(&incident(1, 0), at(3));
    assert_eq!(ledger.next(at(7)), None);
    let told = written(&mut ledger, 8, Answer::Done);
    assert_eq!(names(&told), ["coroner-inc-0000000000000001.systemoutofmemory"]);
    // More evidence, the same cause.
    let surer = Incident { gaps: vec!["none".to_owned()], ..incident(1, 0) };
    ledger.judged(&surer, at(9));
    assert_eq!(names(&written(&mut ledger, 30, Answer::Done)), [""; 0]);
    // Another cause, and the first again.
    ledger.judged(&Incident { cause: Cause::ExternalKill, ..incident(1, 0) }, at(31));
    ledger.judged(&incident(1, 0), at(32));
    assert_eq!(
        names(&written(&mut ledger, 60, Answer::Done)),
        [""; 0],
        "nobody was told otherwise"
    );
    for cause in [Cause::ExternalKill, Cause::SystemOutOfMemory] {
        ledger.judged(&Incident { cause, ..incident(1, 0) }, at(60));
        let told = written(&mut ledger, 70, Answer::Done);
        let name = format!(
            "coroner-inc-0000000000000001.{}{}",
            cause.name().to_lowercase(),
            if cause == Cause::ExternalKill { "" } else { ".2" }
        );
        assert_eq!(names(&told), [name]);
    }
    assert!(ledger.take_lost().is_empty());
}

/// Otherwise one that is revised every second would never be told.
#[test]
fn what_never_settles_is_told_in_the_end() {
    let mut ledger = ledger();
    for second in 0..20 {
        assert_eq!(ledger.next(at(second)), None, "{second}");
        ledger.judged(&incident(1, 0), at(second));
    }
    assert_eq!(written(&mut ledger, 20, Answer::Done).len(), 1);
}

#[test]
fn the_same_again_is_counted_up() {
    let mut ledger = ledger();
    let again = |n: u32| Incident { pod: incident(0, 0).pod, ..incident(n, i64::from(n)) };
    for n in 1..=200 {
        ledger.judged(&again(n), at(201));
    }
    let first = written(&mut ledger, 210, Answer::Done);
    assert_eq!(names(&first), ["coroner-inc-0000000000000001.systemoutofmemory"]);
    let counted = written(&mut ledger, 220, Answer::Done);
    let last = "coroner-inc-0000000000000001.systemoutofmemory x200 2026-01-02T12:03:20.000000Z";
    assert_eq!(names(&counted), [last]);
    assert_eq!(names(&written(&mut ledger, 240, Answer::Done)), [""; 0], "nothing new");
    // Another container of the same pod is somebody else.
    let container = Some(ContainerRef { name: Some("proxy".to_owned()), id: None });
    ledger.judged(&Incident { container, ..again(201) }, at(241));
    assert_eq!(written(&mut ledger, 250, Answer::Done).len(), 1);
    // One that expired on the server begins anew.
    ledger.judged(&again(202), at(251));
    assert_eq!(written(&mut ledger, 260, Answer::Gone).len(), 1);
    assert_eq!(ledger.take_lost().into_iter().collect::<Vec<_>>(), [(Loss::Invalid, 1)]);
    ledger.judged(&again(203), at(261));
    assert_eq!(names(&written(&mut ledger, 270, Answer::Done)).len(), 1);
}

/// All that is recent is offered again then, in any order; the server has it under the same names.
#[test]
fn after_a_restart_nothing_is_told_twice() {
    let again = |n: u32| Incident { pod: incident(0, 0).pod, ..incident(n, i64::from(n)) };
    let mut ledger = ledger();
    for n in (1..=40).rev() {
        ledger.judged(&again(n), at(100));
    }
    for n in 100..180 {
        ledger.judged(&incident(n, 90), at(100));
    }
    let told = written(&mut ledger, 110, Answer::There);
    assert_eq!(told.len(), 81, "what is there costs nothing of what may be written");
    assert_eq!(names(&told)[0], "coroner-inc-0000000000000001.systemoutofmemory");
    let counted = written(&mut ledger, 120, Answer::Done);
    assert_eq!(counted.len(), 1);
    assert!(matches!(&counted[0], Write::Count { count: 40, .. }), "{counted:?}");
}

#[test]
fn no_more_than_so_many_in_a_minute() {
    let mut ledger = ledger();
    for n in 0..100 {
        ledger.judged(&incident(n, 0), at(0));
    }
    assert_eq!(written(&mut ledger, 5, Answer::Done).len(), 60);
    assert_eq!(written(&mut ledger, 5, Answer::Done).len(), 0);
    assert_eq!(written(&mut ledger, 15, Answer::Done).len(), 10);
    assert_eq!(ledger.waiting(), 30);
    // The clock is set back: nothing is gained by it.
    assert_eq!(written(&mut ledger, 5, Answer::Done).len(), 0);
    assert_eq!(written(&mut ledger, 1_000, Answer::Done).len(), 0, "too late");
    assert_eq!(ledger.take_lost().into_iter().collect::<Vec<_>>(), [(Loss::Old, 30)]);
}

#[test]
fn what_cannot_be_told_in_time_is_counted() {
    let mut ledger = ledger();
    ledger.judged(&incident(1, 0), at(601));
    ledger.judged(&incident(1, 0), at(602));
    let nameless = Incident { pod: None, ..incident(2, 100) };
    ledger.judged(&nameless, at(601));
    assert_eq!(written(&mut ledger, 700, Answer::Done).len(), 0);
    // Its name became known.
    ledger.judged(&incident(3, 100), at(601));
    ledger.judged(&Incident { pod: None, ..incident(3, 100) }, at(600));
    ledger.judged(&incident(3, 100), at(602));
    assert_eq!(written(&mut ledger, 699, Answer::Done).len(), 1);
    assert_eq!(written(&mut ledger, 701, Answer::Done).len(), 0);
    let lost = ledger.take_lost();
    assert_eq!(lost.into_iter().collect::<Vec<_>>(), [(Loss::Old, 1), (Loss::Unnamed, 1)]);

    let few = Limits { most_waiting: 2, ..Limits::default() };
    let mut ledger = Ledger::new(few);
    for n in 0..5 {
        ledger.judged(&incident(n, i64::from(n)), at(5));
    }
    assert_eq!(written(&mut ledger, 20, Answer::Done).len(), 2);
    assert_eq!(ledger.take_lost().into_iter().collect::<Vec<_>>(), [(Loss::Full, 3)]);
}

#[test]
fn a_namespace_that_refuses_is_left_alone_for_a_time() {
    let mut ledger = ledger();
    for n in 0..10 {
        ledger.judged(&incident(n, 0), at(0));
    }
    ledger.judged(&of_host(50, 0), at(0));
    let asked = written(&mut ledger, 5, Answer::Refused);
    assert_eq!(asked.len(), 2, "one in each namespace: {asked:?}");
    assert_eq!(ledger.take_lost().into_iter().collect::<Vec<_>>(), [(Loss::Refused, 11)]);
    ledger.judged(&incident(60, 590), at(590));
    assert_eq!(written(&mut ledger, 604, Answer::Done).len(), 0);
    ledger.judged(&incident(61, 605), at(605));
    assert_eq!(written(&mut ledger, 610, Answer::Done).len(), 1, "asked again");
}

#[test]
fn a_failure_is_tried_again() {
    let mut ledger = ledger();
    ledger.judged(&incident(1, 0), at(0));
    let write = ledger.next(at(5)).unwrap();
    ledger.answered(&write, Answer::Failed, at(5));
    assert_eq!(ledger.next(at(6)), Some(write.clone()));
    ledger.answered(&write, Answer::Done, at(6));
    assert_eq!(ledger.next(at(100)), None);
}

/// Whichever of the two was told: nobody reads of one death twice.
#[test]
fn one_that_is_part_of_another_is_told_once() {
    let (one, two) = (incident(1, 0), incident(2, 0));
    let mut ledger = ledger();
    ledger.judged(&one, at(0));
    assert_eq!(written(&mut ledger, 5, Answer::Done).len(), 1);
    // The survivor is judged first, then the other is withdrawn.
    ledger.judged(&two, at(6));
    ledger.merged(&one.id, &two.id);
    assert_eq!(written(&mut ledger, 100, Answer::Done).len(), 0);
    // Both still waited.
    ledger.judged(&incident(3, 100), at(100));
    ledger.judged(&incident(4, 100), at(100));
    ledger.merged(&incident(3, 100).id, &incident(4, 100).id);
    assert_eq!(written(&mut ledger, 110, Answer::Done).len(), 1);
}

proptest! {
    /// Whatever is said: the API takes the note, nothing in it steers a terminal, and it ends with how to ask for more.
    #[test]
    fn notes_are_short_and_harmless(
        summary in "\\PC{0,40}|[\\x00-\\x1f\u{202e}\u{1f480}x]{0,1500}",
        name in proptest::option::of("[\\x00-\\x7fé]{0,400}"),
        remedy in proptest::option::of(".{0,1200}"),
    ) {
        let container = Some(ContainerRef { name, id: None });
        let remedies = remedy.into_iter().collect();
        let note = VerdictEvent::of(&Incident { summary, container, remedies, ..incident(1, 0) }).unwrap().note;
        prop_assert!(note.len() <= LONGEST_NOTE);
        prop_assert!(!note.chars().any(char::is_control));
        prop_assert!(note.ends_with(" More: coroner why inc-0000000000000001"));
    }

    /// Whatever comes in whatever order with whatever answers, the rate holds and each name is written once.
    #[test]
    fn each_is_written_once_and_not_too_many(steps in proptest::collection::vec((0_u32..30, 0_usize..3, 0_i64..20, 0_usize..3), 1..200)) {
        let causes = [Cause::SystemOutOfMemory, Cause::ExternalKill, Cause::Unknown];
        let mut ledger = Ledger::new(Limits { per_minute: 6, ..Limits::default() });
        let (mut now, mut done, mut asked) = (0, Vec::new(), Vec::new());
        for (n, cause, wait, answer) in steps {
            ledger.judged(&Incident { cause: causes[cause], ..incident(n, now) }, at(now));
            now += wait;
            if let Some(write) = ledger.next(at(now)) {
                asked.push(now);
                let answer = [Answer::Done, Answer::Failed, Answer::Refused][answer];
                ledger.answered(&write, answer, at(now));
                if answer == Answer::Done && let Write::Create { name, .. } = &write {
                    done.push(name.clone());
                }
            }
        }
        let all = done.len();
        done.sort();
        done.dedup();
        prop_assert_eq!(done.len(), all);
        for (n, second) in asked.iter().enumerate() {
            let within = asked[n..].iter().take_while(|later| **later < second + 60).count();
            prop_assert!(within <= 12, "{asked:?}");
        }
    }
}

#[test]
fn a_quiet_minute_fills_the_bucket_and_no_more() {
    let mut rate = Rate::per_minute(3);
    let mut taken =
        |second: i64| std::iter::from_fn(|| rate.take(at(second)).then_some(())).count();
    assert_eq!(taken(0), 3);
    assert_eq!(taken(19), 0);
    assert_eq!(taken(41), 2);
    assert_eq!(taken(59), 0);
    assert_eq!(taken(60), 1, "what was left over of 41 s counts");
    assert_eq!(taken(10_000), 3);
    assert!(Rate::per_minute(0).take(at(0)));
}
