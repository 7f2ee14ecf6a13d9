use super::super::{Generated, TraceEvent};
use super::{KERNELS, events, layouts, newest};
use crate::finding::SignalResult;
use rstest::rstest;

fn generated(events: &[TraceEvent]) -> Vec<&Generated> {
    events
        .iter()
        .filter_map(|event| match event {
            TraceEvent::Generated(generated) => Some(generated),
            _ => None,
        })
        .collect()
}

#[test]
fn every_way_of_sending_is_read_on_every_kernel() {
    for (kernel, formats, trace) in KERNELS {
        let events = events(trace.as_bytes(), layouts(formats));
        let found: Vec<_> = generated(&events)
            .into_iter()
            .map(|g| {
                (g.sender_comm.as_str(), g.code, g.receiver_comm.as_str(), g.whole_process.unwrap())
            })
            .collect();
        // cgroup.kill came with 5.14; before, the recording program killed instead.
        let old = kernel == "5.10";
        let expected = [
            ("killer", 0, "v-kill", true),
            ("killer", -6, "v-tgkill", false),
            ("killer", 0, "v-pidfd", true),
            ("killer", -1, "v-sigqueue", true),
            ("killer", 0, "v-group2", true),
            ("killer", 0, "v-group1", true),
            ("dying-parent", 0, "v-pdeath", true),
            ("ns-init", 128, "v-nszap", true),
            ("ns-outer2", 0, "ns-init2", true),
            ("ns-init2", 128, "v-nschild2", true),
            ("ns-init3", 0, "v-nschild3", true),
            ("v-rlimcpu", 128, "v-rlimcpu", true),
            ("killer", 0, "v-cgkill", old),
            ("killer", -6, "worker-thr", false),
            ("killer", 0, "killer", true),
        ];
        assert_eq!(found, expected, "{kernel}");
        let last = generated(&events).pop().unwrap();
        let result = if old { SignalResult::Delivered } else { SignalResult::Ignored };
        assert_eq!(last.result, result, "a zombie gets it, on {kernel}");
        let depths: Vec<_> = generated(&events).iter().take(7).map(|g| g.depth).collect();
        let counted = [1, 1, 1, 1, 2, 2, 2].map(Some);
        assert_eq!(depths, if old { [None; 7] } else { counted }, "{kernel}");
    }
}

#[test]
fn times_and_ids_are_read() {
    let events = events(KERNELS[1].2.as_bytes(), layouts(KERNELS[1].1));
    let first = generated(&events)[0];
    assert_eq!((first.at_us, first.sender, first.receiver), (53_995_325, 803, 806));
}

#[rstest]
#[case(include_bytes!("data/names-5.10"), 0)]
#[case(include_bytes!("data/names-6.1"), 1)]
#[case(include_bytes!("data/names-7.2"), 3)]
fn hostile_names_of_real_kernels(#[case] trace: &[u8], #[case] kernel: usize) {
    let events = events(trace, layouts(KERNELS[kernel].1));
    let names: Vec<_> = generated(&events).iter().map(|g| g.receiver_comm.clone()).collect();
    let marks = events.iter().filter(|event| matches!(event, TraceEvent::Marked(_))).count();
    assert_eq!((names.len(), marks), (2, 2), "{names:?}");
    assert_eq!(names[0], "a,pid=1,uid=0 )");
    assert!(names[1].contains('\n') && names[1].starts_with('x'), "{names:?}");
    assert_eq!(generated(&events)[1].sender_comm, names[1]);
}

fn line(sender: &[u8], receiver: &[u8]) -> Vec<u8> {
    let mut line = vec![b' '; 16 - sender.len()];
    line.extend_from_slice(sender);
    line.extend_from_slice(
        b"-42      [001] d..1.   100.000007: signal_generate: sig=9 errno=0 code=0 comm=",
    );
    line.extend_from_slice(receiver);
    line.extend_from_slice(b" pid=77 grp=1 res=0\n");
    line
}

#[rstest]
#[case::dashes(b"a-1 [000] d-2", b"b-1 [000] d..1")]
#[case::like_the_end(b"x", b"1 pid=5 grp=1")]
#[case::line_breaks(b"a\nb\nc", b"d\n\ne")]
#[case::nothing_but_breaks(b"\n\n\n", b"\n\n\n\n")]
#[case::no_characters(b"\xff\xfe\xf0-1", b"\xff\xff")]
#[case::like_a_header(b"# tracer: nop", b"CPU:1 [LOST 2")]
#[case::empty(b"", b"")]
#[case::forgotten(b"<...>", b"x")]
#[case::colons(b"a: b: c: d", b"]: signal_gen:")]
fn names_change_nothing_but_names(#[case] sender: &[u8], #[case] receiver: &[u8]) {
    let mut text = line(b"before", b"x");
    text.extend(line(sender, receiver));
    text.extend(line(b"after", b"y"));
    let events = events(&text, newest());
    let found: Vec<_> = generated(&events)
        .into_iter()
        .map(|g| (g.sender, g.receiver, g.at_us, g.code, g.depth))
        .collect();
    assert_eq!(found, [(42, 77, 100_000_007, 0, Some(1)); 3], "{events:?}");
    let own = generated(&events)[1];
    assert_eq!(own.receiver_comm, String::from_utf8_lossy(receiver));
    assert_eq!(own.sender_comm, String::from_utf8_lossy(sender).trim_start());
}

#[test]
fn lost_events_are_told_by_cpu_and_other_signals_are_nothing() {
    let text = "CPU:3 [LOST 12 EVENTS]\nCPU:0 [LOST EVENTS]\n".to_owned()
        + "            kill-42    (   41) [001] d..1.   100.000007: signal_generate: sig=15 errno=0 code=0 comm=a pid=7 grp=1 res=0\n"
        + "            kill-42    (   41) [001] d..1.   100.000008: signal_generate: sig=9 errno=0 code=0 comm=a pid=7 grp=1 res=0\n";
    let mut reader = super::Reader::new(newest());
    let mut found = Vec::new();
    // One byte at a time: reads end anywhere.
    text.bytes().for_each(|byte| reader.feed(&[byte], |event| found.push(event)));
    assert_eq!(
        found[..2],
        [TraceEvent::Lost { cpu: 3, events: Some(12) }, TraceEvent::Lost { cpu: 0, events: None },]
    );
    assert_eq!(generated(&found).len(), 1);
    assert_eq!(reader.take_not_understood(), 1, "the other signal is counted as not understood");
}
