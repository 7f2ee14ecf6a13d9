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
use coroner_tests::guest::report::report;
use coroner_tests::guest::table::Column;
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

fn outcome(lines: Vec<Line>, trouble: Option<String>) -> Outcome {
    let (took, dir, stood_still) = (Duration::ZERO, PathBuf::new(), false);
    Outcome { lines, trouble, stood_still, took, dir }
}

fn wrong(without: Without, lines: Vec<Line>) -> Vec<(String, String)> {
    judge(&boot(without), &outcome(lines, None))
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
fn what_did_not_come_out_is_neither_right_nor_wrong() {
    let (record, json, why) = right();
    let case = Line::Case(record);
    let log = Line::Log { program: "agent".to_owned(), text: "one\n\ntwo\n".to_owned() };
    let answer = Line::Incident { json, why };
    let cut_off = |lines: Vec<Line>, trouble: Option<&str>| {
        let trouble = trouble.map(str::to_owned);
        let boot = boot(Without::Nothing);
        let judgements = judge(&boot, &outcome(lines, trouble));
        assert!(judgements.iter().all(|j| j.lost), "{judgements:?}");
        report(&[Column { boot, judgements, times: 1 }], &[], 1)
    };
    let ended = cut_off(vec![case.clone(), log], Some("it had not ended after 9 s"));
    let died =
        cut_off(vec![case, Line::Trouble("coroner list: no answer".to_owned()), answer], None);
    for (report, says) in [
        (
            &ended,
            "NOT SHOWN: it had not ended after 9 s; the last case acted out is container-limit",
        ),
        (&ended, "log of the agent: one | two"),
        (&died, "NOT SHOWN: coroner list: no answer"),
    ] {
        let (_, end) = report.text.split_once("guests: ").expect("the sum");
        assert!(end.contains(says), "{end}");
        assert!(end.starts_with("0 passed, 2 failed, 2 of them not shown"), "{end}");
        assert!(!report.text.contains("WRONG") && !report.right, "{}", report.text);
    }
}

#[test]
fn the_end_says_what_is_wrong_in_few_and_short_lines() {
    let (record, mut json, why) = right();
    json["cause"] = "PodMemoryLimit".into();
    json["summary"] = "so".repeat(400).into();
    let column = || {
        let lines = vec![
            Line::Case(record.clone()),
            Line::Incident { json: json.clone(), why: why.clone() },
        ];
        let boot = boot(Without::CgroupRoot);
        let judgements = judge(&boot, &outcome(lines, None));
        Column { boot, judgements, times: 1 }
    };
    let mut one = vec![column()];
    one[0].judgements[0].case = "tmpfs".to_owned();
    let (_, end) = report(&one, &[], 1).text.split_once("guests: ").map(own).expect("the sum");
    let line = end.lines().nth(1).expect("a line for the case");
    let begin = "  6.1-v2-main-without-cgroup-root tmpfs: PodMemoryLimit Confirmed, not ";
    assert!(line.starts_with(begin), "{line}");
    assert!(line.contains("found: PodMemoryLimit Confirmed ContainerExited: soso"), "{line}");
    let mut many: Vec<Column> = (0..70).map(|_| column()).collect();
    for column in &mut many {
        column.judgements[0].case = "tmpfs".to_owned();
    }
    let (_, end) = report(&many, &[], 1).text.split_once("guests: ").map(own).expect("the sum");
    assert_eq!(end.lines().count(), 42, "the sum, forty lines, how many more");
    assert_eq!(end.lines().last(), Some("  ... and 30 more"));
    assert!(end.lines().all(|line| line.chars().count() <= 310));
}

fn own((a, b): (&str, &str)) -> (String, String) {
    (a.to_owned(), b.to_owned())
}

#[test]
fn the_table_of_cases_is_sound() {
    let names: Vec<&str> = cases::all().map(|c| c.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "a name is used twice");
    for open in cases::OPEN {
        assert!(names.contains(&open.case), "`{}` is open, and no case", open.case);
    }
}
