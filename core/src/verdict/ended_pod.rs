//! What the rules about a pod that was to end say alike.

use super::api::{Api, Order};
use super::claim::Claim;
use super::facts::Facts;
use super::kubelets_doing::{self, Proof, end_sooner};
use super::pod_end::Told;
use crate::incident::{Cause, Confidence};

/// The claim that the pod's end was this container's.
pub(super) fn claim(
    facts: &Facts<'_>,
    api: Api<'_>,
    told: &Told<'_>,
    summary: String,
    because: Vec<String>,
    remedies: Vec<String>,
) -> Claim {
    let order = told.decided.map(|decided| api.order(decided));
    let after = order == Some(Order::After);
    let event = told.event.or(api.killing().map(|(event, _)| event));
    let proof = Proof {
        status: true,
        event: event.is_some_and(|event| api.fits(event)) && after,
        fits: kubelets_doing::stopped(api) || after,
    };
    let mut because = because;
    because.push(format!("The pod's {}.", told.said));
    let mut remedies = remedies;
    remedies.extend(end_sooner(api));
    let mut claim = kubelets_doing::claim(facts, api, proof, summary, because, remedies);
    if order == Some(Order::Open) {
        claim.confidence = claim.confidence.min(Confidence::Possible);
        claim.missing.push(
            "Whether it ended before or after that: the clocks of the node and the API server may lie further apart than the two \
             times."
                .to_owned(),
        );
        if !kubelets_doing::stopped(api) {
            claim.or.push(Cause::ApplicationExit);
        }
    }
    claim
}
