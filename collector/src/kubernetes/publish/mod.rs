//! Writes an Event about each incident on its pod, or on its node where a process of the host was hit, so that
//! `kubectl describe` tells of it.
//!
//! What is told, when and how often is decided by [`Ledger`]; here it is only sent, one request at a time. The API promises
//! that a name is given once (409), that an event stays as it is but for its `series`, and that it is gone after an hour. A
//! collector that restarts offers what happened in the last minutes again, under the same names, and so tells nothing twice. Where the API
//! does not allow it (403) that is said once; nothing else depends on it.

mod counts;

use std::sync::Arc;
use std::time::Duration;

use coroner_core::incident::{Incident, IncidentId};
use coroner_core::kubernetes::EventType;
use coroner_core::publish::{About, Answer, Ledger, Limits, REPORTER, VerdictEvent, Write};
use coroner_proto::v1;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::api::{Api, WriteError};
use super::backoff::Backoff;
use crate::store::{Changed, Store};

pub(crate) use counts::EventCounts;

/// How often is looked whether something is due, while something waits.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Incidents that are offered again at the start.
const MOST_RECENT: usize = 2048;

/// Longest wait that a busy server may ask for.
const LONGEST_BUSY: Duration = Duration::from_secs(120);

/// Longest `reportingInstance` that the API takes.
const LONGEST_INSTANCE: usize = 128;

/// Tells of incidents until the collector stops.
pub(crate) async fn publish(
    api: Api,
    store: Store,
    counts: EventCounts,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) {
    let publisher = Publisher {
        backoff: Backoff::new(api.pace.first_retry, api.pace.longest_retry),
        newest: limits.newest,
        ledger: Ledger::new(limits),
        instance: instance(),
        standing: Standing::Unknown,
        api,
        store,
        counts,
    };
    tokio::select! {
        () = publisher.run() => {}
        _ = stopping.wait_for(|stop| *stop) => {}
    }
}

/// Whether events can be written; a change is logged once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Unknown,
    Written,
    Refused,
    Away,
}

struct Publisher {
    api: Api,
    store: Store,
    counts: EventCounts,
    ledger: Ledger,
    newest: jiff::SignedDuration,
    instance: String,
    backoff: Backoff,
    standing: Standing,
}

impl Publisher {
    async fn run(mut self) {
        // Before what is stored is read, so that nothing lies between the two.
        let mut changes = self.store.watch();
        self.offer_recent().await;
        loop {
            let changed = if self.ledger.is_idle() {
                Some(changes.recv().await)
            } else {
                tokio::time::timeout(LOOK_EVERY, changes.recv()).await.ok()
            };
            match changed {
                Some(Ok(changed)) => self.take(&changed),
                Some(Err(RecvError::Lagged(missed))) => {
                    tracing::debug!(missed, "reading what happened meanwhile from the store");
                    self.offer_recent().await;
                }
                // The writer has ended, and so does everything.
                Some(Err(RecvError::Closed)) => return,
                None => {}
            }
            while let Some(write) = self.ledger.next(Timestamp::now()) {
                let (answer, wait) = self.send(&write).await;
                self.ledger.answered(&write, answer, Timestamp::now());
                if answer == Answer::Failed {
                    let wait = wait.unwrap_or_default().min(LONGEST_BUSY) + self.backoff.next();
                    tokio::time::sleep(wait).await;
                    break;
                }
                self.backoff.reset();
            }
            self.counts.lost(self.ledger.take_lost());
            self.counts.waiting(self.ledger.waiting());
        }
    }

    async fn offer_recent(&mut self) {
        let now = Timestamp::now();
        let since = now.saturating_sub(self.newest).unwrap_or(Timestamp::MIN);
        match self.store.recent(since, MOST_RECENT).await {
            Ok(all) => all.into_iter().for_each(|incident| self.judged(incident, now)),
            Err(e) => tracing::warn!(error = %e, "of what happened before no events are written"),
        }
    }

    fn take(&mut self, changed: &Arc<Changed>) {
        match &changed.merged_into {
            Some(into) => self.ledger.merged(&IncidentId(changed.incident.id.clone()), into),
            None => self.judged(changed.incident.clone(), Timestamp::now()),
        }
    }

    fn judged(&mut self, incident: v1::Incident, now: Timestamp) {
        match Incident::try_from(incident) {
            Ok(incident) => self.ledger.judged(&incident, now),
            Err(e) => tracing::debug!(error = %e, "an incident is not understood"),
        }
    }

    /// Sends one request, and says how long to wait where the server asks for it.
    async fn send(&mut self, write: &Write) -> (Answer, Option<Duration>) {
        let (method, path, media, object) = match write {
            Write::Create { name, event } => {
                let object = object(name, event, &self.instance);
                (Method::POST, path(write.namespace(), None), "application/json", object)
            }
            Write::Count { name, count, last, .. } => {
                let path = path(write.namespace(), Some(name));
                let series = json!({"series": {"count": count, "lastObservedTime": last}});
                (Method::PATCH, path, "application/merge-patch+json", series)
            }
        };
        let create = method == Method::POST;
        let answer = self.api.write(method, &path, media, object.to_string()).await;
        match answer {
            Ok(()) => {
                self.counts.done(create);
                self.stands(Standing::Written, "");
                (Answer::Done, None)
            }
            Err(WriteError::Conflict) if create => (Answer::There, None),
            Err(WriteError::Conflict) => (Answer::Failed, None),
            // The namespace, or the event that was to be counted up.
            Err(WriteError::NotFound) => (Answer::Gone, None),
            Err(WriteError::Refused(words)) => {
                self.counts.failed();
                self.stands(Standing::Refused, &words);
                (Answer::Refused, None)
            }
            Err(WriteError::Invalid(words)) => {
                self.counts.failed();
                tracing::warn!(words, "the API server does not take an event");
                (Answer::Invalid, None)
            }
            Err(WriteError::Away(words, wait)) => {
                self.counts.failed();
                self.stands(Standing::Away, &words);
                (Answer::Failed, wait)
            }
        }
    }

    fn stands(&mut self, standing: Standing, words: &str) {
        if self.standing == standing {
            return;
        }
        match standing {
            Standing::Unknown => {}
            Standing::Written => tracing::info!("writing events about incidents"),
            Standing::Refused => tracing::warn!(
                words,
                "may not write events; grant create and patch of events in events.k8s.io (docs/permissions.md), or use --events=off"
            ),
            Standing::Away => tracing::warn!(words, "events cannot be written for now"),
        }
        self.standing = standing;
    }
}

/// Where events of a namespace are served. Both parts are names of the API, and need no escaping.
fn path(namespace: &str, name: Option<&str>) -> String {
    let name = name.map(|name| format!("/{name}")).unwrap_or_default();
    format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events{name}")
}

/// The event as the API wants it.
fn object(name: &str, event: &VerdictEvent, instance: &str) -> Value {
    let regarding = match &event.about {
        About::Pod { namespace, name, uid } => {
            json!({"apiVersion": "v1", "kind": "Pod", "namespace": namespace, "name": name, "uid": uid})
        }
        // As the kubelet does: `kubectl describe node` looks for events whose uid is the node's name.
        About::Node { name } => {
            json!({"apiVersion": "v1", "kind": "Node", "name": name, "uid": name})
        }
    };
    json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": event.about.namespace()},
        "eventTime": event.time(),
        "reportingController": REPORTER,
        "reportingInstance": instance,
        "action": "Judged",
        "reason": event.cause.name(),
        "regarding": regarding,
        "note": event.note,
        "type": match event.kind { EventType::Normal => "Normal", EventType::Warning => "Warning" },
    })
}

/// Which collector: in a pod its name.
fn instance() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let name: String = name.chars().filter(|c| plain(*c)).take(LONGEST_INSTANCE).collect();
    if name.is_empty() { "coroner-collector".to_owned() } else { name }
}
