//! What goes wrong on demand.

use std::time::Duration;

/// Something that goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This HTTP status, with a Status object.
    Status(u16),
    /// 429 with `Retry-After` in seconds.
    Busy(u64),
    /// The answer begins this late.
    Slow(Duration),
    /// The body breaks off after so many bytes.
    CutAfter(usize),
    /// HTTP 200 and this instead of the answer.
    Instead(String),
}
