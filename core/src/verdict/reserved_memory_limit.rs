//! `ReservedMemoryLimit`: a slice of the host that resources are reserved for hit its own limit.
//!
//! *Needs* a limit hit at such a slice itself (`system.slice`, `kubelet.slice`, `/podruntime`, ...): the kubelet sets
//! one when `enforceNodeAllocatable` holds `system-reserved` or `kube-reserved`. A unit inside the slice with a limit
//! of its own is `OtherCgroupLimit`.

use super::claim::{Claim, Rule};
use super::facts::Facts;
use super::shared_limit::{self, Told};
use super::words::size;
use crate::incident::Cause;

pub(super) const RULE: Rule = Rule { cause: Cause::ReservedMemoryLimit, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let (report, limit) = facts.limit_hit()?;
    if !limit.identity.reserved {
        return None;
    }
    Some(shared_limit::claim(
        facts,
        report,
        limit,
        Told {
            who: "The daemons of the host".to_owned(),
            limit: "the limit of what is reserved for them",
            remedy: |limit| match limit {
                Some(limit) => format!(
                    "Raise the reservation that is enforced there (systemReserved or kubeReserved in the kubelet's \
                     configuration) above {}",
                    size(Some(limit))
                ),
                None => "Raise the reservation that is enforced there (systemReserved or kubeReserved in the kubelet's \
                         configuration)"
                    .to_owned(),
            },
            also: Some(
                "A reservation becomes a limit where enforceNodeAllocatable says so; pods are not touched by it."
                    .to_owned(),
            ),
            confidence: facts.certainty(),
        },
    ))
}
