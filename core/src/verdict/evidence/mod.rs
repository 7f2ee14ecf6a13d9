//! What each sentence rests on: the words of every witness, and how complete each source is.

mod counters;
mod coverage;
mod kernel_log;
mod kubernetes;
mod signals;
mod surroundings;

use super::Case;
use super::facts::Facts;
use crate::incident::Evidence;
pub(super) use coverage::blind_sources;
pub(super) use signals::{chain, sender};
pub(super) use surroundings::compaction;

/// Most lines of one witness; a storm in one container has hundreds.
const MOST: usize = 12;

/// All evidence, the kernel's word first.
pub(super) fn evidence(facts: &Facts<'_>, case: &Case) -> Vec<Evidence> {
    let mut all: Vec<Evidence> = kernel_log::lines(facts);
    all.extend(signals::lines(facts));
    all.extend(counters::lines(facts));
    all.extend(surroundings::lines(facts));
    all.extend(kubernetes::lines(facts));
    all.extend(coverage::lines(facts, case));
    all
}
