//! The program itself: its help, its end, its death, and what it says when it cannot start.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use coroner_collector::{Collector, Config};

use crate::agent::config;

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coroner-collector"));
    command.args([
        "--grpc-addr",
        "127.0.0.1:0",
        "--http-addr",
        "127.0.0.1:0",
        "--log-format",
        "json",
        "--data-dir",
    ]);
    command.arg(dir).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts it and waits until it serves; the rest of its log can be read from the reader.
fn start(dir: &Path) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = command(dir).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("\"message\":\"serving\"") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "it ended without serving");
        assert!(line.starts_with('{'), "{line}");
    }
    (child, log)
}

fn kill(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn fails(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn sigterm_and_sigint_end_it_within_a_second() {
    for signal in ["-TERM", "-INT"] {
        let dir = tempfile::tempdir().unwrap();
        let (mut child, mut log) = start(dir.path());
        let begin = Instant::now();
        kill(&child, signal);
        let status = child.wait().unwrap();
        assert!(begin.elapsed() < Duration::from_secs(1), "{signal}: {:?}", begin.elapsed());
        let mut rest = String::new();
        log.read_to_string(&mut rest).unwrap();
        assert_eq!(status.code(), Some(0), "{signal}: {rest}");
    }
}

#[tokio::test]
async fn after_sigkill_the_directory_can_be_used_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, _log) = start(dir.path());
    let error = Collector::start(config(dir.path())).await.unwrap_err().to_string();
    assert!(error.contains("is in use by another collector"), "{error}");
    kill(&child, "-KILL");
    child.wait().unwrap();
    Collector::start(Config { http_addr: None, ..config(dir.path()) })
        .await
        .unwrap()
        .shutdown()
        .await;
}

#[test]
fn help_explains_every_flag() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_coroner-collector")).arg("--help").output().unwrap();
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for flag in [
        "grpc-addr",
        "http-addr",
        "data-dir",
        "retention-days",
        "insecure-listen-anywhere",
        "log-format",
    ] {
        assert!(help.contains(&format!("--{flag}")), "{flag}");
        let env = format!("CORONER_{}", flag.to_uppercase().replace('-', "_"));
        assert!(help.contains(&env), "{env}");
    }
}

#[test]
fn what_cannot_start_says_why_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("coroner.db"), "something else entirely").unwrap();
    let said = fails(&command(dir.path()).output().unwrap());
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("is no database of Coroner's"), "{said}");

    let dir = tempfile::tempdir().unwrap();
    let said = fails(&command(dir.path()).args(["--grpc-addr", "0.0.0.0:0"]).output().unwrap());
    assert!(said.contains("cannot be used multiple times"), "{said}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    for flag in ["--grpc-addr", "--http-addr"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coroner-collector"));
        command.env("CORONER_GRPC_ADDR", "127.0.0.1:0").env("CORONER_HTTP_ADDR", "127.0.0.1:0");
        let said =
            fails(&command.arg("--data-dir").arg(dir.path()).args([flag, &addr]).output().unwrap());
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(&format!("{flag} {addr} is taken by another process")), "{said}");
    }

    let mut anywhere = Command::new(env!("CARGO_BIN_EXE_coroner-collector"));
    let anywhere =
        anywhere.args(["--grpc-addr", "0.0.0.0:0", "--data-dir"]).arg(dir.path()).output().unwrap();
    let said = fails(&anywhere);
    assert!(said.contains("allow it with --insecure-listen-anywhere"), "{said}");
}
