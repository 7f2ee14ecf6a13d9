//! The way in for what Kubernetes says.
//!
//! Whoever reads the API (a watch, a recording, a test) hands on what it saw, in the order in which it saw it. Without
//! anybody who does, a collector judges by findings alone.

use std::sync::Arc;

use coroner_core::kubernetes::Seen;

use crate::store::{self, Store, StoreError};

/// Takes what was seen of the Kubernetes API: a handle that can be cloned. Drop all of them before the collector is ended,
/// or it waits for them.
#[derive(Clone, Debug)]
pub struct KubernetesInput {
    store: Store,
}

impl KubernetesInput {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Stores what was seen, joins it with what the nodes saw and judges what it touches. When this returns, all of that is
    /// durable and can be asked for. Handing on the same again changes nothing, so after an error do that.
    ///
    /// # Errors
    ///
    /// If it cannot be stored; then none of it is. Or if the collector has ended.
    pub async fn send(&self, seen: Vec<Seen>) -> Result<(), Arc<StoreError>> {
        if seen.is_empty() {
            return Ok(());
        }
        let pending = self.store.observe(seen).await?;
        pending.await.unwrap_or_else(|_| store::gone())
    }
}
