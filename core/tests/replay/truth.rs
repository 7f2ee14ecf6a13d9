//! What was really done to each container, written by hand from what the experimenter did, and what may be said of it with
//! the evidence there is. No signal was traced in these runs: who sent a SIGKILL is not in them.

use coroner_core::incident::Cause::*;
use coroner_core::incident::Confidence::{Confirmed, Likely, Possible};
use coroner_core::incident::Outcome::{
    ContainerExited, ContainerSurvived, HostProcessKilled, NeverStarted,
};
use coroner_core::incident::{Cause, Confidence, Outcome};

/// One death or kill.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Truth {
    /// The container's name in its pod; empty for a process of the host.
    pub(crate) container: &'static str,
    /// What it really was.
    pub(crate) cause: Cause,
    /// What became of it, as far as anybody could see.
    pub(crate) outcome: Option<Outcome>,
    /// How sure a verdict may be with all that was recorded; `Unknown` where no verdict can be given.
    pub(crate) confidence: Confidence,
    /// What the evidence does not tell apart from it.
    pub(crate) or: &'static [Cause],
    /// Kubernetes' own reason; empty where it shows no end.
    pub(crate) reason: &'static str,
    /// Whether that reason is wrong.
    pub(crate) disagrees: bool,
}

const fn end(
    container: &'static str,
    cause: Cause,
    confidence: Confidence,
    reason: &'static str,
) -> Truth {
    let outcome = Some(ContainerExited);
    Truth { container, cause, outcome, confidence, or: &[], reason, disagrees: false }
}

/// A kill that the container survived: Kubernetes shows nothing of it.
const fn survived(container: &'static str, confidence: Confidence) -> Truth {
    Truth {
        outcome: Some(ContainerSurvived),
        ..end(container, ContainerMemoryLimit, confidence, "")
    }
}

/// 137 that was either its own code or a SIGKILL of somebody's.
const fn either(cause: Cause, reason: &'static str) -> Truth {
    Truth { or: &[ApplicationExit, ExternalKill], ..end("c", cause, Possible, reason) }
}

const fn wrong(truth: Truth) -> Truth {
    Truth { disagrees: true, ..truth }
}

/// Deleted with grace 0: the object goes while the container runs, so nobody sees what became of it.
const GONE: Truth = Truth { outcome: None, ..end("c", PodDeleted, Likely, "") };

const OOM: Truth = end("c", ContainerMemoryLimit, Confirmed, "OOMKilled");
const EXIT: Truth = end("c", ApplicationExit, Confirmed, "Completed");
/// A code of its own, which the runtime calls `OOMKilled` for an earlier kill of a child's.
const MISTAKEN: Truth = wrong(end("c", ApplicationExit, Confirmed, "OOMKilled"));
const LOST: Truth = end("c", ContainerLost, Confirmed, "ContainerStatusUnknown");
const QUIET: Truth = end("quiet", ApplicationExit, Confirmed, "Completed");

/// A program that cannot be run.
const UNSTARTABLE: Truth =
    Truth { outcome: Some(NeverStarted), ..end("c", BadImage, Confirmed, "StartError") };
const INIT: Truth = end("migrate", ApplicationExit, Confirmed, "Error");

/// Every experiment; the deaths and kills in the order of their time.
pub(crate) const TRUTH: &[(&str, &[Truth])] = &[
    // This log was recorded with holes: the report's head is not in it.
    ("cgroup-v1/e1-oom", &[end("c", ContainerMemoryLimit, Likely, "OOMKilled")]),
    ("cgroup-v1/e1b-oom-restart", &[OOM, OOM, OOM]),
    ("cgroup-v1/e1c-oom-fast", &[OOM]),
    ("cgroup-v1/e1e-oom-guaranteed-cpu-and-mem", &[OOM]),
    ("cgroup-v1/e1f-oom-shell-child-propagates", &[OOM]),
    ("cgroup-v1/e2-liveness", &[end("c", LivenessProbe, Confirmed, "Error")]),
    // The kubelet says only that it stops the container, so which probe it was is concluded.
    ("cgroup-v1/e2b-liveness-never", &[end("c", LivenessProbe, Likely, "Error")]),
    ("cgroup-v1/e3-exit137", &[either(ApplicationExit, "Error")]),
    ("cgroup-v1/e4-host-kill9", &[either(ExternalKill, "Error")]),
    ("cgroup-v1/e5-child-oom", &[survived("c", Confirmed)]),
    ("cgroup-v1/e5b-child-oom-then-exit0", &[survived("c", Likely), MISTAKEN]),
    ("cgroup-v1/e5c-child-oom-then-exit1", &[survived("c", Likely), MISTAKEN]),
    ("cgroup-v1/e5e-exec-oom", &[survived("c", Likely), MISTAKEN]),
    ("cgroup-v1/e6-delete-grace0-force", &[GONE]),
    ("cgroup-v1/e6b-delete-grace0-api", &[GONE]),
    ("cgroup-v1/e6c-delete-grace3-ignores-term", &[end("c", PodDeleted, Confirmed, "Error")]),
    ("cgroup-v1/e7-emptydir-evicted", &[end("c", EphemeralStorageLimit, Confirmed, "Error")]),
    ("cgroup-v1/e8-deadline", &[end("c", DeadlineExceeded, Confirmed, "Error")]),
    (
        "cgroup-v1/e9-pod-level-oom-two-containers",
        &[
            end("hog", PodMemoryLimit, Confirmed, "OOMKilled"),
            wrong(end("quiet", ApplicationExit, Confirmed, "OOMKilled")),
        ],
    ),
    ("cgroup-v1/e22-node-pressure-eviction", &[end("c", NodePressureEviction, Confirmed, "Error")]),
    // Two containers were evicted; for the one that still ran the kubelet made an end up.
    (
        "cgroup-v1/e22b-node-pressure-eviction-two",
        &[
            end("hog", NodePressureEviction, Confirmed, "Error"),
            end("quiet", NodePressureEviction, Likely, "ContainerStatusUnknown"),
        ],
    ),
    ("cgroup-v1/e10-shim-killed", &[end("c", ContainerLost, Likely, "Error")]),
    ("cgroup-v1/e13-kill-from-inside", &[EXIT]),
    ("cgroup-v1/e15-startup-probe", &[end("c", StartupProbe, Likely, "Error")]),
    (
        "cgroup-v1/e16-kubepods-oom",
        &[
            end("hog", NodeAllocatable, Confirmed, "OOMKilled"),
            wrong(end("quiet", ApplicationExit, Confirmed, "OOMKilled")),
        ],
    ),
    ("cgroup-v1/e17-lost-container-never", &[LOST]),
    ("cgroup-v1/e17b-lost-container-always", &[LOST]),
    ("cgroup-v1/e17c-lost-container-then-deleted", &[LOST]),
    ("cgroup-v1/e19-prestop-exceeds-grace", &[end("c", PreStopTimeout, Confirmed, "Completed")]),
    // The log has no header for this kill, and nobody else saw it.
    (
        "cgroup-v1/e20-host-cgroup-oom",
        &[Truth { outcome: Some(HostProcessKilled), ..end("", OtherCgroupLimit, Possible, "") }],
    ),
    ("cgroup-v1/f1-start-error", &[UNSTARTABLE]),
    ("cgroup-v1/f2-not-executable", &[UNSTARTABLE]),
    ("cgroup-v1/f3-exit127", &[end("c", BadImage, Likely, "Error")]),
    ("cgroup-v1/f4-init-fails", &[INIT, INIT, INIT]),
    ("cgroup-v1/f6-api-eviction", &[end("c", ApiEviction, Confirmed, "Error")]),
    ("cgroup-v1/f7-taint-eviction", &[end("c", TaintEviction, Confirmed, "Error")]),
    // A person on the node sent SIGTERM: only that it ended on one can be seen.
    ("cgroup-v1/f8-sigterm-from-host", &[end("c", Terminated, Likely, "Error")]),
    ("cgroup-v1/f9-sigsegv", &[end("c", Crash, Likely, "Error")]),
    ("cgroup-v1/f10-completed", &[EXIT]),
    (
        "cgroup-v1/f11-poststart-fails",
        &[end("c", PostStartHook, Confirmed, "Error"), end("c", PostStartHook, Confirmed, "Error")],
    ),
    ("cgroup-v2/e1-oom", &[OOM]),
    ("cgroup-v2/e1b-oom-restart", &[OOM, OOM, OOM]),
    ("cgroup-v2/e1e-oom-guaranteed-cpu-and-mem", &[OOM]),
    (
        "cgroup-v2/e2-liveness",
        &[end("c", LivenessProbe, Confirmed, "Error"), end("c", LivenessProbe, Confirmed, "Error")],
    ),
    ("cgroup-v2/e2b-liveness-never", &[end("c", LivenessProbe, Likely, "Error")]),
    ("cgroup-v2/e3-exit137", &[either(ApplicationExit, "Error")]),
    ("cgroup-v2/e4-host-kill9", &[either(ExternalKill, "Error")]),
    ("cgroup-v2/e5-child-oom", &[OOM]),
    ("cgroup-v2/e5b-child-oom-then-exit0", &[OOM]),
    // Only the watch was recorded, of two pods of one name: whose limit it was, or whether any, nobody can tell.
    (
        "cgroup-v2/e5d-child-oom-then-host-kill9",
        &[
            end("c", ContainerMemoryLimit, Confidence::Unknown, "OOMKilled"),
            end("c", ExternalKill, Confidence::Unknown, "OOMKilled"),
        ],
    ),
    ("cgroup-v2/e5e-exec-oom", &[OOM]),
    ("cgroup-v2/e6-delete-grace0-force", &[GONE]),
    (
        "cgroup-v2/e9-pod-level-oom-two-containers",
        &[end("hog", PodMemoryLimit, Confirmed, "OOMKilled"), QUIET],
    ),
    ("cgroup-v2/e12-child-kill9-propagated", &[either(ApplicationExit, "Error")]),
    // The limit was not reached: nobody was killed.
    ("cgroup-v2/e16-kubepods-oom", &[end("hog", ApplicationExit, Confirmed, "Completed"), QUIET]),
    ("cgroup-v2/e17-lost-container-never", &[LOST]),
    ("cgroup-v2/e21-global-oom", &[end("hog", SystemOutOfMemory, Confirmed, "OOMKilled"), QUIET]),
    ("cgroup-v2/spok-e1f-oom-shell-child-propagates", &[OOM]),
    ("cgroup-v2/spok-e5-child-oom", &[survived("c", Confirmed)]),
    ("cgroup-v2/spok-e5c-child-oom-then-exit1", &[survived("c", Likely), MISTAKEN]),
    (
        "cgroup-v2/spok-e5d-child-oom-then-host-kill9",
        &[survived("c", Likely), wrong(either(ExternalKill, "OOMKilled"))],
    ),
    ("cgroup-v2/spok-e5e-exec-oom", &[survived("c", Likely), MISTAKEN]),
];
