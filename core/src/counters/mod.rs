//! Kills read from counters alone: whose process died, and whose limit it was.
//!
//! What the kernel promises (cgroup-v2.rst, cgroup-v1/memory.rst; measured on 5.10 to 7.2):
//!
//! - Version 2 counts `oom` and `max` at the group whose *limit* was hit and at all above it, `oom_kill` at the
//!   *victim's* group and all above it, `oom_group_kill` where the flag was set. `memory.events.local` (5.2) has the
//!   group's own share. So a kill with no `oom` anywhere was for want of memory on the node, or on one of its NUMA
//!   nodes. A group that is removed takes its own counts along, but those above it keep them.
//! - Mounted with `memory_localevents`, `memory.events` has the own share too, and nothing is kept above.
//! - Version 1 counts `oom_kill` in the victim's own group only, `failcnt` in the group whose limit was hit, on some kernels not
//!   at all; the event of `memory.oom_control` goes to the limited group and all below it.
//!
//! Counters only grow while a group lives, so all of this is arithmetic on two readings. What cannot be told is
//! [`CountedLimit::Unknown`](crate::finding::CountedLimit::Unknown) and never guessed.

mod kills;
mod limit;
mod reading;
#[cfg(test)]
mod tests;
mod whole;

pub use kills::{Counted, Watched, counted};
pub use limit::{Ancestor, whose_limit};
pub use reading::{Reading, value};
pub use whole::{Whole, killed_whole};
