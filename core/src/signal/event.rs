//! The events of the trace, as values.

use crate::finding::{OomMark, SignalResult};

/// One event, or that some were lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceEvent {
    /// `signal:signal_generate` with SIGKILL.
    Generated(Generated),
    /// `oom:mark_victim`.
    Marked(Marked),
    /// `task:task_newtask`.
    Forked(Forked),
    /// `cgroup:cgroup_attach_task`.
    Moved(Moved),
    /// Events of one CPU were overwritten before they were read.
    Lost {
        /// The CPU.
        cpu: u32,
        /// How many; `None` where the kernel does not know.
        events: Option<u64>,
    },
}

/// A SIGKILL was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// When, in microseconds of the trace's clock.
    pub at_us: u64,
    /// The task that ran: a thread's id on the host.
    pub sender: u32,
    /// Its name, `<...>` where the kernel had forgotten it: hostile text.
    pub sender_comm: String,
    /// How deep preemption was disabled; `None` where the kernel does not count it.
    pub depth: Option<u32>,
    /// `si_code`.
    pub code: i32,
    /// Id of the task that gets it, on the host.
    pub receiver: u32,
    /// The receiver's name: hostile text.
    pub receiver_comm: String,
    /// For the whole process, or one thread.
    pub whole_process: Option<bool>,
    /// What became of it.
    pub result: SignalResult,
}

/// The OOM killer chose a victim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The task that ran: the one that asked for memory.
    pub by: u32,
    /// The victim's task id, on the host.
    pub victim: u32,
    /// What else was printed.
    pub mark: OomMark,
}

/// A task was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forked {
    /// When, in microseconds of the trace's clock.
    pub at_us: u64,
    /// The task that made it.
    pub maker: u32,
    /// The new task: a thread's id, or a process's.
    pub child: u32,
    /// The flags of clone(2).
    pub flags: u64,
}

/// A process was moved to another group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// When, in microseconds of the trace's clock.
    pub at_us: u64,
    /// Number of the hierarchy, as in `/proc/cgroups`.
    pub hierarchy: u32,
    /// The process and its new group, from the root of the hierarchy: hostile text. Several where the text can be read in several
    /// ways: then one of them is meant.
    pub readings: Vec<(u32, String)>,
}
