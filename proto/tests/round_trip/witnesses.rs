//! What witnesses other than the kernel log say, what they watched, and what is told of nodes: hostile, absent, whole.

use coroner_core::finding::{CountedLimit, CoverageSpan, Finding, FindingBody};
use coroner_core::node_report::NodeReport;
use coroner_proto::v1::{self, finding::Body};
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use prost::Message as _;

use crate::any::{Any, Seed};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_node_and_a_span_survive_the_wire(seed in any::<u64>()) {
        let mut seed = Seed(seed);
        let node = NodeReport::any(&mut seed);
        let bytes = v1::NodeReport::from(node.clone()).encode_to_vec();
        let back: NodeReport = v1::NodeReport::decode(bytes.as_slice()).unwrap().try_into().unwrap();
        prop_assert_eq!(back, node);
        let span = CoverageSpan::any(&mut seed);
        let bytes = v1::CoverageSpan::from(span.clone()).encode_to_vec();
        let back: CoverageSpan = v1::CoverageSpan::decode(bytes.as_slice()).unwrap().try_into().unwrap();
        prop_assert_eq!(back, span);
    }

    #[test]
    fn any_bytes_of_a_batch_or_a_node_are_read_or_refused_without_a_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        if let Ok(node) = v1::NodeReport::decode(bytes.as_slice()) {
            let _ = NodeReport::try_from(node);
        }
        if let Ok(batch) = v1::Batch::decode(bytes.as_slice()) {
            for span in batch.coverage {
                let _ = CoverageSpan::try_from(span);
            }
        }
    }
}

/// A finding with this body.
fn with(body: Body) -> v1::Finding {
    let time = Some(prost_types::Timestamp { seconds: 1, nanos: 0 });
    v1::Finding {
        source: v1::Source::SignalTrace.into(),
        time,
        body: Some(body),
        ..v1::Finding::default()
    }
}

fn read(body: Body) -> Result<FindingBody, String> {
    Finding::try_from(with(body)).map(|finding| finding.body).map_err(|e| e.to_string())
}

fn sigkill() -> v1::Sigkill {
    v1::Sigkill {
        result: v1::SignalResult::Delivered.into(),
        receiver: Some(v1::Process::default()),
        sender: Some(v1::Process::default()),
        ..v1::Sigkill::default()
    }
}

#[test]
fn errors_name_the_field_of_the_new_bodies() {
    let bad_limit = v1::GroupRise { limit: Some(v1::Limit::default()), ..v1::GroupRise::default() };
    let bad_time = Some(prost_types::Timestamp { seconds: 1, nanos: 1_000_000_000 });
    let cases = [
        (
            Body::Sigkill(v1::Sigkill { receiver: None, ..sigkill() }),
            "field `sigkill.receiver` is missing",
        ),
        (
            Body::Sigkill(v1::Sigkill { sender: None, ..sigkill() }),
            "field `sigkill.sender` is missing",
        ),
        (
            Body::Sigkill(v1::Sigkill { result: 0, ..sigkill() }),
            "field `sigkill.result` is 0, which is no SignalResult",
        ),
        (
            Body::CountedKill(v1::CountedKill {
                lineage: vec![v1::GroupRise::default(), bad_limit],
                ..v1::CountedKill::default()
            }),
            "field `counted_kill.lineage[1].limit.limit` holds neither of its values",
        ),
        (
            Body::ContainerEnd(v1::ContainerEnd {
                watched_since: bad_time,
                ..v1::ContainerEnd::default()
            }),
            "field `container_end.watched_since` is 1 s and 1000000000 ns, which is no time",
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(read(body).unwrap_err(), expected);
    }
}

#[test]
fn absent_is_none_in_the_new_bodies_and_zero_is_zero() {
    let Ok(FindingBody::Sigkill(empty)) = read(Body::Sigkill(sigkill())) else {
        panic!("a sigkill")
    };
    assert_eq!((empty.whole_process, empty.receiver_is_main, empty.oom_mark), (None, None, None));
    assert_eq!((empty.receiver.cgroup, empty.receiver.namespace_pid), (None, None));
    let mark = v1::OomMark { anon_rss_kb: Some(0), ..v1::OomMark::default() };
    let marked = v1::Sigkill { oom_mark: Some(mark), receiver_is_main: Some(false), ..sigkill() };
    let Ok(FindingBody::Sigkill(marked)) = read(Body::Sigkill(marked)) else { panic!("a sigkill") };
    let mark = marked.oom_mark.unwrap();
    assert_eq!((mark.anon_rss_kb, mark.total_vm_kb, mark.uid), (Some(0), None, None));
    assert_eq!(marked.receiver_is_main, Some(false));

    let Ok(FindingBody::CountedKill(kill)) = read(Body::CountedKill(v1::CountedKill::default()))
    else {
        panic!("a counted kill");
    };
    assert_eq!((kill.limit, kill.lineage.len()), (CountedLimit::Unknown, 0));
    let rises = vec![v1::GroupRise { oom: Some(0), ..v1::GroupRise::default() }];
    let counted = v1::CountedKill { lineage: rises, ..v1::CountedKill::default() };
    let Ok(FindingBody::CountedKill(kill)) = read(Body::CountedKill(counted)) else {
        panic!("a counted kill");
    };
    assert_eq!((kill.lineage[0].oom, kill.lineage[0].limit_hits), (Some(0), None));

    let Ok(FindingBody::ContainerEnd(end)) = read(Body::ContainerEnd(v1::ContainerEnd::default()))
    else {
        panic!("an end");
    };
    assert_eq!((end.main_pid, end.main_sigkilled, end.oom_kills), (None, None, None));
    assert_eq!((end.watched_since, end.not_before, end.throttled_periods), (None, None, None));
}

#[test]
fn what_a_finding_is_about_travels_with_it_and_absent_is_none() {
    let about = Some("kmsg:b007:\u{1b}[2J\n7".to_owned());
    let finding = v1::Finding { about, ..with(Body::Sigkill(sigkill())) };
    let back = Finding::try_from(finding.clone()).unwrap();
    assert_eq!(back.about.as_ref().unwrap().0, "kmsg:b007:\u{1b}[2J\n7");
    assert_eq!(v1::Finding::from(back), finding);
    assert_eq!(Finding::try_from(with(Body::Sigkill(sigkill()))).unwrap().about, None);
}

#[test]
fn a_report_of_a_node_names_what_is_wrong_with_it() {
    let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let good = || v1::NodeReport {
        window: Some(v1::Span { from: time(1), to: time(2) }),
        absence: Some(v1::Absence {
            verdict: v1::AbsenceVerdict::Open.into(),
            confidence: v1::Confidence::Unknown.into(),
            from: time(1),
            to: time(2),
            ..v1::Absence::default()
        }),
        ..v1::NodeReport::default()
    };
    NodeReport::try_from(good()).unwrap();
    let backwards = Some(v1::Span { from: time(2), to: time(1) });
    let cases = [
        (v1::NodeReport { absence: None, ..good() }, "field `absence` is missing"),
        (
            v1::NodeReport { window: backwards, ..good() },
            "field `window.to` is 1970-01-01T00:00:01Z, which is before `from`, 1970-01-01T00:00:02Z",
        ),
        (
            v1::NodeReport { sources: vec![v1::SourceReport::default()], ..good() },
            "field `sources[0].source` is 0, which is no Source",
        ),
        (
            v1::NodeReport { incidents: vec![v1::CauseCount { cause: 999, count: 1 }], ..good() },
            "field `incidents[0].cause` is 999, which is no Cause",
        ),
    ];
    for (wire, expected) in cases {
        assert_eq!(NodeReport::try_from(wire).unwrap_err().to_string(), expected);
    }
}
