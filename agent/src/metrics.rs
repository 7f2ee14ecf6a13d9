//! What the agent counts about itself, in the Prometheus text format.
//!
//! Labels come from closed lists only: never a pid, a name of a process or a path, which others choose.

pub(crate) mod coverage;
mod text;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use coroner_core::finding::Source;
use coroner_core::kernel::KernelEvent;

use crate::standing::Standing;

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Kinds of kernel events, as labels.
const KINDS: [&str; 11] = [
    "oom",
    "oom_victim",
    "reaped",
    "allocation_failure",
    "slab_failure",
    "vmalloc_failure",
    "hardware_memory_error",
    "fault",
    "userspace_kill",
    "unverified",
    "suppressed",
];

fn kind(event: &KernelEvent) -> usize {
    match event {
        KernelEvent::Oom(_) => 0,
        KernelEvent::OomVictim(_) => 1,
        KernelEvent::Reaped(_) => 2,
        KernelEvent::AllocationFailure(_) => 3,
        KernelEvent::SlabFailure(_) => 4,
        KernelEvent::VmallocFailure(_) => 5,
        KernelEvent::HardwareMemoryError(_) => 6,
        KernelEvent::Fault(_) => 7,
        KernelEvent::UserspaceKill(_) => 8,
        KernelEvent::Unverified(_) => 9,
        KernelEvent::Suppressed(_) => 10,
    }
}

/// Who waits for something about a kill.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Waiting {
    /// For other witnesses.
    Joiner,
    /// For a look at the group a moment later, or for the group of a bare line.
    Witness,
}

/// All counters of one agent.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub records_read: Counter,
    pub records_lost: Counter,
    pub records_too_large: Counter,
    pub gaps_of_unknown_size: Counter,
    pub attributed: Counter,
    pub unattributed: Counter,
    pub sent: Counter,
    pub acknowledged: Counter,
    pub dropped: Counter,
    pub refused: Counter,
    pub connects: Counter,
    pub connect_failures: Counter,
    pub state_errors: Counter,
    pub unmatched_counts: Counter,
    pub signals_not_reported: Counter,
    pub trace_events: Counter,
    pub trace_events_lost: Counter,
    pub trace_not_understood: Counter,
    pub trace_not_looked_up: Counter,
    pub trace_lone_marks: Counter,
    pub surroundings_skipped: Counter,
    events: [Counter; KINDS.len()],
    gaps: [Counter; Source::ALL.len()],
    queued: AtomicU64,
    /// Kills that wait for a witness or a look, for each of those who wait.
    waiting: [AtomicU64; 2],
    log_read_until_us: AtomicU64,
    /// How the sources stand.
    pub standing: Standing,
    reading: AtomicBool,
    connected: AtomicBool,
}

impl Metrics {
    /// Counts an event that is reported.
    pub(crate) fn event(&self, event: &KernelEvent) {
        self.events[kind(event)].add(1);
    }

    /// Counts a hole in what a source saw.
    pub(crate) fn gap(&self, source: Source) {
        if let Some(gaps) = self.gaps.get(source as usize) {
            gaps.add(1);
        }
    }

    pub(crate) fn set_queued(&self, findings: usize) {
        self.queued.store(u64::try_from(findings).unwrap_or(u64::MAX), Relaxed);
    }

    pub(crate) fn queued(&self) -> u64 {
        self.queued.load(Relaxed)
    }

    /// So many kills wait, with one of those who wait for something.
    pub(crate) fn set_waiting(&self, who: Waiting, kills: usize) {
        let kills = u64::try_from(kills).unwrap_or(u64::MAX);
        self.waiting[who as usize].store(kills, Relaxed);
    }

    /// The kernel log was read to its end at this time, in microseconds of `CLOCK_MONOTONIC`.
    pub(crate) fn set_log_read_until(&self, at_us: u64) {
        self.log_read_until_us.store(at_us, Relaxed);
    }

    pub(crate) fn set_reading(&self, yes: bool) {
        self.reading.store(yes, Relaxed);
    }

    /// Whether the kernel log is being read.
    pub(crate) fn is_reading(&self) -> bool {
        self.reading.load(Relaxed)
    }

    pub(crate) fn set_connected(&self, yes: bool) {
        self.connected.store(yes, Relaxed);
    }

    /// Whether a collector has welcomed this agent.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coroner_core::kernel::Suppressed;

    #[test]
    fn the_text_names_every_metric_once_with_its_value() {
        let metrics = Metrics::default();
        metrics.records_read.add(3);
        metrics.set_queued(2);
        metrics.set_waiting(Waiting::Joiner, 3);
        metrics.set_waiting(Waiting::Witness, 4);
        metrics.set_log_read_until(5);
        metrics.standing.said(Source::SignalTrace, true);
        metrics.event(&KernelEvent::Suppressed(Suppressed::default()));
        metrics.gap(Source::Cgroup);
        let text = metrics.render();
        assert!(text.contains("\ncoroner_agent_kernel_records_read_total 3\n"), "{text}");
        assert!(text.contains("\ncoroner_agent_findings_queued 2\n"));
        assert!(text.contains("\ncoroner_agent_kills_waiting 7\n"));
        assert!(text.contains("\ncoroner_agent_kernel_log_read_until_seconds 0.000005\n"));
        assert!(text.contains("coroner_agent_events_total{kind=\"suppressed\"} 1\n"));
        assert!(text.contains("coroner_agent_events_total{kind=\"oom\"} 0\n"));
        assert!(text.contains("coroner_agent_source_reading{source=\"signal-trace\"} 1\n"));
        assert!(text.contains("coroner_agent_source_reading{source=\"cgroup\"} 0\n"));
        assert!(text.contains("coroner_agent_source_gaps_total{source=\"cgroup\"} 1\n"));
        assert!(text.contains("coroner_agent_source_gaps_total{source=\"pressure\"} 0\n"));
        // Labels are from closed lists: a name, an id or a path would be a series of its own for ever.
        let known = |label: &str| {
            label == concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"")
                || KINDS.iter().any(|kind| label == format!("kind=\"{kind}\""))
                || Source::ALL.iter().any(|s| label == format!("source=\"{}\"", s.flag()))
        };
        let labels = text.lines().filter_map(|line| line.split_once('{')?.1.split_once('}'));
        assert!(labels.flat_map(|(labels, _)| labels.split(',')).all(known), "{text}");
        let mut types: Vec<_> = text.lines().filter(|l| l.starts_with("# TYPE")).collect();
        let count = types.len();
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), count);
        assert!(text.lines().all(|l| l.starts_with('#')
            || l.rsplit_once(' ').is_some_and(|(_, v)| v.parse::<f64>().is_ok())));
    }
}
