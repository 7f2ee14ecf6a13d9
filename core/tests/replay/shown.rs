//! What each cause is shown by: a recorded run, a kill by a real kernel in a guest, or a case that is made up, said to be so.

use std::fmt::Write as _;

use coroner_core::incident::Cause;

use super::matrix::Row;

/// Cases of the guests (`docs/testing.md`) in which real kernels bring it about.
fn in_guests(cause: Cause) -> &'static [&'static str] {
    match cause {
        Cause::ContainerMemoryLimit => &["container-limit", "child", "group-container", "storm"],
        Cause::PodMemoryLimit => &["pod-limit", "tmpfs", "group-pod"],
        Cause::NodeAllocatable => &["kubepods-limit"],
        Cause::SystemOutOfMemory => &["system-pod", "system-host", "order-3"],
        Cause::NumaOutOfMemory => &["numa-cpuset", "numa-policy"],
        Cause::MemoryFragmentation => &["order-9"],
        Cause::ExternalKill => &["kill-host", "kill-sibling", "kill-within"],
        Cause::ApplicationExit => &["exit-137"],
        _ => &[],
    }
}

/// Where the made cases of a cause are, as a filter of `cargo test -p coroner-core --lib`.
fn made(cause: Cause) -> &'static str {
    match cause {
        Cause::ContainerMemoryLimit
        | Cause::PodMemoryLimit
        | Cause::NodeAllocatable
        | Cause::QosMemoryLimit
        | Cause::ReservedMemoryLimit
        | Cause::OtherCgroupLimit => "verdict::tests::limits",
        Cause::SystemOutOfMemory | Cause::NumaOutOfMemory => "verdict::tests::system",
        Cause::MemoryFragmentation | Cause::HardwareMemoryError => "verdict::tests::others",
        Cause::UserspaceOomKiller => "verdict::tests::deaths",
        Cause::ExternalKill | Cause::Crash => "verdict::tests::deaths",
        Cause::ApplicationExit => "verdict::tests::own_ends",
        Cause::Terminated => "verdict::tests::meant",
        Cause::PreStopTimeout => "verdict::tests::settings",
        _ => "verdict::tests::kubernetes",
    }
}

/// The table, and what the causes that users are told to look for by hand are called here.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut out = "\n## What each cause is shown by\n\nRecorded: in the runs above. Guests: brought about for real, on kernels from 5.10 to \
                   7.2, whenever the tests run. Made: written by hand with the texts of real kernels and kubelets, as a filter of \
                   `cargo test -p coroner-core --lib`; where only this is there, no real run has shown the cause yet.\n\n\
                   | cause | recorded | guests | made |\n|---|---|---|---|\n"
        .to_owned();
    for cause in Cause::ALL.into_iter().filter(|cause| *cause != Cause::Unknown) {
        let recorded = rows.iter().filter(|row| row.truth.cause == cause).count();
        let recorded = if recorded > 0 { recorded.to_string() } else { "-".to_owned() };
        let guests = match in_guests(cause) {
            [] => "-".to_owned(),
            cases => cases.join(", "),
        };
        let _ = writeln!(out, "| {cause} | {recorded} | {guests} | `{}` |", made(cause));
    }
    out.push_str(
        "\nAs people look for them by hand: *system OOM* is SystemOutOfMemory, *cgroup OOM* the five limits above it, *fragmentation* \
         MemoryFragmentation, *health checks* LivenessProbe and StartupProbe, *container process exit* and *application error* \
         ApplicationExit and Crash, *bad image* BadImage and ImagePull, *missing config* MissingConfig, *resource limits* the memory \
         limits, EphemeralStorageLimit and, for CPU, a sentence with the probe that failed (`verdict::tests::settings`), *volume* \
         VolumeUnavailable.\n",
    );
    out
}
