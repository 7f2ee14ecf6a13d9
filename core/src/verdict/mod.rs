//! Verdicts: from findings to a cause. One file per cause, pure rules, one table.
//!
//! Every rule looks at the same facts and either claims the incident, with a confidence and the sentences that
//! explain it, or stays silent. The most confident claim wins, the earlier in the table where two are equal.
//! Nothing is promised about which findings arrive, in which order or whether an observation follows a kill: a rule
//! that misses something says so and claims less.

mod claim;
mod composition;
mod evidence;
mod facts;
mod gather;
mod outcome;
mod pod_shape;
mod shared_limit;
mod telling;
#[cfg(test)]
mod tests;
mod words;

mod container_memory_limit;
mod hardware_memory_error;
mod memory_fragmentation;
mod node_allocatable;
mod numa_out_of_memory;
mod other_cgroup_limit;
mod pod_memory_limit;
mod qos_memory_limit;
mod reserved_memory_limit;
mod system_out_of_memory;
mod unknown;
mod userspace_oom_killer;

use crate::finding::{CoverageSpan, Finding, FindingBody, FindingId, SourceStatus};
use crate::incident::{Incident, IncidentId};
use crate::kernel::{KernelEvent, ReportEnd};
use claim::Rule;

/// Every cause and its rule. [`unknown`] claims whatever nobody else does, so it is the last.
const RULES: [Rule; 12] = [
    container_memory_limit::RULE,
    pod_memory_limit::RULE,
    qos_memory_limit::RULE,
    node_allocatable::RULE,
    reserved_memory_limit::RULE,
    other_cgroup_limit::RULE,
    numa_out_of_memory::RULE,
    system_out_of_memory::RULE,
    memory_fragmentation::RULE,
    hardware_memory_error::RULE,
    userspace_oom_killer::RULE,
    unknown::RULE,
];

/// Everything known about one incident.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// The incident's findings, in the order of their ids.
    pub findings: Vec<Finding>,
    /// Gaps of any source on that node that may overlap the incident.
    pub gaps: Vec<Finding>,
    /// How the sources on that node were doing at the time, if it was reported.
    pub sources: Vec<SourceStatus>,
    /// What the sources on that node missed nothing of around the incident, already without what [`Case::gaps`] take of
    /// it. A span that goes on ends shortly after the incident here: a verdict must not change because time goes by.
    pub coverage: Vec<CoverageSpan>,
}

/// Which incident a finding belongs to: the one it opens, or the one it adds to; `None` when it is about no incident.
#[must_use]
pub fn incident_of(finding: &Finding) -> Option<IncidentId> {
    if let Some(about) = &finding.about {
        return Some(IncidentId::of(about));
    }
    if opens(finding) {
        return Some(IncidentId::of(&finding.id));
    }
    match &finding.body {
        FindingBody::Cgroups(observation) => Some(IncidentId::of(&observation.about)),
        FindingBody::Kernel(event) => match event.as_ref() {
            KernelEvent::OomVictim(further) => {
                Some(IncidentId::of(&FindingId::at(&finding.boot_id, &further.report, 0)))
            }
            _ => None,
        },
        FindingBody::Gap(_)
        | FindingBody::SourceStatus(_)
        | FindingBody::Sigkill(_)
        | FindingBody::CountedKill(_)
        | FindingBody::ContainerEnd(_)
        | FindingBody::Fragmentation(_)
        | FindingBody::Headroom(_)
        | FindingBody::Pressure(_)
        | FindingBody::Population(_)
        | FindingBody::Node(_) => None,
    }
}

/// Judges a case. `None` when its findings open no incident (for instance only an observation has arrived so far).
///
/// The verdict depends on what the findings say, not on the order they are given in.
#[must_use]
pub fn judge(case: &Case) -> Option<Incident> {
    let facts = gather::gather(case)?;
    claim::weigh(&RULES, &facts).map(|claim| claim::sentence(&facts, case, claim))
}

/// Whether the finding opens an incident: somebody was killed, or the kernel could not, or memory failed in a way
/// that has a cause of its own. A chosen victim that was exiting anyway is nobody's death.
fn opens(finding: &Finding) -> bool {
    let FindingBody::Kernel(event) = &finding.body else { return false };
    match event.as_ref() {
        KernelEvent::Oom(report) => {
            !report.victims.is_empty()
                || matches!(report.end, ReportEnd::Panic(_) | ReportEnd::NoKillableProcess)
        }
        // Order 0 is one page: it failed because memory was short, not because it was scattered.
        KernelEvent::AllocationFailure(failure) => failure.order.is_some_and(|order| order > 0),
        KernelEvent::SlabFailure(_) | KernelEvent::UserspaceKill(_) => true,
        KernelEvent::HardwareMemoryError(error) => {
            error.pid.is_some() || error.message.contains("oison")
        }
        KernelEvent::OomVictim(_)
        | KernelEvent::Reaped(_)
        | KernelEvent::VmallocFailure(_)
        | KernelEvent::Fault(_)
        | KernelEvent::Unverified(_)
        | KernelEvent::Suppressed(_) => false,
    }
}
