//! One account of an OOM kill, put together from all who saw it.
//!
//! The kernel log says the most and is believed first. What it does not say, or all of it where it was not read, is
//! taken from the counters (whose limit, how large) and from the trace (who was killed). Counters tell no limit of some
//! memory nodes from the whole node's. Where two witnesses say different things both are told, and neither is believed.

use std::collections::BTreeSet;

use super::same::{self, Whose};
use super::witnesses::Witnesses;
use super::words::process;
use crate::finding::{CountedLimit, GroupRise, OomMark, Sigkill, SignalResult};
use crate::kernel::{OomReport, ReportEnd, Scope, Usage, Victim};

/// What all witnesses together say of an OOM kill.
#[derive(Default)]
pub(super) struct Account {
    /// The report with what it lacked filled in; `None` where the kernel log's own is all there is to know.
    pub report: Option<OomReport>,
    /// Victims that only the trace names.
    pub victims: Vec<Victim>,
    /// Pids in the kernel log that are threads of another victim.
    pub threads: BTreeSet<u32>,
    /// The counters name the limit that the log does not.
    pub limit_is_counted: bool,
    /// What two witnesses say differently.
    pub contradictions: Vec<String>,
}

impl Account {
    pub(super) fn of(witnesses: &Witnesses<'_>) -> Self {
        let mut account = Self::default();
        if !witnesses.oom() {
            return account;
        }
        account.victims(witnesses);
        account.limit(witnesses);
        account
    }

    /// Whom only the trace names; and, for a thread that was printed under its own id, that it is one.
    fn victims(&mut self, witnesses: &Witnesses<'_>) {
        let printed: BTreeSet<u32> = witnesses
            .log
            .iter()
            .flat_map(|(_, report)| &report.victims)
            .chain(witnesses.further.iter().map(|(_, further)| &further.victim))
            .map(|victim| victim.pid)
            .collect();
        let dying = |sigkill: &Sigkill| sigkill.result == SignalResult::Ignored;
        let killed: BTreeSet<u32> = witnesses
            .marked
            .iter()
            .filter(|(_, sigkill)| !dying(sigkill))
            .map(|(_, sigkill)| sigkill.receiver.pid)
            .collect();
        for (_, sigkill) in &witnesses.marked {
            let pid = sigkill.receiver.pid;
            if killed.contains(&pid) {
                if !printed.contains(&pid) && self.victims.iter().all(|victim| victim.pid != pid) {
                    self.victims.push(victim(sigkill));
                }
            } else if !killed.is_empty() {
                self.threads.insert(pid);
            }
        }
        let (Some(first), false) = (printed.iter().next(), killed.is_empty()) else { return };
        if printed.is_disjoint(&killed) {
            self.contradictions.push(format!(
                "The kernel log names pid {first}, the signal trace {}.",
                witnesses.marked.first().map_or_else(
                    || "another".to_owned(),
                    |(_, sigkill)| process(sigkill.receiver.pid, &sigkill.receiver.comm)
                )
            ));
        }
    }

    /// Whose limit it was, and how large.
    fn limit(&mut self, witnesses: &Witnesses<'_>) {
        let log = witnesses.log.map(|(_, report)| report);
        let (mut scope, mut limit_cgroup) = (None, None);
        match (log.map_or(Scope::Unknown, |report| report.scope), self.counted(witnesses)) {
            (Scope::Cgroup, Some(CountedLimit::WholeNode)) => self.contradictions.push(
                "The kernel log says that a group's limit was hit; by the counters no group was at its limit."
                    .to_owned(),
            ),
            (Scope::System | Scope::Cpuset | Scope::Mempolicy, Some(CountedLimit::Group(group))) => {
                self.contradictions.push(format!(
                    "The kernel log says that the node ran out; by the counters {group} was at its limit."
                ));
            }
            (Scope::Unknown, Some(CountedLimit::WholeNode)) => scope = Some(Scope::System),
            (Scope::Unknown | Scope::Cgroup, Some(CountedLimit::Group(group))) => {
                match log.and_then(|report| report.limit_cgroup.as_deref()) {
                    Some(named) if !same::within(named, group) => self.contradictions.push(format!(
                        "The kernel log says that the limit of {named} was hit; by the counters it was that of {group}."
                    )),
                    Some(_) => {}
                    None => {
                        scope = Some(Scope::Cgroup);
                        limit_cgroup = Some(group.clone());
                        self.limit_is_counted = true;
                    }
                }
            }
            _ => {}
        }
        let named = limit_cgroup
            .as_deref()
            .or_else(|| log.and_then(|report| report.limit_cgroup.as_deref()));
        let memory = match (log.and_then(|report| report.memory), named) {
            (None, Some(path)) => rise(witnesses, path).and_then(|rise| rise.limit),
            _ => None,
        };
        if log.is_some() && scope.is_none() && memory.is_none() {
            return;
        }
        let mut report = log.cloned().unwrap_or_else(|| OomReport {
            end: ReportEnd::Killed,
            bare: true,
            ..OomReport::default()
        });
        report.scope = scope.unwrap_or(report.scope);
        report.limit_cgroup = limit_cgroup.or(report.limit_cgroup);
        report.memory = report.memory.or(memory.map(|limit| Usage {
            usage: None,
            limit: Some(limit),
            failcnt: None,
        }));
        self.report = Some(report);
    }

    /// What the counters say with one voice.
    fn counted<'a>(&mut self, witnesses: &Witnesses<'a>) -> Option<&'a CountedLimit> {
        let mut said = None;
        for (_, kill) in &witnesses.counted {
            match (&kill.limit, said) {
                (CountedLimit::Unknown, _) => {}
                (limit, None) => said = Some(limit),
                (limit, Some(held)) if limit == held => {}
                (_, Some(_)) => {
                    self.contradictions.push(
                        "The counters of two kills of this incident name different limits."
                            .to_owned(),
                    );
                    return None;
                }
            }
        }
        said
    }
}

/// How the counters of a group moved.
pub(super) fn rise<'a>(witnesses: &Witnesses<'a>, path: &str) -> Option<&'a GroupRise> {
    witnesses
        .counted
        .iter()
        .flat_map(|(_, kill)| &kill.lineage)
        .find(|rise| rise.group == path || Whose::of(&rise.group).is_exactly(&Whose::of(path)))
}

/// A victim as the trace shows it.
fn victim(sigkill: &Sigkill) -> Victim {
    let mark = sigkill.oom_mark.clone().unwrap_or_default();
    let OomMark { total_vm_kb, anon_rss_kb, file_rss_kb, shmem_rss_kb, pgtables_kb, .. } = mark;
    let bytes = |kb: Option<u64>| kb.map(|kb| kb.saturating_mul(1024));
    Victim {
        pid: sigkill.receiver.pid,
        comm: sigkill.receiver.comm.clone(),
        uid: mark.uid,
        total_vm: bytes(total_vm_kb),
        anon_rss: bytes(anon_rss_kb),
        file_rss: bytes(file_rss_kb),
        shmem_rss: bytes(shmem_rss_kb),
        pgtables: bytes(pgtables_kb),
        oom_score_adj: mark.oom_score_adj,
        cgroup: sigkill.receiver.cgroup.clone(),
        ..Victim::default()
    }
}
