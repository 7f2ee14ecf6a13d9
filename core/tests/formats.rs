//! The recorded kernel logs, printed the way people's tools print them: the same victims must be found.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests may fail")]

mod compare;
mod rendering;
mod support;

use compare::differences;
use rendering::{FORMATS, parse};
use serde_json::Value;
use support::{Fixture, account, events, fixtures};

/// Recordings small enough to be pasted by a person.
fn pasted() -> impl Iterator<Item = Fixture> {
    fixtures("kernel").into_iter().filter(|f| f.raw && f.log.len() < 100_000)
}

/// A process name with a line break in it stays whole in raw records and in journal entries only; other tools break
/// the line there. Its process must be found all the same.
fn without_broken_names(expected: &Value) -> Value {
    let mut expected = expected.clone();
    for kill in expected["kills"].as_array_mut().unwrap() {
        if kill["comm"].as_str().unwrap().contains('\n') {
            let kill = kill.as_object_mut().unwrap();
            kill.retain(|field, _| field == "pid" || field == "scope");
        }
    }
    expected
}

#[test]
fn every_way_to_print_a_log_shows_the_same_victims() {
    let mut report = Vec::new();
    for fixture in pasted() {
        let records = parse(std::str::from_utf8(&fixture.log).unwrap());
        let expected = without_broken_names(&fixture.expected);
        for (format, render) in FORMATS {
            let text = render(&records);
            let found = differences(&expected, &account(events(text.as_bytes())));
            let name = &fixture.name;
            report.extend(found.iter().map(|line| format!("{name} as {format}: {line}")));
        }
    }
    assert!(report.is_empty(), "{} differences\n{}", report.len(), report.join("\n"));
}

#[test]
fn a_log_pasted_between_other_text_shows_the_same_victims() {
    for fixture in pasted() {
        let records = parse(std::str::from_utf8(&fixture.log).unwrap());
        let (_, dmesg) = FORMATS[0];
        let text = format!(
            "Hi all,\n\nour pod died again, here is dmesg:\n\n```\n{}```\n\nAny idea? It was killed, I think.\n",
            dmesg(&records)
        );
        let expected = without_broken_names(&fixture.expected);
        let found = differences(&expected, &account(events(text.as_bytes())));
        assert!(found.is_empty(), "{}: {}", fixture.name, found.join("\n"));
    }
}
