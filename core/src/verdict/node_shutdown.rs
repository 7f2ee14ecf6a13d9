//! `NodeShutdown`: the node was shut down, and the kubelet ended its pods first.
//!
//! *Needs* status reason `Terminated`, `Shutdown` or `NodeShutdown` with the kubelet's message about it (graceful node
//! shutdown, 1.21 and later). Without that feature the containers just go with the node: `ContainerLost`.

use super::claim::{Claim, Rule};
use super::ended_pod;
use super::facts::Facts;
use super::kubelets_doing;
use super::pod_end::{PodEnd, pod_end};
use crate::incident::Cause;

pub(super) const RULE: Rule = Rule { cause: Cause::NodeShutdown, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let told = pod_end(api).filter(|told| told.end == PodEnd::NodeShutdown)?;
    let summary = format!("{} was ended because its node was shut down", api.who());
    let because = vec![match told.message {
        Some(message) => format!("Kubernetes says: {}.", message.trim_end_matches(['.', ' '])),
        None => "The kubelet ended it before the node went down.".to_owned(),
    }];
    let remedies = vec![
        "Drain the node before it is shut down, so that its pods move in order. If the containers need longer to end, raise \
         the kubelet's shutdownGracePeriod."
            .to_owned(),
    ];
    Some(ended_pod::claim(facts, api, &told, summary, because, remedies))
}
