//! `NumaOutOfMemory`: the memory nodes that a cpuset or a NUMA policy allows ran out while others may have had room.
//!
//! *Needs* the kernel's constraint to say cpuset or memory policy. The kill line then reads like that of a whole node
//! (`Out of memory:`), so a bare one cannot show it.

use super::claim::{Claim, Rule};
use super::facts::Facts;
use super::telling;
use super::words::size;
use crate::incident::{Cause, Confidence};
use crate::kernel::{OomReport, Scope};

pub(super) const RULE: Rule = Rule { cause: Cause::NumaOutOfMemory, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let report = facts.report()?;
    let (who, remedy) = match report.scope {
        Scope::Cpuset => (
            "cpuset",
            "Let the cpuset use more memory nodes (cpuset.mems; the kubelet's memory and topology managers set it), or \
             place less on those nodes",
        ),
        Scope::Mempolicy => (
            "NUMA memory policy",
            "Bind the process to more memory nodes (numactl --membind, set_mempolicy), or prefer them instead of \
             binding to them",
        ),
        Scope::System | Scope::Cgroup | Scope::Unknown => return None,
    };
    let nodes =
        allowed(report).map_or_else(String::new, |nodes| format!(" (memory nodes {nodes})"));
    let mut because = vec![format!(
        "The memory nodes that a {who} allows ran out{nodes}; other nodes of the machine may have had room."
    )];
    if let Some(free) = report.mem_info.and_then(|info| info.free) {
        // The kernel prints only the nodes that the allocation might use (SHOW_MEM_FILTER_NODES).
        because.push(format!("In the memory nodes it prints, {} was free.", size(Some(free))));
    }
    because.extend(telling::largest(report).map(|largest| format!("Largest: {largest}.")));
    let grew = telling::hog(report)
        .map(|hog| format!(", or find out why {} grew: it held {}", hog.comm, size(hog.rss)))
        .unwrap_or_default();
    let who_died = facts.fate();
    Some(Claim {
        confidence: if facts.has_header(report)
            && (facts.victim.is_some() || facts.victims.is_empty())
        {
            Confidence::Confirmed
        } else {
            Confidence::Likely
        },
        summary: format!("{who_died} because the memory nodes allowed by a {who} ran out"),
        because,
        remedies: vec![format!("{remedy}{grew}.")],
        missing: Vec::new(),
        ..Claim::default()
    })
}

/// The memory nodes as printed; a policy's mask says more than the cpuset's.
fn allowed(report: &OomReport) -> Option<&str> {
    let mask = report.nodemask.as_deref().filter(|mask| !matches!(*mask, "(null)" | "0x0" | ""));
    match report.scope {
        Scope::Mempolicy => mask.or(report.mems_allowed.as_deref()),
        _ => report.mems_allowed.as_deref().or(mask),
    }
}
