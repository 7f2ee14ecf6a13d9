//! What becomes of the objects of each part. No I/O: bytes in, changes out.

use std::collections::HashSet;

use coroner_core::kubernetes::ApiChange;
use coroner_core::kubernetes::decode::{self, Decoded, Problem};

use super::owners::Owners;

/// What reading one object came to.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The object's version, to go on from.
    pub(super) resource_version: Option<String>,
    /// Fields of it that were wrong.
    pub(super) wrong_fields: Vec<Problem>,
    /// The object as a whole could not be read.
    pub(super) unread: Option<Problem>,
}

/// Reads the objects of one part. `begin`, any number of `is`, and `whole` are a list; `is` and `gone` may follow.
pub(super) trait Reading: Send {
    /// A list begins; what was listed before counts no longer.
    fn begin(&mut self) {}

    /// An object is so.
    fn is(&mut self, object: &[u8], out: &mut Vec<ApiChange>) -> Read;

    /// An object is gone.
    fn gone(&mut self, object: &[u8], out: &mut Vec<ApiChange>) -> Read;

    /// Everything there is was listed.
    fn whole(&mut self, _: &mut Vec<ApiChange>) {}

    /// The part cannot be read for now.
    fn missing(&mut self) {}
}

/// Takes a record and says what was wrong with it.
fn take<T>(decoded: Result<Decoded<T>, Problem>, with: impl FnOnce(T)) -> Read {
    match decoded {
        Ok(Decoded { record, resource_version, problems, .. }) => {
            with(record);
            Read { resource_version, wrong_fields: problems, unread: None }
        }
        Err(problem) => Read { unread: Some(problem), ..Read::default() },
    }
}

/// Pods. After a whole list it tells which there are, unless one of them could not even be told by its uid.
pub(super) struct PodReading {
    owners: Owners,
    /// The uids of the list that is being read; `None` outside of one, or when it cannot be whole.
    listed: Option<Vec<String>>,
}

impl PodReading {
    pub(super) fn new(owners: Owners) -> Self {
        Self { owners, listed: None }
    }
}

impl Reading for PodReading {
    fn begin(&mut self) {
        self.listed = Some(Vec::new());
    }

    fn is(&mut self, object: &[u8], out: &mut Vec<ApiChange>) -> Read {
        let read = take(decode::pod(object), |mut pod| {
            self.owners.complete(&mut pod.owners);
            if let Some(listed) = &mut self.listed {
                listed.push(pod.uid.clone());
            }
            out.push(ApiChange::Pod(Box::new(pod)));
        });
        if read.unread.is_some() {
            // It is there, whatever it is: saying which pods there are would make it gone.
            self.listed = None;
        }
        read
    }

    fn gone(&mut self, object: &[u8], out: &mut Vec<ApiChange>) -> Read {
        take(decode::pod(object), |mut pod| {
            self.owners.complete(&mut pod.owners);
            out.push(ApiChange::PodGone(Box::new(pod)));
        })
    }

    fn whole(&mut self, out: &mut Vec<ApiChange>) {
        out.extend(self.listed.take().map(ApiChange::PodsAre));
    }
}

/// Events. They expire; that one is gone says nothing. Our own say nothing new, and a verdict must not rest on itself.
pub(super) struct EventReading;

impl Reading for EventReading {
    fn is(&mut self, object: &[u8], out: &mut Vec<ApiChange>) -> Read {
        take(decode::event(object), |event| {
            if event.component != coroner_core::publish::REPORTER {
                out.push(ApiChange::Event(Box::new(event)));
            }
        })
    }

    fn gone(&mut self, object: &[u8], _: &mut Vec<ApiChange>) -> Read {
        take(decode::owned(object), |_| {})
    }
}

/// Nodes. Those that a new list does not have are gone.
#[derive(Default)]
pub(super) struct NodeReading {
    known: HashSet<String>,
    listed: Option<HashSet<String>>,
}

impl Reading for NodeReading {
    fn begin(&mut self) {
        self.listed = Some(HashSet::new());
    }

    fn is(&mut self, object: &[u8], out: &mut Vec<ApiChange>) -> Read {
        let read = take(decode::node(object), |node| {
            self.known.insert(node.name.clone());
            if let Some(listed) = &mut self.listed {
                listed.insert(node.name.clone());
            }
            out.push(ApiChange::Node(Box::new(node)));
        });
        if read.unread.is_some() {
            self.listed = None;
        }
        read
    }

    fn gone(&mut self, object: &[u8], out: &mut Vec<ApiChange>) -> Read {
        take(decode::node(object), |node| {
            self.known.remove(&node.name);
            out.push(ApiChange::NodeGone(node.name));
        })
    }

    fn whole(&mut self, out: &mut Vec<ApiChange>) {
        if let Some(listed) = self.listed.take() {
            out.extend(self.known.difference(&listed).cloned().map(ApiChange::NodeGone));
            self.known = listed;
        }
    }
}

/// Owners of pods. They are kept for the pods that come; nobody hears of them.
pub(super) struct OwnerReading {
    kind: &'static str,
    owners: Owners,
    known: HashSet<String>,
    listed: Option<HashSet<String>>,
    /// Whether pods were told not to wait for us any more.
    told: bool,
}

impl OwnerReading {
    pub(super) fn new(kind: &'static str, owners: Owners) -> Self {
        Self { kind, owners, known: HashSet::new(), listed: None, told: false }
    }

    fn tell(&mut self) {
        if !std::mem::replace(&mut self.told, true) {
            self.owners.list_came();
        }
    }
}

impl std::fmt::Debug for OwnerReading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OwnerReading").field(&self.kind).finish()
    }
}

impl Reading for OwnerReading {
    fn begin(&mut self) {
        self.listed = Some(HashSet::new());
    }

    fn is(&mut self, object: &[u8], _: &mut Vec<ApiChange>) -> Read {
        take(decode::owned(object), |owned| {
            // One that nobody owns is the top itself.
            if let Some(owner) = owned.owner {
                self.known.insert(owned.uid.clone());
                if let Some(listed) = &mut self.listed {
                    listed.insert(owned.uid.clone());
                }
                self.owners.is(owned.uid, owner);
            }
        })
    }

    fn gone(&mut self, object: &[u8], _: &mut Vec<ApiChange>) -> Read {
        take(decode::owned(object), |owned| {
            self.known.remove(&owned.uid);
            self.owners.gone([&owned.uid]);
        })
    }

    fn whole(&mut self, _: &mut Vec<ApiChange>) {
        if let Some(listed) = self.listed.take() {
            self.owners.gone(self.known.difference(&listed));
            self.known = listed;
        }
        self.tell();
    }

    fn missing(&mut self) {
        self.tell();
    }
}
