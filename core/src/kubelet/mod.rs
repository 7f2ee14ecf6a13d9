//! What the kubelet writes into events and statuses, as far as a verdict needs it.
//!
//! None of these texts is an interface: they differ between versions (the probe's name in `Killing` came with 1.16, thresholds
//! in `Evicted` with 1.27), so a rule looks at structure first (reason, condition, field path) and at these last. A text that is
//! not known is `None` or `Other`, never a guess. Parts of them are chosen by whoever is watched: the output of a probe, a
//! volume's name, a program's path. So only what stands before those is trusted to say what it is, and they are kept as text.

pub mod backoff;
pub mod eviction;
pub mod killing;
pub mod probe;
pub mod start;
#[cfg(test)]
mod tests;
