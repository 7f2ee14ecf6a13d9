//! What the collector counts, in OpenMetrics.

mod once;
mod plain;

use std::sync::Arc;
use std::time::Duration;

use coroner_core::incident::{Cause, Confidence};
use coroner_proto::v1;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::clocks::{ClockBook, NodeClocks};
use crate::kubernetes::{EventCounts, Health};

use self::once::Once;

/// Every confidence a verdict can have.
const CONFIDENCES: [Confidence; 4] =
    [Confidence::Unknown, Confidence::Possible, Confidence::Likely, Confidence::Confirmed];

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
    disagreements: Family<CauseLabels, Counter>,
    disagreed: Arc<Once>,
    commit_seconds: Histogram,
    commit_failures: Counter,
    agents: Gauge,
    kubernetes: Health,
    events: EventCounts,
    nodes: NodeClocks,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabels {
    cause: &'static str,
    confidence: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CauseLabels {
    cause: &'static str,
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
        let incidents = Family::<VerdictLabels, Counter>::default();
        let revisions = Counter::default();
        let disagreements = Family::<CauseLabels, Counter>::default();
        // All from the start, at 0: a counter that appears with its first event has no increase, and nobody is told.
        for cause in Cause::ALL.map(Cause::name) {
            drop(disagreements.get_or_create(&CauseLabels { cause }));
            for confidence in CONFIDENCES.map(Confidence::name) {
                drop(incidents.get_or_create(&VerdictLabels { cause, confidence }));
            }
        }
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
        registry.register(
            "kubernetes_reason_disagreements",
            "Incidents of which Kubernetes' own reason says something else, by the cause of the first verdict that says so",
            disagreements.clone(),
        );
        registry.register(
            "collector_build",
            "The version that runs",
            Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
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
        let events = EventCounts::default();
        events.register(&mut registry);
        Self {
            registry: Arc::new(registry),
            findings_ingested,
            findings_duplicate,
            gaps,
            odd_spans,
            incidents,
            revisions,
            merged,
            disagreements,
            disagreed: Arc::default(),
            commit_seconds,
            commit_failures,
            agents,
            kubernetes,
            events,
            nodes: NodeClocks::default(),
        }
    }

    /// How the watch of the Kubernetes API stands.
    pub(crate) fn kubernetes(&self) -> Health {
        self.kubernetes.clone()
    }

    /// What became of events about incidents.
    pub(crate) fn events(&self) -> EventCounts {
        self.events.clone()
    }

    /// What is known of clocks.
    pub(crate) fn clocks(&self) -> ClockBook {
        ClockBook { nodes: self.nodes.clone(), kubernetes: self.kubernetes.clone() }
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
        let cause = Cause::try_from(incident.cause()).map_or("", Cause::name);
        let disagrees = incident.kubernetes.as_ref().is_some_and(|says| says.disagrees);
        if disagrees && self.disagreed.counts(&incident.id) {
            self.disagreements.get_or_create(&CauseLabels { cause }).inc();
        }
        if revision > 1 {
            self.revisions.inc();
            return;
        }
        let confidence = Confidence::try_from(incident.confidence()).map_or("", Confidence::name);
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

    /// The same in the older text format.
    pub(crate) fn encode_plain(&self) -> String {
        plain::text(&self.encode())
    }
}
