//! What the signal trace saw.

use coroner_core::finding as f;

use super::enums::{Numbered as _, known};
use super::{ConvertError, all, optional, repeated, required};
use crate::v1;

impl From<f::Process> for v1::Process {
    fn from(p: f::Process) -> Self {
        Self {
            pid: p.pid,
            comm: p.comm,
            cgroup: p.cgroup,
            namespace_pid: p.namespace_pid,
            thread: p.thread,
            exiting: p.exiting,
        }
    }
}

impl From<v1::Process> for f::Process {
    fn from(p: v1::Process) -> Self {
        Self {
            pid: p.pid,
            comm: p.comm,
            cgroup: p.cgroup,
            namespace_pid: p.namespace_pid,
            thread: p.thread,
            exiting: p.exiting,
        }
    }
}

impl From<f::OomMark> for v1::OomMark {
    fn from(m: f::OomMark) -> Self {
        Self {
            at_us: m.at_us,
            total_vm_kb: m.total_vm_kb,
            anon_rss_kb: m.anon_rss_kb,
            file_rss_kb: m.file_rss_kb,
            shmem_rss_kb: m.shmem_rss_kb,
            uid: m.uid,
            pgtables_kb: m.pgtables_kb,
            oom_score_adj: m.oom_score_adj,
        }
    }
}

impl From<v1::OomMark> for f::OomMark {
    fn from(m: v1::OomMark) -> Self {
        Self {
            at_us: m.at_us,
            total_vm_kb: m.total_vm_kb,
            anon_rss_kb: m.anon_rss_kb,
            file_rss_kb: m.file_rss_kb,
            shmem_rss_kb: m.shmem_rss_kb,
            uid: m.uid,
            pgtables_kb: m.pgtables_kb,
            oom_score_adj: m.oom_score_adj,
        }
    }
}

impl From<f::Sigkill> for v1::Sigkill {
    fn from(s: f::Sigkill) -> Self {
        Self {
            at_us: s.at_us,
            code: s.code,
            whole_process: s.whole_process,
            result: s.result.number(),
            receiver: Some(s.receiver.into()),
            receiver_is_main: s.receiver_is_main,
            sender: Some(s.sender.into()),
            ancestors: all(s.ancestors),
            oom_mark: s.oom_mark.map(Into::into),
        }
    }
}

impl TryFrom<v1::Sigkill> for f::Sigkill {
    type Error = ConvertError;

    fn try_from(s: v1::Sigkill) -> Result<Self, ConvertError> {
        Ok(Self {
            at_us: s.at_us,
            code: s.code,
            whole_process: s.whole_process,
            result: known("result", s.result)?,
            receiver: required("receiver", s.receiver)?,
            receiver_is_main: s.receiver_is_main,
            sender: required("sender", s.sender)?,
            ancestors: repeated("ancestors", s.ancestors)?,
            oom_mark: optional("oom_mark", s.oom_mark)?,
        })
    }
}
