//! `NodeAllocatable`: all pods together used what the node gives to pods, its capacity less the reservations.
//!
//! *Needs* a limit hit at `kubepods`; the kernel naming it confirms it. Inside a container that runs a whole node
//! (kind, k3d) it is that node's limit.

use super::claim::{Claim, Rule};
use super::facts::Facts;
use super::shared_limit::{self, Told};
use super::words::size;
use crate::incident::Cause;
use crate::kernel::Level;

pub(super) const RULE: Rule = Rule { cause: Cause::NodeAllocatable, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let (report, limit) = facts.limit_hit()?;
    if limit.identity.level != Level::Kubepods {
        return None;
    }
    Some(shared_limit::claim(
        facts,
        report,
        limit,
        Told {
            who: "All pods of the node together".to_owned(),
            limit: "what the node gives to pods",
            remedy: |limit| match limit {
                Some(limit) => format!(
                    "Let the pods of the node use less than {} in sum (requests nearer to what they use, lower limits), \
                     move pods elsewhere, or lower kube-reserved and system-reserved if the host does not need them",
                    size(Some(limit))
                ),
                None => "Let the pods of the node use less in sum (requests nearer to what they use, lower limits), \
                         move pods elsewhere, or lower kube-reserved and system-reserved if the host does not need them"
                    .to_owned(),
            },
            also: Some(
                "No container and no pod had to be at its own limit: whoever the kernel's score chose among all pods \
                 was killed."
                    .to_owned(),
            ),
            confidence: facts.certainty(),
        },
    ))
}
