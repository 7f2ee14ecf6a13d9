//! Real kernels in QEMU, with the real agent, collector and command line inside.
//!
//! `cargo run -p coroner-tests --bin guest` boots Debian's kernels, does to each of them what [`cases`] says, and
//! compares what `coroner` answers with what was written down by hand beside each case. Everything is emulated in
//! software: no virtualisation is needed, and a boot takes some seconds. Two programs run inside: `init.sh`, the
//! guest's process 1, mounts the file systems and starts `guest-inside`, which acts the cases out with `guest-tenant`s as
//! the processes of containers and of the host. What was done and what was answered leave by a second serial port, one JSON
//! object a line ([`record`]); the judging is done outside.

pub mod cases;
pub mod expected;
pub mod initramfs;
pub mod inside;
pub mod judge;
pub mod kernels;
pub mod machine;
pub mod plan;
pub mod record;
pub mod report;
pub mod run;
pub mod table;
