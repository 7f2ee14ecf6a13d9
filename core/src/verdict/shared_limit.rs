//! What the rules about limits that many share say alike: who was full, what it was made of, what to change.

use super::claim::Claim;
use super::composition;
use super::facts::{Facts, Group};
use super::telling;
use super::words::size;
use crate::incident::Confidence;
use crate::kernel::OomReport;

/// The words of one such limit.
pub(super) struct Told<'a> {
    /// Who was full, at the beginning of a sentence: `All pods of the node together`.
    pub who: String,
    /// What they hit: `what the node gives to pods`.
    pub limit: &'a str,
    /// What to do, with the limit's size where it is known.
    pub remedy: fn(Option<u64>) -> String,
    /// Anything else that explains it.
    pub also: Option<String>,
    /// How sure.
    pub confidence: Confidence,
}

pub(super) fn claim(
    facts: &Facts<'_>,
    report: &OomReport,
    group: &Group<'_>,
    told: Told<'_>,
) -> Claim {
    let hit = facts.hit();
    let numbers = match (hit.usage, hit.limit) {
        (Some(usage), Some(limit)) => {
            format!(": {} in use, the limit is {}", size(Some(usage)), size(Some(limit)))
        }
        (None, Some(limit)) => format!(": the limit is {}", size(Some(limit))),
        _ => String::new(),
    };
    let mut because = vec![format!("{} hit {} ({}){numbers}.", told.who, told.limit, group.path)];
    because.extend(facts.peak());
    because.extend(told.also);
    let made_of = composition::composition(report, hit.usage);
    because.extend(made_of.as_ref().map(|made_of| made_of.sentence.clone()));
    if let Some(largest) = telling::largest(report).filter(|_| report.tasks.len() > 1) {
        because.push(format!("Largest: {largest}."));
    }
    let who = facts.fate();
    let mut said = told.who;
    if let Some(first) = said.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    // A path stays as it is.
    let said = if group.path.starts_with(&said) { group.path.to_owned() } else { said };
    Claim {
        confidence: told.confidence,
        summary: format!("{who} because {said} hit {}", told.limit),
        because,
        remedies: composition::remedies(report, made_of.as_ref(), &(told.remedy)(hit.limit)),
        missing: Vec::new(),
        ..Claim::default()
    }
}
