//! The guests' judge must see every way in which an answer can be wrong: a judge that lets things pass shows nothing.

#![allow(clippy::expect_used, reason = "a test may fail")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use coroner_tests::guest::cases::{self, Batch};
use coroner_tests::guest::judge::{BETWEEN, judge};
use coroner_tests::guest::kernels::Kernel;
use coroner_tests::guest::machine::Outcome;
use coroner_tests::guest::plan::{Boot, Hierarchy, Without};
use coroner_tests::guest::record::{Line, Record};
use serde_json::{Value, json};

const PID: u32 = 321;
const CONTAINER: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn boot(without: Without) -> Boot {
    let cases = vec![cases::named("container-limit").expect("a case")];
    let image = PathBuf::new();
    let kernel = Kernel { series: "6.1", version: "6.1.192-2".to_owned(), image };
    let (hierarchy, batch) = (Hierarchy::V2, Batch::Main);
    Boot { kernel, hierarchy, batch, without, cases, after_panic: false }
}

/// A container called `java` died of its limit, at the time 2 s.
fn right() -> (Record, Value, String) {
    let record = Record {
        case: "container-limit".to_owned(),
        from_us: 1_000_000,
        to_us: 3_000_000,
        pids: [("app".to_owned(), PID)].into(),
        containers: [("app".to_owned(), CONTAINER.to_owned())].into(),
        gone: vec!["app".to_owned()],
        ..Record::default()
    };
    let incident = json!({
        "time": "1970-01-01T00:00:02Z",
        "cause": "ContainerMemoryLimit",
        "confidence": "Confirmed",
        "outcome": "ContainerExited",
        "summary": "",
        "container": {"id": CONTAINER},
        "kernel": {"victims": [{"pid": PID}]},
    });
    let why = format!("CONTAINER MEMORY LIMIT\n  pid {PID}\n  (java) had 64 MiB");
    (record, incident, why)
}

fn wrong(without: Without, lines: Vec<Line>) -> Vec<(String, String)> {
    let dir = PathBuf::new();
    let outcome = Outcome { lines, trouble: None, took: Duration::ZERO, dir };
    judge(&boot(without), &outcome)
        .into_iter()
        .flat_map(|j| j.wrong.into_iter().map(move |w| (j.case.clone(), w)))
        .collect()
}

fn with(change: impl Fn(&mut Record, &mut Value, &mut String)) -> Vec<(String, String)> {
    let (mut record, mut json, mut why) = right();
    change(&mut record, &mut json, &mut why);
    wrong(Without::Nothing, vec![Line::Case(record), Line::Incident { json, why }])
}

#[test]
fn a_right_answer_is_right() {
    assert_eq!(with(|_, _, _| {}), []);
}

#[test]
fn each_wrong_answer_is_seen() {
    type Change = fn(&mut Record, &mut Value, &mut String);
    let changes: [(Change, &str, &str); 9] = [
        (|_, i, _| i["cause"] = "PodMemoryLimit".into(), "container-limit", "PodMemoryLimit"),
        (|_, i, _| i["confidence"] = "Likely".into(), "container-limit", "Likely"),
        (|_, i, _| i["outcome"] = Value::Null, "container-limit", "outcome null"),
        (|_, i, _| i["kernel"]["victims"][0]["pid"] = 4.into(), "container-limit", "victims [4]"),
        (|_, i, _| i["container"]["id"] = Value::Null, "container-limit", "no incident about app"),
        (|_, i, _| i["time"] = "1970-01-01T00:00:09Z".into(), BETWEEN, "nobody did this"),
        (|_, _, why| *why = why.replace("64", "65"), "container-limit", "does not say `64 MiB`"),
        (|r, _, _| r.failed = Some("app lives".to_owned()), "container-limit", "app lives"),
        (|r, _, _| r.case = "nobody".to_owned(), "container-limit", "not acted out"),
    ];
    for (change, case, text) in changes {
        let wrong = with(change);
        assert!(wrong.iter().any(|(c, w)| c == case && w.contains(text)), "{text}: {wrong:?}");
    }
}

#[test]
fn an_incident_too_many_or_too_few_is_seen() {
    let (record, json, why) = right();
    let incident = || Line::Incident { json: json.clone(), why: why.clone() };
    let none = wrong(Without::Nothing, vec![Line::Case(record.clone())]);
    assert!(none.iter().any(|(_, w)| w == "no incident about app"), "{none:?}");
    let two = wrong(Without::Nothing, vec![Line::Case(record), incident(), incident()]);
    assert!(two.iter().any(|(_, w)| w == "2 incidents about app, not one"), "{two:?}");
}

#[test]
fn only_without_a_source_less_is_enough() {
    let (record, mut json, why) = right();
    json["confidence"] = "Likely".into();
    let lines = vec![Line::Case(record), Line::Incident { json, why }];
    assert_eq!(wrong(Without::KernelLog, lines.clone()), []);
    assert_ne!(wrong(Without::Nothing, lines), []);
}

#[test]
fn the_table_of_cases_is_sound() {
    let names: Vec<&str> = cases::all().map(|c| c.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "a name is used twice");
    for open in cases::OPEN {
        assert!(names.contains(&open.case), "`{}` is open, and no case", open.case);
    }
}
