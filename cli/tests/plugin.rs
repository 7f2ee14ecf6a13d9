//! The same program under the names by which kubectl runs it, and kubectl itself where it is installed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

/// A directory with links to the program, as it is installed for kubectl.
fn installed() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["coroner", "kubectl-coroner", "kubectl_complete-coroner"] {
        symlink(env!("CARGO_BIN_EXE_coroner"), dir.path().join(name)).unwrap();
    }
    dir
}

fn run(program: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(args).env("HOME", "/nonexistent");
    for name in ["CORONER_COLLECTOR", "KUBECONFIG", "KUBERNETES_SERVICE_HOST"] {
        command.env_remove(name);
    }
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn usage_and_hints_speak_of_the_program_as_it_was_called() {
    let dir = installed();
    for (name, called) in [("coroner", "coroner"), ("kubectl-coroner", "kubectl coroner")] {
        let program = dir.path().join(name);
        for (args, words) in [
            (&["--help"][..], format!("Usage: {called} <COMMAND>")),
            (&["list", "--help"], format!("Usage: {called} list [OPTIONS]")),
            (&["list", "--help"], format!("\n  {called} list --since 1h\n")),
            (&["explain", "--help"], format!("| {called} explain\n")),
        ] {
            let output = run(&program, args);
            assert_eq!(output.status.code(), Some(0));
            assert!(text(&output.stdout).contains(&words), "{words}: {}", text(&output.stdout));
        }
        let wrong = run(&program, &["list", "--nonsense"]);
        assert_eq!(wrong.status.code(), Some(1));
        let usage = format!("Usage: {called} list");
        assert!(text(&wrong.stderr).contains(&usage), "{}", text(&wrong.stderr));
        // Nobody listens on port 1.
        let absent = run(&program, &["list", "--collector", "http://127.0.0.1:1"]);
        let hint = format!("start one with `{called} standalone` or `coroner-collector`");
        assert!(text(&absent.stderr).contains(&hint), "{}", text(&absent.stderr));
    }
}

#[test]
fn kubectl_is_told_what_may_come_next() {
    let dir = installed();
    let program = dir.path().join("kubectl_complete-coroner");
    let output = run(&program, &["list", "-o", ""]);
    assert_eq!(output.status.code(), Some(0));
    let lines = text(&output.stdout);
    assert!(lines.starts_with("text\tFor people\n") && lines.ends_with("\n:4\n"), "{lines}");
}

/// kubectl finds the plugin on `PATH`, hands over its flags and its exit status, and asks it for completions.
#[test]
fn kubectl_itself_runs_it() {
    let dir = installed();
    let path = std::env::join_paths(
        std::iter::once(dir.path().to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )
    .unwrap();
    let kubectl = |args: &[&str]| {
        Command::new("kubectl").args(args).env("PATH", &path).env("HOME", dir.path()).output()
    };
    let Ok(help) = kubectl(&["coroner", "list", "--help"]) else {
        eprintln!("skipped: there is no kubectl here");
        return;
    };
    assert!(text(&help.stdout).contains("Usage: kubectl coroner list"), "{}", text(&help.stderr));
    let wrong = kubectl(&["coroner", "why"]).unwrap();
    assert_eq!(wrong.status.code(), Some(1), "{}", text(&wrong.stderr));
    let next = kubectl(&["__complete", "coroner", "completions", ""]).unwrap();
    let next = text(&next.stdout);
    assert!(next.contains("zsh") && next.trim_end().ends_with(":4"), "{next}");
}
