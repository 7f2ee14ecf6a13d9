//! What is read of recordings of a real kubelet and API server (Kubernetes 1.36).

use super::super::{Decoded, WatchLine, event, pod, watch_line};
use crate::kubernetes::{ClusterEvent, PodRecord};

const PODS: &str = include_str!("data/pods.jsonl");
const EVENTS: &str = include_str!("data/events.jsonl");

/// The objects of the recorded lines.
pub(super) fn pods() -> Vec<&'static [u8]> {
    let object = |line: &'static str| match watch_line(line.as_bytes()).unwrap() {
        WatchLine::Is(object) | WatchLine::Gone(object) => object,
        other => panic!("{other:?}"),
    };
    PODS.lines().map(object).collect()
}

#[test]
fn pods_are_read_whole() {
    let read = |json| {
        let Decoded { record, resource_version, problems, more_problems } = pod(json).unwrap();
        assert_eq!((problems, more_problems), (vec![], 0), "{}", record.name);
        assert!(resource_version.is_some(), "{}", record.name);
        record
    };
    let records: Vec<PodRecord> = pods().into_iter().map(read).collect();
    insta::assert_json_snapshot!(records);
}

#[test]
fn events_are_read_whole() {
    let read = |line: &str| {
        let decoded = event(line.as_bytes()).unwrap();
        assert_eq!(decoded.problems, vec![], "{line}");
        decoded.record
    };
    let records: Vec<ClusterEvent> = EVENTS.lines().map(read).collect();
    insta::assert_json_snapshot!(records);
}

/// The same happening under `events.k8s.io/v1` has other names for its fields, and is the same event.
#[test]
fn both_kinds_of_events_are_one() {
    for line in EVENTS.lines() {
        let mut other: serde_json::Value = serde_json::from_str(line).unwrap();
        let fields = other.as_object_mut().unwrap();
        for (old, new) in [
            ("involvedObject", "regarding"),
            ("message", "note"),
            ("firstTimestamp", "deprecatedFirstTimestamp"),
            ("lastTimestamp", "deprecatedLastTimestamp"),
            ("count", "deprecatedCount"),
            ("source", "deprecatedSource"),
            ("reportingComponent", "reportingController"),
        ] {
            if let Some(value) = fields.remove(old) {
                fields.insert(new.to_owned(), value);
            }
        }
        let other = serde_json::to_vec(&other).unwrap();
        assert_eq!(event(&other).unwrap(), event(line.as_bytes()).unwrap());
    }
}
