//! The kernel's own score (`oom_badness`, mm/oom_kill.c), in bytes instead of pages.
//!
//! Resident memory + swap + page tables, plus oom_score_adj thousandths of memory and swap together. -1000 is
//! exempt. Kernels differ in rounding only.

use crate::kernel::{OomReport, TaskRow};

/// The score of a task; `None` when it is exempt, or the total or its memory is not known.
#[must_use]
pub fn badness(task: &TaskRow, total: Option<u64>) -> Option<i64> {
    let adj = task.oom_score_adj.unwrap_or(0);
    if adj <= -1000 {
        return None;
    }
    let held = [task.rss?, task.swap.unwrap_or(0), task.pgtables.unwrap_or(0)];
    let held: u128 = held.into_iter().map(u128::from).sum();
    let share = if adj == 0 { 0 } else { i128::from(adj) * i128::from(total?) / 1000 };
    i64::try_from(i128::try_from(held).ok()?.checked_add(share)?).ok()
}

/// What the adjustment counts in: all memory the kernel gives out, and swap.
#[must_use]
pub fn total(report: &OomReport) -> Option<u64> {
    let info = report.mem_info?;
    let memory = info.ram?.saturating_sub(info.reserved.unwrap_or(0));
    memory.checked_add(info.swap_total.unwrap_or(0))
}
