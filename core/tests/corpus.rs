//! Every recorded and hand-written log, read by the public parser and compared with a result written by hand.
//!
//! The results come from what was done to the kernel in each case (who was started, who was waited for with which
//! signal, what the tracepoints saw), never from the parser.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests may fail")]

mod compare;
mod raw;
mod support;

use compare::differences;
use raw::events_of_records;
use serde_json::Value;
use support::{Fixture, account, events, events_of_chunks, fixtures};

/// Collects what differs and fails once, so that one run shows all of it.
#[derive(Default)]
struct Report(Vec<String>);

impl Report {
    fn compare(&mut self, fixture: &Fixture, how: &str, expected: &Value, actual: &Value) {
        for difference in differences(expected, actual) {
            self.0.push(format!("{} ({how}): {difference}", fixture.name));
        }
    }

    fn finish(self) {
        assert!(self.0.is_empty(), "{} differences\n{}", self.0.len(), self.0.join("\n"));
    }
}

/// Reads every fixture of a folder as text, and record by record where it holds records.
fn compare_all(folder: &str) {
    let mut report = Report::default();
    for fixture in fixtures(folder) {
        report.compare(&fixture, "as text", &fixture.expected, &account(events(&fixture.log)));
        if fixture.raw {
            let by_record = account(events_of_records(&fixture.log));
            report.compare(&fixture, "record by record", &fixture.expected, &by_record);
        }
    }
    report.finish();
}

#[test]
fn recorded_kernel_logs_give_the_victims_the_kernel_really_killed() {
    compare_all("kernel");
}

#[test]
fn hand_written_logs_give_what_a_careful_reader_finds() {
    compare_all("text");
}

#[test]
fn where_a_read_ends_changes_nothing() {
    for fixture in fixtures("kernel").iter().filter(|f| f.log.len() < 100_000) {
        let whole = account(events(&fixture.log));
        for size in [1, 7, 80, 4096] {
            let chunked = account(events_of_chunks(fixture.log.chunks(size)));
            assert_eq!(whole, chunked, "{} in pieces of {size} bytes", fixture.name);
        }
    }
}

#[test]
fn every_kill_of_a_raw_log_says_when() {
    for fixture in fixtures("kernel") {
        let account = account(events(&fixture.log));
        for kill in account["kills"].as_array().unwrap() {
            assert!(
                kill["time"].is_string(),
                "{}: kill of {} has no time",
                fixture.name,
                kill["pid"]
            );
        }
    }
}

#[test]
fn every_fixture_says_what_is_expected_in_full() {
    let keys = ["kills", "allocation_failures", "incomplete", "unverified"];
    let fields = [
        "pid",
        "comm",
        "scope",
        "level",
        "oom_memcg",
        "task_memcg",
        "pod_uid",
        "container_id",
        "anon_rss_kb",
        "total_vm_kb",
        "oom_score_adj",
        "order",
        "trigger_comm",
    ];
    for fixture in fixtures("kernel").into_iter().chain(fixtures("text")) {
        for key in keys {
            assert!(fixture.expected.get(key).is_some(), "{}: {key} is missing", fixture.name);
        }
        for kill in fixture.expected["kills"].as_array().unwrap() {
            for field in fields {
                assert!(kill.get(field).is_some(), "{}: {field} is missing", fixture.name);
            }
        }
    }
}
