//! A report that is being read: everything up to its kill line.
//!
//! The kernel prints a report in a fixed order under a lock, but other lines come in between, parts are missing on
//! some kernels, and a log may be cut anywhere. So each part is taken when it comes, once, and nothing is required.
//! Memory is bounded: what is beyond a bound is counted, not kept.

use std::collections::HashMap;

use super::line::Line;
use super::message::{
    Column, Columns, Killed, PAGE_COLUMNS, Row, Summary, Total, UsageOf, split_task,
};
use super::pages;
use crate::cgroup;
use crate::kernel::{Level, OomReport, ReportEnd, Scope, TaskRow, Trigger, Usage, Victim};

/// Rows of the task table that are kept.
const MOST_TASKS: usize = 4096;
/// Pids of the task table that are remembered, to know whom a later kill line can mean.
const MOST_PIDS: usize = 65_536;
/// Statistics of the group that are kept; 7.2 prints 80.
const MOST_STATS: usize = 128;
/// Zones whose free blocks are kept.
pub(super) const MOST_FREE_AREAS: usize = 64;
/// Lines kept as evidence, and the length of each in bytes.
const MOST_EXCERPT: usize = 48;
const LONGEST_EXCERPT: usize = 1200;
/// Longest path or name that is kept, in bytes. The kernel's own bound on a path is 4096.
const LONGEST_TEXT: usize = 4096;

/// A report in the making.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) report: OomReport,
    pub(super) columns: Option<Columns>,
    pub(super) in_stats: bool,
    pub(super) announced: Option<u32>,
    /// `task_memcg` and task of the summary, not yet split for certain.
    tail: Option<String>,
    pub(super) summary: bool,
    /// The summary's end was not seen.
    summary_cut: bool,
    summary_pid: Option<u32>,
    summary_uid: Option<u32>,
    summary_comm: Option<String>,
    task_cgroup: Option<String>,
    /// The processes of the table, with their badness adjustment.
    pub(super) pids: HashMap<u32, Option<i32>>,
    /// Rows came that no longer fitted: the set of pids is not complete.
    pub(super) pids_cut: bool,
    page_size: u64,
    /// Last line that was part of it.
    pub(super) last_seq: Option<u64>,
    pub(super) last_number: u64,
}

impl Open {
    pub(super) fn new(line: &Line<'_>, page_size: u64) -> Self {
        let report = OomReport { position: line.position(), ..OomReport::default() };
        let mut open = Self { report, page_size, ..Self::default() };
        open.touch(line);
        open
    }

    /// A report whose first line is missing.
    pub(super) fn headless(line: &Line<'_>, page_size: u64) -> Self {
        let mut open = Self::new(line, page_size);
        open.report.incomplete.push("the beginning of the report is missing".to_owned());
        open
    }

    pub(super) fn touch(&mut self, line: &Line<'_>) {
        self.last_seq = line.seq;
        self.last_number = line.number;
    }

    pub(super) fn quote(&mut self, text: &str) {
        if self.report.excerpt.len() < MOST_EXCERPT {
            self.report.excerpt.push(bounded(text, LONGEST_EXCERPT).to_owned());
        }
    }

    pub(super) fn trigger(&mut self, trigger: Trigger) {
        self.report.sysrq |= trigger.order == Some(-1);
        self.report.trigger = Some(trigger);
    }

    pub(super) fn task_in(&mut self, task: Option<&str>, limit: &str) {
        self.report.limit_cgroup = Some(text(limit));
        self.task_cgroup = task.map(text);
        self.report.scope = Scope::Cgroup;
    }

    /// Whether this report already says whose limit was hit, as kernels before 5.0 say it.
    pub(super) fn has_task_in(&self) -> bool {
        self.summary || self.task_cgroup.is_some()
    }

    /// Whether a process is the report's choice, or was one of those it chose from.
    pub(super) fn chose(&self, pid: u32) -> bool {
        self.report.end == ReportEnd::Unfinished
            && (self.summary_pid == Some(pid)
                || self.announced == Some(pid)
                || self.pids.contains_key(&pid))
    }

    /// The reaper names the victim.
    pub(super) fn reaped(&mut self, pid: u32, comm: &str) {
        self.summary_pid = Some(pid);
        self.summary_comm = Some(text(comm));
    }

    pub(super) fn usage(&mut self, of: UsageOf, usage: Usage) {
        let slot = match of {
            UsageOf::Memory => &mut self.report.memory,
            UsageOf::MemorySwap => &mut self.report.memory_swap,
            UsageOf::Swap => &mut self.report.swap,
            UsageOf::Kmem => &mut self.report.kmem,
        };
        slot.get_or_insert(usage);
        if self.report.scope == Scope::Unknown {
            self.report.scope = Scope::Cgroup;
        }
    }

    pub(super) fn stats(&mut self, cgroup: &str, inline: Vec<(String, u64)>) {
        // Old kernels print one such line for every group below; the first is the one whose limit was hit.
        if self.report.stats.is_empty() {
            self.report.stats = inline;
            self.in_stats = self.report.stats.is_empty();
        }
        if self.report.limit_cgroup.is_none() && !cgroup.is_empty() {
            self.report.limit_cgroup = Some(text(cgroup));
        }
    }

    pub(super) fn stat(&mut self, key: &str, value: u64) {
        if self.report.stats.len() < MOST_STATS {
            self.report.stats.push((key.to_owned(), value));
        }
    }

    pub(super) fn totals(&mut self, totals: &[(Total, u64)]) {
        pages::add_totals(self.report.mem_info.get_or_insert_default(), totals, self.page_size);
    }

    pub(super) fn free_area(&mut self, area: crate::kernel::FreeArea) {
        if self.report.free_areas.len() < MOST_FREE_AREAS {
            self.report.free_areas.push(area);
        }
    }

    /// The table lists a process, whatever else of its row can be read.
    pub(super) fn listed(&mut self, pid: u32, adj: Option<i32>) {
        if self.pids.len() < MOST_PIDS {
            self.pids.insert(pid, adj);
        } else {
            self.pids_cut = true;
        }
    }

    pub(super) fn row(&mut self, row: &Row<'_>) {
        let adj = row.values.iter().find(|(column, _)| *column == Column::OomScoreAdj);
        self.listed(row.pid, adj.and_then(|(_, adj)| i32::try_from(*adj).ok()));
        if self.report.tasks.len() >= MOST_TASKS {
            self.report.tasks_dropped += 1;
            return;
        }
        let mut task = TaskRow { pid: row.pid, comm: text(row.comm), ..TaskRow::default() };
        for &(column, value) in &row.values {
            let size = || {
                let unit = if PAGE_COLUMNS.contains(&column) { self.page_size } else { 1 };
                u64::try_from(value).ok()?.checked_mul(unit)
            };
            match column {
                Column::Uid => task.uid = u32::try_from(value).ok(),
                Column::Tgid => task.tgid = u32::try_from(value).ok(),
                Column::TotalVm => task.total_vm = size(),
                Column::Rss => task.rss = size(),
                Column::PageTableBytes | Column::PageTablePages => task.pgtables = size(),
                Column::Swap => task.swap = size(),
                Column::OomScoreAdj => task.oom_score_adj = i32::try_from(value).ok(),
                Column::Other => {}
            }
        }
        self.report.tasks.push(task);
    }

    pub(super) fn summary(&mut self, summary: &Summary<'_>) {
        self.summary = true;
        let report = &mut self.report;
        let set = |slot: &mut Option<String>, value: Option<&str>| {
            if let Some(value) = value {
                *slot = Some(text(value));
            }
        };
        set(&mut report.constraint, summary.constraint);
        set(&mut report.nodemask, summary.nodemask);
        set(&mut report.mems_allowed, summary.mems_allowed);
        if summary.global {
            report.scope = Scope::System;
        }
        if summary.oom_memcg.is_some() {
            report.scope = Scope::Cgroup;
            set(&mut report.limit_cgroup, summary.oom_memcg);
        }
        // Cut off just where it begins, a path is absent.
        set(&mut self.task_cgroup, summary.task_memcg.filter(|path| !path.is_empty()));
        set(&mut self.summary_comm, summary.task);
        self.tail = summary
            .task_memcg
            .zip(summary.task)
            .map(|(path, task)| text(&format!("{path},task={task}")));
        self.summary_pid = summary.pid.or(self.summary_pid);
        self.summary_uid = summary.uid.or(self.summary_uid);
        // Early 5.0 kernels print it in two records, so an end that is missing may come yet.
        self.summary_cut = !summary.complete;
    }

    /// Notes what of the report is known to be missing.
    fn note_cuts(&mut self) {
        if self.summary_cut {
            self.report.incomplete.push("the oom-kill line is cut off".to_owned());
        }
    }

    /// Whether a kill line can be this report's own. See the module for what may be missing.
    pub(super) fn expects(&self, killed: &Killed<'_>, line: &Line<'_>) -> bool {
        if self.report.end != ReportEnd::Unfinished {
            return false;
        }
        let scope = self.report.scope;
        let contradicts = killed.scope.is_some_and(|s| {
            scope != Scope::Unknown && (s == Scope::Cgroup) != (scope == Scope::Cgroup)
        });
        if contradicts {
            return false;
        }
        let named = |pid: Option<u32>| pid == Some(killed.pid);
        if named(self.summary_pid) || named(self.announced) {
            return true;
        }
        if self.summary_pid.is_none() && self.announced.is_none() && self.pids.is_empty() {
            return true;
        }
        // A thread or a child of the one that was named may be the one that is killed; then nothing stands between.
        let adjacent = match (self.last_seq, line.seq) {
            (Some(last), Some(seq)) => seq == last.wrapping_add(1),
            _ => line.number <= self.last_number + 1,
        };
        adjacent
            || (self.summary_pid.is_none()
                && self.announced.is_none()
                && self.pids.contains_key(&killed.pid))
    }

    /// The report with its victim.
    pub(super) fn kill(mut self, killed: &Killed<'_>, line: &Line<'_>) -> OomReport {
        self.note_cuts();
        pages::rescale(&mut self.report, self.page_size, killed);
        let row = self.report.tasks.iter().find(|t| t.pid == killed.pid);
        let adj = killed.oom_score_adj.or_else(|| row.and_then(|t| t.oom_score_adj));
        let exact =
            self.tail.as_deref().and_then(|tail| split_task(tail, killed.comm)).map(str::to_owned);
        let cgroup = exact.or(self.task_cgroup).or_else(|| self.report.oom_group.clone());
        let uid = killed.uid.or(self.summary_uid).or_else(|| row.and_then(|t| t.uid));
        let victim = Victim { cgroup, uid, oom_score_adj: adj, ..victim(killed, line) };
        self.report.victims.push(victim);
        self.report.end = ReportEnd::Killed;
        self.report.scope =
            scope(killed.scope, self.report.scope, self.report.constraint.as_deref());
        set_level(&mut self.report);
        self.report
    }

    /// The report as far as it went. A victim that only the summary names is still the kernel's choice.
    pub(super) fn cut(mut self, how: &str) -> OomReport {
        self.note_cuts();
        if self.report.end == ReportEnd::Unfinished {
            if let Some(pid) = self.summary_pid {
                let comm = self.summary_comm.take().unwrap_or_default();
                let adj =
                    self.report.tasks.iter().find(|t| t.pid == pid).and_then(|t| t.oom_score_adj);
                self.report.victims.push(Victim {
                    position: self.report.position.clone(),
                    pid,
                    comm,
                    uid: self.summary_uid,
                    oom_score_adj: adj,
                    cgroup: self.task_cgroup.take(),
                    ..Victim::default()
                });
                self.report.incomplete.push(format!("the kill line is missing: {how}"));
            } else if let Some(pid) = self.announced {
                self.report.incomplete.push(format!(
                    "pid {pid} was chosen, but {how}: it or a child of it may have been killed"
                ));
            } else {
                self.report.incomplete.push(format!("no victim is named: {how}"));
            }
        }
        // The machine's totals are printed only when the machine ran out, a group's usage only when the group did.
        if self.report.scope == Scope::Unknown && self.report.mem_info.is_some() {
            self.report.scope = Scope::System;
        }
        self.report.scope = scope(None, self.report.scope, self.report.constraint.as_deref());
        set_level(&mut self.report);
        self.report
    }
}

/// What a kill line says of its victim.
pub(super) fn victim(killed: &Killed<'_>, line: &Line<'_>) -> Victim {
    Victim {
        position: line.position(),
        pid: killed.pid,
        comm: killed.comm.to_owned(),
        uid: killed.uid,
        total_vm: killed.total_vm,
        anon_rss: killed.anon_rss,
        file_rss: killed.file_rss,
        shmem_rss: killed.shmem_rss,
        pgtables: killed.pgtables,
        oom_score_adj: killed.oom_score_adj,
        cgroup: None,
    }
}

/// The kill line's words win over the summary; only they and the constraint together tell a NUMA shortage.
pub(super) fn scope(kill_line: Option<Scope>, report: Scope, constraint: Option<&str>) -> Scope {
    match (kill_line.unwrap_or(report), constraint) {
        (Scope::System, Some("CONSTRAINT_CPUSET")) => Scope::Cpuset,
        (Scope::System, Some("CONSTRAINT_MEMORY_POLICY")) => Scope::Mempolicy,
        (Scope::Unknown, Some("CONSTRAINT_MEMCG")) => Scope::Cgroup,
        (scope, _) => scope,
    }
}

fn set_level(report: &mut OomReport) {
    report.level = match (&report.scope, &report.limit_cgroup) {
        (Scope::Cgroup, Some(path)) => cgroup::identify(path).level,
        _ => Level::None,
    };
}

fn text(value: &str) -> String {
    bounded(value, LONGEST_TEXT).to_owned()
}

pub(super) fn bounded(value: &str, most: usize) -> &str {
    &value[..value.floor_char_boundary(most)]
}
