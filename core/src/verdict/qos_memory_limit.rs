//! `QosMemoryLimit`: a limit on all pods of one quality-of-service class.
//!
//! *Needs* a limit hit at `kubepods/burstable` or `kubepods/besteffort`; the kernel naming it confirms it. The kubelet
//! sets no such limit by default: `--qos-reserved` does, and people do by hand.

use super::claim::{Claim, Rule};
use super::facts::Facts;
use super::shared_limit::{self, Told};
use super::words::size;
use crate::incident::Cause;
use crate::kernel::Level;

pub(super) const RULE: Rule = Rule { cause: Cause::QosMemoryLimit, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let (report, limit) = facts.limit_hit()?;
    if limit.identity.level != Level::Qos {
        return None;
    }
    let class =
        limit.identity.qos.map_or_else(|| "one class".to_owned(), |qos| format!("class {qos}"));
    Some(shared_limit::claim(
        facts,
        report,
        limit,
        Told {
            who: format!("All pods of {class} together"),
            limit: "the memory limit of their class",
            remedy: |limit| {
                match limit {
                Some(limit) => format!(
                    "Raise or remove the limit of {} on that class (the kubelet's --qos-reserved, or whoever wrote it)",
                    size(Some(limit))
                ),
                None => "Raise or remove the limit on that class (the kubelet's --qos-reserved, or whoever wrote it)"
                    .to_owned(),
            }
            },
            also: Some("The kubelet sets no limit on a class by default.".to_owned()),
            confidence: facts.certainty(),
        },
    ))
}
