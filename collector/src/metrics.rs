//! What the collector counts, in OpenMetrics.

use std::sync::Arc;
use std::time::Duration;

use coroner_proto::v1;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::kubernetes::Health;

/// The collector's counters: a handle that can be cloned.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    findings_ingested: Counter,
    findings_duplicate: Counter,
    gaps: Counter,
    odd_spans: Counter,
    incidents: Family<VerdictLabels, Counter>,
    revisions: Counter,
    merged: Counter,
    commit_seconds: Histogram,
    commit_failures: Counter,
    agents: Gauge,
    kubernetes: Health,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabels {
    cause: &'static str,
    confidence: &'static str,
}

/// Counts an agent as connected for as long as it lives.
#[derive(Debug)]
pub(crate) struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// All at zero.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("coroner");
        let findings_ingested = Counter::default();
        let findings_duplicate = Counter::default();
        let gaps = Counter::default();
        let odd_spans = Counter::default();
        let incidents = Family::default();
        let revisions = Counter::default();
        // From half a millisecond, less than any disk takes to sync, to 16 seconds, more than anyone waits.
        let commit_seconds = Histogram::new(exponential_buckets(0.0005, 2.0, 16));
        let commit_failures = Counter::default();
        let agents = Gauge::default();
        registry.register("findings_ingested", "Findings stored", findings_ingested.clone());
        registry.register(
            "findings_duplicate",
            "Findings received again and recognised by their id",
            findings_duplicate.clone(),
        );
        registry.register(
            "gaps_reported",
            "Holes in the coverage of a source, reported by agents",
            gaps.clone(),
        );
        registry.register(
            "coverage_spans_refused",
            "Spans of coverage that end before they begin, or in the future, and were not stored",
            odd_spans.clone(),
        );
        registry.register(
            "incidents",
            "Incidents by the cause and confidence of their first verdict",
            incidents.clone(),
        );
        registry.register(
            "verdicts_revised",
            "Verdicts changed by later evidence",
            revisions.clone(),
        );
        let merged = Counter::default();
        registry.register(
            "incidents_merged",
            "Incidents that turned out to be part of another",
            merged.clone(),
        );
        registry.register_with_unit(
            "commit",
            "Time from taking queued batches to their being durable",
            Unit::Seconds,
            commit_seconds.clone(),
        );
        registry.register(
            "commit_failures",
            "Commits that failed and were not acknowledged",
            commit_failures.clone(),
        );
        registry.register("agents_connected", "Agents with an open stream", agents.clone());
        let kubernetes = Health::default();
        kubernetes.register(&mut registry);
        Self {
            registry: Arc::new(registry),
            findings_ingested,
            findings_duplicate,
            gaps,
            odd_spans,
            incidents,
            revisions,
            merged,
            commit_seconds,
            commit_failures,
            agents,
            kubernetes,
        }
    }

    /// How the watch of the Kubernetes API stands.
    pub(crate) fn kubernetes(&self) -> Health {
        self.kubernetes.clone()
    }

    /// A commit was made durable.
    pub(crate) fn committed(&self, took: Duration, new: u64, duplicate: u64, gaps: u64) {
        self.commit_seconds.observe(took.as_secs_f64());
        self.findings_ingested.inc_by(new);
        self.findings_duplicate.inc_by(duplicate);
        self.gaps.inc_by(gaps);
    }

    /// Spans of coverage were not stored.
    pub(crate) fn odd_spans(&self, n: u64) {
        self.odd_spans.inc_by(n);
    }

    /// A commit failed.
    pub(crate) fn commit_failed(&self) {
        self.commit_failures.inc();
    }

    /// A verdict was given: the first (`revision` 1) or another.
    pub(crate) fn judged(&self, incident: &v1::Incident, revision: u32) {
        if revision > 1 {
            self.revisions.inc();
            return;
        }
        let cause =
            coroner_core::incident::Cause::try_from(incident.cause()).map_or("", |c| c.name());
        let confidence = coroner_core::incident::Confidence::try_from(incident.confidence())
            .map_or("", |c| c.name());
        self.incidents.get_or_create(&VerdictLabels { cause, confidence }).inc();
    }

    /// An incident turned out to be part of another.
    pub(crate) fn merged(&self) {
        self.merged.inc();
    }

    /// An agent said hello.
    pub(crate) fn connected(&self) -> Connected {
        self.agents.inc();
        Connected(self.agents.clone())
    }

    /// Everything as OpenMetrics text.
    pub(crate) fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}
