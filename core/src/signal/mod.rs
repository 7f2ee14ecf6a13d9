//! The signal trace, read and thought about: who sent SIGKILL to whom, by which way, and was it the OOM killer.
//!
//! [`Layout`] reads how this kernel prints an event, [`Reader`] makes events of the text of `trace_pipe`, [`Pairing`]
//! puts the OOM killer's mark to the signal it belongs to, and [`origin`] and [`way`] say who was behind it. The kernel
//! promises the print format in each event's `format` file and nothing about the names in it: any process may call
//! itself anything of up to 15 bytes, so all is anchored on what only the kernel writes.

mod event;
mod exit;
mod format;
mod line;
mod moved;
mod origin;
mod pairing;
mod place;
mod reader;
#[cfg(test)]
mod tests;

pub use event::{Forked, Generated, Marked, Moved, TraceEvent};
pub use exit::{Seen, was_exiting};
pub use format::{FormatError, Layout};
pub use line::Layouts;
pub use origin::{Origin, Way, origin, way};
pub use pairing::{Paired, Pairing};
pub use place::place;
pub use reader::Reader;
