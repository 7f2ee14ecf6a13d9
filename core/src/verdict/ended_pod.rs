//! What the rules about a pod that was to end say alike.

use super::api::Api;
use super::claim::Claim;
use super::facts::Facts;
use super::kubelets_doing::{self, Proof, end_sooner};
use super::pod_end::Told;

/// The claim that the pod's end was this container's.
pub(super) fn claim(
    facts: &Facts<'_>,
    api: Api<'_>,
    told: &Told<'_>,
    summary: String,
    because: Vec<String>,
    remedies: Vec<String>,
) -> Claim {
    let after = told.decided.is_some_and(|decided| !api.ended_before(decided));
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
    kubelets_doing::claim(facts, api, proof, summary, because, remedies)
}
