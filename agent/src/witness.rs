//! The cgroup source: at a kill it reads what can still be read, and again a moment later.
//!
//! The victim's group is often removed within a millisecond of the kill, so it is read before anything else is done
//! with the event. A quarter of a second later those who die together are gone, and whoever is left survived. Kills
//! from before the agent's time are only looked at once; of those in the group then, only processes that began before
//! the kill count as survivors. Without a memory hierarchy the kernel log stands alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coroner_core::finding::{
    Attribution, CgroupObservation, FindingBody, FindingId, Phase, Source,
};
use coroner_core::kernel::{KernelEvent, OomReport, OomVictim, Victim};

use crate::attribution::{Attributor, Bare};
use crate::cgroup::{Hierarchy, Question, observe};
use crate::clock::{Clocks, Moment};
use crate::findings::Findings;
use crate::homes::Homes;
use crate::join::Joiner;
use crate::metrics::{Metrics, Waiting};
use crate::position::Mark;
use crate::process::{Processes, since_boot};

/// Killed processes take some 10 to 100 ms to free their memory and go.
const AFTERMATH: Duration = Duration::from_millis(250);

/// Looks taken before other work gets its turn.
const TURN: usize = 32;

/// Kills whose aftermath is waited for; a storm of thousands a second gets no aftermath for some.
const LATER_MAX: usize = 4096;

/// A look that is to be taken.
#[derive(Debug)]
struct Later {
    at: Instant,
    about: FindingId,
    mark: Mark,
    report: Mark,
    limit: Option<String>,
    victim: Option<String>,
    dead: Vec<u32>,
    /// For a kill from before the agent's time: when it was, in microseconds since boot.
    killed_us: Option<u64>,
    attribution: Option<Attribution>,
}

/// Watches cgroups around kills.
#[derive(Debug)]
pub(crate) struct Witness {
    hierarchy: Hierarchy,
    processes: Processes,
    attributor: Attributor,
    later: Vec<Later>,
    findings: Findings,
    joiner: Option<Arc<Joiner>>,
    metrics: Arc<Metrics>,
}

impl Witness {
    pub(crate) fn new(
        hierarchy: Hierarchy,
        processes: Processes,
        (host_pids, homes): (bool, Arc<Homes>),
        findings: Findings,
        joiner: Option<Arc<Joiner>>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let attributor = Attributor::new(processes.clone(), host_pids, homes);
        Self { hierarchy, processes, attributor, later: Vec::new(), findings, joiner, metrics }
    }

    /// Looks at an event of the kernel log. `fresh` when it happened while the agent was watching. What it reads is
    /// given back, to be handed on behind the event.
    pub(crate) fn event(
        &mut self,
        event: &KernelEvent,
        about: &FindingId,
        mark: Mark,
        fresh: bool,
    ) -> Option<CgroupObservation> {
        let seen = match event {
            KernelEvent::Oom(report) => self.report(report, about, mark, fresh),
            KernelEvent::OomVictim(further) => {
                self.further(further, fresh);
                None
            }
            _ => return None,
        };
        self.tell_waiting();
        seen
    }

    fn tell_waiting(&self) {
        let kills = self.later.len() + self.attributor.waiting();
        self.metrics.set_waiting(Waiting::Witness, kills);
    }

    fn report(
        &mut self,
        report: &OomReport,
        about: &FindingId,
        mark: Mark,
        fresh: bool,
    ) -> Option<CgroupObservation> {
        let victim = report.victims.first()?;
        if victim.cgroup.is_none() && report.limit_cgroup.is_none() {
            if fresh {
                self.findings.outbox.hold(mark);
                let bare = Bare {
                    about: about.clone(),
                    mark,
                    victim: victim.clone(),
                    scope: report.scope,
                };
                self.attributor.bare(&self.hierarchy, bare, Instant::now());
            } else {
                self.metrics.unattributed.add(1);
            }
            return None;
        }
        let (limit, group) = (report.limit_cgroup.clone(), victim.cgroup.clone());
        let later = self.later(about, mark, Mark::of(&report.position), victim, fresh);
        let later = Later { limit, victim: group, ..later };
        let seen = fresh.then(|| look(&self.hierarchy, &self.processes, &later, Phase::AtKill));
        self.schedule(later);
        if let (true, Some(group)) = (fresh, &victim.cgroup) {
            self.attributor.named(&self.hierarchy, group, Instant::now());
        }
        seen
    }

    /// A further victim of a report: it does not count as left.
    fn further(&mut self, further: &OomVictim, fresh: bool) {
        let report = Mark::of(&further.report);
        for later in self.later.iter_mut().filter(|later| later.report == report) {
            later.dead.push(further.victim.pid);
        }
        let group = further.victim.cgroup.as_ref().or(further.oom_group.as_ref());
        if let (true, Some(group)) = (fresh, group) {
            self.attributor.named(&self.hierarchy, group, Instant::now());
        }
    }

    /// Takes what all groups count as known: from here on the agent watches.
    pub(crate) fn begin(&mut self) {
        self.attributor.begin(&self.hierarchy);
    }

    /// Records were lost.
    pub(crate) fn lost(&mut self) {
        self.attributor.lost();
    }

    /// See [`Attributor::count`].
    pub(crate) fn count(&mut self) -> bool {
        self.attributor.count(&self.hierarchy, Instant::now())
    }

    /// Reports the groups of bare kills that are decided.
    pub(crate) fn decide(&mut self) {
        for (bare, attribution) in self.attributor.decide(&self.hierarchy, Instant::now()) {
            if let Some(attribution) = attribution {
                self.metrics.attributed.add(1);
                if let Some(joiner) = &self.joiner {
                    joiner.attributed(&bare.about, attribution.pid, &attribution.cgroup);
                }
                let later = Later {
                    limit: attribution.limit_cgroup.clone(),
                    victim: Some(attribution.cgroup.clone()),
                    attribution: Some(attribution),
                    ..self.later(&bare.about, bare.mark, bare.mark, &bare.victim, true)
                };
                let seen = look(&self.hierarchy, &self.processes, &later, Phase::AtKill);
                self.push(seen, bare.mark);
                self.schedule(later);
            } else {
                self.metrics.unattributed.add(1);
                if let Some(joiner) = &self.joiner {
                    joiner.unattributed(&bare.about, bare.victim.pid);
                }
            }
            self.findings.outbox.release(bare.mark);
        }
        self.tell_waiting();
    }

    /// Does what is due. True when more is due than fits into one turn.
    pub(crate) fn tick(&mut self) -> bool {
        let now = Instant::now();
        self.attributor.tick(&self.hierarchy, now);
        let mut turn = 0;
        while let Some(at) = self.later.iter().position(|later| later.at <= now) {
            if turn == TURN {
                return true;
            }
            turn += 1;
            let later = self.later.remove(at);
            let seen = look(&self.hierarchy, &self.processes, &later, Phase::Aftermath);
            self.push(seen, later.mark);
            self.findings.outbox.release(later.mark);
        }
        self.tell_waiting();
        false
    }

    /// When [`Witness::tick`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let aftermath = self.later.iter().map(|later| later.at).min();
        aftermath.into_iter().chain(self.attributor.deadline(Instant::now())).min()
    }

    /// Hands on what was read.
    pub(crate) fn push(&self, seen: CgroupObservation, mark: Mark) {
        let id = FindingId::observation(&seen.about, seen.phase);
        let moment = Moment { time: Clocks::now().timestamp(), uncertainty_us: Some(0) };
        let body = FindingBody::Cgroups(seen);
        self.findings.push(id, None, Source::Cgroup, moment, body, Some(mark));
    }

    fn later(
        &self,
        about: &FindingId,
        mark: Mark,
        report: Mark,
        victim: &Victim,
        fresh: bool,
    ) -> Later {
        let now = Instant::now();
        let killed = victim.position.monotonic_us.map(|us| since_boot(us, Clocks::now()));
        Later {
            at: now + AFTERMATH,
            about: about.clone(),
            mark,
            report,
            limit: None,
            victim: None,
            dead: vec![victim.pid],
            killed_us: killed.filter(|_| !fresh),
            attribution: None,
        }
    }

    /// The position is held back until the look was taken: after a restart it is taken again.
    fn schedule(&mut self, later: Later) {
        if self.later.len() < LATER_MAX {
            self.findings.outbox.hold(later.mark);
            self.later.push(later);
        }
    }
}

/// Takes a look.
fn look(
    hierarchy: &Hierarchy,
    processes: &Processes,
    later: &Later,
    phase: Phase,
) -> CgroupObservation {
    let counts = |pid: u32| {
        let before = |killed| processes.began_us(pid).is_none_or(|began| began <= killed);
        !later.dead.contains(&pid) && later.killed_us.is_none_or(before)
    };
    observe(
        hierarchy,
        Question {
            about: later.about.clone(),
            phase,
            attribution: later.attribution.clone(),
            limit: later.limit.as_deref(),
            victim: later.victim.as_deref(),
            counts: &counts,
        },
    )
}

#[cfg(test)]
mod tests;
