//! Why a sample of the node became a finding.
//!
//! Most samples say nothing new and are never sent. Those that are say which of these they are.

use serde::{Deserialize, Serialize};

/// Why a sample was handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// The start of the agent, and now and then.
    Sample,
    /// Something came close to an end, or passed it.
    Raised,
    /// It is over.
    Cleared,
    /// Something happened that [`Finding::about`](super::Finding::about) names.
    Incident,
}
