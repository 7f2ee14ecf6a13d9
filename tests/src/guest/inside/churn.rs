//! Containers that come and go in a pod while a case goes on, most of them before anybody can look.
//!
//! Most groups are made and removed at once; one in ten has a process for a moment, which ends by itself and whose `/proc`
//! entry vanishes while it is read. Nobody is killed in any of them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use super::groups::Tree;
use super::scene::{container_id, wait};

/// One group in so many has a process.
const VISITED: u32 = 10;

/// Groups coming and going until they are ended.
pub(super) struct Churn {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<u32, String>>,
}

impl Churn {
    /// Begins to make and remove containers in a pod, with so much time between two.
    pub(super) fn begin(tree: &Tree, case: &str, pod: &Path, between: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, tree) = (Arc::clone(&stop), tree.clone());
        let (case, pod) = (case.to_owned(), pod.to_owned());
        let thread = std::thread::spawn(move || {
            let mut made = 0;
            while !stopped.load(Relaxed) {
                let group = tree.container(&pod, &container_id(&case, &format!("churn-{made}")))?;
                if made % VISITED == 0 {
                    visit(&tree, &group)?;
                }
                wait("a group that came stays", || tree.remove(&group))?;
                made += 1;
                std::thread::sleep(between);
            }
            Ok(made)
        });
        Self { stop, thread }
    }

    /// Ends it, and says how many there were.
    pub(super) fn end(self) -> Result<u32, String> {
        self.stop.store(true, Relaxed);
        self.thread.join().map_err(|_| "the churn broke off".to_owned())?
    }
}

/// A process for a moment.
fn visit(tree: &Tree, group: &Path) -> Result<(), String> {
    let mut sleep = Command::new("/bin/sleep");
    let mut visitor =
        sleep.arg("0.02").stdin(Stdio::null()).spawn().map_err(|e| format!("sleep: {e}"))?;
    // It may be gone already.
    let _ = tree.join(group, visitor.id());
    visitor.wait().map(drop).map_err(|e| e.to_string())
}
