//! What the signal trace saw.

use coroner_core::finding as f;

use super::alike::alike;
use super::enums::{Numbered as _, known};
use super::{ConvertError, all, optional, repeated, required};
use crate::v1;

alike!(f::Process = v1::Process { pid, comm, cgroup, namespace_pid, thread, exiting });

alike!(
    f::OomMark = v1::OomMark {
        at_us,
        total_vm_kb,
        anon_rss_kb,
        file_rss_kb,
        shmem_rss_kb,
        uid,
        pgtables_kb,
        oom_score_adj,
    }
);

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
