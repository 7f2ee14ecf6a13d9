//! `ContainerLost`: nobody saw it end, and the exit code is made up.
//!
//! *Needs* reason `ContainerStatusUnknown` (the kubelet found no container any more and writes 137), `Unknown` (the runtime
//! lost it and writes 255), or 255 together with a `Killing` that came only after the end. A bare 255 may be the program's
//! own `exit(-1)` as well. *Contradicted by* nothing: such a status says by itself that it knows nothing.

use super::claim::{Basis, Claim, Rule};
use super::facts::Facts;
use super::kubelets_doing::{self, node_watched};
use super::pod_end::pod_end;
use crate::incident::{Cause, Confidence};
use crate::kubernetes::ApiPart;

pub(super) const RULE: Rule = Rule { cause: Cause::ContainerLost, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let code = api.code()?;
    let (confidence, because, or) = match (api.reason(), code) {
        (Some("ContainerStatusUnknown"), _) => {
            let sure = node_watched(facts) && !api.gap(ApiPart::Pods);
            (
                if sure { Confidence::Confirmed } else { Confidence::Likely },
                format!(
                    "The kubelet could not find the container any more and wrote exit code {code} for it: nobody saw it \
                     end. The code says nothing."
                ),
                None,
            )
        }
        (Some("Unknown"), _) => (
            Confidence::Likely,
            format!("The runtime lost sight of the container and wrote exit code {code} for it."),
            None,
        ),
        (_, 255) if pod_end(api).is_none() => {
            // The kubelet takes down what is left of a sandbox that broke away under it.
            let swept = api.case.events_with("Killing").any(|event| {
                event.regarding.container == api.case.container
                    && event
                        .first
                        .zip(api.finished())
                        .is_some_and(|(first, finished)| first > finished)
            });
            if swept {
                (
                    Confidence::Likely,
                    "Exit code 255 is what the runtime writes when it loses the process that watches a container (its \
                     shim), and the kubelet cleared away what was left only after that."
                        .to_owned(),
                    None,
                )
            } else {
                (
                    Confidence::Possible,
                    "Exit code 255 is what the runtime writes when it loses the process that watches a container (its \
                     shim); a program that exits with -1 has the same code."
                        .to_owned(),
                    Some(Cause::ApplicationExit),
                )
            }
        }
        _ => return None,
    };
    let mut because = vec![because];
    let deleted = api.pod().and_then(|pod| pod.deletion).is_some();
    if deleted {
        because.push("The pod was being deleted at that time.".to_owned());
    }
    if api.case.events.iter().any(|event| event.reason == "Rebooted") {
        because.push("The node was rebooted at that time.".to_owned());
    }
    let message = api.ended().and_then(|ended| ended.message.as_deref());
    because.extend(
        message.map(|message| format!("Kubernetes says: {}.", message.trim_end_matches('.'))),
    );
    Some(Claim {
        confidence,
        summary: match or {
            None => format!("nobody saw {} end, so its exit code of {code} is made up", api.who()),
            Some(_) => format!("{} ended with 255: the runtime lost it, or it exited so by itself", api.who()),
        },
        because,
        remedies: vec![
            "Look at what happened to the node, the kubelet and the container runtime at that time: a restart, a reboot, a \
             shim that was killed."
                .to_owned(),
        ],
        missing: vec!["How the container ended: neither kubelet nor runtime saw it.".to_owned()],
        basis: Basis::Api,
        or: or.into_iter().collect(),
    })
}
