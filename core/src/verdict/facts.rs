//! What a case says, put in order once, so that every rule looks at the same things.
//!
//! What was not said or read is `None`; the questions below answer from what is there.

use jiff::Timestamp;

use super::account::{self, Account};
use super::api::Api;
use super::watch::Watch;
use super::witnesses::{Told, Witnesses};
use super::words;
use crate::bytes::Bytes;
use crate::cgroup::{Identity, identify};
use crate::finding::{
    AttributionMethod, CgroupObservation, CgroupState, ContainerEnd, GroupRise, Sigkill,
};
use crate::incident::Confidence;
use crate::kernel::{
    AllocationFailure, Fault, HardwareMemoryError, Level, Limit, OomReport, ReportEnd, Scope,
    SlabFailure, UserspaceKill, Victim,
};

/// What opened the incident.
pub(super) enum Event<'a> {
    /// The kernel's OOM killer.
    Oom(&'a OomReport),
    /// An allocation of several pages failed.
    Allocation(&'a AllocationFailure),
    /// A slab cache could not grow.
    Slab(&'a SlabFailure),
    /// Broken memory.
    Hardware(&'a HardwareMemoryError),
    /// A killer in user space.
    Userspace(&'a UserspaceKill),
    /// A container ended, or a process of it was killed, by none of these.
    Death,
}

/// A group and who says that it is the one.
pub(super) struct Group<'a> {
    pub path: &'a str,
    pub identity: Identity,
    /// `None` when the kernel printed it; else how the agent worked it out.
    pub worked_out: Option<AttributionMethod>,
}

/// The limit that was hit, of the two or three that a group has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hit {
    pub kind: HitKind,
    pub usage: Option<u64>,
    pub limit: Option<u64>,
}

/// Which limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum HitKind {
    #[default]
    Memory,
    /// `memory.memsw.limit_in_bytes` of cgroup v1.
    MemoryAndSwap,
    /// `memory.kmem.limit_in_bytes` of cgroup v1.
    KernelMemory,
}

/// The facts of one case.
pub(super) struct Facts<'a> {
    /// When what opened it happened: a finding, else what Kubernetes reports.
    pub at: Timestamp,
    pub event: Event<'a>,
    /// Who says what.
    pub witnesses: &'a Witnesses<'a>,
    /// What Kubernetes says.
    pub api: Option<Api<'a>>,
    /// What they together say of an OOM kill.
    pub account: &'a Account,
    /// The SIGKILL that matters, of those the OOM killer did not send.
    pub kill: Option<Told<'a, Sigkill>>,
    /// In the order they were killed; each pid once.
    pub victims: Vec<&'a Victim>,
    /// The group whose limit was hit.
    pub limit: Option<Group<'a>>,
    /// The first victim's own group.
    pub victim: Option<Group<'a>>,
    pub at_kill: Option<&'a CgroupObservation>,
    pub aftermath: Option<&'a CgroupObservation>,
    /// What was watched while it happened.
    pub watch: Watch<'a>,
    /// Sequence numbers of its first and last record.
    pub records: Option<(u64, u64)>,
}

impl<'a> Facts<'a> {
    /// The OOM report, if that is what it is about.
    pub(super) fn report(&self) -> Option<&'a OomReport> {
        match self.event {
            Event::Oom(report) => Some(report),
            _ => None,
        }
    }

    /// The OOM report of a limit that a group hit, with the group.
    pub(super) fn limit_hit(&self) -> Option<(&'a OomReport, &Group<'a>)> {
        let report = self.report()?;
        matches!(report.scope, Scope::Cgroup | Scope::Unknown).then_some(())?;
        Some((report, self.limit.as_ref()?))
    }

    /// What kind of group's limit was hit.
    pub(super) fn limit_level(&self) -> Level {
        self.limit.as_ref().map_or(Level::None, |group| group.identity.level)
    }

    /// Whose death it is: the victim's group as far as known, else what the limit's group says.
    pub(super) fn whose(&self) -> Identity {
        let limit = self.limit.as_ref().map(|group| &group.identity);
        match self.victim.as_ref().map(|group| &group.identity) {
            Some(victim) => victim.clone(),
            None => limit.cloned().unwrap_or_default(),
        }
    }

    /// The end of the container, where it was seen.
    pub(super) fn end(&self) -> Option<&'a ContainerEnd> {
        self.witnesses.end.map(|(_, end)| end)
    }

    /// When it happened. What was found first about a death may be the signal to another process long before.
    pub(super) fn time(&self) -> Timestamp {
        match (&self.event, self.kill, self.witnesses.end) {
            (Event::Death, Some((signal, _)), _) if self.kill_of_main().is_some() => signal.time,
            (Event::Death, _, Some((end, _))) => end.time,
            _ => self.at,
        }
    }

    /// The SIGKILL that matters, if it was for the container's main process.
    pub(super) fn kill_of_main(&self) -> Option<&'a Sigkill> {
        let main = self.end().and_then(|end| end.main_pid);
        self.kill.map(|(_, kill)| kill).filter(|kill| {
            kill.receiver_is_main == Some(true) || main.is_some_and(|pid| pid == kill.receiver.pid)
        })
    }

    /// A crash that the kernel log shows, of the main process where it is known which that is.
    pub(super) fn fault(&self) -> Option<&'a Fault> {
        let main = self.end().and_then(|end| end.main_pid);
        let near = |told: &&Told<'a, Fault>| self.witnesses.just_before_the_end(told.0);
        let faults = || self.witnesses.faults.iter().filter(near);
        let of_main = faults().find(|(_, fault)| fault.pid.is_some() && fault.pid == main);
        of_main.or_else(|| faults().next()).map(|(_, fault)| *fault)
    }

    /// Whether somebody died, named or not.
    pub(super) fn somebody_died(&self) -> bool {
        !self.victims.is_empty() || !self.witnesses.counted.is_empty()
    }

    /// How far use of the group ever came whose limit was hit, in words, where the kernel log did not say it.
    pub(super) fn peak(&self) -> Option<String> {
        let peak = account::rise(self.witnesses, self.limit.as_ref()?.path)?.peak?;
        self.hit().usage.is_none().then(|| format!("It has used {} at most.", Bytes(peak)))
    }

    /// How the counters of the victim's container moved.
    pub(super) fn container_rise(&self) -> Option<&'a GroupRise> {
        let rise = account::rise(self.witnesses, self.victim.as_ref()?.path)?;
        (identify(&rise.group).level == Level::Container).then_some(rise)
    }

    /// How sure the word about a group's limit makes a verdict, before it is asked how many say so.
    pub(super) fn certainty(&self) -> Confidence {
        let Some((report, limit)) = self.limit_hit() else { return Confidence::Possible };
        let Some(victim) = &self.victim else {
            // Without a victim (a panic) the limit's group is all there is to know.
            return if !self.somebody_died() && self.has_header(report) {
                Confidence::Confirmed
            } else {
                Confidence::Likely
            };
        };
        let whole =
            self.has_header(report) && limit.worked_out.is_none() && victim.worked_out.is_none();
        let identified = match limit.identity.level {
            Level::Container => limit.identity.container_id.is_some(),
            Level::Pod => limit.identity.pod_uid.is_some(),
            Level::Qos | Level::Kubepods | Level::Other | Level::None => true,
        };
        let inside = victim.identity.pod_uid.is_none()
            || victim.identity.pod_container_id.is_some()
            || victim.identity.level != Level::Container;
        if whole && identified && inside { Confidence::Confirmed } else { Confidence::Likely }
    }

    /// Who was killed, in words, or what the kernel did instead.
    pub(super) fn fate(&self) -> String {
        if self.victims.is_empty() && self.somebody_died() {
            let one_of: Vec<u32> = self.witnesses.one_of().into_iter().collect();
            return words::unnamed(self.witnesses.counted.len(), &one_of);
        }
        words::fate(
            &self.victims,
            self.report().map_or(&ReportEnd::Unfinished, |report| &report.end),
        )
    }

    /// `its` container where somebody of it died, `a` container where nobody did.
    pub(super) fn whose_word(&self) -> &'static str {
        if self.somebody_died() { "its" } else { "a" }
    }

    /// Whether it is told in whole whose limit was hit: by a report from its first line on, or by the counters.
    pub(super) fn has_header(&self, report: &OomReport) -> bool {
        !report.bare && report.trigger.is_some() || self.account.limit_is_counted
    }

    /// The limit that was hit, with its numbers: as printed, else as read from the group afterwards.
    pub(super) fn hit(&self) -> Hit {
        /// A charge is made in batches of up to 64 pages, so usage may stay below the limit by that much.
        const BATCH: u64 = 256 << 10;
        let Some(report) = self.report() else { return Hit::default() };
        let full = |usage: Option<crate::kernel::Usage>| {
            let usage = usage?;
            let (used, limit) = (usage.usage?, usage.limit?.bytes()?);
            (used.saturating_add(BATCH) >= limit).then_some((used, limit))
        };
        let of = |kind, (usage, limit)| Hit { kind, usage: Some(usage), limit: Some(limit) };
        if full(report.memory).is_none() {
            if let Some(numbers) = full(report.memory_swap) {
                return of(HitKind::MemoryAndSwap, numbers);
            }
            if let Some(numbers) = full(report.kmem) {
                return of(HitKind::KernelMemory, numbers);
            }
        }
        let printed = report.memory.unwrap_or_default();
        let limit = match printed.limit {
            Some(limit) => limit.bytes(),
            // The usage after the kill is another, but the limit is still the same.
            None => self.limit_state().and_then(|state| state.limit).and_then(Limit::bytes),
        };
        Hit { kind: HitKind::Memory, usage: printed.usage, limit }
    }

    /// What was read of the group whose limit was hit.
    pub(super) fn limit_state(&self) -> Option<&'a CgroupState> {
        let path = self.limit.as_ref()?.path;
        [self.at_kill, self.aftermath]
            .into_iter()
            .flatten()
            .filter_map(|observation| observation.limit.as_ref())
            .find(|state| state.exists && state.path == path)
    }

    /// What was read of the victim's container: the state of the group itself, not of a leaf or a group inside it.
    pub(super) fn container_state(
        &self,
        observation: &'a CgroupObservation,
    ) -> Option<&'a CgroupState> {
        let whose = self.whose();
        let id = whose.pod_container_id.or(whose.container_id)?;
        let mut found: Vec<&CgroupState> = observation
            .victim
            .iter()
            .chain(&observation.limit)
            .chain(&observation.siblings)
            .filter(|state| {
                let identity = identify(&state.path);
                identity.level == Level::Container
                    && identity.pod_container_id.or(identity.container_id).as_ref() == Some(&id)
            })
            .collect();
        // CRI-O's leaf is the container too, but the scope above it is what is limited and what is counted.
        found.sort_by_key(|state| state.path.len());
        found.first().copied()
    }
}
