//! `PodDeleted`: somebody deleted the pod: a person, a rollout, a scale-down, a Job's end, the garbage collector.
//!
//! *Needs* a deletionTimestamp and no other reason. *Confirmed by* the kubelet's event `Killing` in that run, and an end within
//! its grace period. A pod that is deleted with grace 0 leaves the API while it still runs: its end is never shown.
//! *Contradicted by* an end before the deletion was asked for. Where nothing tells when that was, and a preStop hook is
//! there, it may have been the hook that took the time.

use super::claim::{Claim, Rule};
use super::ended_pod;
use super::facts::Facts;
use super::kubelets_doing;
use super::pod_end::{PodEnd, pod_end};
use super::pre_stop_timeout;
use crate::incident::{Cause, Confidence};
use crate::kubernetes::ApiPart;

pub(super) const RULE: Rule = Rule { cause: Cause::PodDeleted, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let told = pod_end(api).filter(|told| told.end == PodEnd::Deleted)?;
    let unsaid = told.decided.is_none() && !api.vanished();
    let oom = api.reason() == Some("OOMKilled") && !kubelets_doing::node_watched(facts);
    if pre_stop_timeout::hook_failed(api) || unsaid && oom {
        return None;
    }
    let owner = api.pod().and_then(|pod| pod.workload());
    let by = owner
        .map_or_else(String::new, |owner| format!(" It belongs to {} {}.", owner.kind, owner.name));
    let mut because = vec![format!("Somebody deleted the pod.{by}")];
    if api.vanished() {
        because.push(
            "With a grace period of 0 the object was gone at once, while the container still ran: Kubernetes never shows its \
             exit code."
                .to_owned(),
        );
    }
    let remedies = vec![
        "Nothing is wrong with it. Who deleted it stands in the API server's audit log; a rollout or a scale-down does it \
         too."
            .to_owned(),
    ];
    let summary = format!("{} was ended because its pod was deleted", api.who());
    let mut claim = ended_pod::claim(facts, api, &told, summary, because, remedies);
    if api.vanished() {
        claim.confidence = claim.confidence.min(Confidence::Likely);
        claim.missing.push("The end of the container, which nobody saw.".to_owned());
    } else if told.decided.is_none() {
        // It may have ended by itself just before.
        claim.confidence = claim.confidence.min(Confidence::Possible);
    }
    if pre_stop_timeout::may_be(api) && (!api.events_known() || api.gap(ApiPart::Events)) {
        claim.confidence = claim.confidence.min(Confidence::Possible);
    }
    Some(claim)
}
