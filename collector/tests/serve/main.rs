//! A whole collector, spoken to as agents, people and monitoring speak to it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by a panic"
)]

mod agent;
mod coverage;
mod facts;
mod gaps;
mod ingest;
mod kubernetes;
mod mixed;
mod nodes;
mod process;
mod query;
mod web;
mod withdrawn;
