//! What the node was short of: the room that was meant for the host, and who took it.
//!
//! The agent reads headroom a moment after the kill: what a victim outside of pods held may be gone by then, so there the
//! kernel's own table of that time counts where it says more. It counts shared pages once for each process, so it can
//! only make the sum larger; that is said by *about*.

use super::facts::Facts;
use crate::bytes::Bytes;
use crate::finding::{Headroom, Inhabited, Population};
use crate::kernel::Limit;
use crate::population::why;

/// Groups named in one sentence.
const NAMED: usize = 3;

/// What was found, and what follows from it.
#[derive(Debug, Default)]
pub(super) struct Shortage {
    pub because: Vec<String>,
    pub remedies: Vec<String>,
    /// Whether the remedies name what to change, so that no general one is needed.
    pub decided: bool,
}

/// What the surroundings say; empty where nothing was read.
pub(super) fn shortage(facts: &Facts<'_>) -> Shortage {
    let mut found = Shortage::default();
    let seen = &facts.witnesses.surroundings;
    let population = seen.population.map(|(_, population)| population);
    if let Some((_, headroom)) = seen.headroom {
        reservation(&mut found, headroom, population);
    }
    if let Some(population) = population {
        found.because.extend(by_group(population));
        found.because.extend(why(population));
    }
    found
}

/// What was used outside of pods against what is reserved for it.
fn reservation(found: &mut Shortage, headroom: &Headroom, population: Option<&Population>) {
    let Some(outside) = outside(headroom, population) else { return };
    let reserved = headroom.reservation.bytes();
    let pods = headroom.pods.as_ref();
    match (reserved, pods) {
        (Some(reserved), _) => {
            let name = if headroom.reservation.is_declared() {
                "kube-reserved + system-reserved is".to_owned()
            } else {
                "the limit of all pods leaves them".to_owned()
            };
            found.because.push(format!(
                "Processes outside pods and the kernel used {}; {name} {}.",
                Bytes(outside),
                Bytes(reserved)
            ));
            if outside > reserved {
                let grew = grew(headroom, population)
                    .map(|name| format!(", or find out why {name} grew"))
                    .unwrap_or_default();
                found.remedies.push(format!(
                    "Raise system-reserved by at least {} on nodes of this kind{grew}.",
                    Bytes(outside - reserved)
                ));
                found.decided = true;
            }
        }
        (None, Some(pods)) => {
            let limit = match (pods.limit, headroom.capacity) {
                (Some(Limit::Bytes(limit)), Some(capacity)) => {
                    format!("a limit of {}, and the node has {}", Bytes(limit), Bytes(capacity))
                }
                _ => "no memory limit".to_owned(),
            };
            // What a victim in a pod held may be gone already; the table still has it.
            let held = pods.held.max(population.map(|population| population.pods));
            let held = held.map(|held| format!(" They held {}.", Bytes(held))).unwrap_or_default();
            found.because.push(format!(
                "Processes outside pods and the kernel used {}. Nothing is kept for them: the pods together have \
                 {limit}.{held}",
                Bytes(outside)
            ));
            found.remedies.push(format!(
                "Let the kubelet keep room for the host (kubeReserved and systemReserved of at least {} together, with \
                 enforceNodeAllocatable: [pods]), so that pods hit their own limit before the node runs out.",
                Bytes(outside)
            ));
        }
        (None, None) => {}
    }
    if let Some(most) = headroom.most.filter(|most| most.seconds >= 3600 && most.bytes > outside) {
        found.because.push(format!(
            "In the last {} h the most that was used outside pods was {}.",
            most.seconds / 3600,
            Bytes(most.bytes)
        ));
    }
}

/// What was used outside of pods when it happened.
fn outside(headroom: &Headroom, population: Option<&Population>) -> Option<u64> {
    let read = headroom.outside.filter(|_| headroom.pods.is_some())?;
    let killed_outside = population.filter(|population| {
        let group = population.victim.as_ref().and_then(|victim| victim.group.as_deref());
        group.is_some_and(|group| crate::cgroup::identify(group).pod_uid.is_none())
    });
    let listed = killed_outside
        .map(|population| population.host.saturating_add(headroom.kernel.sum().unwrap_or(0)))
        .filter(|listed| headroom.capacity.is_none_or(|capacity| *listed <= capacity));
    Some(listed.map_or(read, |listed| listed.max(read)))
}

/// The largest process outside of pods.
fn grew<'a>(headroom: &'a Headroom, population: Option<&'a Population>) -> Option<&'a str> {
    let listed = population.and_then(|population| {
        let host = population.groups.iter().find(|group| group.pod_uid.is_none())?;
        host.largest.as_ref().map(|role| role.comm.as_str())
    });
    listed.or_else(|| headroom.processes.first().map(|process| process.comm.as_str()))
}

/// `Largest outside pods: ...` and `Largest pods: ...`.
fn by_group(population: &Population) -> Vec<String> {
    let host = named(
        population,
        |group| group.pod_uid.is_none(),
        |group| {
            let comm = group.largest.as_ref().map(|role| format!(" ({})", role.comm));
            format!("{}{} {}", group.group, comm.unwrap_or_default(), Bytes(group.rss))
        },
    );
    let pods = named(
        population,
        |group| group.pod_uid.is_some(),
        |group| {
            let uid = group.pod_uid.as_deref().unwrap_or_default();
            let comm = group.largest.as_ref().map(|role| format!(" ({})", role.comm));
            format!("{uid}{} {}", comm.unwrap_or_default(), Bytes(group.rss))
        },
    );
    let mut said = Vec::new();
    said.extend(host.map(|host| {
        format!("Processes outside pods held {}. Largest: {host}.", Bytes(population.host))
    }));
    said.extend(pods.map(|pods| {
        format!("Processes in pods held {}. Largest pods: {pods}.", Bytes(population.pods))
    }));
    if population.unplaced_processes > 0 {
        said.push(format!(
            "{} more was held by {} processes that were gone before their group could be read.",
            Bytes(population.unplaced),
            population.unplaced_processes
        ));
    }
    said
}

fn named(
    population: &Population,
    which: impl Fn(&Inhabited) -> bool,
    tell: impl Fn(&Inhabited) -> String,
) -> Option<String> {
    let groups = population.groups.iter().filter(|group| group.rss > 0 && which(group));
    let named: Vec<String> = groups.take(NAMED).map(tell).collect();
    (!named.is_empty()).then(|| named.join(", "))
}
