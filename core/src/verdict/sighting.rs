//! What the node saw of one incident, for joining it with the end that Kubernetes reports.

use super::{Case, judge};
use crate::finding::FindingBody;
use crate::incident::{Cause, IncidentId, Outcome};
use crate::kubernetes::{Sighting, SightingKind};

/// What the findings of a case say by themselves, whatever Kubernetes says; `id` is the incident that they make. `None`
/// when they open no incident.
#[must_use]
pub fn sighting(id: &IncidentId, case: &Case) -> Option<Sighting> {
    let alone = Case { incident: Some(id.clone()), kubernetes: None, ..case.clone() };
    let incident = judge(&alone)?;
    let ended = case.findings.iter().any(|f| matches!(f.body, FindingBody::ContainerEnd(_)));
    let kind = match incident.cause {
        Cause::MemoryFragmentation | Cause::HardwareMemoryError => SightingKind::Other,
        _ if is_oom(case) => SightingKind::Kill,
        _ if ended || incident.outcome == Some(Outcome::ContainerExited) => SightingKind::End,
        Cause::UserspaceOomKiller => SightingKind::Kill,
        _ => SightingKind::Other,
    };
    // The end of its group is the last word on what became of a container.
    let outcome = if ended { Some(Outcome::ContainerExited) } else { incident.outcome };
    Some(Sighting {
        id: id.clone(),
        kind,
        container_id: incident.container.and_then(|container| container.id),
        pod_uid: incident.pod.and_then(|pod| pod.uid),
        time: incident.time,
        outcome,
    })
}

/// Whether any witness speaks of the kernel's OOM killer.
fn is_oom(case: &Case) -> bool {
    case.findings.iter().any(|finding| match &finding.body {
        FindingBody::Kernel(event) => {
            matches!(event.as_ref(), crate::kernel::KernelEvent::Oom(_))
        }
        FindingBody::Sigkill(sigkill) => sigkill.oom_mark.is_some(),
        FindingBody::CountedKill(_) => true,
        _ => false,
    })
}
