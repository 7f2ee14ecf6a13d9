//! Containers that come and go by the hundred, most of them before anybody can look.
//!
//! Empty groups are made and removed at a given rate; beside them a few have a process for a moment, whose `/proc`
//! entry vanishes while it is read. Nobody is killed in any of them.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::groups::{Kubepods, Level, MIB, directory};

/// Between two groups with a process in them.
const VISITS: Duration = Duration::from_millis(50);

/// How late the maker of groups may be before it stops to catch up.
const LATE: Duration = Duration::from_secs(1);

/// Groups coming and going until it is stopped.
pub struct Churn {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<u64>>,
    groups: Kubepods,
}

impl Churn {
    /// Begins to make and remove `rate` containers a second in a pod.
    ///
    /// # Panics
    ///
    /// When the kernel refuses.
    #[must_use]
    pub fn start(rate: u32) -> Self {
        let groups = Kubepods::create("churn");
        groups.limit(Level::Pod, 64 * MIB);
        let pod = directory(&groups.path(Level::Pod));
        let stop = Arc::new(AtomicBool::new(false));
        let name = format!("{:048x}", u128::from(std::process::id()));
        let container = move |kind: u8, n: u64| -> PathBuf {
            pod.join(format!("cri-containerd-{name}{kind:02x}{n:014x}.scope"))
        };
        let (stopped, empty) = (Arc::clone(&stop), container.clone());
        let empty = std::thread::spawn(move || {
            let (mut made, mut due) = (0, Instant::now());
            while !stopped.load(Relaxed) {
                let dir = empty(1, made);
                std::fs::create_dir(&dir).expect("a group is made");
                std::fs::remove_dir(&dir).expect("an empty group is removed");
                made += 1;
                due = (due + Duration::from_secs(1) / rate).max(Instant::now() - LATE);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            made
        });
        let stopped = Arc::clone(&stop);
        let visited = std::thread::spawn(move || {
            let mut made = 0;
            while !stopped.load(Relaxed) {
                visit(&container(2, made));
                made += 1;
                std::thread::sleep(VISITS);
            }
            made
        });
        Self { stop, threads: vec![empty, visited], groups }
    }

    /// Ends it, and says how many groups there were.
    ///
    /// # Panics
    ///
    /// When the kernel refused one.
    pub fn stop(&mut self) -> u64 {
        self.stop.store(true, Relaxed);
        self.threads.drain(..).map(|thread| thread.join().expect("groups came and went")).sum()
    }

    /// Incidents that say of somebody here that he was killed.
    #[must_use]
    pub fn invented(&self, incidents: &[Value]) -> Vec<Value> {
        let here = incidents.iter().filter(|i| i["pod"]["uid"] == self.groups.pod_uid.as_str());
        let killed = |i: &&Value| !i["kernel"].is_null() || i["cause"] == "ExternalKill";
        here.filter(killed).cloned().collect()
    }
}

impl Drop for Churn {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A group with a process for some milliseconds.
fn visit(dir: &std::path::Path) {
    std::fs::create_dir(dir).expect("a group is made");
    let mut sleep = Command::new("sleep");
    let mut visitor = sleep.arg("0.01").stdin(Stdio::null()).spawn().expect("sleep starts");
    // It may be gone already.
    let _ = std::fs::write(dir.join("cgroup.procs"), visitor.id().to_string());
    visitor.wait().expect("our child");
    let patience = Instant::now() + Duration::from_secs(5);
    // The dead leave a group a moment after they were waited for.
    while let Err(error) = std::fs::remove_dir(dir) {
        assert!(Instant::now() < patience, "cannot remove {}: {error}", dir.display());
        std::thread::sleep(Duration::from_millis(1));
    }
}
