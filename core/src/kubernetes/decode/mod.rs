//! Objects of the Kubernetes API, from JSON to records.
//!
//! ```text
//! a line of a watch ── watch_line ──┐
//!                                   ├─▶ the object's bytes ── pod, event, node, owned ──▶ Decoded<record>
//! a page of a list ─── list_page ───┘
//! ```
//!
//! The API server sends 5 kB for a simple pod; what is kept of it is some hundred bytes, and nothing in between: fields that
//! are not used (`managedFields` first of all) are skipped while reading, never built. A field of the wrong type costs
//! that field and becomes a [`Problem`] that names it; an object that is no JSON, or without an identity, costs that object.
//! There is no input that panics, and reading takes time and memory in proportion to its length.

mod conditions;
mod container;
mod envelope;
mod event;
mod field;
mod heap;
mod metadata;
mod node;
mod owned;
mod pod;
mod probes;
mod reader;
mod resources;
mod status;
#[cfg(test)]
mod tests;
mod values;

pub use envelope::{ApiStatus, ListPage, WatchLine, list_page, status, watch_line};
pub use event::event;
pub use node::node;
pub use owned::{Owned, owned};
pub use pod::pod;
pub use reader::{Decoded, Problem};
