//! `memory.oom.group`: the kernel kills everybody in a group at once (version 2 only).

use super::{Batch, Case, v2};
use crate::guest::expected::{Expected, Wanted};
use crate::guest::inside::scene::{Level, Tenant};
use crate::guest::plan::Off;

pub(super) const CASES: &[Case] = &[
    // On the container, as the kubelet sets it: two helpers die with the one that took too much. One death, three
    // victims; the kernel may print one of them twice.
    Case {
        name: "group-container",
        batch: Batch::Main,
        possible: v2,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.limit(Level::Container("app"), 64)?;
            scene.write(Level::Container("app"), "memory.oom.group", "1")?;
            scene.start(Tenant::container("app", "mainapp").adj(969), &["alloc", "200"])?;
            for (role, name) in [("helper1", "helper1"), ("helper2", "helper2")] {
                scene.start(Tenant::inside(role, "app", name).adj(969), &["alloc", "5"])?;
                scene.go(role)?;
                scene.wait_holding(role, 5)?;
            }
            scene.go("app")?;
            scene.wait_gone("app")?;
            scene.wait_gone("helper1")?;
            scene.wait_gone("helper2")
        },
        expected: |setting| {
            let app = Wanted::container("app", "ContainerMemoryLimit")
                .and("helper1")
                .and("helper2")
                .says("64 MiB")
                .kernel_kill(setting);
            Expected::these([app])
        },
    },
    // On the pod: a second container dies although it did nothing.
    Case {
        name: "group-pod",
        batch: Batch::Main,
        possible: v2,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.container("sidecar", "pod")?;
            scene.limit(Level::Pod("pod"), 64)?;
            scene.write(Level::Pod("pod"), "memory.oom.group", "1")?;
            scene.start(Tenant::container("sidecar", "sidecar").adj(969), &["alloc", "5"])?;
            scene.go("sidecar")?;
            scene.wait_holding("sidecar", 5)?;
            scene.start(Tenant::container("app", "mainapp").adj(969), &["alloc", "200"])?;
            scene.go("app")?;
            scene.wait_gone("app")?;
            scene.wait_gone("sidecar")
        },
        expected: |setting| {
            // One incident: the pod's limit, whose kill took both.
            let app = Wanted::container("app", "PodMemoryLimit")
                .and("sidecar")
                .says("64 MiB")
                // Whether a pod's limit is just its one container's, only the groups tell.
                .or(setting.off == Off::Cgroup, &[("PodMemoryLimit", "Possible")])
                .kernel_kill(setting);
            Expected::these([app])
        },
    },
];
