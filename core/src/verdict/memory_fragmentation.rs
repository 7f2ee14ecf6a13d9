//! `MemoryFragmentation`: memory was free, but not in large enough blocks.
//!
//! *Needs* a failed allocation of order > 0, or a slab cache that got no page. *Confirmed by* the free blocks that the
//! kernel printed with it: none of the size in the zone that holds the most free memory. *Weakened by* blocks of that
//! size being there: the kernel keeps some back, so it is likely then. A slab failure prints no blocks: possible.

use super::claim::{Claim, Rule};
use super::evidence::compaction;
use super::facts::{Event, Facts};
use super::words::{block, block_size, process};
use crate::bytes::Bytes;
use crate::incident::{Cause, Confidence};
use crate::kernel::{AllocationFailure, FreeArea, SlabFailure};

pub(super) const RULE: Rule = Rule { cause: Cause::MemoryFragmentation, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    match facts.event {
        Event::Allocation(failure) => {
            let mut claim = allocation(failure)?;
            claim.because.extend(efforts(facts));
            Some(claim)
        }
        Event::Slab(failure) => Some(slab(failure)),
        Event::Oom(_) | Event::Hardware(_) | Event::Userspace(_) | Event::Death => None,
    }
}

/// What the kernel did before to get larger blocks, and how long they have been going.
fn efforts(facts: &Facts<'_>) -> Vec<String> {
    let Some((_, seen)) = facts.witnesses.surroundings.fragmentation else { return Vec::new() };
    let mut said = Vec::new();
    if let Some(shortage) = &seen.shortage {
        said.push(format!("The agent read a moment later: {shortage}."));
    }
    said.extend(compaction(seen).map(|what| {
        let mut letters = what.chars();
        let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
        format!("{first}{}.", letters.as_str())
    }));
    said
}

fn allocation(failure: &AllocationFailure) -> Option<Claim> {
    let order = failure.order.filter(|order| *order > 0)?;
    let areas = &failure.free_areas;
    let wanted = block(order, areas);
    let who = failure.pid.map_or_else(|| failure.comm.clone(), |pid| process(pid, &failure.comm));
    let mut because = vec![format!(
        "{who} asked the kernel for one block of {wanted} and got none. Nobody was killed."
    )];
    let mut missing = Vec::new();
    let (confidence, found) = match free_blocks(order, areas) {
        Some(found) => found.told(failure.free, &wanted),
        None => {
            missing.push("The kernel printed no free blocks with the failure.".to_owned());
            let free =
                failure.free.map_or_else(String::new, |free| format!("{} was free. ", Bytes(free)));
            (
                Confidence::Possible,
                format!("{free}A failure of more than one page points to fragmentation."),
            )
        }
    };
    because.push(found);
    if failure
        .gfp_mask
        .as_deref()
        .is_some_and(|gfp| gfp.contains("ATOMIC") || gfp.contains("NOWAIT"))
    {
        because.push(
            "The request could not wait, so the kernel had no time to move memory together; it may be tried again."
                .to_owned(),
        );
    }
    Some(Claim {
        confidence,
        summary: format!("{who} asked for a block of {wanted} and there was none, although memory was free"),
        because,
        remedies: vec![
            format!(
                "Raise vm.min_free_kbytes so that larger blocks stay free, and find out why {} needs {wanted} in one \
                 piece (jumbo frames, large ring buffers).",
                failure.comm
            ),
            "To get blocks back now: echo 1 > /proc/sys/vm/compact_memory (it may stall the node for a moment)."
                .to_owned(),
        ],
        missing, ..Claim::default() })
}

/// What the fullest zone and the others had.
struct Found<'a> {
    zone: &'a FreeArea,
    in_zone: u64,
    elsewhere: u64,
    free: u64,
}

fn free_blocks(order: i32, areas: &[FreeArea]) -> Option<Found<'_>> {
    let wanted = block_size(order, areas)?;
    let zone = areas.iter().max_by_key(|area| free(area))?;
    let large = |area: &FreeArea| {
        area.blocks
            .iter()
            .filter(|(size, _)| *size >= wanted)
            .fold(0_u64, |sum, (_, n)| sum.saturating_add(*n))
    };
    let in_zone = large(zone);
    let everywhere = areas.iter().map(large).fold(0, u64::saturating_add);
    Some(Found {
        zone,
        in_zone,
        elsewhere: everywhere.saturating_sub(in_zone),
        free: areas.iter().map(free).fold(0, u64::saturating_add),
    })
}

fn free(area: &FreeArea) -> u64 {
    area.blocks.iter().fold(0, |sum, (size, n)| sum.saturating_add(size.saturating_mul(*n)))
}

impl Found<'_> {
    fn told(&self, printed_free: Option<u64>, wanted: &str) -> (Confidence, String) {
        let free_there = Bytes(free(self.zone));
        let all = Bytes(printed_free.unwrap_or(self.free));
        let zone = &self.zone.zone;
        if self.in_zone > 0 {
            return (
                Confidence::Likely,
                format!(
                    "{all} was free; zone {zone} ({free_there} free) had {} blocks of at least {wanted}, but the kernel \
                     keeps some back for others.",
                    self.in_zone
                ),
            );
        }
        let elsewhere = if self.elsewhere > 0 {
            format!(
                " ({} such blocks were left in other zones, which the kernel keeps for requests that need them)",
                self.elsewhere
            )
        } else {
            String::new()
        };
        (
            Confidence::Confirmed,
            format!(
                "{all} was free, but no block of {wanted} in zone {zone}, which held {free_there} of it{elsewhere}."
            ),
        )
    }
}

fn slab(failure: &SlabFailure) -> Claim {
    let cache = failure.cache.as_deref().unwrap_or("(not named)");
    let least = failure.min_order.or(failure.default_order);
    let wanted = least
        .map_or_else(|| "a page".to_owned(), |order| format!("a block of {}", block(order, &[])));
    let mut because = vec![format!(
        "The kernel's slab cache {cache} could not grow: it needs at least {wanted}."
    )];
    if least == Some(0) {
        because.push(
            "One page was enough and was not there, so memory was short at that moment rather than scattered."
                .to_owned(),
        );
    }
    Claim {
        confidence: Confidence::Possible,
        summary: format!("the kernel's slab cache {cache} could not get {wanted}"),
        because,
        remedies: vec![
            "Raise vm.min_free_kbytes so that requests which cannot wait find free memory."
                .to_owned(),
        ],
        missing: vec!["A slab failure does not show which blocks were free.".to_owned()],
        ..Claim::default()
    }
}
