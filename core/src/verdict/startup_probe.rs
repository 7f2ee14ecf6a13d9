//! `StartupProbe`: the kubelet killed it because its startup probe failed.
//!
//! *Needs* the kubelet's event `Killing` in that run which names the probe; or, where the pod is not restarted and the event
//! says only `Stopping container`, `Unhealthy` events of that probe and nothing else that says the pod was to end. *Confirmed
//! by* an end within the grace period after it. *Contradicted by* an end before it, and by a SIGKILL of somebody else.
//! Without events it is possible for every container with such a probe that ended with 137 or 143.

use super::claim::{Claim, Rule};
use super::facts::Facts;
use super::failed_probe;
use crate::incident::Cause;
use crate::kubelet::probe::ProbeKind;

pub(super) const RULE: Rule = Rule { cause: Cause::StartupProbe, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    failed_probe::claim(facts, ProbeKind::Startup)
}
