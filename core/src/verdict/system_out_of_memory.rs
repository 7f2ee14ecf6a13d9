//! `SystemOutOfMemory`: the whole node ran out.
//!
//! *Needs* the kernel to say so (`Out of memory:`, `global_oom`). The report's totals then tell which of: no block
//! large enough (order > 0), huge pages set aside, kernel memory, tmpfs, or simply too much. The list of processes
//! names no groups; what pods and what the host used is known where the agent looked at once ([`shortage`]).
//! *Contradicted by* a constraint, and where nobody says whether there was one no more than possible ([`memory_nodes`]).

use super::claim::{Claim, Rule};
use super::facts::Facts;
use super::memory_nodes;
use super::shortage::{self, Shortage};
use super::telling;
use super::words::{block, block_size, size};
use crate::bytes::Bytes;
use crate::incident::{Cause, Confidence};
use crate::kernel::{Limit, MemInfo, OomReport, Scope};

pub(super) const RULE: Rule = Rule { cause: Cause::SystemOutOfMemory, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let report = facts.report().filter(|report| report.scope == Scope::System)?;
    let mut missing = Vec::new();
    let confidence = if !facts.has_header(report) {
        Confidence::Likely
    } else if facts.victim.is_none() && !facts.victims.is_empty() {
        missing.push("The kernel did not print which group the victim was in.".to_owned());
        Confidence::Likely
    } else if facts.victim.as_ref().is_some_and(|group| group.worked_out.is_some()) {
        Confidence::Likely
    } else {
        Confidence::Confirmed
    };
    let info = report.mem_info.unwrap_or_default();
    let mut because = Vec::new();
    if !report.sysrq {
        because.push(match info.ram {
            Some(ram) => format!("The whole node ran out of memory; it has {}.", Bytes(ram)),
            None => "The whole node ran out of memory.".to_owned(),
        });
    }
    because.extend(own_limit(facts));
    let short = match report.sysrq {
        false => shortage::shortage(facts),
        true => Shortage::default(),
    };
    because.extend(short.because);
    let mut remedies = Vec::new();
    if !report.sysrq {
        for (sentence, remedy) in
            [scattered(report), huge_pages(&info), kernel_memory(&info), tmpfs(&info)]
                .into_iter()
                .flatten()
        {
            because.push(sentence);
            remedies.push(remedy);
        }
    }
    if info.swap_total == Some(0) {
        because.push("The node has no swap.".to_owned());
    }
    if facts.witnesses.surroundings.population.is_none() {
        because.extend(telling::largest(report).map(|largest| format!("Largest: {largest}.")));
    }
    // Where memory was free but scattered, whoever grew is not the reason.
    if report.sysrq || (scattered(report).is_none() && !short.decided) {
        remedies.push(remedy(facts, report));
    }
    remedies.extend(short.remedies);
    let who = facts.fate();
    let summary = match (facts.victims.is_empty(), report.sysrq) {
        (false, true) => format!("{who} because somebody asked the kernel for it with SysRq-f"),
        (false, false) => format!("{who} to free memory for the whole node"),
        (true, _) => format!("{who} because the whole node ran out of memory"),
    };
    // The constraint that would have made it one of some memory nodes was not seen.
    let or = memory_nodes::undecided(facts).map(|_| Cause::NumaOutOfMemory);
    let or = or.into_iter().collect();
    Some(Claim { confidence, summary, because, remedies, missing, or, ..Claim::default() })
}

/// That the container was not at its own limit, where that was read.
fn own_limit(facts: &Facts<'_>) -> Option<String> {
    let state = facts.container_state(facts.at_kill?)?;
    let peak = state.peak.or(state.usage)?;
    Some(match state.limit? {
        Limit::Bytes(limit) => {
            format!("Its container had used at most {} of its {} limit.", Bytes(peak), Bytes(limit))
        }
        Limit::Unlimited => {
            format!("Its container had used at most {} and has no limit.", Bytes(peak))
        }
    })
}

type Reason = Option<(String, String)>;

/// Memory is there, but in pieces.
fn scattered(report: &OomReport) -> Reason {
    let trigger = report.trigger.as_ref()?;
    let order = trigger.order.filter(|order| *order > 0)?;
    let wanted = block(order, &report.free_areas);
    let free = report
        .mem_info
        .and_then(|info| info.free)
        .map(|free| format!("; {} was free, but in smaller pieces or kept back", Bytes(free)))
        .unwrap_or_default();
    // Only blocks that were counted can be called missing.
    let none = block_size(order, &report.free_areas).is_some_and(|wanted| {
        !report
            .free_areas
            .iter()
            .flat_map(|area| &area.blocks)
            .any(|(size, n)| *size >= wanted && *n > 0)
    });
    let none = if none { " No zone had one left." } else { "" };
    Some((
        format!(
            "{} asked for one block of {wanted}{free}: memory is fragmented.{none}",
            trigger.comm
        ),
        format!(
            "Find out what needs blocks of {wanted} (network drivers, kernel stacks, large slab caches), and raise \
             vm.min_free_kbytes so that the kernel keeps more together."
        ),
    ))
}

/// Memory set aside that nobody else can use.
fn huge_pages(info: &MemInfo) -> Reason {
    let (total, ram) = (info.hugepages_total?, info.ram?);
    if total == 0 || total < ram / 10 {
        return None;
    }
    let unused = info
        .hugepages_free
        .filter(|free| *free > 0)
        .map(|free| format!(", of which {} is not even in use", Bytes(free)))
        .unwrap_or_default();
    Some((
        format!("{} is set aside as huge pages{unused}.", Bytes(total)),
        format!("Set aside fewer huge pages (vm.nr_hugepages): now {}.", Bytes(total)),
    ))
}

/// Memory of the kernel that it cannot give back.
fn kernel_memory(info: &MemInfo) -> Reason {
    let (slab, ram) = (info.slab_unreclaimable?, info.ram?);
    (slab >= ram / 5).then(|| {
        (
            format!("The kernel itself holds {} of slab that it cannot give back.", Bytes(slab)),
            format!("Find what makes the kernel hold {} (slabtop shows the caches).", Bytes(slab)),
        )
    })
}

/// Files in memory.
fn tmpfs(info: &MemInfo) -> Reason {
    let (shmem, ram) = (info.shmem?, info.ram?);
    (shmem >= ram / 5).then(|| {
        (
            format!(
                "{} is shared memory or files in tmpfs, which belong to no process.",
                Bytes(shmem)
            ),
            format!(
                "Find the tmpfs or emptyDir of medium Memory that holds {}, and limit its size.",
                Bytes(shmem)
            ),
        )
    })
}

fn remedy(facts: &Facts<'_>, report: &OomReport) -> String {
    if report.sysrq {
        return "Find out who pressed SysRq-f or wrote to /proc/sysrq-trigger; the sysctl kernel.sysrq can forbid it."
            .to_owned();
    }
    let Some(hog) = telling::hog(report) else {
        return "Give pods memory limits, and reserve for the host (system-reserved, kube-reserved) what it really \
                uses, so that the pods' limit is hit before the node runs out."
            .to_owned();
    };
    let grew = format!("Find out why {} grew: it held {}", hog.comm, size(hog.rss));
    let group =
        facts.victim.as_ref().filter(|_| facts.victims.iter().any(|victim| victim.pid == hog.pid));
    match group.map(|group| &group.identity) {
        Some(identity) if identity.pod_uid.is_some() => {
            format!(
                "{grew}. Give its container a memory limit that leaves room for the rest of the node."
            )
        }
        Some(identity) if identity.container_id.is_none() => {
            format!(
                "{grew} outside of any pod. If it needs that much, raise system-reserved or kube-reserved by it."
            )
        }
        _ => format!(
            "{grew}. If it runs outside of pods, raise system-reserved or kube-reserved by what it needs; if it runs in \
             a pod, give that pod a memory limit."
        ),
    }
}
