//! Kills beside groups that come and go: none is hidden by them, and none is made of them.

use std::time::Duration;

use super::{Batch, Case, always};
use crate::guest::expected::{Expected, Outcome, Wanted};
use crate::guest::inside::scene::{Level, Tenant};
use crate::guest::plan::Off;

/// Groups that must have come and gone, or nothing was shown.
const LEAST: u32 = 30;

pub(super) const CASES: &[Case] = &[Case {
    name: "churn",
    batch: Batch::Mishaps,
    possible: always,
    act: |scene| {
        scene.container("app", "pod")?;
        scene.container("neighbour", "busy-pod")?;
        scene.limit(Level::Container("app"), 16)?;
        scene.start(Tenant::container("app", "restarter").adj(300), &["storm", "6", "32"])?;
        scene.begin_churn("busy-pod", Duration::from_millis(5))?;
        scene.go("app")?;
        scene.wait_said("app", "storm over")?;
        scene.end_churn(LEAST)?;
        scene.still_there("app")
    },
    expected: |setting| {
        let app = Wanted::container("app", "ContainerMemoryLimit").survived().kills(6);
        // On a busy machine the kill may be counted before the trace's or the log's word of it is read.
        let app = app.or(true, &[("ContainerMemoryLimit", "Likely")]);
        let blind = setting.off == Off::Cgroup || setting.off == Off::KernelLog;
        let mut app = app.strays(blind, "stormhog").kernel_kill(setting);
        if blind {
            app.verdicts.push(("ContainerMemoryLimit", "Possible"));
            app.verdicts.push(("Unknown", "Unknown"));
            app.outcome = Outcome::IsOrUnknown("ContainerSurvived");
        }
        Expected::these([app]).beside("neighbour")
    },
}];
