//! What the end-to-end tests share: control groups shaped like the kubelet's, processes that use up memory in them,
//! and the real programs of the project, started, killed and asked as a user would.
//!
//! The kernel is the real one and the kills are real, in small groups that are removed again. Where the machine does
//! not allow that, [`privilege`] says so loudly; continuous integration accepts no such excuse.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests may fail"
)]

pub mod answers;
pub mod apiserver;
pub mod churn;
pub mod flood;
pub mod groups;
pub mod guest;
pub mod hogs;
pub mod kmsg;
pub mod manifests;
pub mod monitoring;
pub mod privilege;
pub mod programs;
pub mod relay;
pub mod reporting;
pub mod storm;
pub mod tracefs;
pub mod usage;
