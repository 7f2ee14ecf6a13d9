//! Headroom in words: one sentence a fact, for people.

use std::fmt::Write as _;

use crate::bytes::Bytes;
use crate::finding::{Concern, Headroom};
use crate::kernel::Limit;

/// Groups and processes named in one sentence.
const NAMED: usize = 3;

/// What is reserved, what is used, by whom, what would have been enough, what is wrong.
#[must_use]
pub fn sentences(headroom: &Headroom) -> Vec<String> {
    let mut said = Vec::new();
    said.extend(usage(headroom));
    if let Some(largest) = largest(headroom) {
        said.push(format!("Largest: {largest}."));
    }
    if let Some(kernel) = headroom.kernel.sum() {
        said.push(format!(
            "The kernel itself holds {}, what it holds for pods included.",
            Bytes(kernel)
        ));
    }
    if let Some(most) = headroom.most.filter(|most| most.seconds > 0) {
        said.push(format!(
            "In the {} that were watched, the smallest kube-reserved + system-reserved that would have been enough is {}.",
            span(most.seconds),
            Bytes(most.bytes)
        ));
    }
    said.extend(headroom.concerns.iter().map(|c| concern(headroom, *c)));
    said
}

/// `Processes outside pods and the kernel hold 3.1 GiB; kube-reserved + system-reserved is 1.5 GiB.`
fn usage(headroom: &Headroom) -> Option<String> {
    let outside = Bytes(headroom.outside?);
    let reserved = headroom.reservation;
    Some(match (reserved.bytes(), &headroom.pods) {
        (Some(bytes), Some(_)) if reserved.is_declared() => format!(
            "Processes outside pods and the kernel hold {outside}; kube-reserved + system-reserved is {}.",
            Bytes(bytes)
        ),
        (Some(bytes), Some(pods)) => format!(
            "Processes outside pods and the kernel hold {outside}; {} is reserved for them (capacity less the limit of \
             {}).",
            Bytes(bytes),
            pods.group
        ),
        (_, Some(pods)) => format!(
            "Processes outside pods and the kernel hold {outside}; nothing is reserved for them, because {} has no limit.",
            pods.group
        ),
        (_, None) => format!("Everything on the node holds {outside}; there is no group of pods."),
    })
}

/// `/system.slice/docker.service 1.9 GiB, pid 7 (journald) 400 MiB`.
#[must_use]
pub(crate) fn largest(headroom: &Headroom) -> Option<String> {
    let processes = headroom
        .processes
        .iter()
        .filter_map(|process| process.rss.map(|rss| format!("{} {}", process.comm, Bytes(rss))));
    let groups = headroom
        .groups
        .iter()
        .filter_map(|group| group.held.map(|held| format!("{} {}", group.group, Bytes(held))));
    let named: Vec<String> = match headroom.processes.is_empty() {
        true => groups.take(NAMED).collect(),
        false => processes.take(NAMED).collect(),
    };
    (!named.is_empty()).then(|| named.join(", "))
}

/// What is wrong, and what it leads to.
#[must_use]
pub fn concern(headroom: &Headroom, concern: Concern) -> String {
    let outside = headroom.outside.map(Bytes);
    let reserved = headroom.reservation.bytes().map(Bytes);
    let limit = headroom.pods.as_ref().and_then(|pods| pods.limit);
    let mut text = match concern {
        Concern::NearReservation => {
            "Use outside of pods comes near what is reserved for it".to_owned()
        }
        Concern::OverReservation => {
            "Use outside of pods has passed what is reserved for it".to_owned()
        }
        Concern::NoPodsLimit => {
            let group =
                headroom.pods.as_ref().map_or("the pods' group", |pods| pods.group.as_str());
            return match (limit, headroom.capacity) {
                (Some(Limit::Bytes(limit)), Some(capacity)) => format!(
                    "The limit of {group}, {}, is not below the node's {}: nothing is kept for the host, and pods can run \
                     the node out of memory.",
                    Bytes(limit),
                    Bytes(capacity)
                ),
                _ => format!(
                    "{group} has no memory limit: nothing is kept for the host, and pods can run the node out of memory."
                ),
            };
        }
        Concern::Overcommitted => {
            "The pods' limit and the use outside of pods are together more than the node has"
                .to_owned()
        }
    };
    match (concern, outside, reserved, limit.and_then(Limit::bytes), headroom.capacity) {
        (Concern::Overcommitted, Some(outside), _, Some(limit), Some(capacity)) => {
            let _ = write!(text, " ({} + {outside} of {})", Bytes(limit), Bytes(capacity));
        }
        (_, Some(outside), Some(reserved), ..) => {
            let _ = write!(text, " ({outside} of {reserved})");
        }
        _ => {}
    }
    text.push_str(": pods within their limits can run the node out of memory.");
    text
}

/// `3 days`, `5 h`, `12 min`.
fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
