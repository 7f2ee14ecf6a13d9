//! Ends of a container's own making: nobody killed it, and the answer must not say that somebody did.

use super::{Batch, Case, always};
use crate::guest::expected::{Expected, Outcome, Wanted};
use crate::guest::inside::scene::Tenant;
use crate::guest::plan::{Off, Setting};

pub(super) const CASES: &[Case] = &[
    // A program that ends with 137 as if it had been killed.
    Case {
        name: "exit-137",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.start(Tenant::container("app", "wrapper"), &["exit", "137"])?;
            scene.go("app")?;
            scene.wait_gone("app")
        },
        expected: |setting| Expected::these([own_end(setting)]),
    },
    // The first process of a pid namespace ends and the kernel sends SIGKILL (code 128, as for an OOM kill) to the
    // child that is left.
    Case {
        name: "namespace-end",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.start(Tenant::container("app", "first"), &["leaves-child", "orphan"])?;
            scene.go("app")?;
            scene.wait_gone("app")
        },
        expected: |setting| Expected::these([own_end(setting)]),
    },
];

/// On the node alone, without Kubernetes' exit code: an end without any kill, or nothing said.
fn own_end(setting: &Setting) -> Wanted {
    let mut wanted = Wanted::container("app", "ApplicationExit").maybe(true);
    wanted.victims.clear();
    wanted.outcome = Outcome::IsOrUnknown("ContainerExited");
    wanted
        .or(true, &[("ApplicationExit", "Likely")])
        // Only a complete trace proves that nobody killed it.
        .or(
            setting.off == Off::SignalTrace,
            &[("ApplicationExit", "Possible"), ("Unknown", "Unknown"), ("Unknown", "Possible")],
        )
}
