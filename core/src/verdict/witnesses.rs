//! A case's findings, each fact once, sorted by which witness they are.
//!
//! They arrive in any order, some twice, and any of them may be missing: the result depends on none of that.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::Case;
use super::opening::{incident_of, rank};
use super::surroundings::Surroundings;
use crate::finding::{
    Attribution, CgroupObservation, ContainerEnd, CountedKill, Finding, FindingBody, Phase,
    Sigkill, SignalResult,
};
use crate::kernel::{Fault, KernelEvent, OomReport, OomVictim, Position};
use crate::signal::{Origin, origin};

/// What hits one process ends its container within this time, or does not end it. A shell that waits for its child
/// ends at once; a program that shuts down in order takes a grace period.
const ENDS_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// A fact and the finding it stands in.
pub(super) type Told<'a, T> = (&'a Finding, &'a T);

/// Who says what about one incident.
pub(super) struct Witnesses<'a> {
    /// The finding that opens it; `None` where only Kubernetes tells of it.
    pub opening: Option<&'a Finding>,
    /// The kernel log's account of an OOM kill.
    pub log: Option<Told<'a, OomReport>>,
    /// What else the kernel log says that can open an incident.
    pub event: Option<Told<'a, KernelEvent>>,
    /// Further victims of the report, in the order they were killed.
    pub further: Vec<Told<'a, OomVictim>>,
    /// Crashes the kernel log shows.
    pub faults: Vec<Told<'a, Fault>>,
    /// Traced SIGKILLs of the OOM killer, by time.
    pub marked: Vec<Told<'a, Sigkill>>,
    /// Other traced SIGKILLs, by time.
    pub kills: Vec<Told<'a, Sigkill>>,
    /// Kills that groups counted, in the order they were counted.
    pub counted: Vec<Told<'a, CountedKill>>,
    /// The end of the container.
    pub end: Option<Told<'a, ContainerEnd>>,
    /// What was read of groups, in the order of what happened.
    pub observations: Vec<Told<'a, CgroupObservation>>,
    /// What the node was like.
    pub surroundings: Surroundings<'a>,
}

impl<'a> Witnesses<'a> {
    pub(super) fn of(case: &'a Case) -> Self {
        let mut findings: Vec<&Finding> = case.findings.iter().collect();
        findings.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| a.time.cmp(&b.time)));
        let mut seen = BTreeSet::new();
        findings.retain(|finding| seen.insert(&finding.id));
        let opening = findings
            .iter()
            .filter_map(|finding| Some((rank(finding)?, *finding)))
            .min_by(|(a, left), (b, right)| {
                a.cmp(b).then_with(|| left.time.cmp(&right.time)).then(left.id.cmp(&right.id))
            })
            .map(|(_, finding)| finding);
        if let (None, Some(opening)) = (&case.incident, opening) {
            let id = incident_of(opening);
            findings.retain(|finding| incident_of(finding) == id);
        }
        let mut sorted = Self {
            opening,
            log: None,
            event: None,
            further: Vec::new(),
            faults: Vec::new(),
            marked: Vec::new(),
            kills: Vec::new(),
            counted: Vec::new(),
            end: None,
            observations: Vec::new(),
            surroundings: Surroundings::default(),
        };
        for finding in findings {
            sorted.take(finding);
        }
        sorted.order();
        if opening.is_some() && !sorted.oom() && sorted.event.is_none() {
            // A death is as old as what brought it about, else as the end itself.
            let told = sorted.decisive().map(|(finding, _)| finding);
            sorted.opening = told.or(sorted.end.map(|(finding, _)| finding)).or(sorted.opening);
        }
        sorted
    }

    fn take(&mut self, finding: &'a Finding) {
        match &finding.body {
            FindingBody::Kernel(event) => match event.as_ref() {
                KernelEvent::Oom(report) => {
                    // A report that names its victim says more than one that does not; of two the first.
                    let says = |finding: &Finding, report: &OomReport| {
                        let place = &report.position;
                        let order = (place.seq, place.monotonic_us, place.line);
                        (rank(finding).is_none(), report.victims.is_empty(), order)
                    };
                    let better = |(held, other): Told<'_, OomReport>| {
                        says(finding, report) < says(held, other)
                    };
                    if self.log.is_none_or(better) {
                        self.log = Some((finding, report));
                    }
                }
                KernelEvent::OomVictim(further) => self.further.push((finding, further)),
                KernelEvent::Fault(fault) => self.faults.push((finding, fault)),
                other if rank(finding).is_some() && self.event.is_none() => {
                    self.event = Some((finding, other));
                }
                _ => {}
            },
            FindingBody::Sigkill(sigkill) if sigkill.oom_mark.is_some() => {
                self.marked.push((finding, sigkill));
            }
            FindingBody::Sigkill(sigkill) => self.kills.push((finding, sigkill)),
            FindingBody::CountedKill(kill) => self.counted.push((finding, kill)),
            FindingBody::ContainerEnd(end) if self.end.is_none() => self.end = Some((finding, end)),
            FindingBody::Cgroups(observation) => self.observations.push((finding, observation)),
            _ => self.surroundings.take(finding),
        }
    }

    fn order(&mut self) {
        let key = |p: &Position| (p.seq, p.monotonic_us, p.line);
        self.further.sort_by(|(_, a), (_, b)| {
            let (a, b) = (&a.victim, &b.victim);
            key(&a.position).cmp(&key(&b.position)).then_with(|| a.pid.cmp(&b.pid))
        });
        self.marked.sort_by_key(|(_, sigkill)| (sigkill.at_us, sigkill.receiver.pid));
        self.kills.sort_by_key(|(_, sigkill)| (sigkill.at_us, sigkill.receiver.pid));
        self.counted.sort_by(|(_, a), (_, b)| {
            (a.to_us, a.oom_kill, &a.group).cmp(&(b.to_us, b.oom_kill, &b.group))
        });
        self.observations.sort_by_key(|(_, o)| o.phase == Phase::Aftermath);
    }

    /// The processes of which one was killed in a group that counted it, where nobody knows which.
    pub(super) fn one_of(&self) -> BTreeSet<u32> {
        self.counted.iter().flat_map(|(_, kill)| &kill.one_of).copied().collect()
    }

    /// Whether any witness speaks of the OOM killer.
    pub(super) fn oom(&self) -> bool {
        self.log.is_some() || !self.marked.is_empty() || !self.counted.is_empty()
    }

    /// Of the SIGKILLs that the OOM killer did not send the one that matters: the first that reached the main process,
    /// else the first that somebody outside sent, else the first. The end of a pid namespace only finishes what the
    /// death of its first process began, a signal to a process that is dying already kills nobody, and what hit another
    /// process long before the container ended did not end it.
    pub(super) fn decisive(&self) -> Option<Told<'a, Sigkill>> {
        let main = self.end.and_then(|(_, end)| end.main_pid);
        let to_main = |sigkill: &Sigkill| {
            sigkill.receiver_is_main == Some(true)
                || main.is_some_and(|pid| pid == sigkill.receiver.pid)
        };
        self.kills
            .iter()
            .filter(|(finding, sigkill)| {
                sigkill.result != SignalResult::Ignored
                    && origin(sigkill) != Origin::PidNamespaceEnd
                    && (to_main(sigkill) || self.just_before_the_end(finding))
            })
            .min_by_key(|(finding, sigkill)| {
                (!to_main(sigkill), rank(finding).is_none(), sigkill.at_us, sigkill.receiver.pid)
            })
            .copied()
    }

    /// Whether the fact can have ended the container, as far as is known when that was.
    pub(super) fn just_before_the_end(&self, finding: &Finding) -> bool {
        self.end.is_none_or(|(end, _)| {
            end.time.checked_sub(ENDS_WITHIN).is_ok_and(|since| finding.time >= since)
        })
    }

    /// What was read in that phase.
    pub(super) fn observed(&self, phase: Phase) -> Option<&'a CgroupObservation> {
        self.observations.iter().find(|(_, o)| o.phase == phase).map(|(_, o)| *o)
    }

    /// The victim's group that the agent worked out for a bare kill line.
    pub(super) fn attribution(&self) -> Option<&'a Attribution> {
        self.observations.iter().find_map(|(_, o)| o.attribution.as_ref())
    }
}
