//! What to change about a probe that killed: settings with numbers, as far as the evidence carries any.
//!
//! How long a start takes is known where earlier runs were watched until they were ready; else only that it takes longer than it was
//! given, and twice that is where to begin. The kubelet says that an answer took longer than `timeoutSeconds`, never how much.

use super::api::Api;
use super::facts::Facts;
use super::failed_probe::throttled;
use crate::bytes::Bytes;
use crate::kubelet::probe::{ProbeKind, Symptom};
use crate::kubernetes::Probe;

/// Seconds for an answer that are worth a try where nobody knows how long it takes.
const SOME_TIMEOUT_S: u32 = 5;

/// What to change. `first_failure_s` is from the start to the first failure of the run.
pub(super) fn remedies(
    kind: ProbeKind,
    probe: Option<&Probe>,
    symptom: Option<Symptom>,
    first_failure_s: Option<i64>,
    facts: &Facts<'_>,
) -> Vec<String> {
    let mut said = Vec::new();
    if throttled(facts).is_some() {
        said.push("Raise or remove the container's CPU limit: it was throttled.".to_owned());
    }
    let Some(probe) = probe else {
        said.push(
            "Compare the probe's timing with how long the program takes to start and to answer."
                .to_owned(),
        );
        return said;
    };
    let api = facts.api;
    let took = api.and_then(Api::container).and_then(|container| container.ready_after_s);
    let took = took.map(u64::from);
    let first = first_failure_s.and_then(|s| u64::try_from(s).ok());
    let allowed = given_s(probe);
    said.push(match (kind, symptom) {
        (ProbeKind::Startup, _) => startup(probe, allowed, took),
        (_, Some(Symptom::Timeout)) => timeout(kind, probe),
        _ if first.is_some_and(|first| first <= allowed) => {
            let lasted = api.and_then(Api::lasted_s).and_then(|s| u64::try_from(s).ok());
            new_startup(probe, allowed, first.unwrap_or(0), took, lasted)
        }
        _ => format!(
            "It had run before: find out what it did then. If it only needs longer sometimes, raise failureThreshold \
             ({}) or periodSeconds ({} s).",
            probe.failure_threshold, probe.period_s
        ),
    });
    if let Some(limit) = api.and_then(Api::container).and_then(|container| container.limits.memory)
        && facts.witnesses.surroundings.pressure.is_some()
    {
        said.push(format!("Look at the memory stalls too: its memory limit is {}.", Bytes(limit)));
    }
    said
}

/// Seconds from the start until it is killed.
fn given_s(probe: &Probe) -> u64 {
    u64::from(probe.initial_delay_s)
        + u64::from(probe.period_s) * u64::from(probe.failure_threshold)
}

/// Periods that make at least so many seconds.
fn periods(seconds: u64, period_s: u32) -> (u64, u64) {
    let period = u64::from(period_s.max(1));
    let threshold = seconds.div_ceil(period).max(1);
    (threshold, threshold.saturating_mul(period))
}

/// The startup probe that is there gives too little.
fn startup(probe: &Probe, allowed: u64, took: Option<u64>) -> String {
    // What was enough before is not enough now: never less than it is given.
    let need = took.unwrap_or(allowed).max(allowed).saturating_mul(2);
    let (threshold, whole) =
        periods(need.saturating_sub(u64::from(probe.initial_delay_s)), probe.period_s);
    let why = match took {
        Some(took) => format!("an earlier run of it took {took} s to become ready"),
        None => {
            "how long a start takes nobody has seen yet, so begin with twice the time".to_owned()
        }
    };
    format!(
        "It is given {allowed} s to come up, and was not up by then; {why}. Set startupProbe.failureThreshold to {threshold} \
         ({threshold} × {} s = {whole} s); now it is {}.",
        probe.period_s, probe.failure_threshold
    )
}

/// No answer came in time.
fn timeout(kind: ProbeKind, probe: &Probe) -> String {
    let more = probe.timeout_s.saturating_mul(2).max(SOME_TIMEOUT_S);
    format!(
        "The answer takes longer than {} s, and how long nobody measured. Set {}Probe.timeoutSeconds to {more} (now {}), and \
         measure the answer under load.",
        probe.timeout_s,
        kind.word(),
        probe.timeout_s
    )
}

/// It was killed while it started, and has no probe that waits for that.
fn new_startup(
    probe: &Probe,
    allowed: u64,
    first: u64,
    took: Option<u64>,
    lasted: Option<u64>,
) -> String {
    let seen = took.unwrap_or(0).max(lasted.unwrap_or(allowed));
    let (threshold, whole) = periods(seen.saturating_mul(2), probe.period_s);
    let why = match took {
        Some(took) => format!("an earlier run of it took {took} s to become ready"),
        None => format!("it was given {seen} s, which was too little"),
    };
    format!(
        "It failed first {first} s after its start, within the {allowed} s that it is given; {why}. Add a startupProbe with the same \
         handler, periodSeconds {} and failureThreshold {threshold} ({whole} s), so that this probe begins only after that.",
        probe.period_s
    )
}
