//! Core to wire to bytes and back is the identity; what the wire holds wrongly is named.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::semicolon_if_nothing_returned,
    reason = "a test fails by a panic"
)]

mod any;
mod witnesses;

use std::collections::HashSet;
use std::mem::{Discriminant, discriminant};

use coroner_core::finding::{Finding, FindingBody};
use coroner_core::incident::{Cause, Incident};
use coroner_core::kernel::KernelEvent;
use coroner_proto::v1;
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use prost::Message as _;

use any::{Any, Seed};

fn finding_and_back(finding: Finding) -> Finding {
    let bytes = v1::Finding::from(finding).encode_to_vec();
    v1::Finding::decode(bytes.as_slice()).unwrap().try_into().unwrap()
}

fn incident_and_back(incident: Incident) -> Incident {
    let bytes = v1::Incident::from(incident).encode_to_vec();
    v1::Incident::decode(bytes.as_slice()).unwrap().try_into().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_finding_survives_the_wire(seed in any::<u64>()) {
        let finding = Finding::any(&mut Seed(seed));
        prop_assert_eq!(finding_and_back(finding.clone()), finding);
    }

    #[test]
    fn an_incident_survives_the_wire(seed in any::<u64>()) {
        let incident = Incident::any(&mut Seed(seed));
        prop_assert_eq!(incident_and_back(incident.clone()), incident);
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(finding) = v1::Finding::decode(bytes.as_slice()) {
            let _ = Finding::try_from(finding);
        }
        if let Ok(incident) = v1::Incident::decode(bytes.as_slice()) {
            let _ = Incident::try_from(incident);
        }
    }
}

#[test]
fn every_variant_survives_the_wire() {
    let mut seed = Seed(1);
    let mut events: HashSet<Discriminant<KernelEvent>> = HashSet::new();
    let mut bodies: HashSet<Discriminant<FindingBody>> = HashSet::new();
    let mut causes: HashSet<Cause> = HashSet::new();
    for _ in 0..1000 {
        let event = KernelEvent::any(&mut seed);
        let back: KernelEvent = v1::KernelEvent::from(event.clone()).try_into().unwrap();
        assert_eq!(back, event);
        events.insert(discriminant(&event));

        let finding = Finding::any(&mut seed);
        assert_eq!(finding_and_back(finding.clone()), finding);
        bodies.insert(discriminant(&finding.body));

        let incident = Incident::any(&mut seed);
        assert_eq!(incident_and_back(incident.clone()), incident);
        causes.insert(incident.cause);
    }
    assert_eq!((events.len(), bodies.len(), causes.len()), (11, 13, Cause::ALL.len()));
}

fn finding() -> v1::Finding {
    let mut seed = Seed(1);
    loop {
        let finding = Finding::any(&mut seed);
        if matches!(&finding.body, FindingBody::Kernel(e) if matches!(**e, KernelEvent::Oom(_))) {
            return finding.into();
        }
    }
}

/// Changes the report inside the finding.
fn with_report(change: impl FnOnce(&mut v1::OomReport)) -> v1::Finding {
    let mut finding = finding();
    let Some(v1::finding::Body::Kernel(v1::KernelEvent {
        event: Some(v1::kernel_event::Event::Oom(report)),
    })) = &mut finding.body
    else {
        panic!("not an out-of-memory report: {finding:?}");
    };
    change(report);
    finding
}

#[test]
fn an_error_names_the_field_and_what_it_held() {
    let cases = [
        (v1::Finding { source: 0, ..finding() }, "field `source` is 0, which is no Source"),
        (v1::Finding { source: 77, ..finding() }, "field `source` is 77, which is no Source"),
        (v1::Finding { time: None, ..finding() }, "field `time` is missing"),
        (v1::Finding { body: None, ..finding() }, "field `body` holds nothing this version knows"),
        (
            v1::Finding {
                time: Some(prost_types::Timestamp { seconds: 1, nanos: -1 }),
                ..finding()
            },
            "field `time` is 1 s and -1 ns, which is no time",
        ),
        (
            v1::Finding {
                time: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
                ..finding()
            },
            "field `time` is 9223372036854775807 s and 0 ns, which is no time",
        ),
        (with_report(|r| r.position = None), "field `kernel.oom.position` is missing"),
        (with_report(|r| r.level = 9), "field `kernel.oom.level` is 9, which is no Level"),
        (
            with_report(|r| r.victims = vec![v1::Victim::default()]),
            "field `kernel.oom.victims[0].position` is missing",
        ),
        (
            with_report(|r| {
                r.memory =
                    Some(v1::Usage { limit: Some(v1::Limit::default()), ..Default::default() })
            }),
            "field `kernel.oom.memory.limit.limit` holds neither of its values",
        ),
    ];
    for (wire, expected) in cases {
        assert_eq!(Finding::try_from(wire).unwrap_err().to_string(), expected);
    }
}

#[test]
fn absent_is_none_and_zero_is_zero() {
    let empty = v1::Victim { position: Some(v1::Position::default()), ..Default::default() };
    let victim: coroner_core::kernel::Victim = empty.clone().try_into().unwrap();
    assert_eq!(victim.anon_rss, None);
    let victim: coroner_core::kernel::Victim =
        v1::Victim { anon_rss_bytes: Some(0), ..empty }.try_into().unwrap();
    assert_eq!(victim.anon_rss, Some(0));
}

#[test]
fn the_descriptors_hold_every_service() {
    let set = prost_types::FileDescriptorSet::decode(coroner_proto::FILE_DESCRIPTOR_SET).unwrap();
    let services: Vec<_> =
        set.file.iter().flat_map(|f| &f.service).map(|s| s.name().to_owned()).collect();
    assert_eq!(services, ["IngestService", "QueryService"]);
}
