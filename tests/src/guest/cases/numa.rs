//! One memory node runs out while another has room.

use super::{Batch, Case, always};
use crate::guest::expected::{Expected, Wanted};
use crate::guest::inside::scene::Tenant;
use crate::guest::plan::{Off, Setting};

pub(super) const CASES: &[Case] = &[
    // The container may use node 1 only.
    Case {
        name: "numa-cpuset",
        batch: Batch::Numa,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.pin("app", "1")?;
            scene.start(Tenant::container("app", "pinned").adj(969), &["alloc", "1500"])?;
            scene.go("app")?;
            scene.wait_gone("app")
        },
        expected: |setting| one_node("pid {app} (pinned)", setting),
    },
    // A tmpfs is bound to node 1, and is filled.
    Case {
        name: "numa-policy",
        batch: Batch::Numa,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.mount_tmpfs("bound", "size=600m,mpol=bind:1")?;
            let file = scene.path_in("bound", "data");
            scene.start(Tenant::container("app", "bound").adj(969), &["write", &file, "500"])?;
            scene.go("app")?;
            scene.wait_gone("app")
        },
        expected: |setting| one_node("pid {app} (bound)", setting),
    },
];

/// Somebody was killed because one node ran out, which is said with these words.
fn one_node(said: &'static str, setting: &Setting) -> Expected {
    let app = Wanted::container("app", "NumaOutOfMemory")
        .says(said)
        .says("NUMA")
        // Counters and trace know of no nodes: without the log it looks like the whole node, which is no more than
        // possible on a machine with two.
        .or(
            setting.off == Off::KernelLog,
            &[("SystemOutOfMemory", "Possible"), ("Unknown", "Possible")],
        );
    Expected::these([app.kernel_kill(setting)])
}
