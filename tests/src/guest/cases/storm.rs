//! More kills than the kernel prints reports for: ten in five seconds, then bare kill lines that name no group.

use super::{Batch, Case, always};
use crate::guest::expected::{Expected, Outcome, Wanted};
use crate::guest::inside::scene::{Level, Tenant};
use crate::guest::plan::Off;

pub(super) const CASES: &[Case] = &[Case {
    name: "storm",
    batch: Batch::Main,
    possible: always,
    act: |scene| {
        scene.container("app", "pod")?;
        scene.limit(Level::Container("app"), 16)?;
        scene.start(Tenant::container("app", "restarter").adj(300), &["storm", "25", "32"])?;
        scene.go("app")?;
        scene.wait_said("app", "storm over")?;
        scene.still_there("app")?;
        // The next case gets reports of its own again.
        scene.rest_after(std::time::Duration::from_secs(6));
        Ok(())
    },
    expected: |setting| {
        let app = Wanted::container("app", "ContainerMemoryLimit").survived().kills(25);
        // A kill without a report: the counters tell whose it was, the trace when; without either it is less sure.
        let app = app.or(true, &[("ContainerMemoryLimit", "Likely")]);
        // Bare kill lines and traced kills name no group: without the counters, or without the log's first ones, a process
        // that is gone before it is looked at is nobody's.
        let blind = setting.off == Off::Cgroup || setting.off == Off::KernelLog;
        let mut app = app.strays(blind, "stormhog").kernel_kill(setting);
        if blind {
            app.verdicts.push(("ContainerMemoryLimit", "Possible"));
            app.verdicts.push(("Unknown", "Unknown"));
            app.outcome = Outcome::IsOrUnknown("ContainerSurvived");
        }
        Expected::these([app])
    },
}];
