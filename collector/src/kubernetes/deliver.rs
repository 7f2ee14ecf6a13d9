//! From the watchers to the store, in batches: what waits goes together, and what cannot be stored is tried again.
//!
//! While the store cannot take it nothing more is read, so the API server waits, and gives up on the watch in the end; the
//! watch then goes on where it was. Nothing is dropped.

use std::time::Duration;

use coroner_core::kubernetes::Seen;
use tokio::sync::{mpsc, watch};

use super::backoff::Backoff;
use super::health::Health;
use super::input::KubernetesInput;
use super::pace::Pace;
use super::{Connection, MOST_WAITING, start};

/// Changes of one commit. A commit costs a sync of the disk, whatever is in it.
const BATCH: usize = 512;

/// Watches the API and stores what it says until the collector stops.
pub(crate) async fn deliver(
    connection: Connection,
    pace: Pace,
    health: Health,
    input: KubernetesInput,
    mut stopping: watch::Receiver<bool>,
) {
    tracing::info!(server = connection.server(), "watching the Kubernetes API");
    let (changes, mut seen) = mpsc::channel(MOST_WAITING);
    // They end when the set is dropped.
    let _watchers = start(&connection, &pace, &health, &changes, &stopping);
    drop(changes);
    let storing = async {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        let mut batch: Vec<Seen> = Vec::new();
        while seen.recv_many(&mut batch, BATCH).await > 0 {
            while let Err(e) = input.send(batch.clone()).await {
                if backoff.failures() == 0 {
                    tracing::error!(error = %e, "what Kubernetes says cannot be stored; trying again");
                }
                tokio::time::sleep(backoff.next()).await;
            }
            backoff.reset();
            batch.clear();
        }
    };
    tokio::select! {
        () = storing => {}
        _ = stopping.wait_for(|stop| *stop) => {}
    }
}
