//! What is told of incidents to those who do not ask: Events on the objects that they are about.
//!
//! The edge that writes them (`collector/src/kubernetes/publish`) only sends; what is said, about whom, how often and what is left
//! out is decided here, without a clock: whoever calls says what time it is.

mod event;
mod ledger;
mod rate;
mod write;

pub use event::{About, LONGEST_NOTE, VerdictEvent};
pub use ledger::{Ledger, Limits};
pub use rate::Rate;
pub use write::{Answer, Loss, Whose, Write};

/// Who reports, in `reportingController`: by it the events that we made ourselves are known again.
pub const REPORTER: &str = "coroner.dev/collector";

#[cfg(test)]
mod tests;
