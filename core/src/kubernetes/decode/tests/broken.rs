//! Objects that no API server should send, and some do: nothing panics, the field is named, and the rest is read.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::super::{Decoded, Problem, event, list_page, node, owned, pod, status, watch_line};
use super::recorded;
use crate::kubernetes::PodRecord;

/// Paths of everything inside a value, as in `["status", "containerStatuses", "0"]`.
fn paths(value: &Value, at: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
    all.push(at.clone());
    let below: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, v)| (n.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in below {
        at.push(name);
        paths(value, at, all);
        at.pop();
    }
}

fn put(value: &mut Value, path: &[String], new: Value) {
    let Some((first, rest)) = path.split_first() else {
        *value = new;
        return;
    };
    let below = match value {
        Value::Object(fields) => fields.get_mut(first),
        Value::Array(items) => items.get_mut(first.parse::<usize>().unwrap()),
        _ => None,
    };
    put(below.unwrap(), rest, new);
}

/// Any part of a pod replaced by anything: only the identity is needed, and what is wrong is named by a path to it.
#[test]
fn one_wrong_field_costs_that_field() {
    let wrong = [
        json!(true),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!("\u{1b}[2J"),
        json!([]),
        json!([[[]]]),
        json!({"x": 1}),
        Value::Null,
    ];
    for original in recorded::pods() {
        let mut object: Value = serde_json::from_slice(original).unwrap();
        // Most of an object, and not read.
        object["metadata"]["managedFields"] = json!([{"fieldsV1": {"f:spec": {}}}]);
        let mut all = Vec::new();
        paths(&object, &mut Vec::new(), &mut all);
        assert!(all.len() > 100);
        for path in all {
            for new in &wrong {
                let mut object = object.clone();
                put(&mut object, &path, new.clone());
                let name = path.join(".");
                match pod(object.to_string().as_bytes()) {
                    Ok(decoded) => check(&decoded, &path),
                    Err(problem) => {
                        let identity =
                            ["", "metadata", "metadata.uid", "metadata.name", "metadata.namespace"];
                        assert!(identity.contains(&name.as_str()), "{name}: {problem}");
                    }
                }
            }
        }
    }
}

/// A problem is told at or below the place that was changed, in harmless words, and never twice.
fn check(decoded: &Decoded<PodRecord>, changed: &[String]) {
    for Problem { path, found, .. } in &decoded.problems {
        let steps: Vec<_> = path.split(['.', '[', ']']).filter(|step| !step.is_empty()).collect();
        // A key with dots in it, such as an annotation's, is one step of the change and several of the path.
        let changed = changed.join(".");
        assert!(steps.join(".").starts_with(&changed), "{path} is not below {changed}");
        assert!(!found.as_deref().unwrap_or_default().contains('\u{1b}'));
    }
    assert!(decoded.problems.len() <= 1, "{:?}", decoded.problems);
}

#[rstest]
#[case(json!({"spec": {"containers": [{"name": "a", "resources": {"limits": {"memory": "lots"}}}]}}),
    "spec.containers[0].resources.limits.memory is `lots`; wanted a quantity of bytes as in 512Mi")]
#[case(json!({"spec": {"containers": [{"name": "a", "resources": {"limits": {"memory": "-1Gi"}}}]}}),
    "spec.containers[0].resources.limits.memory is `-1Gi`; wanted a quantity of bytes as in 512Mi")]
#[case(json!({"status": {"containerStatuses": [{"name": "a"}, {"name": "b", "restartCount": "3"}]}}),
    "status.containerStatuses[1].restartCount is `3`; wanted a whole number from 0 to 4294967295")]
#[case(json!({"status": {"containerStatuses": [{"name": "a", "state": {"terminated": {"finishedAt": "yesterday"}}}]}}),
    "status.containerStatuses[0].state.terminated.finishedAt is `yesterday`; wanted a time as in 2026-11-21T00:22:01Z")]
#[case(json!({"status": []}), "status is a list; wanted an object")]
#[case(json!({"spec": {"containers": {"a": 1}}}), "spec.containers is an object; wanted a list")]
#[case(json!({"spec": {"containers": [7]}}), "spec.containers[0] is `7`; wanted an object")]
fn problems_name_field_value_and_wish(#[case] mut object: Value, #[case] problem: &str) {
    object["metadata"] = json!({"uid": "u", "name": "n", "namespace": "s"});
    let decoded = pod(object.to_string().as_bytes()).unwrap();
    assert_eq!(decoded.record.uid, "u");
    let problems: Vec<_> = decoded.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, [problem]);
}

#[rstest]
#[case("", "the object is broken: EOF while parsing a value at line 1 column 0; wanted JSON")]
#[case("7", "the object is something else; wanted an object")]
#[case("null", "the object is something else; wanted an object")]
#[case("{}", "metadata.uid is missing; wanted text")]
#[case(r#"{"metadata":{"uid":""}}"#, "metadata.uid is missing; wanted text")]
#[case(r#"{"metadata":{"uid":["u"]}}"#, "metadata.uid is a list; wanted text")]
#[case(r#"{"metadata":{"uid":"u","namespace":"s"}}"#, "metadata.name is missing; wanted text")]
#[case(
    r#"{"metadata":{"uid":"u","uid":"v"}}"#,
    "the object is broken: duplicate field `uid` at line 1 column 28; wanted JSON"
)]
fn objects_that_are_none(#[case] json: &str, #[case] problem: &str) {
    assert_eq!(pod(json.as_bytes()).unwrap_err().to_string(), problem);
}

#[test]
fn many_problems_are_counted() {
    let statuses: Vec<_> =
        (0..100).map(|n| json!({"name": n.to_string(), "restartCount": -1})).collect();
    let object = json!({"metadata": {"uid": "u", "name": "n", "namespace": "s"}, "status": {"containerStatuses": statuses}});
    let decoded = pod(object.to_string().as_bytes()).unwrap();
    assert_eq!((decoded.problems.len(), decoded.more_problems), (8, 92));
    assert_eq!(decoded.record.containers.len(), 100);
}

/// A million levels do not overflow the stack, and a megabyte of text is cut.
#[test]
fn deep_and_huge_objects() {
    for level in ["[", "{\"a\":"] {
        let deep = level.repeat(1_000_000);
        assert!(pod(deep.as_bytes()).is_err());
        let inside = format!(
            "{{\"metadata\":{{\"uid\":\"u\",\"name\":\"n\",\"namespace\":\"s\",\"x\":{deep}"
        );
        assert!(pod(inside.as_bytes()).is_err());
        assert!(watch_line(format!("{{\"type\":\"ADDED\",\"object\":{deep}").as_bytes()).is_err());
    }
    let object = json!({"metadata": {"uid": "u", "name": "n", "namespace": "s"}, "status": {"message": "é".repeat(500_000)}});
    let message = pod(object.to_string().as_bytes()).unwrap().record.message.unwrap();
    assert_eq!((message.len(), message.ends_with("...")), (4099, true));
}

proptest! {
    /// Whatever bytes come, and recorded bytes damaged anywhere, are read or refused.
    #[test]
    fn nothing_panics(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        which in 0_usize..7,
        at in 0_usize..20_000,
        cut in any::<bool>(),
        byte in any::<u8>(),
    ) {
        let mut damaged = recorded::pods()[which].to_vec();
        let at = at % damaged.len();
        if cut { damaged.truncate(at) } else { damaged[at] = byte }
        for bytes in [noise, damaged] {
            let _ = (pod(&bytes), event(&bytes), node(&bytes), owned(&bytes));
            let _ = (watch_line(&bytes), list_page(&bytes), status(&bytes));
        }
    }
}
