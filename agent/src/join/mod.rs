//! Joining: one kill that several sources saw becomes one incident.
//!
//! The kernel log prints a kill, the signal trace sees it marked, a group counts it: within milliseconds, in any order,
//! and each of them may stay silent. What comes first is not always published first: a mark or a count waits a moment
//! for the log's line, which says most. Then whoever is published first opens the incident, and the others are about
//! it ([`Finding::about`](coroner_core::finding::Finding::about)). Who is who is decided in [`kills`] and [`deaths`],
//! which know no clock and push nothing; this file gives times and hands on.
//!
//! When findings are lost on the way or the agent is killed in between, a kill may be published with fewer witnesses,
//! but under the same identities.

mod announced;
mod crashes;
mod deaths;
#[cfg(test)]
mod deaths_tests;
mod due;
mod kill;
mod kills;
#[cfg(test)]
mod late_tests;
mod leftovers;
#[cfg(test)]
mod leftovers_tests;
mod shared;
#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod tests;
mod whole;
#[cfg(test)]
mod whole_tests;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use coroner_core::counters::Whole;
use coroner_core::finding::{
    ContainerEnd, CountedKill, CountedLimit, FindingBody, FindingId, Sigkill, Source,
};
use coroner_core::kernel::KernelEvent;
use tokio::sync::Notify;

use crate::clock::{Clocks, Moment, monotonic_us};
use crate::findings::Findings;
use crate::homes::Homes;
use crate::metrics::{Metrics, Waiting};
use crate::stop::Stop;
use crate::surroundings::Seen;
use announced::Announced;
use deaths::Deaths;
use kill::Witness;
use kills::Kills;

/// How long a witness waits for the others. The kernel log's line was measured to come 0 to 4 ms after the mark, and
/// counters up to 16 ms, on a machine that has time for the agent; without, each may be half a second behind. Once all
/// that can come has come, nobody waits.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long the end of a container waits for what may have caused it. A signal by the kernel is told a second late,
/// since the OOM killer's mark may follow ([`coroner_core::signal::Pairing`]).
const END_PATIENCE: Duration = Duration::from_millis(1500);

/// The log is looked at so often at least, in microseconds, where nothing wakes its reader.
const LOOKED_AT_US: u64 = 6_000_000;

/// The log's clock and `CLOCK_MONOTONIC` come apart by one part in so many at most (`adjtimex(2)`: 500 ppm).
const CLOCKS_APART: u64 = 2_000;

/// Something to hand on.
#[derive(Clone, Debug, PartialEq)]
struct Publication {
    id: FindingId,
    about: Option<FindingId>,
    /// When it happened, in microseconds of `CLOCK_MONOTONIC`.
    at_us: u64,
    /// How far that may be off, in microseconds.
    uncertainty_us: u64,
    source: Source,
    body: FindingBody,
}

#[derive(Debug, Default)]
struct State {
    kills: Kills,
    deaths: Deaths,
    announced: Announced,
}

/// Where all witnesses of kills meet.
#[derive(Debug)]
pub(crate) struct Joiner {
    state: Mutex<State>,
    findings: Findings,
    /// Who looks around when somebody was killed.
    surroundings: OnceLock<Seen>,
    metrics: Arc<Metrics>,
    /// Rings when there is a new deadline.
    changed: Notify,
    /// Which group processes were seen in.
    pub homes: Arc<Homes>,
    /// Rings when a kill was seen that the kernel log should tell of: time to read a log that does not wake its readers.
    pub log_wanted: Notify,
    /// Rings when a kill was seen that some group should count.
    pub count_wanted: Notify,
}

impl Joiner {
    pub(crate) fn new(findings: Findings, metrics: Arc<Metrics>) -> Self {
        let state = Mutex::default();
        Self {
            state,
            findings,
            surroundings: OnceLock::new(),
            metrics,
            changed: Notify::new(),
            homes: Arc::new(Homes::new()),
            log_wanted: Notify::new(),
            count_wanted: Notify::new(),
        }
    }

    /// Tells of every kill from here on.
    pub(crate) fn tell(&self, seen: Seen) {
        let _ = self.surroundings.set(seen);
    }

    /// Whom to tell of what the kernel log says.
    pub(crate) fn surroundings(&self) -> Option<&Seen> {
        self.surroundings.get()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way; a poisoned lock still holds whole values.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The kernel log printed `event`, whose identity is `id`. Gives the fact whose incident it belongs to, where that
    /// is another than the event itself says. `since` is when the log was last seen empty before, or the agent began, in
    /// microseconds of `CLOCK_MONOTONIC`; `None` for what may have been printed before the agent watched.
    pub(crate) fn printed(
        &self,
        event: &KernelEvent,
        id: &FindingId,
        since: Option<u64>,
    ) -> Option<FindingId> {
        let now_us = monotonic_us();
        // A record was written since the log was last seen empty, however long its reader takes. An older one has its
        // stamp, whose clock runs ahead and is not disciplined.
        let looked_us = now_us.saturating_sub(LOOKED_AT_US);
        let span_us = match (event.position().monotonic_us, since) {
            (_, Some(since)) => (since.min(looked_us), now_us),
            (None, None) => (looked_us, now_us),
            (Some(stamp), None) => {
                let off = 2_000_000 + now_us / CLOCKS_APART;
                (stamp.saturating_sub(off), stamp.saturating_add(off).min(now_us))
            }
        };
        let boot_id = &self.findings.boot_id;
        let (about, out) = match event {
            KernelEvent::Oom(report) => {
                let mut state = self.lock();
                let Some(victim) = report.victims.first() else {
                    // Whoever could have been chosen is dying already.
                    let group = report.limit_cgroup.as_deref()?;
                    return state.kills.dying_in(group, Instant::now()).cloned();
                };
                let kill = Witness::new(Some(victim.pid), victim.cgroup.as_deref())
                    .between(span_us.0, span_us.1);
                state.kills.printed(kill, id, None, Instant::now())
            }
            KernelEvent::OomVictim(further) => {
                let mut state = self.lock();
                let report = FindingId::at(boot_id, &further.report, 0);
                // Of a further victim the kernel prints no group but the one that is killed.
                let whole = further.oom_group.as_deref();
                let group = further.victim.cgroup.as_deref().filter(|group| whole != Some(*group));
                let kill = Witness::new(Some(further.victim.pid), group)
                    .killed_with(whole)
                    .between(span_us.0, span_us.1);
                state.kills.printed(kill, id, Some(&report), Instant::now())
            }
            _ if since.is_none() => return None,
            KernelEvent::UserspaceKill(kill) => {
                let mut state = self.lock();
                (state.announced.line(boot_id, kill, id, Instant::now()), Vec::new())
            }
            KernelEvent::Fault(fault) => {
                return crashes::death_of(boot_id, fault.pid, &self.homes, Instant::now());
            }
            _ => return None,
        };
        self.publish(out);
        self.count_wanted.notify_one();
        about
    }

    /// The group of a bare kill line was worked out; `anchor` is the fact whose incident it is.
    pub(crate) fn attributed(&self, anchor: &FindingId, pid: u32, group: &str) {
        let mut state = self.lock();
        let out = state.kills.attributed(anchor, pid, group);
        self.tell_waiting(&state);
        drop(state);
        self.publish(out);
    }

    /// The group of a bare kill line cannot be worked out.
    pub(crate) fn unattributed(&self, anchor: &FindingId, pid: u32) {
        self.lock().kills.unattributed(anchor, pid);
        self.changed.notify_one();
    }

    /// The trace saw a SIGKILL, with the OOM killer's mark if there was one.
    pub(crate) fn sigkill(&self, sigkill: Sigkill) {
        let boot_id = &self.findings.boot_id;
        let now = Instant::now();
        if let Some(group) = &sigkill.receiver.cgroup {
            self.homes.note(sigkill.receiver.pid, group, now);
        }
        let mut state = self.lock();
        let out = if sigkill.oom_mark.is_some() {
            self.count_wanted.notify_one();
            self.log_wanted.notify_one();
            state.deaths.killed(&sigkill, now);
            state.kills.without_log = !self.metrics.is_reading();
            state.kills.marked(boot_id, sigkill, now, now + PATIENCE)
        } else {
            state.deaths.sigkill(boot_id, sigkill, now)
        };
        self.tell_waiting(&state);
        drop(state);
        self.publish(out);
        self.changed.notify_one();
    }

    /// A group counted a kill, with `whole` as the group that was killed at once.
    pub(crate) fn counted(&self, kill: CountedKill, whole: Whole) {
        let now = Instant::now();
        let mut state = self.lock();
        state.kills.without_log = !self.metrics.is_reading();
        let out = state.kills.counted(&self.findings.boot_id, kill, whole, now, now + PATIENCE);
        self.tell_waiting(&state);
        drop(state);
        self.publish(out);
        self.changed.notify_one();
        self.log_wanted.notify_one();
    }

    /// A container ended. What is known of it waits a moment: its last kill may still be on its way.
    /// Between the times of `unseen_us` nobody had seen who is said to be its first process.
    pub(crate) fn container_ended(&self, end: ContainerEnd, unseen_us: Option<(u64, u64)>) {
        let now = Instant::now();
        let mut state = self.lock();
        state.deaths.ended(end, unseen_us, now, now + END_PATIENCE);
        self.tell_waiting(&state);
        drop(state);
        self.changed.notify_one();
    }

    /// Hands on what has waited long enough, until the agent ends.
    pub(crate) async fn run(self: Arc<Self>, mut stop: Stop) {
        loop {
            self.hand_on(Instant::now());
            let due = self.lock().due();
            tokio::select! {
                () = self.changed.notified() => {}
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {}
                () = stop.wait() => break,
            }
        }
        // Nobody waits for anything any more.
        self.hand_on(Instant::now() + PATIENCE * 4);
    }

    fn hand_on(&self, now: Instant) {
        let boot_id = &self.findings.boot_id;
        let coverage = &self.findings.outbox.coverage;
        let mut state = self.lock();
        let State { kills, deaths, .. } = &mut *state;
        let mut out = kills.overdue(now);
        let traced = |from, to| coverage.complete(Source::SignalTrace, from, to);
        out.extend(deaths.overdue(boot_id, now, kills, &traced));
        self.metrics.unmatched_counts.add(kills.take_ambiguous());
        self.metrics.signals_not_reported.add(deaths.take_not_reported());
        // What was waited for is in the outbox first.
        self.publish(out);
        self.tell_waiting(&state);
    }

    fn tell_waiting(&self, state: &State) {
        self.metrics.set_waiting(Waiting::Joiner, state.waiting());
    }

    fn publish(&self, out: Vec<Publication>) {
        for publication in out {
            let Publication { id, about, at_us, uncertainty_us, source, body } = publication;
            let time = Clocks::now().of_monotonic(at_us);
            let moment = Moment { time, uncertainty_us: Some(uncertainty_us) };
            if let (Some(seen), None) = (self.surroundings(), &about) {
                match &body {
                    FindingBody::CountedKill(kill) => {
                        let whole_node = kill.limit == CountedLimit::WholeNode;
                        seen.kill(&id, Some(&kill.group), whole_node);
                    }
                    FindingBody::Sigkill(kill) if kill.oom_mark.is_some() => {
                        seen.kill(&id, kill.receiver.cgroup.as_deref(), false);
                    }
                    _ => {}
                }
            }
            self.findings.push(id, about, source, moment, body, None);
        }
    }
}

impl State {
    /// Kills and ends of which more may be told in a moment.
    fn waiting(&self) -> usize {
        self.kills.waiting() + self.deaths.waiting()
    }

    fn due(&self) -> Option<Instant> {
        [self.kills.due(), self.deaths.due()].into_iter().flatten().min()
    }
}
