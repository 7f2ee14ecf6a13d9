//! Who owns the owners of pods: a ReplicaSet's Deployment, a Job's CronJob.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use coroner_core::kubernetes::Owner;
use tokio::sync::watch;

/// Longest wait for the first lists of owners.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most owners above one another that are followed; a circle would have no end.
const HIGHEST: usize = 5;

/// What is known of owners, by their uid: who made them.
#[derive(Clone, Debug)]
pub(super) struct Owners {
    known: Arc<Mutex<HashMap<String, Owner>>>,
    /// How many lists have not come yet.
    missing: Arc<watch::Sender<usize>>,
}

impl Owners {
    /// Nothing is known, and so many lists are to come.
    pub(super) fn new(lists: usize) -> Self {
        Self { known: Arc::default(), missing: Arc::new(watch::Sender::new(lists)) }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Owner>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object with that uid was made by `owner`.
    pub(super) fn is(&self, uid: String, owner: Owner) {
        self.known().insert(uid, owner);
    }

    /// Objects are gone.
    pub(super) fn gone<'a>(&self, uids: impl IntoIterator<Item = &'a String>) {
        let mut known = self.known();
        for uid in uids {
            known.remove(uid);
        }
    }

    /// A list came, or never will.
    pub(super) fn list_came(&self) {
        self.missing.send_modify(|missing| *missing = missing.saturating_sub(1));
    }

    /// Waits until all lists came, ten seconds at most.
    pub(super) async fn listed(&self) {
        let mut missing = self.missing.subscribe();
        let _ = tokio::time::timeout(PATIENCE, missing.wait_for(|missing| *missing == 0)).await;
    }

    /// Puts the owners above a pod's nearest one. What is not known stays as it was.
    pub(super) fn complete(&self, owners: &mut Vec<Owner>) {
        let known = self.known();
        let mut seen = HashSet::new();
        let mut above = Vec::new();
        let mut at = owners.first().and_then(|nearest| nearest.uid.clone());
        while let Some(owner) = at.and_then(|uid| seen.insert(uid.clone()).then(|| known.get(&uid)))
        {
            let Some(owner) = owner.filter(|_| above.len() < HIGHEST) else { break };
            at = owner.uid.clone();
            above.push(owner.clone());
        }
        if !above.is_empty() {
            owners.truncate(1);
            owners.append(&mut above);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(kind: &str, name: &str, uid: &str) -> Owner {
        Owner { kind: kind.to_owned(), name: name.to_owned(), uid: Some(uid.to_owned()) }
    }

    #[test]
    fn chains_are_followed_and_circles_are_not() {
        let owners = Owners::new(0);
        owners.is("rs".to_owned(), owner("Deployment", "web", "d"));
        owners.is("d".to_owned(), owner("App", "shop", "a"));
        owners.is("a".to_owned(), owner("App", "shop", "a"));
        let mut chain = vec![owner("ReplicaSet", "web-1", "rs"), owner("Deployment", "guess", "?")];
        owners.complete(&mut chain);
        let names: Vec<_> = chain.iter().map(|o| o.name.as_str()).collect();
        assert_eq!(names, ["web-1", "web", "shop", "shop"]);
        owners.gone([&"rs".to_owned()]);
        let mut chain = vec![owner("ReplicaSet", "web-1", "rs"), owner("Deployment", "guess", "?")];
        owners.complete(&mut chain);
        assert_eq!(chain[1].name, "guess");
    }
}
