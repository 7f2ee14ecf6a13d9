//! Whether all of the node's memory ran out, or only that of some of its memory nodes (NUMA).
//!
//! Only the report in the kernel log says which: `constraint=` of the summary, or totals of the nodes that it prints.
//! Counters, the trace and a bare kill line (`Out of memory: Killed process`) are the same for both. Without the report
//! the machine itself may settle it: where it has one memory node there is nothing to be told apart (`constrained_alloc`
//! in mm/oom_kill.c compares with the nodes that have memory). `/proc/buddyinfo` names them all, and was read a moment
//! later.

use std::collections::BTreeSet;

use super::facts::Facts;
use crate::kernel::Scope;

/// Why it cannot be told; `None` where it can, or where no node ran out.
pub(super) fn undecided(facts: &Facts<'_>) -> Option<String> {
    let reported =
        facts.witnesses.log.is_some_and(|(_, report)| !report.bare && report.trigger.is_some());
    if reported || facts.report().is_none_or(|report| report.scope != Scope::System) {
        return None;
    }
    let seen = facts.witnesses.surroundings.fragmentation;
    let nodes: BTreeSet<u32> =
        seen.iter().flat_map(|(_, seen)| &seen.areas).map(|area| area.node).collect();
    let has = match nodes.len() {
        1 => return None,
        0 => String::new(),
        several => format!(", and it has {several}"),
    };
    Some(format!(
        "Without the kernel's whole report the node's memory cannot be told from that of some of its memory nodes \
         (NUMA){has}."
    ))
}
