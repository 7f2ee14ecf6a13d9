//! The whole node runs out of memory.

use super::{Batch, Case, always};
use crate::guest::expected::{Expected, Wanted};
use crate::guest::inside::scene::{Level, Tenant};
use crate::guest::plan::Off;

pub(super) const CASES: &[Case] = &[
    // A container without a limit takes all there is, and is the victim.
    Case {
        name: "system-pod",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.start(Tenant::container("app", "java").adj(969), &["alloc", "3000"])?;
            scene.go("app")?;
            scene.wait_gone("app")
        },
        expected: |setting| {
            let app = Wanted::container("app", "SystemOutOfMemory")
                .says("SYSTEM OUT OF MEMORY")
                .says("pid {app} (java)");
            let blind = setting.off == Off::KernelLog;
            let app = app.or(blind, &[("SystemOutOfMemory", "Possible")]);
            Expected::these([app.kernel_kill(setting)])
        },
    },
    // A process of the host takes all there is; the pod beside it is better protected and lives.
    Case {
        name: "system-host",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.start(Tenant::container("app", "guaranteed").adj(-997), &["alloc", "10"])?;
            scene.go("app")?;
            scene.wait_holding("app", 10)?;
            let stress = Tenant::host("stress", "stress.service", "logrotate-bad");
            scene.start(stress, &["alloc", "3000"])?;
            scene.go("stress")?;
            scene.wait_gone("stress")?;
            scene.still_there("app")
        },
        expected: |setting| {
            let stress = Wanted::host("stress", "SystemOutOfMemory")
                .says("SYSTEM OUT OF MEMORY")
                .says("pid {stress} (logrotate-bad)")
                .says_with(setting.off != Off::Cgroup, "stress.service");
            // Only the log tells the whole node from some of its memory nodes.
            let blind = setting.off == Off::KernelLog;
            let stress = stress.or(blind, &[("SystemOutOfMemory", "Possible")]);
            Expected::these([stress.kernel_kill(setting)])
        },
    },
    // A person asks the kernel to kill the fattest process although memory is free. The log says `order=-1`.
    Case {
        name: "sysrq",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.start(Tenant::container("app", "biggest").adj(969), &["alloc", "60"])?;
            scene.go("app")?;
            scene.wait_holding("app", 60)?;
            scene.host_file("/proc/sys/kernel/sysrq", "1")?;
            scene.host_file("/proc/sysrq-trigger", "f")?;
            scene.wait_gone("app")
        },
        expected: |setting| {
            let app = Wanted::container("app", "SystemOutOfMemory")
                .says("SysRq")
                .says("pid {app} (biggest)")
                // Only the log knows that it was asked for.
                .or(setting.off == Off::KernelLog, &[("Unknown", "Possible")]);
            Expected::these([app.kernel_kill(setting)])
        },
    },
    // A sanity check of the harness: memory is used up to a limit and given back, and nobody dies.
    Case {
        name: "nobody",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.limit(Level::Container("app"), 64)?;
            scene.start(Tenant::container("app", "modest").adj(969), &["alloc", "40"])?;
            scene.go("app")?;
            scene.wait_holding("app", 40)?;
            scene.still_there("app")
        },
        expected: |_| Expected::nothing(),
    },
];
