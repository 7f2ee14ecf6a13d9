//! What the signal trace saw: one SIGKILL, who sent it, to whom.
//!
//! `signal:signal_generate` tells of a signal at the moment it is made (include/trace/events/signal.h): its code, whether
//! it was for the whole process, what became of it, and the receiver's id and name. The sender is the task that was
//! running. For a kill by the kernel that is whoever happened to run: [`crate::signal::origin`] tells which it was.
//! `oom:mark_victim` follows within milliseconds where the OOM killer did it. Everything that had to be read from `/proc`
//! is `None` where the process was gone already.

use serde::{Deserialize, Serialize};

/// One SIGKILL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sigkill {
    /// When, in microseconds of `CLOCK_MONOTONIC`. With the receiver's id it identifies the fact within a boot.
    pub at_us: u64,
    /// `si_code` as traced: 128 by the kernel, 0 by `kill(2)` and its like, -6 by `tgkill(2)`, -1 by `sigqueue(3)`.
    pub code: i32,
    /// For the whole process (`grp=1`), or one thread of it.
    pub whole_process: Option<bool>,
    /// What became of the signal.
    pub result: SignalResult,
    /// Who got it.
    pub receiver: Process,
    /// Whether the receiver is the first process of its container; `None` where that is not known.
    pub receiver_is_main: Option<bool>,
    /// The task that ran when the signal was made.
    pub sender: Process,
    /// Parents of the sender, the nearest first, as far as they could be read.
    pub ancestors: Vec<Process>,
    /// The OOM killer's mark on the receiver, where it followed.
    pub oom_mark: Option<OomMark>,
}

/// What became of a signal (`enum` in include/trace/events/signal.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalResult {
    /// `res=0`: it will be delivered.
    Delivered,
    /// `res=1`: ignored; the receiver is a zombie or dying already.
    Ignored,
    /// `res=2`: one was pending already.
    AlreadyPending,
    /// Some other value, or none was traced.
    #[default]
    Other,
}

/// A process, as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Process id on the host (of the thread group, where the thread's could be resolved).
    pub pid: u32,
    /// Name: hostile text.
    pub comm: String,
    /// Its memory cgroup: hostile text.
    pub cgroup: Option<String>,
    /// Its id in its own pid namespace.
    pub namespace_pid: Option<u32>,
    /// The thread that was traced, where it is known to be another than the first one.
    #[serde(default)]
    pub thread: Option<u32>,
    /// Whether it was exiting when the signal was made; `None` where that could not be told.
    #[serde(default)]
    pub exiting: Option<bool>,
}

impl Process {
    /// The id that the kernel traced, and printed where it printed one: of the thread if it was one.
    #[must_use]
    pub fn traced_id(&self) -> u32 {
        self.thread.unwrap_or(self.pid)
    }
}

/// What `oom:mark_victim` said. Its fields differ between patch levels of a kernel; all but the id may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomMark {
    /// When, in microseconds of `CLOCK_MONOTONIC`.
    pub at_us: u64,
    /// Total virtual memory in KiB.
    pub total_vm_kb: Option<u64>,
    /// Resident anonymous memory in KiB.
    pub anon_rss_kb: Option<u64>,
    /// Resident file pages in KiB.
    pub file_rss_kb: Option<u64>,
    /// Resident shared memory in KiB.
    pub shmem_rss_kb: Option<u64>,
    /// User id.
    pub uid: Option<u32>,
    /// Page tables in KiB.
    pub pgtables_kb: Option<u64>,
    /// The victim's `oom_score_adj`.
    pub oom_score_adj: Option<i32>,
}
