//! Objects as a real API server sent them, objects that nobody should send, and the small values inside.

mod broken;
mod envelopes;
mod heaps;
mod objects;
mod recorded;
