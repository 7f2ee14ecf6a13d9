//! Limits of one container, a pod, all pods; and who lives on.

use super::{Batch, Case, always};
use crate::guest::expected::{Expected, Wanted};
use crate::guest::inside::scene::{Level, Tenant};
use crate::guest::plan::{Hierarchy, Off};

pub(super) const CASES: &[Case] = &[
    // One container takes more than its own 64 MiB.
    Case {
        name: "container-limit",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.limit(Level::Container("app"), 64)?;
            scene.start(Tenant::container("app", "java").adj(969), &["alloc", "200"])?;
            scene.go("app")?;
            scene.wait_gone("app")
        },
        expected: |setting| {
            let app = Wanted::container("app", "ContainerMemoryLimit")
                .says("CONTAINER MEMORY LIMIT")
                .says("pid {app} (java)")
                .says("64 MiB");
            // Off the log, the counters of this very container hold its limit.
            Expected::these([app.kernel_kill(setting)])
        },
    },
    // Two containers without limits of their own in a pod with 96 MiB: the second one's request is one too many. Both
    // hold about as much, and the first has the higher oom_score_adj, so it is the victim while the second triggers.
    Case {
        name: "pod-limit",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            scene.container("first", "pod")?;
            scene.container("second", "pod")?;
            scene.limit(Level::Pod("pod"), 96)?;
            scene.start(Tenant::container("first", "app1").adj(969), &["alloc", "60"])?;
            scene.go("first")?;
            scene.wait_holding("first", 60)?;
            scene.start(Tenant::container("second", "app2").adj(900), &["slow", "60", "2"])?;
            scene.go("second")?;
            scene.wait_gone("first")
        },
        expected: |setting| {
            let first = Wanted::container("first", "PodMemoryLimit")
                .says("POD MEMORY LIMIT")
                .says("pid {first} (app1)")
                .says("96 MiB");
            // Whether a pod's limit is just its one container's, only the groups tell.
            let unseen = setting.off == Off::Cgroup;
            let first = first.or(unseen, &[("PodMemoryLimit", "Possible")]);
            // Where freeing the first takes long, the kernel kills the second as well.
            let second = Wanted::container("second", "PodMemoryLimit").if_gone();
            let second = second.or(unseen, &[("PodMemoryLimit", "Possible")]);
            Expected::these([first.kernel_kill(setting), second.kernel_kill(setting)])
        },
    },
    // Two pods below a kubepods limit of 160 MiB. The first holds 80 MiB at adj 969 and is the victim.
    Case {
        name: "kubepods-limit",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            scene.container("first", "pod-a")?;
            scene.container("second", "pod-b")?;
            scene.limit(Level::Kubepods, 160)?;
            scene.start(Tenant::container("first", "podone").adj(969), &["alloc", "80"])?;
            scene.go("first")?;
            scene.wait_holding("first", 80)?;
            scene.start(Tenant::container("second", "podtwo").adj(300), &["slow", "100", "2"])?;
            scene.go("second")?;
            let gone = scene.wait_gone("first");
            scene.unlimit(Level::Kubepods)?;
            gone
        },
        expected: |setting| {
            let first = Wanted::container("first", "NodeAllocatable")
                .says("NODE ALLOCATABLE")
                .says("pid {first} (podone)")
                .says("160 MiB");
            // As above: two processes of two pods were seen to die 17 ms apart from one limit.
            let second = Wanted::container("second", "NodeAllocatable").if_gone();
            // On version 1 the counters do not say that a kill was for a limit above the pod.
            let untold = setting.off == Off::KernelLog && setting.hierarchy == Hierarchy::V1;
            let [first, second] = [first, second].map(|w| w.or(untold, &[("Unknown", "Unknown")]));
            Expected::these([first.kernel_kill(setting), second.kernel_kill(setting)])
        },
    },
    // A child of process 1 takes too much and dies; the container goes on.
    Case {
        name: "child",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.limit(Level::Container("app"), 64)?;
            scene.start(Tenant::container("app", "tini").adj(969), &["child", "200", "worker"])?;
            scene.go("app")?;
            scene.wait_said("app", "child ended")?;
            scene.still_there("app")
        },
        expected: |setting| {
            let app = Wanted::container("app", "ContainerMemoryLimit")
                .survived()
                .says("(worker)")
                .says("64 MiB")
                .kernel_kill(setting);
            Expected::these([app])
        },
    },
    // Files in a tmpfs fill the container's memory. The writer holds next to nothing itself.
    Case {
        name: "tmpfs",
        batch: Batch::Main,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.limit(Level::Container("app"), 64)?;
            scene.mount_tmpfs("volume", "size=400m")?;
            let file = scene.path_in("volume", "data");
            scene.start(Tenant::container("app", "writer").adj(969), &["write", &file, "200"])?;
            scene.go("app")?;
            scene.wait_gone("app")
        },
        expected: |setting| {
            let app = Wanted::container("app", "ContainerMemoryLimit")
                .says("64 MiB")
                .says("tmpfs")
                .kernel_kill(setting);
            Expected::these([app])
        },
    },
    // The limit is set below what is in use, as a resize in place does. Whoever writes the limit triggers the kill: a
    // process of the host, not of the container.
    Case {
        name: "resize",
        batch: Batch::Main,
        // Version 1 refuses such a limit with EBUSY after trying to reclaim, and kills nobody.
        possible: super::v2,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.start(Tenant::container("app", "resized").adj(969), &["alloc", "60"])?;
            scene.go("app")?;
            scene.wait_holding("app", 60)?;
            scene.limit_by_shell(Level::Container("app"), 32)?;
            scene.wait_gone("app")
        },
        expected: |setting| {
            let app = Wanted::container("app", "ContainerMemoryLimit")
                .says("pid {app} (resized)")
                .says("32 MiB")
                .or(setting.off == Off::KernelLog, &[("Unknown", "Possible")]);
            Expected::these([app.kernel_kill(setting)])
        },
    },
];
