//! Time that tasks stood still for want of memory, CPU or disk.
//!
//! Pressure stall information (Documentation/accounting/psi.rst): `some` is time in which at least one task waited,
//! `full` in which all did. Kernels without it, or with `psi=0`, say nothing: `None`.

use serde::{Deserialize, Serialize};

use super::Occasion;

/// The pressure on the node and on groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pressure {
    /// Why it was handed on.
    pub occasion: Occasion,
    /// The node first, as `/`, then the groups concerned.
    pub groups: Vec<GroupPressure>,
}

/// The pressure on one group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupPressure {
    /// The group, `/` for the whole node: hostile text.
    pub group: String,
    /// Waiting for memory.
    pub memory: Option<ResourcePressure>,
    /// Waiting for a CPU.
    pub cpu: Option<ResourcePressure>,
    /// Waiting for a disk.
    pub io: Option<ResourcePressure>,
}

/// The pressure on one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourcePressure {
    /// At least one task waited.
    pub some: Option<Stall>,
    /// All tasks waited.
    pub full: Option<Stall>,
    /// Time lost in the time before, where it was watched.
    pub before: Option<StallBefore>,
}

/// One line of a pressure file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stall {
    /// Hundredths of a percent of the time, over about 10 seconds.
    pub avg10: u32,
    /// The same over a minute.
    pub avg60: u32,
    /// The same over five minutes.
    pub avg300: u32,
    /// Microseconds since boot, or since the group was made.
    pub total_us: u64,
}

/// Time lost within a span that ended when the pressure was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StallBefore {
    /// Length of the span in microseconds.
    pub window_us: u64,
    /// Of that, microseconds in which at least one task waited.
    pub some_us: Option<u64>,
    /// Microseconds in which all did.
    pub full_us: Option<u64>,
}
