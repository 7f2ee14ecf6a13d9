//! What the agent read around an incident: free blocks, headroom, stalls, and who held the memory.
//!
//! Each at most once: of several the one with the smallest id counts. None of it opens an incident, and none of it is
//! needed for one.

use super::facts::Facts;
use super::witnesses::Told;
use crate::bytes::Bytes;
use crate::finding::{
    Finding, FindingBody, Fragmentation, Headroom, MemoryVolume, MemoryVolumes, Population,
    Pressure,
};

/// Volumes named in one sentence.
const VOLUMES: usize = 3;

/// What was read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Surroundings<'a> {
    pub fragmentation: Option<Told<'a, Fragmentation>>,
    pub headroom: Option<Told<'a, Headroom>>,
    pub pressure: Option<Told<'a, Pressure>>,
    pub population: Option<Told<'a, Population>>,
    pub volumes: Option<Told<'a, MemoryVolumes>>,
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
            FindingBody::MemoryVolumes(seen) => {
                self.volumes.get_or_insert((finding, seen.as_ref()));
            }
            _ => {}
        }
    }
}

/// `The pod keeps volumes in memory: emptyDir cache holds 60 MiB of the 64 MiB it may.`
pub(super) fn volumes(facts: &Facts<'_>) -> Option<String> {
    let (_, seen) = facts.witnesses.surroundings.volumes?;
    let told = |volume: &MemoryVolume| {
        let (name, used) = (&volume.name, volume.used.map(Bytes));
        match (used, volume.size.map(Bytes)) {
            (Some(used), Some(size)) => {
                format!("emptyDir {name} holds {used} of the {size} it may")
            }
            (Some(used), None) => format!("emptyDir {name} holds {used} and has no sizeLimit"),
            (None, Some(size)) => format!("emptyDir {name} may hold {size}"),
            (None, None) => format!("emptyDir {name} has no sizeLimit"),
        }
    };
    let named: Vec<String> = seen.volumes.iter().take(VOLUMES).map(told).collect();
    (!named.is_empty()).then(|| format!("The pod keeps volumes in memory: {}.", named.join(", ")))
}
