//! Memory is free, but in pieces.
//!
//! A process of the host fills pairs of pipes page by page, in turn, until little is free; closing one of each pair then
//! frees every other page between pages that cannot be moved (`bin/guest-tenant/pieces.rs`).

use super::{Batch, Case, always};
use crate::guest::expected::{Expected, Outcome, Wanted};
use crate::guest::inside::scene::{Scene, Tenant};
use crate::guest::plan::Off;

pub(super) const CASES: &[Case] = &[
    // A container's process asks for a block of 2 MiB (order 9) and does not get it. Nobody dies.
    Case {
        name: "order-9",
        batch: Batch::Fragmentation,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.start(Tenant::container("app", "bigalloc").adj(969), &["block", "1600000"])?;
            scatter(scene)?;
            scene.go("app")?;
            scene.wait_said("app", "asked")?;
            scene.still_there("app")
        },
        expected: |setting| {
            let mut app = Wanted::container("app", "MemoryFragmentation")
                .says("bigalloc")
                .says("order 9")
                // Only the log says that an allocation failed.
                .maybe(setting.off == Off::KernelLog);
            app.victims.clear();
            app.outcome = Outcome::IsOrUnknown("ContainerSurvived");
            Expected::these([app])
        },
    },
    // A container's process asks for blocks of 32 KiB (order 3) until there are none; the kernel does not let such a
    // request fail, and kills for it: the bystander first, who has the higher oom_score_adj, then the one who asks.
    Case {
        name: "order-3",
        batch: Batch::Fragmentation,
        possible: always,
        act: |scene| {
            scene.container("bystander", "pod")?;
            scene.container("greedy", "other-pod")?;
            let bystander = Tenant::container("bystander", "bystander").adj(969);
            scene.start(bystander, &["alloc", "20"])?;
            scene.go("bystander")?;
            scene.wait_holding("bystander", 20)?;
            scene.start(Tenant::container("greedy", "order3").adj(100), &["order-3", "20000"])?;
            scatter(scene)?;
            scene.go("greedy")?;
            scene.wait_gone("bystander")?;
            scene.wait_gone("greedy")
        },
        expected: |setting| {
            let says = |wanted: Wanted| match setting.off {
                // The order of the request is in the log alone.
                Off::KernelLog => wanted,
                _ => wanted.says("order 3"),
            };
            let bystander = says(Wanted::container("bystander", "SystemOutOfMemory"));
            let greedy = says(Wanted::container("greedy", "SystemOutOfMemory"));
            Expected::these([bystander.kernel_kill(setting), greedy.kernel_kill(setting)])
        },
    },
];

fn scatter(scene: &mut Scene<'_>) -> Result<(), String> {
    // What a socket may have the kernel allocate for one message.
    scene.host_file("/proc/sys/net/core/optmem_max", "67108864")?;
    let fragger = Tenant::host("fragger", "fragger.service", "fragger").adj(-1000);
    scene.start(fragger, &["fragment", "24"])?;
    scene.go("fragger")?;
    scene.wait_said("fragger", "fragmented")
}
