//! What a rule says, how the rules are weighed, and how the winner becomes an incident.

use super::facts::{Event, Facts};
use super::opening::incident_of;
use super::{Case, agreement, evidence, outcome, surroundings, telling};
use crate::incident::{
    Cause, Confidence, ContainerRef, Incident, IncidentId, KernelFacts, PodRef, TriggerFacts,
    VictimFacts,
};
use crate::kernel::{Level, Scope};

/// A cause and what decides it.
pub(super) struct Rule {
    /// The cause it may claim.
    pub cause: Cause,
    /// Looks at the facts; `None` when they do not speak for the cause.
    pub examine: fn(&Facts<'_>) -> Option<Claim>,
}

/// What a rule makes of the facts. Names in the sentences are as they were found: whoever shows them escapes them.
#[derive(Clone, Debug, Default)]
pub(super) struct Claim {
    /// How sure, as far as this rule's own needs go; a gap may lower it.
    pub confidence: Confidence,
    /// One sentence without a full stop.
    pub summary: String,
    /// Why it is this cause.
    pub because: Vec<String>,
    /// What to change.
    pub remedies: Vec<String>,
    /// What the rule missed.
    pub missing: Vec<String>,
}

/// The most confident claim; of equals the first in the table.
pub(super) fn weigh(rules: &[Rule], facts: &Facts<'_>) -> Option<(Cause, Claim)> {
    let mut best: Option<(Cause, Claim)> = None;
    for rule in rules {
        let Some(claim) = (rule.examine)(facts) else { continue };
        if best.as_ref().is_none_or(|(_, held)| claim.confidence > held.confidence) {
            best = Some((rule.cause, claim));
        }
    }
    best
}

/// Writes the verdict down.
pub(super) fn sentence(facts: &Facts<'_>, case: &Case, (cause, claim): (Cause, Claim)) -> Incident {
    let standing = agreement::standing(facts);
    let confidence = claim.confidence.min(standing.at_most);
    let mut gaps = claim.missing;
    gaps.extend(standing.said);
    gaps.extend(facts.watch.gaps.iter().map(|gap| telling::gap(gap)));
    gaps.extend(telling::missing(facts));
    gaps.extend(evidence::blind_sources(case));
    let (outcome, outcome_sentence) = outcome::outcome(facts);
    let mut explanation: Vec<String> = telling::killing(facts).into_iter().collect();
    explanation.extend(claim.because);
    explanation.extend(surroundings::volumes(facts));
    explanation.extend(telling::roles(facts));
    explanation.extend(outcome_sentence);
    let whose = facts.whose();
    Incident {
        id: case
            .incident
            .clone()
            .or_else(|| incident_of(facts.opening))
            .unwrap_or_else(|| IncidentId::of(&facts.opening.id)),
        time: facts.time(),
        node: facts.opening.node.clone(),
        cause,
        outcome,
        confidence,
        summary: claim.summary,
        explanation,
        remedies: claim.remedies,
        pod: whose.pod_uid.map(|uid| PodRef { uid: Some(uid), ..PodRef::default() }),
        // A container that a pod's container made for itself is nobody's to look up.
        container: whose
            .pod_container_id
            .or(whose.container_id)
            .map(|id| ContainerRef { id: Some(id), ..ContainerRef::default() }),
        termination: None,
        kubernetes: None,
        alternatives: Vec::new(),
        sigkill: evidence::sender(facts),
        previous: Vec::new(),
        revised_from: None,
        // Somebody whom the runtime killed is no victim of the kernel's.
        kernel: kernel_facts(facts)
            .filter(|_| !matches!(facts.event, Event::Death) || cause != Cause::Unknown),
        evidence: evidence::evidence(facts, case),
        gaps,
    }
}

/// What the kernel said, in the shape people and machines are shown.
fn kernel_facts(facts: &Facts<'_>) -> Option<KernelFacts> {
    match &facts.event {
        Event::Oom(report) => {
            let hit = facts.hit();
            Some(KernelFacts {
                scope: report.scope,
                level: match report.scope {
                    Scope::Cgroup | Scope::Unknown => facts.limit_level(),
                    Scope::System | Scope::Cpuset | Scope::Mempolicy => Level::None,
                },
                limit_cgroup: facts.limit.as_ref().map(|group| group.path.to_owned()),
                limit_bytes: hit.limit,
                usage_bytes: hit.usage,
                trigger: report.trigger.as_ref().map(|trigger| TriggerFacts {
                    comm: trigger.comm.clone(),
                    pid: trigger.pid,
                    order: trigger.order,
                    gfp_mask: trigger.gfp_mask.clone(),
                }),
                victims: facts
                    .victims
                    .iter()
                    .map(|victim| VictimFacts {
                        pid: victim.pid,
                        comm: victim.comm.clone(),
                        anon_rss_kb: victim.anon_rss.map(|bytes| bytes >> 10),
                    })
                    .collect(),
            })
        }
        Event::Allocation(failure) => Some(KernelFacts {
            trigger: Some(TriggerFacts {
                comm: failure.comm.clone(),
                pid: failure.pid,
                order: failure.order,
                gfp_mask: failure.gfp_mask.clone(),
            }),
            ..KernelFacts::default()
        }),
        Event::Slab(_) => Some(KernelFacts::default()),
        Event::Hardware(error) => Some(KernelFacts {
            victims: error
                .pid
                .map(|pid| VictimFacts {
                    pid,
                    comm: error.comm.clone().unwrap_or_default(),
                    anon_rss_kb: None,
                })
                .into_iter()
                .collect(),
            ..KernelFacts::default()
        }),
        Event::Userspace(_) | Event::Death => facts.kill.map(|(_, sigkill)| KernelFacts {
            victims: vec![VictimFacts {
                pid: sigkill.receiver.pid,
                comm: sigkill.receiver.comm.clone(),
                anon_rss_kb: None,
            }],
            ..KernelFacts::default()
        }),
    }
}
