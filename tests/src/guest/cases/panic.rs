//! `vm.panic_on_oom`: the kernel panics instead of killing, and the log is gone with it.
//!
//! The guest is booted twice. First a container is killed by its own limit and is known about; then the node runs out of
//! memory and panics. The collector's and the agent's directories survive, as they would on a disk; the kernel log does
//! not, since there is no pstore. In the second boot the first container's incident must still be there, nothing may be
//! invented about the container that ran at the panic, and nobody may claim that it was not killed.

use super::{Batch, Case, always};
use crate::guest::expected::{Expected, Wanted};
use crate::guest::inside::scene::{Level, Scene, Tenant};

/// The case that is known about before.
pub(in crate::guest) const BEFORE: &str = "before-panic";
/// The case that panics.
pub(in crate::guest) const PANIC: &str = "panic";

pub(super) const CASES: &[Case] = &[
    // Its incident is asked for after the second boot.
    Case {
        name: BEFORE,
        batch: Batch::Panic,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.limit(Level::Container("app"), 32)?;
            scene.start(Tenant::container("app", "early").adj(969), &["alloc", "64"])?;
            scene.go("app")?;
            scene.wait_gone("app")
        },
        expected: |setting| {
            let app = Wanted::container("app", "ContainerMemoryLimit").says("pid {app} (early)");
            Expected::these([app.kernel_kill(setting)])
        },
    },
    // What is said of it is judged in `judge::panicked`.
    Case {
        name: PANIC,
        batch: Batch::Panic,
        possible: always,
        act: panic,
        expected: |_| Expected::nothing(),
    },
];

fn panic(scene: &mut Scene<'_>) -> Result<(), String> {
    scene.container("app", "pod")?;
    scene.start(Tenant::container("app", "java").adj(969), &["alloc", "3000"])?;
    scene.host_file("/proc/sys/vm/panic_on_oom", "1")?;
    scene.go("app")?;
    scene.wait_gone("app")?;
    Err("the kernel did not panic".to_owned())
}
