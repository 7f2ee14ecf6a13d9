//! The counters as Prometheus' text format 0.0.4.

use std::fmt::Write as _;
use std::sync::atomic::Ordering::Relaxed;

use coroner_core::finding::Source;

use super::{KINDS, Metrics};

impl Metrics {
    /// All of them as text.
    pub(crate) fn render(&self) -> String {
        let mut out = String::with_capacity(4096);
        let mut counter = |name: &str, help: &str, value: u64| {
            let _ = writeln!(
                out,
                "# HELP coroner_agent_{name} {help}\n# TYPE coroner_agent_{name} counter\ncoroner_agent_{name} {value}"
            );
        };
        counter("kernel_records_read_total", "Kernel log records read.", self.records_read.get());
        counter(
            "kernel_records_lost_total",
            "Kernel log records lost before they were read.",
            self.records_lost.get(),
        );
        counter(
            "kernel_records_too_large_total",
            "Kernel log records passed over for their size.",
            self.records_too_large.get(),
        );
        counter(
            "kernel_gaps_of_unknown_size_total",
            "Holes in the kernel log whose size nobody can know.",
            self.gaps_of_unknown_size.get(),
        );
        counter(
            "kills_attributed_total",
            "Bare kill lines whose cgroup was worked out.",
            self.attributed.get(),
        );
        counter(
            "kills_unattributed_total",
            "Bare kill lines whose cgroup stayed unknown.",
            self.unattributed.get(),
        );
        counter(
            "findings_sent_total",
            "Findings sent, those sent again included.",
            self.sent.get(),
        );
        counter(
            "findings_acknowledged_total",
            "Findings the collector has stored.",
            self.acknowledged.get(),
        );
        counter(
            "findings_dropped_total",
            "Findings given up because the queue was full.",
            self.dropped.get(),
        );
        counter(
            "findings_refused_total",
            "Findings given up because the collector refuses them.",
            self.refused.get(),
        );
        counter("connects_total", "Streams that the collector welcomed.", self.connects.get());
        counter(
            "connect_failures_total",
            "Streams that ended in an error.",
            self.connect_failures.get(),
        );
        counter(
            "state_errors_total",
            "Failed attempts to save the acknowledged position.",
            self.state_errors.get(),
        );
        counter(
            "kill_counts_unmatched_total",
            "Kills counted by a group that could have been one of several others seen.",
            self.unmatched_counts.get(),
        );
        counter(
            "signals_not_reported_total",
            "SIGKILLs traced that say nothing of a container's death, or were too many.",
            self.signals_not_reported.get(),
        );
        counter(
            "trace_events_total",
            "Events read from the signal trace.",
            self.trace_events.get(),
        );
        counter(
            "trace_events_lost_total",
            "Signal trace events overwritten before they were read.",
            self.trace_events_lost.get(),
        );
        counter(
            "trace_lines_not_understood_total",
            "Lines of the signal trace that made no sense.",
            self.trace_not_understood.get(),
        );
        counter(
            "trace_signals_not_looked_up_total",
            "SIGKILLs whose processes were not looked up because too many came at once.",
            self.trace_not_looked_up.get(),
        );
        counter(
            "trace_marks_without_signal_total",
            "Processes that the OOM killer chose while they were exiting anyway.",
            self.trace_lone_marks.get(),
        );
        counter(
            "surroundings_skipped_total",
            "Kills around which nothing was looked at, because there were too many at once.",
            self.surroundings_skipped.get(),
        );
        let _ = writeln!(
            out,
            "# HELP coroner_agent_events_total Kernel events reported.\n# TYPE coroner_agent_events_total counter"
        );
        for (kind, count) in KINDS.iter().zip(&self.events) {
            let _ = writeln!(out, "coroner_agent_events_total{{kind=\"{kind}\"}} {}", count.get());
        }
        let _ = writeln!(
            out,
            "# HELP coroner_agent_source_gaps_total Holes in what a source saw.\n# TYPE coroner_agent_source_gaps_total counter"
        );
        for (source, count) in Source::ALL.iter().zip(&self.gaps) {
            let (flag, count) = (source.flag(), count.get());
            let _ = writeln!(out, "coroner_agent_source_gaps_total{{source=\"{flag}\"}} {count}");
        }
        let _ = writeln!(
            out,
            "# HELP coroner_agent_build_info The version that runs.\n# TYPE coroner_agent_build_info gauge\n\
             coroner_agent_build_info{{version=\"{}\"}} 1",
            env!("CARGO_PKG_VERSION")
        );
        let _ = writeln!(
            out,
            "# HELP coroner_agent_source_reading 1 while a source is read.\n# TYPE coroner_agent_source_reading gauge"
        );
        for source in Source::ALL {
            let (flag, reading) = (source.flag(), u64::from(self.standing.is_reading(source)));
            let _ = writeln!(out, "coroner_agent_source_reading{{source=\"{flag}\"}} {reading}");
        }
        for (name, help, value) in [
            ("findings_queued", "Findings that wait or are not acknowledged yet.", self.queued()),
            (
                "kills_waiting",
                "Kills and ends of containers of which more may be told in a moment.",
                self.waiting.iter().map(|waiting| waiting.load(Relaxed)).sum(),
            ),
            ("kernel_log_reading", "1 while the kernel log is read.", u64::from(self.is_reading())),
            ("connected", "1 while a collector listens.", u64::from(self.is_connected())),
        ] {
            let _ = writeln!(
                out,
                "# HELP coroner_agent_{name} {help}\n# TYPE coroner_agent_{name} gauge\ncoroner_agent_{name} {value}"
            );
        }
        let name = "coroner_agent_kernel_log_read_until_seconds";
        let us = self.log_read_until_us.load(Relaxed);
        let _ = writeln!(
            out,
            "# HELP {name} When the kernel log was last read to its end, on CLOCK_MONOTONIC.\n# TYPE {name} gauge\n\
             {name} {}.{:06}",
            us / 1_000_000,
            us % 1_000_000
        );
        out
    }
}
