//! How the watch stands, for logs, metrics and whoever asks.
//!
//! A change of standing is logged once; a server that stays away is not logged at every try.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use coroner_core::kubernetes::ClockDifference;
use jiff::{SignedDuration, Timestamp};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::clock::by_answer;
use super::parts::Part;
use super::reading::Read;

/// How the watch of one part stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was heard yet.
    #[default]
    Starting,
    /// Everything that happens is seen.
    Watching,
    /// It may be listed and not watched: what happens between two lists is not seen. In the server's words.
    Polling(String),
    /// It may not be read. In the server's words.
    Refused(String),
    /// The server does not answer, or not as it should. In words.
    Away(String),
}

impl Standing {
    fn same_kind(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// What is known of one part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartHealth {
    /// How its watch stands.
    pub standing: Standing,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Objects that could not be read at all.
    pub unread: u64,
    /// Fields that were not as the API describes them.
    pub wrong_fields: u64,
    /// Whole lists that were taken.
    pub lists: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    resource: &'static str,
}

/// How all watches stand: a handle that can be cloned.
#[derive(Clone, Debug, Default)]
pub struct Health {
    parts: Arc<Mutex<BTreeMap<&'static str, PartHealth>>>,
    clock: Arc<Mutex<Option<ClockDifference>>>,
    watching: Family<Labels, Gauge>,
    failures: Family<Labels, Counter>,
    changes: Family<Labels, Counter>,
    lists: Family<Labels, Counter>,
    unread: Family<Labels, Counter>,
    wrong_fields: Family<Labels, Counter>,
    difference: Gauge<f64, std::sync::atomic::AtomicU64>,
    uncertainty: Gauge<f64, std::sync::atomic::AtomicU64>,
}

impl Health {
    /// Puts everything into a registry of metrics.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("kubernetes");
        registry.register(
            "watching",
            "1 where everything that happens to a resource is seen, 0 where it is not",
            self.watching.clone(),
        );
        registry.register("failures", "Requests that failed", self.failures.clone());
        registry.register("changes", "Objects taken", self.changes.clone());
        registry.register("lists", "Whole lists taken", self.lists.clone());
        registry.register("objects_unread", "Objects that could not be read", self.unread.clone());
        registry.register(
            "fields_wrong",
            "Fields that were not as the API describes them",
            self.wrong_fields.clone(),
        );
        registry.register(
            "clock_difference_seconds",
            "The API server's clock minus the collector's",
            self.difference.clone(),
        );
        registry.register(
            "clock_difference_uncertainty_seconds",
            "How far the true difference may be from the one stated",
            self.uncertainty.clone(),
        );
    }

    fn state(&self) -> MutexGuard<'_, BTreeMap<&'static str, PartHealth>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every part that is watched, by its resource.
    #[must_use]
    pub fn parts(&self) -> BTreeMap<&'static str, PartHealth> {
        self.state().clone()
    }

    /// The API server's clock minus the collector's, and how far the truth may be from that, in seconds; `None` before
    /// the first answer.
    #[must_use]
    pub fn clock_difference(&self) -> Option<(f64, f64)> {
        let known = self.clock()?;
        Some((known.middle()?.as_secs_f64(), known.uncertainty()?.as_secs_f64()))
    }

    /// The same as bounds.
    pub(crate) fn clock(&self) -> Option<ClockDifference> {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer had this date; it was asked for and received at these times of our own clock.
    pub(super) fn server_said(&self, sent: Timestamp, received: Timestamp, date: Timestamp) {
        let said = by_answer(sent, received, date);
        let mut known = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let both = known.and_then(|known| known.and(said)).unwrap_or(said);
        *known = Some(both);
        let seconds = |known: Option<SignedDuration>| known.map_or(0.0, |s| s.as_secs_f64());
        self.difference.set(seconds(both.middle()));
        self.uncertainty.set(seconds(both.uncertainty()));
    }

    /// How a part stands now.
    pub(super) fn stands(&self, part: &Part, standing: Standing) {
        let resource = part.resource;
        let watching = i64::from(standing == Standing::Watching);
        self.watching.get_or_create(&Labels { resource }).set(watching);
        // There from now on, at 0: a counter that appears with its first event has no increase.
        for counts in [&self.failures, &self.changes, &self.lists, &self.unread, &self.wrong_fields]
        {
            drop(counts.get_or_create(&Labels { resource }));
        }
        let mut parts = self.state();
        let known = parts.entry(resource).or_default();
        if known.standing.same_kind(&standing) && known.since.is_some() {
            known.standing = standing;
            return;
        }
        match &standing {
            Standing::Starting => {}
            Standing::Watching => tracing::info!(resource, "watching"),
            Standing::Polling(words) => tracing::warn!(
                resource,
                words,
                "may be listed and not watched; what happens between two lists is not seen"
            ),
            Standing::Refused(words) => {
                tracing::warn!(resource, words, "may not be read; verdicts do without it");
            }
            Standing::Away(words) => {
                tracing::warn!(resource, words, "cannot be read for now; asking again");
            }
        }
        known.standing = standing;
        known.since = Some(Timestamp::now());
    }

    /// A request failed.
    pub(super) fn failed(&self, part: &Part) {
        self.failures.get_or_create(&Labels { resource: part.resource }).inc();
    }

    /// A whole list was taken.
    pub(super) fn listed(&self, part: &Part) {
        self.lists.get_or_create(&Labels { resource: part.resource }).inc();
        self.state().entry(part.resource).or_default().lists += 1;
    }

    /// An object was taken, as far as it could be.
    pub(super) fn took(&self, part: &Part, read: &Read) {
        let labels = Labels { resource: part.resource };
        if read.wrong_fields.is_empty() && read.unread.is_none() {
            self.changes.get_or_create(&labels).inc();
            return;
        }
        let mut parts = self.state();
        let known = parts.entry(part.resource).or_default();
        let first = known.unread == 0 && known.wrong_fields == 0;
        for problem in read.wrong_fields.iter().chain(&read.unread) {
            if first {
                tracing::warn!(resource = part.resource, %problem, "not as the API describes it; the next such are logged at level debug");
            } else {
                tracing::debug!(resource = part.resource, %problem, "not as the API describes it");
            }
        }
        let wrong = u64::try_from(read.wrong_fields.len()).unwrap_or(u64::MAX);
        known.wrong_fields += wrong;
        self.wrong_fields.get_or_create(&labels).inc_by(wrong);
        if read.unread.is_some() {
            known.unread += 1;
            self.unread.get_or_create(&labels).inc();
        } else {
            self.changes.get_or_create(&labels).inc();
        }
    }

    /// A line was too long to be taken.
    pub(super) fn too_long(&self, part: &Part) {
        self.state().entry(part.resource).or_default().unread += 1;
        self.unread.get_or_create(&Labels { resource: part.resource }).inc();
    }
}
