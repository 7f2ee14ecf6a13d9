//! What the kernel says about memory deaths, as typed values.
//!
//! These are the values the parser in [`crate::kernel_log`] gives; no text handling stands here. The kernel
//! promises nothing about its wording (`mm/oom_kill.c`, `mm/memcontrol.c` and `mm/page_alloc.c` change between
//! releases), so every part of a report may be missing: what the text does not say is `None`, never 0.

mod event;
mod memory_parts;
mod oom;
mod report_parts;

pub use event::{
    AllocationFailure, Fault, HardwareMemoryError, KernelEvent, Reaped, SlabFailure, Suppressed,
    Unverified, UserspaceKill, UserspaceKiller, VmallocFailure,
};
pub use memory_parts::MemoryParts;
pub use oom::{Level, OomReport, OomVictim, ReportEnd, Scope, Trigger, Victim};
pub use report_parts::{FreeArea, Limit, MemInfo, Position, TaskRow, Usage};
