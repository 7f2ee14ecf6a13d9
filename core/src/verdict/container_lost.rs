//! `ContainerLost`: nobody saw it end, and the exit code is made up.
//!
//! *Needs* reason `ContainerStatusUnknown` (the kubelet found no container any more and writes 137), `Unknown` (the runtime
//! lost it and writes 255), or 255 together with a `Killing` that came only after the end. A bare 255 may be the program's
//! own `exit(-1)` as well. *Contradicted by* an eviction that stopped it: the kubelet does not wait for the ends of all
//! containers of a pod that it evicts, and makes up those that it has not seen.

use super::api::Api;
use super::claim::{Basis, Claim, Rule};
use super::facts::Facts;
use super::kubelets_doing::{self, node_watched};
use super::pod_end::pod_end;
use crate::incident::{Cause, Confidence};
use crate::kubelet::eviction::{Eviction, eviction};
use crate::kubernetes::ApiPart;

pub(super) const RULE: Rule = Rule { cause: Cause::ContainerLost, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let code = api.code()?;
    let (confidence, because, or) = match (api.reason(), code) {
        // Stopped by the kubelet, which did not wait for the end before it wrote one.
        (Some("ContainerStatusUnknown"), _) if pod_end(api).is_some() => return None,
        (Some("ContainerStatusUnknown"), _) if !api.events_known() && evicted(api).is_some() => (
            Confidence::Possible,
            format!(
                "The pod was evicted, and the kubelet wrote exit code {code} for a container that it did not see end. It does so \
                 for one that it had just stopped as well as for one that it could not find: only an event would tell."
            ),
            evicted(api),
        ),
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
            Some(_) if api.unseen() => {
                format!("nobody saw {} end: it was lost, or stopped when its pod was evicted", api.who())
            }
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

/// What its pod was evicted for; `None` where it was not.
fn evicted(api: Api<'_>) -> Option<Cause> {
    let pod = api.pod().filter(|pod| pod.reason.as_deref() == Some("Evicted"))?;
    Some(match eviction(pod.message.as_deref().unwrap_or_default()) {
        Eviction::Node(_) => Cause::NodePressureEviction,
        _ => Cause::EphemeralStorageLimit,
    })
}
