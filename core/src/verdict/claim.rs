//! What a rule says, how the rules are weighed, and how the winner becomes an incident.

use super::facts::{Event, Facts};
use super::opening::incident_of;
use super::{
    Case, agreement, clocks, eviction_beside, evidence, history, named, orderly, outcome, says,
    surroundings, telling,
};
use crate::incident::{
    Cause, Confidence, Incident, IncidentId, KernelFacts, TriggerFacts, VictimFacts,
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
    /// Whose word it rests on.
    pub basis: Basis,
    /// Other causes that the same facts speak for as much.
    pub or: Vec<Cause>,
}

/// Whose word a claim rests on, and so how sure it may be at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Basis {
    /// The node's witnesses': as far as they agree.
    #[default]
    Node,
    /// Kubernetes': the rule says how sure, but never surer than likely where a witness of the node had a hole.
    Api,
}

/// The most confident claim, how sure it may be at most already counted in. Where two of different causes are equal, neither is more than
/// possible, and both are named.
pub(super) fn weigh(rules: &[Rule], facts: &Facts<'_>) -> Option<(Cause, Claim)> {
    let mut best: Option<(Cause, Claim)> = None;
    for rule in rules {
        let Some(mut claim) = (rule.examine)(facts) else { continue };
        claim.confidence = claim.confidence.min(agreement::at_most(facts, claim.basis));
        match &mut best {
            Some((_, held)) if claim.confidence < held.confidence => {}
            Some((cause, held))
                if claim.confidence == held.confidence && held.confidence > Confidence::Unknown =>
            {
                tie(*cause, held, rule.cause, claim);
            }
            Some((_, held)) if claim.confidence == held.confidence => {}
            _ => best = Some((rule.cause, claim)),
        }
    }
    best
}

/// Adds what another rule claims as much.
fn tie(cause: Cause, held: &mut Claim, other: Cause, claim: Claim) {
    if cause == other {
        return;
    }
    held.confidence = held.confidence.min(Confidence::Possible);
    for also in std::iter::once(other).chain(claim.or) {
        if also != cause && also != Cause::Unknown && !held.or.contains(&also) {
            held.or.push(also);
        }
    }
    held.because.push(format!("As much speaks for another cause, {other}: {}.", claim.summary));
    held.missing.extend(
        claim.missing.into_iter().filter(|what| !held.missing.contains(what)).collect::<Vec<_>>(),
    );
    held.remedies.extend(claim.remedies);
}

/// Writes the verdict down.
pub(super) fn sentence(facts: &Facts<'_>, case: &Case, (cause, claim): (Cause, Claim)) -> Incident {
    let standing = agreement::standing(facts);
    let confidence = claim.confidence;
    let mut gaps = claim.missing;
    gaps.extend(standing.said.into_iter().filter(|_| facts.witnesses.opening.is_some()));
    gaps.extend(facts.watch.gaps.iter().map(|gap| telling::gap(gap)));
    gaps.extend(telling::missing(facts));
    gaps.extend(evidence::blind_sources(case));
    let (outcome, outcome_sentence) = outcome::outcome(facts);
    let mut explanation: Vec<String> = telling::killing(facts).into_iter().collect();
    explanation.extend(claim.because);
    explanation.extend(surroundings::volumes(facts));
    explanation.extend(telling::roles(facts));
    explanation.extend(outcome_sentence);
    explanation.extend(eviction_beside::sentence(facts));
    explanation.extend(history::sentences(facts));
    explanation.extend(facts.api.and_then(clocks::sentence));
    let kubernetes = says::kubernetes(facts, cause, confidence);
    explanation.extend(kubernetes.as_ref().and_then(|says| says.why.clone()));
    let (pod, container) = says::whose(facts);
    let mut incident = Incident {
        id: id(facts, case),
        time: facts.time(),
        node: says::node(facts),
        cause,
        outcome,
        confidence,
        alternatives: claim.or,
        summary: claim.summary,
        explanation,
        remedies: claim.remedies,
        pod,
        container,
        termination: says::termination(facts),
        orderly: orderly::orderly(facts, cause, confidence, kubernetes.as_ref()),
        kubernetes,
        sigkill: evidence::sender(facts),
        previous: Vec::new(),
        revised_from: None,
        // Somebody whom the runtime killed is no victim of the kernel's.
        kernel: kernel_facts(facts)
            .filter(|_| !matches!(facts.event, Event::Death) || cause != Cause::Unknown),
        evidence: evidence::evidence(facts, case),
        gaps,
    };
    named::name(&mut incident, case.kubernetes.as_ref());
    incident
}

/// Whose incident it is: what whoever gathered the case says, else what opens it.
fn id(facts: &Facts<'_>, case: &Case) -> IncidentId {
    let by_finding = || {
        let opening = facts.witnesses.opening?;
        Some(incident_of(opening).unwrap_or_else(|| IncidentId::of(&opening.id)))
    };
    case.incident.clone().or_else(by_finding).unwrap_or_else(|| says::id(facts))
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
