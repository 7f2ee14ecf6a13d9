//! `PodMemoryLimit`: a limit on the pod as a whole: pod-level resources, tmpfs that its containers share, or several
//! containers that together use what all of them may.
//!
//! *Needs* a limit hit at the pod's group. *Confirmed by* the container having another limit or none, or by more than
//! one container. *Contradicted by* a single container with the same limit, which is a `ContainerMemoryLimit`. Where
//! nobody looked at the containers it may be either, so it is possible, and says so.

use super::claim::{Claim, Rule};
use super::composition;
use super::facts::Facts;
use super::pod_shape::{PodShape, pod_shape};
use super::words::{group, size};
use crate::incident::{Cause, Confidence};
use crate::kernel::Level;

pub(super) const RULE: Rule = Rule { cause: Cause::PodMemoryLimit, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let (report, limit) = facts.limit_hit()?;
    if limit.identity.level != Level::Pod {
        return None;
    }
    let mut or = Vec::new();
    let (confidence, why, missing) = match pod_shape(facts) {
        PodShape::OneContainer { .. } => return None,
        PodShape::WholePod(why) => (facts.certainty(), Some(why), Vec::new()),
        PodShape::Unknown(missing) => {
            or.push(Cause::ContainerMemoryLimit);
            (facts.certainty().min(Confidence::Possible), None, vec![missing])
        }
    };
    let hit = facts.hit();
    let pod = group(limit.path, &limit.identity);
    let used = hit.usage.map(|usage| format!("{} in use, ", size(Some(usage)))).unwrap_or_default();
    let mut because = vec![format!(
        "The limit of {pod} as a whole was hit: {used}the limit is {}.",
        size(hit.limit)
    )];
    because.extend(facts.peak());
    because.extend(why);
    let made_of = composition::composition(report, hit.usage);
    because.extend(made_of.as_ref().map(|made_of| made_of.sentence.clone()));
    let raise = match hit.limit {
        Some(bytes) => format!(
            "Raise the pod's limit above {} (its pod-level resources, or the limits of its containers, whose sum it is)",
            size(Some(bytes))
        ),
        None => {
            "Raise the pod's limit, or the limits of its containers, whose sum it is".to_owned()
        }
    };
    let who = facts.fate();
    let all = hit.limit.map_or_else(String::new, |limit| format!(" of {}", size(Some(limit))));
    Some(Claim {
        confidence,
        summary: format!(
            "{who} because {} pod as a whole hit its memory limit{all}",
            facts.whose_word()
        ),
        because,
        remedies: composition::remedies(report, made_of.as_ref(), &raise),
        missing,
        or,
        ..Claim::default()
    })
}
