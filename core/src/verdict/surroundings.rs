//! What the agent read around an incident: free blocks, headroom, stalls, and who held the memory.
//!
//! Each at most once: of several the one with the smallest id counts. None of it opens an incident, and none of it is
//! needed for one.

use super::witnesses::Told;
use crate::finding::{Finding, FindingBody, Fragmentation, Headroom, Population, Pressure};

/// What was read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Surroundings<'a> {
    pub fragmentation: Option<Told<'a, Fragmentation>>,
    pub headroom: Option<Told<'a, Headroom>>,
    pub pressure: Option<Told<'a, Pressure>>,
    pub population: Option<Told<'a, Population>>,
}

impl<'a> Surroundings<'a> {
    /// Takes a finding, if it is one of these.
    pub(super) fn take(&mut self, finding: &'a Finding) {
        match &finding.body {
            FindingBody::Fragmentation(seen) => {
                self.fragmentation.get_or_insert((finding, seen.as_ref()));
            }
            FindingBody::Headroom(seen) => {
                self.headroom.get_or_insert((finding, seen.as_ref()));
            }
            FindingBody::Pressure(seen) => {
                self.pressure.get_or_insert((finding, seen.as_ref()));
            }
            FindingBody::Population(seen) => {
                self.population.get_or_insert((finding, seen.as_ref()));
            }
            _ => {}
        }
    }
}
