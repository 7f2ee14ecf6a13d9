//! What is known of one node: its sources, what they missed, and what happened.
//!
//! The serialised form is the JSON of `coroner node -o json` and `coroner nodes -o json`; its keys are an interface.
//! Unknown is `null`, never a made-up value.

mod clocks;
mod told;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::absence::Absence;
use crate::finding::{Finding, Source};
use crate::incident::Cause;
use crate::spans::Span;

pub use clocks::{ClockAhead, clocks};
pub use told::{ago, state};

/// What is known of one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeReport {
    /// Its name.
    pub name: String,
    /// The boot in which its agent spoke last.
    pub boot_id: String,
    /// Version of its agent.
    pub agent_version: Option<String>,
    /// When the agent was first heard, by the collector's clock.
    pub first_seen: Option<Timestamp>,
    /// When the agent was last heard, by the collector's clock.
    pub last_seen: Option<Timestamp>,
    /// The window that was asked about.
    pub window: Span,
    /// Whether the kernel killed anybody for want of memory in it.
    pub absence: Absence,
    /// Its sources.
    pub sources: Vec<SourceReport>,
    /// Incidents in the window by cause; causes without any are left out.
    pub incidents: Vec<CauseCount>,
    /// The newest of each kind of finding that tells of the node as it is; empty in lists.
    pub state: Vec<Finding>,
    /// How far its clock is ahead of the collector's; `None` until its agent and the collector told each other the time.
    #[serde(default)]
    pub clock: Option<ClockAhead>,
    /// How far the API server's clock is ahead of the collector's; `None` where no API is watched.
    #[serde(default)]
    pub api_clock: Option<ClockAhead>,
}

/// How one source of a node is doing, and what it watched in the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// Which source.
    pub source: Source,
    /// Whether it reads; `None` where it never said.
    pub reading: Option<bool>,
    /// How it reads, or why not, in words.
    pub detail: Option<String>,
    /// When it said that, on the node's wall clock.
    pub said: Option<Timestamp>,
    /// The spans of the window in which it missed nothing; empty in lists.
    pub coverage: Vec<Span>,
    /// The rest of the window; empty in lists.
    pub holes: Vec<Span>,
}

/// How many incidents had a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseCount {
    /// Which cause.
    pub cause: Cause,
    /// How many.
    pub count: u64,
}
