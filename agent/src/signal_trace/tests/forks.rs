use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use super::{Container, PATIENCE, Trace, tracefs, unique};

/// A `/proc` that has forgotten every process.
fn forgetful() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy("/proc/cgroups", dir.path().join("cgroups")).unwrap();
    dir
}

fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

async fn written(file: &Path) -> u32 {
    let start = Instant::now();
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if let Some(pid) = text.strip_suffix('\n') {
            return pid.parse().unwrap();
        }
        assert!(start.elapsed() < PATIENCE, "nobody wrote {}", file.display());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_process_that_nobody_saw_is_where_its_parent_was_moved_to() {
    let test = "a_process_that_nobody_saw_is_where_its_parent_was_moved_to";
    let Some((tracefs, _turn)) = tracefs(test).await else { return };
    let (proc, name) = (forgetful(), unique("forks"));
    let mut trace = Trace::start_with(&tracefs, &name, proc.path()).await;
    let recorder = tracefs.join("instances").join(format!("{name}-forks"));
    assert!(recorder.exists(), "{:?}", trace.told());
    let container = Container::create(&name);
    let file = proc.path().join("pid");
    // Between its move and its first child there is some time, as with a runtime.
    let script = format!("sleep 0.2; sh -c 'sleep 600 & echo $! > {}; wait'", file.display());
    let shell = container.run(&script);
    let child = written(&file).await;
    assert!(std::process::Command::new("kill").args(["-9", &child.to_string()]).status().is_ok());
    let kill = trace.kill_of(child).await;
    assert_eq!(kill.receiver.cgroup.as_deref(), Some(container.path.as_str()));
    assert_eq!(trace.homes.sighting(child), None, "nobody had seen it");
    end(shell);
    trace.end().await;
    assert!(!recorder.exists(), "it is removed at the end");
}

/// An agent that was killed recorded the fork, and the next one reads it.
#[tokio::test]
async fn what_was_recorded_outlives_an_agent_that_is_killed() {
    let test = "what_was_recorded_outlives_an_agent_that_is_killed";
    let Some((tracefs, _turn)) = tracefs(test).await else { return };
    let (proc, name) = (forgetful(), unique("forks-left"));
    let trace = Trace::start_with(&tracefs, &name, proc.path()).await;
    let container = Container::create(&name);
    let file = proc.path().join("pid");
    let shell =
        container.run(&format!("sleep 0.2; sleep 600 & echo $! > {}; wait", file.display()));
    let child = written(&file).await;
    trace.task.abort();
    let _ = trace.task.await;
    assert!(std::process::Command::new("kill").args(["-9", &child.to_string()]).status().is_ok());
    // From now on its signal is late news, and its id may be another's.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let mut next = Trace::start_with(&tracefs, &name, proc.path()).await;
    let kill = next.kill_of(child).await;
    assert_eq!(kill.receiver.cgroup.as_deref(), Some(container.path.as_str()));
    end(shell);
    next.end().await;
}

#[tokio::test]
async fn a_recorder_that_is_switched_off_stops_nothing() {
    let test = "a_recorder_that_is_switched_off_stops_nothing";
    let Some((tracefs, _turn)) = tracefs(test).await else { return };
    let name = unique("no-forks");
    let mut trace = Trace::start_with(&tracefs, &name, Path::new("/proc")).await;
    let told = trace.told();
    assert!(told.reading && told.detail.contains("records forks, with"), "{}", told.detail);
    std::fs::write(tracefs.join("instances").join(format!("{name}-forks/tracing_on")), "0")
        .unwrap();
    let mut victim = super::sleeper();
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert_eq!(trace.kill_of(victim.id()).await.code, 0);
    trace.end().await;
}
