//! Things that go wrong around a kill: the agent is down, the clock is set.

use super::{Batch, Case, always};
use crate::guest::expected::{Expected, Outcome, Wanted};
use crate::guest::inside::scene::{Level, Scene, Tenant};
use crate::guest::plan::Off;

pub(super) const CASES: &[Case] = &[
    // The container is killed while no agent runs. The kernel's log still has it when the agent is back; the group is gone
    // by then or empty, and nobody traced it.
    Case {
        name: "agent-down",
        batch: Batch::Mishaps,
        possible: always,
        act: |scene| {
            scene.kill_agent()?;
            let killed = limit(scene);
            scene.start_agent()?;
            killed
        },
        expected: |setting| {
            let mut app = Wanted::container("app", "ContainerMemoryLimit")
                .says("pid {app} (java)")
                .or(true, &[("ContainerMemoryLimit", "Likely")])
                // Nobody saw anything then.
                .maybe(setting.off == Off::KernelLog)
                .kernel_kill(setting);
            app.outcome = Outcome::IsOrUnknown("ContainerExited");
            Expected::these([app])
        },
    },
    // A kill -9 while no agent runs: the trace goes on, and the next agent takes it over. What it read then is not watched
    // by anybody else, so it is likely at most, or nothing is known.
    Case {
        name: "agent-down-kill",
        batch: Batch::Mishaps,
        possible: always,
        act: |scene| {
            scene.container("app", "pod")?;
            scene.start(Tenant::container("app", "victimapp"), &["alloc", "5"])?;
            scene.go("app")?;
            scene.wait_holding("app", 5)?;
            scene.kill_agent()?;
            let pid = scene.pid("app")?;
            scene.shell(
                "shell",
                "user.slice/session-1.scope",
                &format!("kill -9 {pid}; sleep 1"),
            )?;
            let killed = scene.wait_gone("app");
            scene.start_agent()?;
            killed
        },
        expected: |_| {
            let mut app = Wanted::container("app", "Unknown").maybe(true);
            app.victims.clear();
            app.outcome = Outcome::IsOrUnknown("ContainerExited");
            app.verdicts =
                vec![("ExternalKill", "Likely"), ("Unknown", "Unknown"), ("Unknown", "Possible")];
            Expected::these([app])
        },
    },
    // Somebody sets the clock forward by six hours, and a container is killed right after. The incident has the new time.
    Case {
        name: "clock-forward",
        batch: Batch::Mishaps,
        possible: always,
        act: |scene| {
            scene.step_clock(6)?;
            limit(scene)
        },
        expected: |setting| {
            let app = Wanted::container("app", "ContainerMemoryLimit").says("pid {app} (java)");
            Expected::these([app.kernel_kill(setting)])
        },
    },
    // ... and back by three.
    Case {
        name: "clock-back",
        batch: Batch::Mishaps,
        possible: always,
        act: |scene| {
            scene.step_clock(-3)?;
            limit(scene)
        },
        expected: |setting| {
            let app = Wanted::container("app", "ContainerMemoryLimit").says("pid {app} (java)");
            Expected::these([app.kernel_kill(setting)])
        },
    },
];

fn limit(scene: &mut Scene<'_>) -> Result<(), String> {
    scene.container("app", "pod")?;
    scene.limit(Level::Container("app"), 32)?;
    scene.start(Tenant::container("app", "java").adj(969), &["alloc", "64"])?;
    scene.go("app")?;
    scene.wait_gone("app")
}
