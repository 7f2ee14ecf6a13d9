use super::super::{Generated, Marked, Paired, Pairing, TraceEvent};
use super::{KERNELS, events, layouts};
use crate::finding::{OomMark, SignalResult};
use rstest::rstest;

fn signal(receiver: u32, sender: u32, at_us: u64) -> Generated {
    Generated {
        at_us,
        sender,
        sender_comm: "a".to_owned(),
        depth: Some(2),
        code: 128,
        receiver,
        receiver_comm: "b".to_owned(),
        whole_process: Some(true),
        result: SignalResult::Delivered,
    }
}

fn mark(victim: u32, by: u32, at_us: u64) -> Marked {
    Marked { by, victim, mark: OomMark { at_us, ..OomMark::default() } }
}

fn all(events: Vec<TraceEvent>) -> (Vec<Paired<()>>, u64) {
    let mut pairing = Pairing::default();
    let mut out = Vec::new();
    for event in events {
        match event {
            TraceEvent::Generated(signal) => out.extend(pairing.generated(signal, ())),
            TraceEvent::Marked(marked) => out.extend(pairing.marked(marked)),
            _ => {}
        }
    }
    while let Some(late) = pairing.expired(u64::MAX) {
        out.push(late);
    }
    (out, pairing.take_lone_marks())
}

#[rstest]
#[case::storm_5_10(include_bytes!("data/storm-5.10"), 0, 25)]
#[case::storm_6_12(include_bytes!("data/storm-6.12"), 2, 25)]
#[case::group_6_1(include_bytes!("data/group-6.1"), 1, 4)]
#[case::group_7_2(include_bytes!("data/group-7.2"), 3, 3)]
#[case::names(include_bytes!("data/names-7.2"), 3, 2)]
fn every_mark_finds_its_signal(#[case] trace: &[u8], #[case] kernel: usize, #[case] kills: usize) {
    let (pairs, lone) = all(events(trace, layouts(KERNELS[kernel].1)));
    assert_eq!(pairs.iter().filter(|pair| pair.mark.is_some()).count(), kills);
    assert_eq!(lone, 0);
    let victims = pairs.iter().filter_map(|pair| pair.mark.as_ref());
    assert!(victims.into_iter().all(|mark| mark.anon_rss_kb.is_some() && mark.uid.is_some()));
}

#[test]
fn signals_by_processes_never_wait_and_those_of_the_kernel_do_without_a_mark() {
    for (kernel, formats, trace) in KERNELS {
        let (pairs, lone) = all(events(trace.as_bytes(), layouts(formats)));
        assert_eq!((pairs.len(), lone), (15, 0), "{kernel}");
        assert!(pairs.iter().all(|pair| pair.mark.is_none()));
    }
}

#[rstest]
#[case::another_victim(mark(2, 10, 150))]
#[case::by_another_task(mark(1, 11, 150))]
#[case::before_the_signal(mark(1, 10, 99))]
#[case::too_late(mark(1, 10, 1_000_101))]
fn marks_of_something_else_are_nobodys(#[case] marked: Marked) {
    let mut pairing = Pairing::default();
    assert_eq!(pairing.generated(signal(1, 10, 100), ()), None);
    assert_eq!(pairing.marked(marked), None);
    assert_eq!(pairing.take_lone_marks(), 1);
    assert_eq!(pairing.expired(u64::MAX).unwrap().mark, None);
}

#[test]
fn the_same_id_twice_takes_one_mark_each_the_oldest_first() {
    let mut pairing = Pairing::default();
    pairing.generated(signal(1, 10, 100), 'a');
    pairing.generated(signal(1, 10, 200), 'b');
    assert_eq!(pairing.marked(mark(1, 10, 210)).unwrap().with, 'a');
    assert_eq!(pairing.marked(mark(1, 10, 220)).unwrap().with, 'b');
    assert_eq!(pairing.marked(mark(1, 10, 230)), None);
    assert_eq!(pairing.due_us(), None);
}

#[test]
fn waiting_ends_after_a_while_and_is_bounded() {
    let mut pairing = Pairing::default();
    pairing.generated(signal(1, 10, 100), ());
    assert_eq!(pairing.due_us(), Some(1_000_100));
    assert_eq!(pairing.expired(1_000_099), None);
    assert_eq!(pairing.expired(1_000_100).unwrap().signal.receiver, 1);
    let pushed_out = (0..5000).filter_map(|n| pairing.generated(signal(n, 10, 200), ())).count();
    assert_eq!(pushed_out, 5000 - 1024);
}
