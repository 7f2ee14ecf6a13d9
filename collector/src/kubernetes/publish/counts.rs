//! What became of events, in numbers.

use std::collections::BTreeMap;

use coroner_core::publish::Loss;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    reason: &'static str,
}

/// Counters of events: a handle that can be cloned.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventCounts {
    written: Counter,
    counted_up: Counter,
    not_written: Family<Labels, Counter>,
    failures: Counter,
    waiting: Gauge,
}

impl EventCounts {
    /// Puts everything into a registry of metrics.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("events");
        registry.register("written", "Events about incidents written", self.written.clone());
        registry.register(
            "counted_up",
            "Events that were there and counted up, because the same happened again",
            self.counted_up.clone(),
        );
        registry.register(
            "not_written",
            "Incidents that no event was written about, by why",
            self.not_written.clone(),
        );
        registry.register(
            "failures",
            "Requests to write an event that failed",
            self.failures.clone(),
        );
        registry.register(
            "waiting",
            "Incidents that an event will be written about",
            self.waiting.clone(),
        );
        // There from the start, at 0: a counter that appears with its first event has no increase.
        for reason in Loss::ALL.map(Loss::name) {
            drop(self.not_written.get_or_create(&Labels { reason }));
        }
    }

    pub(super) fn done(&self, created: bool) {
        if created {
            self.written.inc()
        } else {
            self.counted_up.inc()
        };
    }

    pub(super) fn failed(&self) {
        self.failures.inc();
    }

    pub(super) fn lost(&self, lost: BTreeMap<Loss, u64>) {
        for (loss, n) in lost {
            self.not_written.get_or_create(&Labels { reason: loss.name() }).inc_by(n);
        }
    }

    pub(super) fn waiting(&self, n: usize) {
        self.waiting.set(i64::try_from(n).unwrap_or(i64::MAX));
    }
}
