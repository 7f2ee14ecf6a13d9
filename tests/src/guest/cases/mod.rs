//! The cases: what is done to a kernel, and what must then be said. One table a file; adding a case is one entry.

mod churn;
mod external;
mod fragmentation;
mod group_kill;
mod limits;
mod mishaps;
mod numa;
mod own_end;
pub(super) mod panic;
mod storm;
mod whole_node;

use super::expected::Expected;
use super::inside::scene::Scene;
use super::plan::{Hierarchy, Off, Setting};

/// What is known to be wrong, with the reason. It does not fail a run, and stands in the table as `open`.
pub const OPEN: &[Open] = &[
    Open {
        case: "kill-within",
        off: None,
        why: "on a machine that leaves the agent a second behind, the first process is gone before it is seen",
    },
    Open {
        case: "kill-worker",
        off: None,
        why: "the container's later end may be given the time of the worker's kill",
    },
    Open {
        case: "storm",
        off: None,
        why: "on a machine that leaves the agent seconds behind, outcomes are unknown and the last kills not yet read",
    },
];

/// One entry of [`OPEN`].
#[derive(Debug)]
pub struct Open {
    /// The case.
    pub case: &'static str,
    /// Only with this source off; always where `None`.
    pub off: Option<Off>,
    /// Why it is wrong.
    pub why: &'static str,
}

/// Whether a case is known to be wrong.
#[must_use]
pub fn open(case: &str, off: Off) -> Option<&'static Open> {
    OPEN.iter().find(|o| o.case == case && o.off.is_none_or(|o| o == off))
}

/// One case.
#[derive(Debug)]
pub struct Case {
    /// Its name on the command line and in the table.
    pub name: &'static str,
    /// With which others it shares a boot.
    pub batch: Batch,
    /// Which circumstances allow it.
    pub possible: fn(&Setting) -> bool,
    /// Does it, inside the guest. An error says how it did not come out as meant.
    pub act: fn(&mut Scene<'_>) -> Result<(), String>,
    /// What must be found, written by hand.
    pub expected: fn(&Setting) -> Expected,
}

/// Cases that share a boot, because they need the same machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// One memory node; each case cleans up after itself.
    Main,
    /// Two memory nodes.
    Numa,
    /// Memory in small pieces, which stays so.
    Fragmentation,
    /// The agent is down for a while, the clock is set.
    Mishaps,
    /// The kernel panics, and boots again.
    Panic,
}

impl Batch {
    /// All.
    pub const ALL: [Self; 5] =
        [Self::Main, Self::Numa, Self::Fragmentation, Self::Mishaps, Self::Panic];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Numa => "numa",
            Self::Fragmentation => "fragmentation",
            Self::Mishaps => "mishaps",
            Self::Panic => "panic",
        }
    }

    /// The machine's memory.
    #[must_use]
    pub fn mebibytes(self) -> u32 {
        512
    }

    /// Further arguments for QEMU.
    #[must_use]
    pub fn devices(self) -> &'static [&'static str] {
        match self {
            Self::Main | Self::Fragmentation | Self::Mishaps | Self::Panic => &[],
            // The larger node first: the programs stand there.
            Self::Numa => &[
                "-object",
                "memory-backend-ram,id=large,size=320M",
                "-object",
                "memory-backend-ram,id=small,size=192M",
                "-numa",
                "node,nodeid=0,memdev=large,cpus=0",
                "-numa",
                "node,nodeid=1,memdev=small,cpus=1",
            ],
        }
    }
}

/// All cases, in the order of the table and of their boots.
pub fn all() -> impl Iterator<Item = &'static Case> {
    [
        limits::CASES,
        group_kill::CASES,
        external::CASES,
        own_end::CASES,
        whole_node::CASES,
        storm::CASES,
        numa::CASES,
        fragmentation::CASES,
        mishaps::CASES,
        churn::CASES,
        panic::CASES,
    ]
    .into_iter()
    .flatten()
}

/// The case of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Case> {
    all().find(|c| c.name == name)
}

fn always(_: &Setting) -> bool {
    true
}

fn v2(setting: &Setting) -> bool {
    setting.hierarchy == Hierarchy::V2
}
