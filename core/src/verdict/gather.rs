//! Putting a case in order: which finding opened it, who died, whose groups they were, what may be missing.
//!
//! Findings are sorted by what identifies them before anything is decided: they arrive in any order, some twice.

use super::facts::{Event, Facts, Group};
use super::{Case, incident_of, opens};
use crate::cgroup::identify;
use crate::finding::{Attribution, CgroupObservation, Finding, FindingBody, Gap, Phase};
use crate::kernel::{KernelEvent, Position, Scope, Victim};

/// Puts a case in order; `None` when nothing in it opens an incident.
pub(super) fn gather(case: &Case) -> Option<Facts<'_>> {
    let mut findings: Vec<&Finding> = case.findings.iter().collect();
    findings.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| a.time.cmp(&b.time)));
    let opening = *findings.iter().find(|finding| opens(finding))?;
    let id = incident_of(opening);
    findings.retain(|finding| incident_of(finding) == id);

    let FindingBody::Kernel(event) = &opening.body else { return None };
    let event = match event.as_ref() {
        KernelEvent::Oom(report) => Event::Oom(report),
        KernelEvent::AllocationFailure(failure) => Event::Allocation(failure),
        KernelEvent::SlabFailure(failure) => Event::Slab(failure),
        KernelEvent::HardwareMemoryError(error) => Event::Hardware(error),
        KernelEvent::UserspaceKill(kill) => Event::Userspace(kill),
        _ => return None,
    };
    let victims = victims(&event, &findings);
    let mut observations: Vec<(&Finding, &CgroupObservation)> = findings
        .iter()
        .filter_map(|finding| match &finding.body {
            FindingBody::Cgroups(observation) => Some((*finding, observation)),
            _ => None,
        })
        .collect();
    // In the order of what happened, which is not that of the ids.
    observations.sort_by_key(|(_, observation)| observation.phase == Phase::Aftermath);
    let phase = |phase| observations.iter().find(|(_, o)| o.phase == phase).map(|(_, o)| *o);
    let (at_kill, aftermath) = (phase(Phase::AtKill), phase(Phase::Aftermath));
    let attribution = observations.iter().find_map(|(_, o)| o.attribution.as_ref());
    let (limit, victim) = groups(&event, &victims, attribution);
    let records = records(&event, &victims);
    let mut gaps: Vec<&Gap> = case
        .gaps
        .iter()
        .filter(|finding| finding.node == opening.node && finding.boot_id == opening.boot_id)
        .filter_map(|finding| match &finding.body {
            FindingBody::Gap(gap) if overlaps(gap, opening, records) => Some(gap),
            _ => None,
        })
        .collect();
    gaps.sort_by(|a, b| {
        (a.first_lost, a.from, a.to, &a.reason).cmp(&(b.first_lost, b.from, b.to, &b.reason))
    });
    gaps.dedup();
    Some(Facts {
        opening,
        event,
        victims,
        limit,
        victim,
        at_kill,
        aftermath,
        observations,
        gaps,
        records,
    })
}

/// The report's own victims and those that came later, each pid once.
fn victims<'a>(event: &Event<'a>, findings: &[&'a Finding]) -> Vec<&'a Victim> {
    let Event::Oom(report) = event else { return Vec::new() };
    let mut later: Vec<&Victim> = findings
        .iter()
        .filter_map(|finding| match &finding.body {
            FindingBody::Kernel(event) => match event.as_ref() {
                KernelEvent::OomVictim(further) => Some(&further.victim),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let key = |p: &Position| (p.seq, p.monotonic_us, p.line);
    later.sort_by(|a, b| key(&a.position).cmp(&key(&b.position)).then_with(|| a.pid.cmp(&b.pid)));
    let mut all: Vec<&Victim> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for victim in report.victims.iter().chain(later) {
        if seen.insert(victim.pid) {
            all.push(victim);
        }
    }
    all
}

/// The limit's group and the victim's: what the kernel printed first, what the agent worked out second.
fn groups<'a>(
    event: &Event<'a>,
    victims: &[&'a Victim],
    attribution: Option<&'a Attribution>,
) -> (Option<Group<'a>>, Option<Group<'a>>) {
    let printed = |path: &'a str| Group { path, identity: identify(path), worked_out: None };
    match event {
        Event::Oom(report) => {
            // What was worked out for another pid says nothing about this one.
            let ours =
                attribution.filter(|a| victims.first().is_some_and(|victim| victim.pid == a.pid));
            let worked_out = |path: &'a str, a: &Attribution| Group {
                path,
                identity: identify(path),
                worked_out: Some(a.method),
            };
            let limit = report.limit_cgroup.as_deref().map(printed).or_else(|| {
                let a = ours?;
                // Only a group's own limit has a group.
                matches!(report.scope, Scope::Cgroup | Scope::Unknown)
                    .then(|| a.limit_cgroup.as_deref().map(|path| worked_out(path, a)))?
            });
            let victim = victims
                .first()
                .and_then(|victim| victim.cgroup.as_deref().map(printed))
                .or_else(|| ours.map(|a| worked_out(&a.cgroup, a)));
            (limit, victim)
        }
        Event::Allocation(failure) => {
            (None, failure.cpuset.as_deref().filter(|c| *c != "/").map(printed))
        }
        Event::Userspace(kill) => (None, kill.cgroup.as_deref().map(printed)),
        Event::Slab(_) | Event::Hardware(_) => (None, None),
    }
}

/// First and last sequence number.
fn records(event: &Event<'_>, victims: &[&Victim]) -> Option<(u64, u64)> {
    let position = match event {
        Event::Oom(report) => &report.position,
        Event::Allocation(failure) => &failure.position,
        Event::Slab(failure) => &failure.position,
        Event::Hardware(error) => &error.position,
        Event::Userspace(kill) => &kill.position,
    };
    let first = position.seq?;
    let last = victims.iter().filter_map(|victim| victim.position.seq).max().unwrap_or(first);
    Some((first, last.max(first)))
}

/// Whether the hole may have swallowed a part of the incident: by sequence where both have one, else by time.
fn overlaps(gap: &Gap, opening: &Finding, records: Option<(u64, u64)>) -> bool {
    if gap.source == opening.source
        && let (Some((first, last)), Some(lost_first), Some(lost)) =
            (records, gap.first_lost, gap.lost)
    {
        return lost_first <= last && lost_first.saturating_add(lost) > first;
    }
    // Kernel stamps run up to 25 ms ahead of the clock; a second is far above that and far below a restart.
    let slack = jiff::SignedDuration::from_secs(1);
    let after_start =
        gap.from.is_none_or(|from| opening.time.checked_add(slack).is_ok_and(|time| time >= from));
    let before_end =
        gap.to.is_none_or(|to| opening.time.checked_sub(slack).is_ok_and(|time| time <= to));
    after_start && before_end
}
