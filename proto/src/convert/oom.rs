//! Out-of-memory reports and their parts.

use coroner_core::kernel as k;

use super::enums::{Numbered as _, known};
use super::{ConvertError, all, optional, repeated, required};
use crate::v1;

impl From<k::Trigger> for v1::Trigger {
    fn from(t: k::Trigger) -> Self {
        Self {
            comm: t.comm,
            pid: t.pid,
            gfp_mask: t.gfp_mask,
            order: t.order,
            oom_score_adj: t.oom_score_adj,
        }
    }
}

impl From<v1::Trigger> for k::Trigger {
    fn from(t: v1::Trigger) -> Self {
        Self {
            comm: t.comm,
            pid: t.pid,
            gfp_mask: t.gfp_mask,
            order: t.order,
            oom_score_adj: t.oom_score_adj,
        }
    }
}

impl From<k::Victim> for v1::Victim {
    fn from(v: k::Victim) -> Self {
        Self {
            position: Some(v.position.into()),
            pid: v.pid,
            comm: v.comm,
            uid: v.uid,
            total_vm_bytes: v.total_vm,
            anon_rss_bytes: v.anon_rss,
            file_rss_bytes: v.file_rss,
            shmem_rss_bytes: v.shmem_rss,
            pgtables_bytes: v.pgtables,
            oom_score_adj: v.oom_score_adj,
            cgroup: v.cgroup,
        }
    }
}

impl TryFrom<v1::Victim> for k::Victim {
    type Error = ConvertError;

    fn try_from(v: v1::Victim) -> Result<Self, ConvertError> {
        Ok(Self {
            position: required("position", v.position)?,
            pid: v.pid,
            comm: v.comm,
            uid: v.uid,
            total_vm: v.total_vm_bytes,
            anon_rss: v.anon_rss_bytes,
            file_rss: v.file_rss_bytes,
            shmem_rss: v.shmem_rss_bytes,
            pgtables: v.pgtables_bytes,
            oom_score_adj: v.oom_score_adj,
            cgroup: v.cgroup,
        })
    }
}

impl From<k::ReportEnd> for v1::ReportEnd {
    fn from(end: k::ReportEnd) -> Self {
        use v1::report_end as w;
        Self {
            end: Some(match end {
                k::ReportEnd::Killed => w::End::Killed(w::Killed {}),
                k::ReportEnd::AlreadyExiting { pid, comm } => {
                    w::End::AlreadyExiting(w::AlreadyExiting { pid, comm })
                }
                k::ReportEnd::NoKillableProcess => {
                    w::End::NoKillableProcess(w::NoKillableProcess {})
                }
                k::ReportEnd::Panic(message) => w::End::Panic(w::Panic { message }),
                k::ReportEnd::Unfinished => w::End::Unfinished(w::Unfinished {}),
            }),
        }
    }
}

impl TryFrom<v1::ReportEnd> for k::ReportEnd {
    type Error = ConvertError;

    fn try_from(end: v1::ReportEnd) -> Result<Self, ConvertError> {
        use v1::report_end::End;
        Ok(match end.end {
            Some(End::Killed(_)) => Self::Killed,
            Some(End::AlreadyExiting(e)) => Self::AlreadyExiting { pid: e.pid, comm: e.comm },
            Some(End::NoKillableProcess(_)) => Self::NoKillableProcess,
            Some(End::Panic(e)) => Self::Panic(e.message),
            Some(End::Unfinished(_)) => Self::Unfinished,
            None => {
                return Err(ConvertError {
                    field: "end".to_owned(),
                    problem: "holds none of its values".to_owned(),
                });
            }
        })
    }
}

impl From<(String, u64)> for v1::MemoryStat {
    fn from((key, value): (String, u64)) -> Self {
        Self { key, value }
    }
}

impl From<v1::MemoryStat> for (String, u64) {
    fn from(s: v1::MemoryStat) -> Self {
        (s.key, s.value)
    }
}

impl From<k::TaskRow> for v1::TaskRow {
    fn from(t: k::TaskRow) -> Self {
        Self {
            pid: t.pid,
            tgid: t.tgid,
            uid: t.uid,
            total_vm_bytes: t.total_vm,
            rss_bytes: t.rss,
            pgtables_bytes: t.pgtables,
            swap_bytes: t.swap,
            oom_score_adj: t.oom_score_adj,
            comm: t.comm,
        }
    }
}

impl From<v1::TaskRow> for k::TaskRow {
    fn from(t: v1::TaskRow) -> Self {
        Self {
            pid: t.pid,
            tgid: t.tgid,
            uid: t.uid,
            total_vm: t.total_vm_bytes,
            rss: t.rss_bytes,
            pgtables: t.pgtables_bytes,
            swap: t.swap_bytes,
            oom_score_adj: t.oom_score_adj,
            comm: t.comm,
        }
    }
}

impl From<k::OomReport> for v1::OomReport {
    fn from(r: k::OomReport) -> Self {
        Self {
            position: Some(r.position.into()),
            trigger: r.trigger.map(Into::into),
            constraint: r.constraint,
            scope: r.scope.number(),
            limit_cgroup: r.limit_cgroup,
            level: r.level.number(),
            memory: r.memory.map(Into::into),
            memory_swap: r.memory_swap.map(Into::into),
            swap: r.swap.map(Into::into),
            kmem: r.kmem.map(Into::into),
            stats: all(r.stats),
            mem_info: r.mem_info.map(Into::into),
            free_areas: all(r.free_areas),
            tasks: all(r.tasks),
            tasks_dropped: r.tasks_dropped,
            nodemask: r.nodemask,
            mems_allowed: r.mems_allowed,
            victims: all(r.victims),
            oom_group: r.oom_group,
            end: Some(r.end.into()),
            bare: r.bare,
            sysrq: r.sysrq,
            incomplete: r.incomplete,
            excerpt: r.excerpt,
        }
    }
}

impl TryFrom<v1::OomReport> for k::OomReport {
    type Error = ConvertError;

    fn try_from(r: v1::OomReport) -> Result<Self, ConvertError> {
        Ok(Self {
            position: required("position", r.position)?,
            trigger: r.trigger.map(Into::into),
            constraint: r.constraint,
            scope: known("scope", r.scope)?,
            limit_cgroup: r.limit_cgroup,
            level: known("level", r.level)?,
            memory: optional("memory", r.memory)?,
            memory_swap: optional("memory_swap", r.memory_swap)?,
            swap: optional("swap", r.swap)?,
            kmem: optional("kmem", r.kmem)?,
            stats: all(r.stats),
            mem_info: r.mem_info.map(Into::into),
            free_areas: all(r.free_areas),
            tasks: all(r.tasks),
            tasks_dropped: r.tasks_dropped,
            nodemask: r.nodemask,
            mems_allowed: r.mems_allowed,
            victims: repeated("victims", r.victims)?,
            oom_group: r.oom_group,
            end: required("end", r.end)?,
            bare: r.bare,
            sysrq: r.sysrq,
            incomplete: r.incomplete,
            excerpt: r.excerpt,
        })
    }
}

impl From<k::OomVictim> for v1::OomVictim {
    fn from(v: k::OomVictim) -> Self {
        Self {
            report: Some(v.report.into()),
            scope: v.scope.number(),
            oom_group: v.oom_group,
            victim: Some(v.victim.into()),
        }
    }
}

impl TryFrom<v1::OomVictim> for k::OomVictim {
    type Error = ConvertError;

    fn try_from(v: v1::OomVictim) -> Result<Self, ConvertError> {
        Ok(Self {
            report: required("report", v.report)?,
            scope: known("scope", v.scope)?,
            oom_group: v.oom_group,
            victim: required("victim", v.victim)?,
        })
    }
}
