//! Hostile and damaged input: whatever the bytes, the parser ends, invents nobody and mixes up no two reports.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests may fail")]

mod compare;
mod raw;
mod support;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use coroner_core::kernel_log::{Options, Parser};
use proptest::prelude::{
    Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use serde_json::Value;

use compare::differences;
use raw::{events_of_records, records};
use support::{Fixture, account, events, events_of_chunks, fixtures};

/// The fixtures that name somebody who died and are small enough to be cut up many times.
static LOGS: LazyLock<Vec<Fixture>> = LazyLock::new(|| {
    let all = fixtures("kernel").into_iter().chain(fixtures("text"));
    all.filter(|f| f.log.len() < 20_000 && !kills(&f.expected).is_empty()).collect()
});

fn log() -> impl Strategy<Value = &'static [u8]> {
    any::<prop::sample::Index>().prop_map(|n| n.get(&LOGS[..]).log.as_slice())
}

fn raw_log() -> impl Strategy<Value = &'static [u8]> {
    let raw = || LOGS.iter().filter(|f| f.raw);
    (0..raw().count()).prop_map(move |n| raw().nth(n).unwrap().log.as_slice())
}

/// Words that the parser listens to, in any order and number, with anything in between.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "a invoked oom-killer: gfp_mask=0x0(), order=",
        "oom-kill:constraint=",
        "oom_memcg=/",
        "task_memcg=/",
        "task=a,pid=7,uid=0",
        "Killed process 7 (",
        ") total-vm:1kB",
        "Memory cgroup out of memory: ",
        "Out of memory: ",
        "Task in / killed as a result of limit of /",
        "Memory cgroup stats for /:",
        "[  pid  ]   uid  tgid total_vm      rss name",
        "[      7]     0     7  1  1 a",
        "Mem-Info:",
        "Tasks in / are going to be killed due to memory.oom.group set",
        "page allocation failure: order:",
        "oom_reaper: reaped process 7 (a)",
        "6,1,2,-;",
        "[    1.000000] ",
        "<6>",
        "kernel: ",
        "\\x0a",
        "--",
        "{\"MESSAGE\":\"",
        "\"}",
        "\n",
        " ",
        "18446744073709551616",
        "-1",
        "99999999999999999999999",
        "é",
        "\0",
    ];
    let word = (0..words.len()).prop_map(move |n| words[n].as_bytes().to_vec());
    let piece = prop_oneof![8 => word, 1 => prop::collection::vec(any::<u8>(), 0..8)];
    prop::collection::vec(piece, 0..200).prop_map(|pieces| pieces.concat())
}

/// Every process that the text names as somebody's victim: any other pid was invented.
fn named(text: &[u8]) -> BTreeSet<u64> {
    let mut named = BTreeSet::new();
    for word in ["process ", "pid="] {
        for at in memchr::memmem::find_iter(text, word) {
            let digits = text[at + word.len()..].split(|b| !b.is_ascii_digit()).next().unwrap();
            named.extend(std::str::from_utf8(digits).unwrap().parse::<u64>());
        }
    }
    named
}

fn kills(account: &Value) -> &[Value] {
    account["kills"].as_array().unwrap()
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_the_end(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        events(&bytes);
        let mut parser = Parser::new(Options::default());
        parser.record(&bytes, &mut |_| {});
        parser.finish(&mut |_| {});
    }

    #[test]
    fn any_soup_of_the_kernels_words_is_read_to_the_end(text in soup(), cut in 1usize..64) {
        let whole = account(events(&text));
        prop_assert_eq!(&whole, &account(events_of_chunks(text.chunks(cut))));
        let written = named(&text);
        for kill in kills(&whole) {
            prop_assert!(written.contains(&kill["pid"].as_u64().unwrap()), "invented {}", kill);
        }
        events_of_records(&text);
    }

    #[test]
    fn where_reads_end_changes_nothing(log in log(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(log.len())).collect();
        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut from = 0;
        for cut in cuts {
            chunks.push(&log[from..cut]);
            from = cut;
        }
        chunks.push(&log[from..]);
        prop_assert_eq!(events(log), events_of_chunks(chunks));
    }

    #[test]
    fn missing_lines_make_nobody_up(log in log(), keep in prop::collection::vec(any::<bool>(), 1..64)) {
        let lines = log.split_inclusive(|&b| b == b'\n').zip(keep.iter().cycle());
        let left: Vec<u8> = lines.filter(|(_, keep)| **keep).flat_map(|(line, _)| line).copied().collect();
        let written = named(&left);
        for kill in kills(&account(events(&left))) {
            prop_assert!(written.contains(&kill["pid"].as_u64().unwrap()), "invented {}", kill);
        }
    }

    #[test]
    fn lost_records_make_nobody_up(log in raw_log(), keep in prop::collection::vec(any::<bool>(), 1..64)) {
        let left: Vec<u8> = records(log).into_iter().zip(keep.iter().cycle())
            .filter(|(_, keep)| **keep).flat_map(|(record, _)| record).collect();
        let written = named(&left);
        for kill in kills(&account(events_of_records(&left))) {
            prop_assert!(written.contains(&kill["pid"].as_u64().unwrap()), "invented {}", kill);
        }
    }

    /// The header of one report, cut anywhere, then another report's kill after a gap: the trigger stays where it was.
    #[test]
    fn a_trigger_never_crosses_a_gap(cut in any::<prop::sample::Index>(), gap in prop_oneof![Just("--\n"), Just("")]) {
        let header: Vec<String> = ["first invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=3, oom_score_adj=1",
            "CPU: 0 PID: 11 Comm: first Not tainted 6.1.0", "memory: usage 4kB, limit 4kB, failcnt 1",
            "Memory cgroup stats for /first:", "anon 1", "Tasks state (memory values in pages):",
            "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
            "[     11]     0    11     1558     1418    49152        0           969 first",
        ].iter().map(|line| format!("[    1.000000] {line}\n")).collect();
        let mut text = header[..=cut.index(header.len())].concat();
        text.push_str(gap);
        text.push_str("[    2.000000] Out of memory: Killed process 22 (second) total-vm:4kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:5\n");
        let account = account(events(text.as_bytes()));
        let kill = &kills(&account)[0];
        prop_assert_eq!(&kill["pid"], 22);
        if !gap.is_empty() {
            prop_assert_eq!(&kill["trigger_comm"], &Value::Null, "{}", text);
            prop_assert_eq!(&kill["order"], &Value::Null);
            prop_assert_eq!(&kill["oom_memcg"], &Value::Null);
        }
    }
}

/// Two boots in one file: what either says stays as it was, also where the second begins with a bare kill line.
#[test]
fn logs_of_two_boots_do_not_mix() {
    let raw: Vec<&Fixture> =
        LOGS.iter().filter(|f| f.raw && f.name.starts_with("kernel/")).collect();
    let pids = |f: &Fixture| -> BTreeSet<u64> {
        kills(&f.expected).iter().map(|k| k["pid"].as_u64().unwrap()).collect()
    };
    let mut differing = Vec::new();
    for first in &raw {
        // A pid that is in both may be one process shown twice.
        for second in raw.iter().step_by(5).filter(|second| pids(first).is_disjoint(&pids(second)))
        {
            let both = [first.log.as_slice(), &second.log].concat();
            let mut expected = first.expected.clone();
            let more = kills(&second.expected).to_vec();
            expected["kills"].as_array_mut().unwrap().extend(more);
            expected["incomplete"] = (first.expected["incomplete"].as_u64().unwrap()
                + second.expected["incomplete"].as_u64().unwrap())
            .into();
            expected.as_object_mut().unwrap().remove("allocation_failures");
            for (how, found) in [("text", events(&both)), ("records", events_of_records(&both))] {
                let found = differences(&expected, &account(found));
                let names = format!("{} then {} ({how})", first.name, second.name);
                differing.extend(found.into_iter().map(|line| format!("{names}: {line}")));
            }
        }
    }
    assert!(differing.is_empty(), "{} differences\n{}", differing.len(), differing.join("\n"));
}

/// Memory that an open report takes is bounded, and so is the time: a report of a million lines ends at once.
#[test]
fn endless_reports_end() {
    let mut parser = Parser::new(Options::default());
    let mut found = 0;
    parser.text(
        b"[    1.000000] a invoked oom-killer: gfp_mask=0x0, order=0, oom_score_adj=0\n",
        &mut |_| found += 1,
    );
    let rows = b"[    1.000000] [     11]     0    11     1558     1418    49152        0           969 first\n".repeat(1000);
    for _ in 0..200 {
        parser.text(&rows, &mut |_| found += 1);
    }
    parser.finish(&mut |_| found += 1);
    assert!(found >= 1, "the header is reported");
}

#[test]
fn a_line_without_end_is_no_memory_leak() {
    let mut parser = Parser::new(Options::default());
    let piece = [b'x'; 65_536];
    for _ in 0..2_000 {
        parser.text(&piece, &mut |_| {});
    }
    let mut pids = Vec::new();
    parser.text(
        b"\nOut of memory: Killed process 22 (a) total-vm:4kB, anon-rss:4kB, file-rss:0kB\n",
        &mut |e| pids.push(e),
    );
    parser.finish(&mut |e| pids.push(e));
    assert_eq!(account(pids)["kills"][0]["pid"], 22);
}
