//! Coverage: the spans of time in which a source missed nothing.
//!
//! A "no" is only worth what was watched. A span says that between its two ends everything the source can see was seen;
//! what lies between two spans of one source is a hole. Spans of one source, node and boot that begin at the same
//! moment are one span that grew.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Source;

/// A span without a hole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageSpan {
    /// Which source.
    pub source: Source,
    /// Nothing was missed after this ...
    pub from: Timestamp,
    /// ... and before this.
    pub to: Timestamp,
}
