//! Ends that were meant, and went as they were meant to: nobody looks for these among deaths.
//!
//! *Needs* exit code 0 and a verdict that is at least likely, does not contradict Kubernetes, and names no trouble. Then the end
//! was meant where the pod was to end, where it was an init container's or a sidecar's, or where the pod's restart policy does not
//! start a container that succeeded again (a Job). An app that returns 0 and is started again is none: it comes back for ever, and
//! backs off. A pod that waited for a node and was given one is none either: clusters that grow do so all the time. Without the pod's record nothing is known to be meant.

use super::facts::Facts;
use crate::incident::{Cause, Confidence, KubernetesSays};
use crate::kubernetes::{ContainerRole, RestartPolicy, WaitingKind};

/// Whether it is such an end.
pub(super) fn orderly(
    facts: &Facts<'_>,
    cause: Cause,
    confidence: Confidence,
    says: Option<&KubernetesSays>,
) -> bool {
    let Some(api) = facts.api else { return false };
    if let Some(waiting) = api.waiting().filter(|w| w.kind() == WaitingKind::Schedule) {
        // It was given a node in the end, perhaps one that was added for it.
        return waiting.over.is_some() && api.pod().is_some_and(|pod| pod.node.is_some());
    }
    let Some((termination, pod)) = api.termination().zip(api.pod()) else { return false };
    let whole = termination.ended.exit_code == Some(0)
        && confidence >= Confidence::Likely
        && !says.is_some_and(|says| says.disagrees);
    let meant = match cause {
        Cause::PodDeleted => true,
        Cause::ApplicationExit | Cause::Terminated => {
            termination.role != ContainerRole::App || pod.restart_policy != RestartPolicy::Always
        }
        _ => false,
    };
    whole && meant
}
