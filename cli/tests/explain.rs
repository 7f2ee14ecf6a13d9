//! `coroner explain` as people run it: on good logs, on bad files, on files that never end.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/kernel/6.1/v2/b/kmsg");

fn coroner(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coroner"));
    command.arg("explain").args(args).stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    coroner(args).output().unwrap()
}

fn piped(args: &[&str], input: &[u8]) -> Output {
    let mut child = coroner(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// One sentence on standard error, exit status 2, no result invented.
fn refused(output: &Output, parts: &[&str]) {
    let message = err(output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

fn path(dir: &Path, name: &str, content: &[u8]) -> String {
    let path = dir.join(name);
    fs::write(&path, content).unwrap();
    path.display().to_string()
}

#[test]
fn the_json_has_exactly_the_promised_keys() {
    let output = run(&["-o", "json", LOG]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys = |value: &Value| {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys.join(" ")
    };
    assert_eq!(keys(&all), "allocation_failures incomplete kills unverified");
    assert_eq!(
        keys(&all["kills"][0]),
        "anon_rss_kb comm container_id level oom_memcg oom_score_adj order pid pod_uid scope task_memcg time \
         total_vm_kb trigger_comm"
    );
    assert_eq!(all["kills"][0]["level"], "pod");
    assert_eq!(all["kills"][0]["pod_uid"], "11111111-2222-3333-4444-555555555555");
}

#[test]
fn a_pipe_a_dash_and_a_file_say_the_same() {
    let log = fs::read(LOG).unwrap();
    let file = run(&[LOG]);
    assert_eq!(piped(&[], &log).stdout, file.stdout);
    assert_eq!(piped(&["-"], &log).stdout, file.stdout);
    assert!(String::from_utf8(file.stdout).unwrap().contains("POD MEMORY LIMIT"));
}

#[test]
fn a_log_without_deaths_says_so() {
    let output = piped(&[], b"[    1.000000] eth0: link up\n");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"The log says nothing about memory deaths.\n");
}

#[test]
fn what_is_no_log_gets_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    refused(&run(&["/nonexistent/kern.log"]), &["/nonexistent/kern.log", "No such file"]);
    refused(&run(&[dir.path().to_str().unwrap()]), &["cannot read", "directory"]);
    refused(&run(&[&path(dir.path(), "empty", b"")]), &["empty", "expected a kernel log"]);
    refused(&piped(&[], b""), &["standard input is empty"]);
    refused(&run(&[&path(dir.path(), "kern.log.gz", b"\x1f\x8b\x08\0\0\0")]), &["gzip", "zcat"]);
    refused(&run(&[env!("CARGO_BIN_EXE_coroner")]), &["no text"]);
    refused(&run(&["/dev/zero"]), &["/dev/zero", "no text"]);
    let hostile = path(dir.path(), "a\x1b[2Jb", b"");
    refused(&run(&[&hostile]), &["\\x1b[2J"]);
}

#[test]
fn a_bad_file_does_not_hide_the_good_ones() {
    let output = run(&["-o", "json", "/nonexistent", LOG]);
    refused(&output, &["/nonexistent"]);
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(all["kills"].as_array().unwrap().len(), 1);
}

#[test]
fn wrong_flags_name_the_flag_and_what_was_expected() {
    for (args, part) in [
        (&["-o", "xml", LOG][..], "text, json"),
        (&["--page-size", "1000", LOG][..], "4096"),
        (&["--nonsense"][..], "--nonsense"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains(part), "{}", err(&output));
    }
}

/// Peak memory of a running process in KiB.
fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Feeds `block` again and again until `total` bytes are through, and gives the reader's peak memory in KiB.
fn peak_after(block: &[u8], total: usize) -> u64 {
    let mut child =
        coroner(&["-o", "json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for _ in 0..total / block.len() {
        stdin.write_all(block).unwrap();
    }
    let peak = peak_kib(child.id());
    drop(stdin);
    let mut result = String::new();
    child.stdout.take().unwrap().read_to_string(&mut result).unwrap();
    assert!(child.wait().unwrap().success());
    serde_json::from_str::<Value>(&result).unwrap();
    peak
}

#[test]
fn memory_stays_flat_however_large_the_log() {
    let mut ordinary = Vec::new();
    while ordinary.len() < 1 << 20 {
        ordinary
            .extend_from_slice(b"6,1,1,-;eth0: renamed from tmpd1a7c, which is an ordinary line\n");
    }
    let small = peak_after(&ordinary, 4 << 20);
    let large = peak_after(&ordinary, 1 << 30);
    assert!(large < small + 4096, "{small} KiB for 4 MiB, {large} KiB for 1 GiB");
    // One line that never ends, and one table that never ends.
    let endless_line = vec![b'x'; 1 << 20];
    let mut endless_table = b"[1.0] a invoked oom-killer: gfp_mask=0x0, order=0, oom_score_adj=0\n\
        [1.0] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
        .to_vec();
    while endless_table.len() < 1 << 20 {
        endless_table.extend_from_slice(
            b"[1.0] [    343]     0   343     1558     1418    49152        0           969 h\n",
        );
    }
    for block in [&endless_line, &endless_table] {
        let peak = peak_after(block, 32 << 20);
        assert!(peak < small + 16 * 1024, "{small} KiB for ordinary lines, {peak} KiB");
    }
}

#[test]
fn an_endless_log_is_shown_as_it_comes() {
    let mut child = coroner(&[]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&fs::read(LOG).unwrap()).unwrap();
    stdin.write_all(b"6,9,9,-;the log goes on\n").unwrap();
    // Standard input stays open; what was said so far must be there all the same.
    let mut stdout = child.stdout.take().unwrap();
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut seen = Vec::new();
        let mut piece = [0; 1024];
        while let Ok(length @ 1..) = stdout.read(&mut piece) {
            seen.extend_from_slice(&piece[..length]);
            if seen.windows(16).any(|w| w == b"POD MEMORY LIMIT") {
                let _ = send.send(());
            }
        }
    });
    receive.recv_timeout(Duration::from_secs(20)).expect("the kill is shown before the log ends");
    drop(stdin);
    child.wait().unwrap();
}
