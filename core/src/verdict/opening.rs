//! Which findings open an incident, which incident a finding belongs to, and which of several opens it.
//!
//! Any one witness may see a kill first, and any of them may be missing. The agent joins what belongs together and says
//! so in [`Finding::about`]; that is believed before anything else. The end of a container that was joined with nothing
//! is the death of that container.

use crate::cgroup::identify;
use crate::finding::{Finding, FindingBody, FindingId, Process, Sigkill, SignalResult};
use crate::incident::IncidentId;
use crate::kernel::{KernelEvent, ReportEnd};
use crate::signal::{Origin, origin};

/// Which incident a finding belongs to: the one it opens, or the one it adds to; `None` when it is about no incident.
#[must_use]
pub fn incident_of(finding: &Finding) -> Option<IncidentId> {
    if let Some(about) = &finding.about {
        return Some(IncidentId::of(about));
    }
    match &finding.body {
        FindingBody::Cgroups(observation) => Some(IncidentId::of(&observation.about)),
        FindingBody::Kernel(event) => match event.as_ref() {
            KernelEvent::OomVictim(further) => {
                Some(IncidentId::of(&FindingId::at(&finding.boot_id, &further.report, 0)))
            }
            _ => opens(finding).then(|| IncidentId::of(&finding.id)),
        },
        FindingBody::ContainerEnd(end) => {
            Some(IncidentId::of(&FindingId::death(&finding.boot_id, &end.container_id)))
        }
        FindingBody::Sigkill(sigkill) => opens(finding).then(|| {
            let death = main_of(sigkill).map(|id| FindingId::death(&finding.boot_id, &id));
            IncidentId::of(death.as_ref().unwrap_or(&finding.id))
        }),
        FindingBody::CountedKill(_) => Some(IncidentId::of(&finding.id)),
        _ => None,
    }
}

/// The container whose main process was killed by something else than the OOM killer.
fn main_of(sigkill: &Sigkill) -> Option<String> {
    if sigkill.oom_mark.is_some() || sigkill.receiver_is_main != Some(true) {
        return None;
    }
    let identity = identify(sigkill.receiver.cgroup.as_deref()?);
    identity.pod_container_id.or(identity.container_id)
}

/// Whether the finding opens an incident: somebody was killed, or the kernel could not, or memory failed in a way
/// that has a cause of its own. A chosen victim that was exiting anyway is nobody's death.
pub(super) fn opens(finding: &Finding) -> bool {
    rank(finding).is_some()
}

/// Of several findings that could open an incident the one with the lowest number does: it says the most. `None` for
/// a finding that cannot.
pub(super) fn rank(finding: &Finding) -> Option<u8> {
    match &finding.body {
        FindingBody::Kernel(event) => match event.as_ref() {
            KernelEvent::Oom(report) => (!report.victims.is_empty()
                || matches!(report.end, ReportEnd::Panic(_) | ReportEnd::NoKillableProcess))
            .then_some(0),
            // Order 0 is one page: it failed because memory was short, not because it was scattered.
            KernelEvent::AllocationFailure(failure) => {
                failure.order.is_some_and(|order| order > 0).then_some(3)
            }
            KernelEvent::SlabFailure(_) | KernelEvent::UserspaceKill(_) => Some(3),
            KernelEvent::HardwareMemoryError(error) => {
                (error.pid.is_some() || error.message.contains("oison")).then_some(3)
            }
            KernelEvent::OomVictim(_)
            | KernelEvent::Reaped(_)
            | KernelEvent::VmallocFailure(_)
            | KernelEvent::Fault(_)
            | KernelEvent::Unverified(_)
            | KernelEvent::Suppressed(_) => None,
        },
        FindingBody::Sigkill(sigkill) => match sigkill.oom_mark {
            Some(_) => (sigkill.result != SignalResult::Ignored).then_some(1),
            None => is_somebodys_doing(sigkill).then_some(4),
        },
        FindingBody::CountedKill(_) => Some(2),
        // With a pod goes its sandbox; that is no death of anybody.
        FindingBody::ContainerEnd(end) => (!end.sandbox).then_some(5),
        _ => None,
    }
}

/// Whether a SIGKILL that the OOM killer did not send is worth an incident of its own. What the runtime does is the
/// kubelet's doing, and what a container does to its own children is its business.
fn is_somebodys_doing(sigkill: &Sigkill) -> bool {
    if sigkill.result == SignalResult::Ignored || !in_container(sigkill) {
        return false;
    }
    match origin(sigkill) {
        Origin::Host
        | Origin::OtherContainer
        | Origin::UserspaceOomKiller(_)
        | Origin::CpuTimeLimit => true,
        Origin::SameContainer | Origin::Itself | Origin::ParentDeath => {
            sigkill.receiver_is_main == Some(true)
        }
        // The runtime kills the sandbox of every pod that is over, and is gone at once.
        Origin::Unknown => sigkill.receiver_is_main == Some(true) && !is_pause(&sigkill.receiver),
        Origin::KernelOom
        | Origin::Runtime
        | Origin::Kubelet
        | Origin::PidNamespaceEnd
        | Origin::Kernel => false,
    }
}

/// Whether it is called as what runs in sandboxes is.
fn is_pause(process: &Process) -> bool {
    process.comm == "pause"
}

fn in_container(sigkill: &Sigkill) -> bool {
    sigkill.receiver.cgroup.as_deref().is_some_and(|path| identify(path).container_id.is_some())
}
