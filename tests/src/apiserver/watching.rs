//! The collector's watch of the API, without the rest of the collector: what it hands on, one at a time.

use std::path::Path;
use std::time::Duration;

use coroner_collector::kubernetes::{Access, Health, Pace, start};
use coroner_core::kubernetes::{ApiChange, ApiGap, ApiPart, Seen};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::{ApiServer, Generated, pod_running};

/// How long something may take that must come. This bounds a hang; it measures nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// A watch of a double.
pub struct Watching {
    /// How it stands.
    pub health: Health,
    seen: mpsc::Receiver<Seen>,
    _stop: watch::Sender<bool>,
    _watchers: JoinSet<()>,
    _dir: TempDir,
}

/// As patient as a test is: tries again at once.
#[must_use]
pub fn impatient() -> Pace {
    Pace {
        first_retry: Duration::from_millis(5),
        longest_retry: Duration::from_millis(50),
        refused_retry: Duration::from_millis(50),
        ..Pace::default()
    }
}

impl Watching {
    /// Begins to watch a double.
    pub async fn of(server: &ApiServer, pace: &Pace) -> Self {
        let dir = TempDir::new().unwrap();
        let path = server.kubeconfig(dir.path());
        Self::by(&path, dir, pace).await
    }

    /// Begins to watch whatever a kubeconfig leads to.
    pub async fn by(kubeconfig: &Path, dir: TempDir, pace: &Pace) -> Self {
        let access = Access::Kubeconfig { path: kubeconfig.to_owned(), context: None };
        let connection = access.connect().await.unwrap().unwrap();
        let (changes, seen) = mpsc::channel(1024);
        let (stop, stopping) = watch::channel(false);
        let health = Health::default();
        let watchers = start(&connection, pace, &health, &changes, &stopping);
        Self { health, seen, _stop: stop, _watchers: watchers, _dir: dir }
    }

    /// The next change.
    pub async fn next(&mut self) -> ApiChange {
        let next = tokio::time::timeout(PATIENCE, self.seen.recv()).await;
        next.expect("a change must come").expect("the watch goes on").change
    }

    /// The first change that `wanted` makes something of, and everything before it.
    pub async fn until<T>(
        &mut self,
        mut wanted: impl FnMut(&ApiChange) -> Option<T>,
    ) -> (T, Vec<ApiChange>) {
        let mut before = Vec::new();
        loop {
            let change = self.next().await;
            match wanted(&change) {
                Some(found) => return (found, before),
                None => before.push(change),
            }
        }
    }
}

/// Pod number `n`, running.
#[must_use]
pub fn pod(n: u32) -> Value {
    pod_running(&Generated::number(n))
}

/// A node with nothing but its name.
#[must_use]
pub fn node(name: &str) -> Value {
    json!({"metadata": {"name": name, "uid": format!("uid-of-{name}")}})
}

/// An event about pod number 1.
#[must_use]
pub fn event(n: u32) -> Value {
    json!({"metadata": {"name": format!("e{n}"), "namespace": "generated", "uid": format!("e{n}")}, "reason": "Killing",
        "involvedObject": {"kind": "Pod", "name": "web-000001", "namespace": "generated"}})
}

/// The uids of a whole list of pods.
#[must_use]
pub fn pods_are(change: &ApiChange) -> Option<Vec<String>> {
    match change {
        ApiChange::PodsAre(uids) => Some(uids.clone()),
        _ => None,
    }
}

/// Makes something of the first change of the pod with that name.
pub fn pod_named(name: &'static str) -> impl FnMut(&ApiChange) -> Option<()> {
    move |change| matches!(change, ApiChange::Pod(pod) if pod.name == name).then_some(())
}

/// Makes something of the first gap in that part that is open, or closed.
pub fn gap(part: ApiPart, open: bool) -> impl FnMut(&ApiChange) -> Option<ApiGap> {
    move |change| match change {
        ApiChange::Gap(gap) if gap.part == part && gap.to.is_none() == open => Some(gap.clone()),
        _ => None,
    }
}

/// The watches of pods that began anew with everything, and those that went on from a version.
#[must_use]
pub fn pod_watches(server: &ApiServer) -> (usize, usize) {
    let asked = server.asked();
    let watches = asked.iter().filter(|one| one.resource == "pods" && one.verb == "watch");
    let (all, on): (Vec<_>, Vec<_>) =
        watches.partition(|one| one.query.contains_key("sendInitialEvents"));
    (all.len(), on.len())
}
