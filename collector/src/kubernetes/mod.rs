//! Watches the Kubernetes API and hands on what it says, as small records; and writes Events about incidents into it
//! (`publish`).
//!
//! ```text
//! API server ── HTTP ──▶ Api ──▶ Watcher, one a part ──▶ Reading ── ApiChange ──▶ deliver ──▶ store
//!                         └ Date: clock difference        └ what is kept is some hundred bytes a pod
//! ```
//!
//! kube gives the way in (kubeconfig, service account, TLS, tokens that are renewed) and carries the requests. Listing and
//! watching is our own, since kube's `watcher` needs every object of a page to be readable and logs the page when one is
//! not (with the passwords in people's environments), reads lines of any length, and waits for ever on a server that
//! knows no streaming lists.
//!
//! The API server promises: a watch from a version shows every later change of every object, in order, unless it says
//! 410, after which everything is listed anew. Objects that are deleted in between are not mentioned; so whoever listens
//! gets [`ApiChange::PodsAre`] after each whole list. An API server that is away, or refuses, costs what it would have told:
//! that is an [`ApiGap`], and everything else goes on.
//!
//! [`ApiChange::PodsAre`]: coroner_core::kubernetes::ApiChange::PodsAre
//! [`ApiGap`]: coroner_core::kubernetes::ApiGap

mod access;
mod api;
mod backoff;
mod body;
mod clock;
mod deliver;
mod health;
mod input;
mod list;
mod owners;
mod pace;
mod parts;
mod publish;
mod reading;
mod recovery;
mod restored;
mod watcher;

use coroner_core::kubernetes::Seen;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use access::{Access, AccessError, Connection};
pub(crate) use deliver::deliver;
pub use health::{Health, PartHealth, Standing};
pub use input::KubernetesInput;
pub use pace::Pace;
pub use parts::{PARTS, Part, VERBS, WRITES};
pub(crate) use publish::{EventCounts, publish};

use self::owners::Owners;
use self::reading::{EventReading, NodeReading, OwnerReading, PodReading, Reading};
use self::watcher::Watcher;
use coroner_core::kubernetes::ApiPart;

/// Changes that may wait for whoever listens, before the API server has to: a second of a cluster's busiest moments.
pub const MOST_WAITING: usize = 1024;

/// Begins to watch. The watchers end when `stopping` turns true or the other end of `changes` is gone; dropping the set
/// ends them at once.
#[must_use]
pub fn start(
    connection: &Connection,
    pace: &Pace,
    health: &Health,
    changes: &mpsc::Sender<Seen>,
    stopping: &watch::Receiver<bool>,
) -> JoinSet<()> {
    let owners = Owners::new(PARTS.iter().filter(|part| part.part == ApiPart::Owners).count());
    let mut watchers = JoinSet::new();
    for part in &PARTS {
        let reading: Box<dyn Reading> = match part.part {
            ApiPart::Pods => Box::new(PodReading::new(owners.clone())),
            ApiPart::Events => Box::new(EventReading),
            ApiPart::Nodes => Box::new(NodeReading::default()),
            ApiPart::Owners => Box::new(OwnerReading::new(part.kind, owners.clone())),
        };
        let api = connection.api(pace.clone(), health.clone());
        let watcher = Watcher::new(api, part, reading, health.clone(), changes.clone());
        let owners = (part.part == ApiPart::Pods).then(|| owners.clone());
        let mut stopping = stopping.clone();
        watchers.spawn(async move {
            let watching = async {
                // A pod's first record should know its Deployment; a cluster that does not let us see them should not wait.
                if let Some(owners) = owners {
                    owners.listed().await;
                }
                watcher.run().await;
            };
            tokio::select! {
                () = watching => {}
                _ = stopping.wait_for(|stop| *stop) => {}
            }
        });
    }
    watchers
}
