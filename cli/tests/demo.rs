//! The demo as people run it: it answers, really or from a recording, and leaves nothing behind.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn demo(temp: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coroner"));
    command.arg("demo").env("TMPDIR", temp).env_remove("CORONER_LOG").stdin(Stdio::null());
    command
}

#[test]
fn the_demo_shows_an_answer_and_leaves_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let ended = demo(temp.path()).output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(said.contains("CONTAINER MEMORY LIMIT"), "{said}");
    // Real where it can be, else a recording; in both cases it says which.
    assert!(said.contains("This was real") != said.contains("This was a recording"), "{said}");
    if said.contains("This was real") {
        assert!(said.contains("(coroner-hog)") && said.contains("32 MiB"), "{said}");
        // Which witness tells it first decides how it is said: the group, the trace, or the kernel's table.
        assert!(said.contains("it ended.") || said.contains("container ended."), "{said}");
    }
    assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 0);
}

#[test]
fn an_interrupted_demo_leaves_nothing() {
    for wait in [0, 60, 120, 200] {
        let temp = tempfile::tempdir().unwrap();
        let mut running =
            demo(temp.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(30 + wait));
        interrupt(running.id());
        running.wait().unwrap();
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 0, "after {wait} ms");
    }
    // Other tests' demos may be under way: theirs go too.
    let deadline = Instant::now() + Duration::from_secs(5);
    let left = ["/sys/fs/cgroup", "/sys/fs/cgroup/memory"]
        .map(|root| Path::new(root).join("coroner-demo-kubepods.slice"));
    while left.iter().any(|path| path.exists()) {
        assert!(Instant::now() < deadline, "a group is left behind");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn interrupt(pid: u32) {
    let status = Command::new("kill").arg("-INT").arg(pid.to_string()).status().unwrap();
    assert!(status.success());
}
