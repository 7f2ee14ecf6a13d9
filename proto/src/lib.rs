//! Coroner's wire format: the code generated from `coroner/v1/*.proto`, and its conversions from and to the core.
//!
//! The core is what the rest thinks with, the wire is what it speaks; each side converts at its edge. Core to wire
//! always works. Wire to core fails with a [`ConvertError`] that names the field and what it held, because a peer may
//! be newer, older or hostile. What is absent on the wire is `None` in the core, never 0.

mod convert;

pub use convert::ConvertError;

/// Messages, services and clients of the protobuf package `coroner.v1`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::wildcard_imports,
    clippy::semicolon_if_nothing_returned,
    reason = "generated; the documentation stands in the .proto files"
)]
pub mod v1 {
    tonic::include_proto!("coroner.v1");
}

/// The encoded `google.protobuf.FileDescriptorSet` of `coroner.v1`, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/coroner.v1.binpb"));

/// The version of the protocol between agent and collector that this code speaks.
pub const PROTOCOL_VERSION: u32 = 1;

/// Most findings in one batch.
pub const MAX_BATCH_FINDINGS: usize = 1000;

/// Most spans of coverage in one batch. An agent has a growing one for each source, and those that ended lately.
pub const MAX_BATCH_SPANS: usize = 10_000;

/// Most bytes in one message, either way.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;
