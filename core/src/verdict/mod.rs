//! Verdicts: from findings to a cause. One file per cause, pure rules, one table.
//!
//! Findings of several witnesses (kernel log, signal trace, counters) are put together into one account first. Every rule
//! looks at the same facts and either claims the incident, with a confidence and the sentences that explain it, or stays
//! silent. The most confident claim wins, the earlier in the table where two are equal; how many witnesses agree, and
//! what they missed, then says how sure the verdict may be at most.
//! Nothing is promised about which findings arrive, in which order or whether an observation follows a kill: a rule
//! that misses something says so and claims less.

mod account;
mod agreement;
mod api;
mod claim;
mod clocks;
mod composition;
mod evidence;
mod facts;
mod gather;
mod memory_nodes;
mod named;
mod no_oom;
mod opening;
mod orderly;
mod outcome;
mod pod_shape;
mod same;
mod shared_limit;
mod shortage;
mod sighting;
mod surroundings;
mod telling;
#[cfg(test)]
mod tests;
mod watch;
mod witnesses;
mod words;

mod api_eviction;
mod at_start;
mod bad_image;
mod container_lost;
mod deadline_exceeded;
mod ended_pod;
mod ephemeral_storage_limit;
mod eviction_beside;
mod failed_probe;
mod heap;
mod history;
mod image_pull;
mod kubelets_doing;
mod liveness_probe;
mod missing_config;
mod node_pressure_eviction;
mod node_shutdown;
mod pod_deleted;
mod pod_end;
mod post_start_hook;
mod pre_stop_timeout;
mod preempted;
mod probe_settings;
mod says;
mod startup_probe;
mod taint_eviction;
mod terminated;
mod unscheduled;
mod volume_unavailable;
mod waits;

mod application_exit;
mod container_memory_limit;
mod crash;
mod external_kill;
mod hardware_memory_error;
mod memory_fragmentation;
mod node_allocatable;
mod numa_out_of_memory;
mod other_cgroup_limit;
mod pod_memory_limit;
mod qos_memory_limit;
mod reserved_memory_limit;
mod runtime_kill;
mod system_out_of_memory;
mod unknown;
mod userspace_oom_killer;

use crate::finding::{CoverageSpan, Finding, SourceStatus};
use crate::incident::{Incident, IncidentId};
use crate::kubernetes::KubernetesCase;
use account::Account;
use claim::Rule;
pub use opening::incident_of;
pub use sighting::sighting;
use witnesses::Witnesses;

/// Every cause and its rule. [`unknown`] claims whatever nobody else does, so it is the last.
const RULES: [Rule; 34] = [
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
    external_kill::RULE,
    crash::RULE,
    application_exit::RULE,
    node_pressure_eviction::RULE,
    ephemeral_storage_limit::RULE,
    liveness_probe::RULE,
    startup_probe::RULE,
    post_start_hook::RULE,
    pre_stop_timeout::RULE,
    preempted::RULE,
    api_eviction::RULE,
    taint_eviction::RULE,
    pod_deleted::RULE,
    deadline_exceeded::RULE,
    node_shutdown::RULE,
    container_lost::RULE,
    terminated::RULE,
    bad_image::RULE,
    missing_config::RULE,
    volume_unavailable::RULE,
    image_pull::RULE,
    runtime_kill::RULE,
    unknown::RULE,
];

/// Everything known about one incident.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// The incident that all the findings belong to, where whoever gathered them joined what makes several by itself (a
    /// kill and the end that Kubernetes reports). `None`: the one that the findings make, without those that make others.
    pub incident: Option<IncidentId>,
    /// The incident's findings, in the order of their ids.
    pub findings: Vec<Finding>,
    /// Gaps of any source on that node that may overlap the incident.
    pub gaps: Vec<Finding>,
    /// How the sources on that node were doing at the time, if it was reported.
    pub sources: Vec<SourceStatus>,
    /// What the sources on that node missed nothing of around the incident, already without what [`Case::gaps`] take of
    /// it. A verdict must not change because time goes by, so a span that goes on ends here when the incident does, and
    /// once it is known to have gone on for two seconds more, two seconds later.
    pub coverage: Vec<CoverageSpan>,
    /// What the Kubernetes API said of it; `None` where no API is read, or it says nothing of whom this is about.
    /// A termination or a waiting in it is a case of its own also where there is no finding.
    pub kubernetes: Option<KubernetesCase>,
}

/// Judges a case. `None` when its findings open no incident (for instance only an observation has arrived so far).
///
/// The verdict depends on what the findings say, not on the order they are given in.
#[must_use]
pub fn judge(case: &Case) -> Option<Incident> {
    let witnesses = Witnesses::of(case);
    let account = Account::of(&witnesses);
    let facts = gather::gather(case, &witnesses, &account)?;
    claim::weigh(&RULES, &facts).map(|claim| claim::sentence(&facts, case, claim))
}
