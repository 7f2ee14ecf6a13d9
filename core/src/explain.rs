//! The account of one saved kernel log: who was killed, what failed, what cannot be told.
//!
//! The serialised form is the JSON of `coroner explain -o json`; its keys are an interface. What the text does not say
//! is `null`. Memory grows with what is found, not with the length of the log; a report that repeats is counted, not
//! kept again.

use std::collections::VecDeque;

use serde::Serialize;

use crate::cgroup;
use crate::kernel::{KernelEvent, Level, OomReport, Position, ReportEnd, Scope, Victim};

/// Reports that a further victim may still belong to. The kernel finishes one before it begins the next.
const MOST_REPORTS: usize = 8;

/// What a log says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Explanation {
    /// One entry for each distinct victim.
    pub kills: Vec<Kill>,
    /// Allocations that failed; nobody is killed by these.
    pub allocation_failures: Vec<FailedAllocation>,
    /// Reports that name no victim, and why.
    pub incomplete: Vec<Incomplete>,
    /// What reads like a kill but is not the kernel's word.
    pub unverified: Vec<NotTheKernel>,
    #[serde(skip)]
    reports: VecDeque<OomReport>,
    #[serde(skip)]
    others: Vec<KernelEvent>,
}

/// One victim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kill {
    /// Process id on the host.
    pub pid: u32,
    /// Name of the process: hostile text.
    pub comm: String,
    /// How far the shortage reached.
    pub scope: Scope,
    /// What kind of group hit its limit.
    pub level: Level,
    /// The group whose limit was hit.
    pub oom_memcg: Option<String>,
    /// The victim's group.
    pub task_memcg: Option<String>,
    /// The victim's pod.
    pub pod_uid: Option<String>,
    /// The victim's container.
    pub container_id: Option<String>,
    /// Resident anonymous memory in KiB.
    pub anon_rss_kb: Option<u64>,
    /// Virtual size in KiB.
    pub total_vm_kb: Option<u64>,
    /// The victim's badness adjustment.
    pub oom_score_adj: Option<i32>,
    /// Order of the allocation that set it off.
    pub order: Option<i32>,
    /// Who asked for memory.
    pub trigger_comm: Option<String>,
    /// The stamp, as the log shows it; seconds since boot for raw records.
    pub time: Option<String>,
    /// The limit that was hit and the usage, in bytes, for people.
    #[serde(skip)]
    pub limit: Option<(Option<u64>, Option<u64>)>,
}

/// One failed allocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedAllocation {
    /// Who asked: hostile text.
    pub comm: String,
    /// 2^order pages in one block were asked for.
    pub order: Option<i32>,
}

/// A report that names no victim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incomplete {
    /// Why.
    pub reason: String,
    /// Who asked for memory.
    pub trigger_comm: Option<String>,
    /// How far the shortage reached.
    pub scope: Scope,
    /// The group whose limit was hit.
    pub oom_memcg: Option<String>,
    /// The stamp of the first such report.
    pub time: Option<String>,
    /// How many such reports in a row.
    pub count: u64,
}

/// A line that reads like a kill but is not the kernel's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotTheKernel {
    /// The line: hostile text.
    pub message: String,
    /// Why it is not believed.
    pub reason: String,
    /// The process it names.
    pub pid: Option<u32>,
    /// The stamp.
    pub time: Option<String>,
}

impl Explanation {
    /// Adds what the parser found.
    pub fn add(&mut self, event: KernelEvent) {
        match event {
            KernelEvent::Oom(report) => self.report(*report),
            KernelEvent::OomVictim(more) => {
                let report = self.reports.iter().rev().find(|r| r.position == more.report);
                let fallback;
                let report = match report {
                    Some(report) => report,
                    None => {
                        fallback = OomReport { scope: more.scope, ..OomReport::default() };
                        &fallback
                    }
                };
                self.kills.push(kill(report, &more.victim));
            }
            KernelEvent::AllocationFailure(failure) => {
                self.allocation_failures
                    .push(FailedAllocation { comm: failure.comm, order: failure.order });
            }
            KernelEvent::Unverified(line) => self.unverified.push(NotTheKernel {
                time: time(&line.position),
                message: line.message,
                reason: line.reason,
                pid: line.pid,
            }),
            other => self.others.push(other),
        }
    }

    /// What was found beside kills and failed allocations: crashes, broken memory, killers in user space, and so on.
    #[must_use]
    pub fn others(&self) -> &[KernelEvent] {
        &self.others
    }

    /// Takes out what [`Self::others`] shows, so that it need not be kept.
    pub fn take_others(&mut self) -> Vec<KernelEvent> {
        std::mem::take(&mut self.others)
    }

    /// True when the log says nothing about memory deaths.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kills.is_empty()
            && self.allocation_failures.is_empty()
            && self.incomplete.is_empty()
            && self.unverified.is_empty()
            && self.others.is_empty()
    }

    fn report(&mut self, report: OomReport) {
        for victim in &report.victims {
            self.kills.push(kill(&report, victim));
        }
        if report.victims.is_empty() {
            let next = Incomplete {
                reason: reason(&report),
                trigger_comm: report.trigger.as_ref().map(|t| t.comm.clone()),
                scope: report.scope,
                oom_memcg: report.limit_cgroup.clone(),
                time: time(&report.position),
                count: 1,
            };
            match self.incomplete.last_mut() {
                Some(last)
                    if (Incomplete {
                        time: last.time.clone(),
                        count: last.count,
                        ..next.clone()
                    }) == *last =>
                {
                    last.count += 1;
                }
                _ => self.incomplete.push(next),
            }
        }
        if self.reports.len() == MOST_REPORTS {
            self.reports.pop_front();
        }
        self.reports.push_back(report);
    }
}

fn reason(report: &OomReport) -> String {
    match &report.end {
        ReportEnd::AlreadyExiting { pid, comm } => {
            format!(
                "the chosen process {pid} ({comm}) was already exiting, so the kernel killed nobody"
            )
        }
        ReportEnd::NoKillableProcess => "the kernel found no process that it may kill".to_owned(),
        ReportEnd::Panic(text) => format!("the kernel panicked instead of killing: {text}"),
        ReportEnd::Killed | ReportEnd::Unfinished => match report.incomplete.is_empty() {
            true => "no victim is named".to_owned(),
            false => report.incomplete.join("; "),
        },
    }
}

fn kill(report: &OomReport, victim: &Victim) -> Kill {
    // A victim of a container's own limit is in that container, even where its own path is cut off.
    let own = victim
        .cgroup
        .as_deref()
        .or(report.limit_cgroup.as_deref().filter(|_| report.scope == Scope::Cgroup));
    let identity = own.map(cgroup::identify).unwrap_or_default();
    Kill {
        pid: victim.pid,
        comm: victim.comm.clone(),
        scope: report.scope,
        level: report.level,
        oom_memcg: report.limit_cgroup.clone().filter(|_| report.scope == Scope::Cgroup),
        task_memcg: victim.cgroup.clone(),
        pod_uid: identity.pod_uid,
        container_id: identity.container_id,
        anon_rss_kb: victim.anon_rss.map(|b| b / 1024),
        total_vm_kb: victim.total_vm.map(|b| b / 1024),
        oom_score_adj: victim.oom_score_adj,
        order: report.trigger.as_ref().and_then(|t| t.order),
        trigger_comm: report.trigger.as_ref().map(|t| t.comm.clone()),
        time: time(&victim.position).or_else(|| time(&report.position)),
        limit: report.memory.map(|m| (m.limit.and_then(|l| l.bytes()), m.usage)),
    }
}

fn time(position: &Position) -> Option<String> {
    position.stamp.clone().or_else(|| {
        let us = position.monotonic_us?;
        Some(format!("{}.{:06}", us / 1_000_000, us % 1_000_000))
    })
}
