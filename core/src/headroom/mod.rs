//! What is left for the host: the arithmetic of reservations.
//!
//! The kubelet limits the pods' group to capacity - kube-reserved - system-reserved (the eviction threshold is *not*
//! taken off), and nothing limits the rest. So the rest is measured: all memory, less what could be had without swapping
//! (`MemAvailable`), less what the pods cannot give back. That holds the kernel's own memory and what the kernel keeps
//! back from everyone too, because a node runs out of these as well. When it passes the reservation, pods within all
//! their limits run the node out of memory.

mod alarms;
mod group;
mod meminfo;
mod most;
mod quantity;
mod told;

use crate::finding::{GroupUse, Reservation};
use crate::kernel::Limit;

pub use alarms::{Alarms, Change};
pub use group::{held_v1, held_v2};
pub use meminfo::Meminfo;
pub use most::Most;
pub use quantity::{QuantityError, quantity, quantity_in_thousandths};
pub use told::{concern, sentences};

/// What everything outside of pods holds and cannot give back. Without pods, all that is held. `None` where the
/// capacity, what is available or what the pods hold is not known.
#[must_use]
pub fn outside(memory: &Meminfo, pods: Option<&GroupUse>) -> Option<u64> {
    let held = memory.total?.checked_sub(memory.available?)?;
    match pods {
        Some(pods) => Some(held.saturating_sub(pods.held?)),
        None => Some(held),
    }
}

/// What the pods' limit leaves for the rest; `None` without a limit below capacity.
#[must_use]
pub fn enforced(capacity: Option<u64>, pods: Option<&GroupUse>) -> Option<u64> {
    match pods?.limit? {
        Limit::Bytes(limit) => capacity?.checked_sub(limit).filter(|reserved| *reserved > 0),
        Limit::Unlimited => None,
    }
}

/// The reservation, where the kubelet's own numbers may be known.
#[must_use]
pub fn reservation(
    capacity: Option<u64>,
    pods: Option<&GroupUse>,
    (kube, system): (Option<u64>, Option<u64>),
) -> Reservation {
    Reservation { kube, system, enforced: enforced(capacity, pods) }
}

#[cfg(test)]
mod tests;
