//! Putting a case in order: what it is about, who died, whose groups they were, what may be missing.

use super::Case;
use super::account::Account;
use super::api::Api;
use super::facts::{Event, Facts, Group};
use super::watch::Watch;
use super::witnesses::Witnesses;
use crate::cgroup::identify;
use crate::finding::{Attribution, AttributionMethod, Phase};
use crate::kernel::{KernelEvent, OomReport, Scope, Victim};

/// Puts a case in order; `None` when nothing in it opens an incident, neither a finding nor Kubernetes.
pub(super) fn gather<'a>(
    case: &'a Case,
    witnesses: &'a Witnesses<'a>,
    account: &'a Account,
) -> Option<Facts<'a>> {
    let log = witnesses.log.map(|(_, report)| report);
    let api = Api::of(case);
    let at = witnesses.opening.map(|finding| finding.time).or_else(|| api?.time())?;
    let event = match (&account.report, log) {
        (Some(report), _) => Event::Oom(report),
        (None, Some(report)) => Event::Oom(report),
        (None, None) => match witnesses.event.map(|(_, event)| event) {
            Some(KernelEvent::AllocationFailure(failure)) => Event::Allocation(failure),
            Some(KernelEvent::SlabFailure(failure)) => Event::Slab(failure),
            Some(KernelEvent::HardwareMemoryError(error)) => Event::Hardware(error),
            Some(KernelEvent::UserspaceKill(kill)) => Event::Userspace(kill),
            _ => Event::Death,
        },
    };
    let victims = victims(witnesses, account, log);
    let (limit, victim) = groups(&event, witnesses, &victims);
    let records = records(witnesses);
    Some(Facts {
        at,
        api,
        kill: if matches!(event, Event::Death | Event::Userspace(_)) {
            witnesses.decisive()
        } else {
            None
        },
        event,
        witnesses,
        account,
        victims,
        limit,
        victim,
        at_kill: witnesses.observed(Phase::AtKill),
        aftermath: witnesses.observed(Phase::Aftermath),
        watch: Watch::of(case, witnesses, at, records),
        records,
    })
}

/// The report's own victims, those that came later, and whom only the trace names: each pid once. Of several of which one was
/// killed here, none is known to be it.
fn victims<'a>(
    witnesses: &Witnesses<'a>,
    account: &'a Account,
    log: Option<&'a OomReport>,
) -> Vec<&'a Victim> {
    let mut seen = witnesses.one_of();
    log.iter()
        .flat_map(|report| &report.victims)
        .chain(witnesses.further.iter().map(|(_, further)| &further.victim))
        .chain(&account.victims)
        .filter(|victim| !account.threads.contains(&victim.pid) && seen.insert(victim.pid))
        .collect()
}

/// The limit's group and the victim's: what the kernel printed first, then what was counted or traced, then what the
/// agent worked out.
fn groups<'a>(
    event: &Event<'a>,
    witnesses: &Witnesses<'a>,
    victims: &[&'a Victim],
) -> (Option<Group<'a>>, Option<Group<'a>>) {
    let said = |path: &'a str| Group { path, identity: identify(path), worked_out: None };
    let worked_out = |path: &'a str, method| Group { worked_out: Some(method), ..said(path) };
    match event {
        Event::Oom(report) => {
            // What was worked out for another pid says nothing about this one.
            let ours: Option<&Attribution> = witnesses
                .attribution()
                .filter(|a| victims.first().is_some_and(|victim| victim.pid == a.pid));
            let limit = report.limit_cgroup.as_deref().map(said).or_else(|| {
                let a = ours?;
                // Only a group's own limit has a group.
                matches!(report.scope, Scope::Cgroup | Scope::Unknown)
                    .then(|| a.limit_cgroup.as_deref().map(|path| worked_out(path, a.method)))?
            });
            let first = victims.first();
            let traced = || {
                let pid = first?.pid;
                let (_, sigkill) =
                    witnesses.marked.iter().find(|(_, sigkill)| sigkill.receiver.pid == pid)?;
                sigkill.receiver.cgroup.as_deref().filter(|path| *path != "/").map(said)
            };
            // A counter names no process: where a witness does, that they are one is the agent's joining.
            let counted = || {
                let (_, kill) = witnesses.counted.first()?;
                Some(match first {
                    None => said(&kill.group),
                    Some(_) => worked_out(&kill.group, AttributionMethod::OomKillCounter),
                })
            };
            let victim = first
                .and_then(|victim| victim.cgroup.as_deref().map(said))
                .or_else(traced)
                .or_else(|| ours.map(|a| worked_out(&a.cgroup, a.method)))
                .or_else(counted);
            (limit, victim)
        }
        Event::Allocation(failure) => {
            (None, failure.cpuset.as_deref().filter(|c| *c != "/").map(said))
        }
        Event::Userspace(line) => (
            None,
            line.cgroup.as_deref().map(said).or_else(|| {
                let (_, sigkill) = witnesses.decisive()?;
                sigkill.receiver.cgroup.as_deref().map(said)
            }),
        ),
        Event::Death => {
            let killed =
                witnesses.decisive().and_then(|(_, sigkill)| sigkill.receiver.cgroup.as_deref());
            let ended = witnesses.end.map(|(_, end)| end.group.as_str());
            (None, killed.filter(|path| *path != "/").or(ended).map(said))
        }
        Event::Slab(_) | Event::Hardware(_) => (None, None),
    }
}

/// First and last sequence number.
fn records(witnesses: &Witnesses<'_>) -> Option<(u64, u64)> {
    let position = match (witnesses.log, witnesses.event) {
        (Some((_, report)), _) => &report.position,
        (None, Some((_, event))) => event.position(),
        (None, None) => return None,
    };
    let first = position.seq?;
    let victims = witnesses
        .log
        .iter()
        .flat_map(|(_, report)| &report.victims)
        .chain(witnesses.further.iter().map(|(_, further)| &further.victim));
    let last = victims.filter_map(|victim| victim.position.seq).max().unwrap_or(first);
    Some((first, last.max(first)))
}
