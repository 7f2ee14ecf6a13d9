//! Incidents and their verdicts.

use coroner_core::incident as i;
use coroner_core::kubernetes::Terminated;

use super::enums::{Numbered as _, known};
use super::{ConvertError, all, optional, repeated, time};
use crate::v1;

impl From<i::PodRef> for v1::Pod {
    fn from(p: i::PodRef) -> Self {
        Self { namespace: p.namespace, name: p.name, uid: p.uid, owner: p.owner.map(Into::into) }
    }
}

impl From<v1::Pod> for i::PodRef {
    fn from(p: v1::Pod) -> Self {
        Self { namespace: p.namespace, name: p.name, uid: p.uid, owner: p.owner.map(Into::into) }
    }
}

impl From<i::ContainerRef> for v1::Container {
    fn from(c: i::ContainerRef) -> Self {
        Self { name: c.name, id: c.id }
    }
}

impl From<v1::Container> for i::ContainerRef {
    fn from(c: v1::Container) -> Self {
        Self { name: c.name, id: c.id }
    }
}

impl From<Terminated> for v1::Termination {
    fn from(t: Terminated) -> Self {
        Self {
            exit_code: t.exit_code,
            signal: t.signal,
            reason: t.reason,
            message: t.message,
            started_at: t.started_at.map(time::to_wire),
            finished_at: t.finished_at.map(time::to_wire),
            container_id: t.container_id,
        }
    }
}

impl TryFrom<v1::Termination> for Terminated {
    type Error = ConvertError;

    fn try_from(t: v1::Termination) -> Result<Self, ConvertError> {
        Ok(Self {
            exit_code: t.exit_code,
            signal: t.signal,
            reason: t.reason,
            message: t.message,
            started_at: time::from_wire("started_at", t.started_at)?,
            finished_at: time::from_wire("finished_at", t.finished_at)?,
            container_id: t.container_id,
        })
    }
}

impl From<i::TriggerFacts> for v1::TriggerFacts {
    fn from(t: i::TriggerFacts) -> Self {
        Self { comm: t.comm, pid: t.pid, order: t.order, gfp_mask: t.gfp_mask }
    }
}

impl From<v1::TriggerFacts> for i::TriggerFacts {
    fn from(t: v1::TriggerFacts) -> Self {
        Self { comm: t.comm, pid: t.pid, order: t.order, gfp_mask: t.gfp_mask }
    }
}

impl From<i::VictimFacts> for v1::VictimFacts {
    fn from(v: i::VictimFacts) -> Self {
        Self { pid: v.pid, comm: v.comm, anon_rss_kb: v.anon_rss_kb }
    }
}

impl From<v1::VictimFacts> for i::VictimFacts {
    fn from(v: v1::VictimFacts) -> Self {
        Self { pid: v.pid, comm: v.comm, anon_rss_kb: v.anon_rss_kb }
    }
}

impl From<i::KernelFacts> for v1::KernelFacts {
    fn from(k: i::KernelFacts) -> Self {
        Self {
            scope: k.scope.number(),
            level: k.level.number(),
            limit_cgroup: k.limit_cgroup,
            limit_bytes: k.limit_bytes,
            usage_bytes: k.usage_bytes,
            trigger: k.trigger.map(Into::into),
            victims: all(k.victims),
        }
    }
}

impl TryFrom<v1::KernelFacts> for i::KernelFacts {
    type Error = ConvertError;

    fn try_from(k: v1::KernelFacts) -> Result<Self, ConvertError> {
        Ok(Self {
            scope: known("scope", k.scope)?,
            level: known("level", k.level)?,
            limit_cgroup: k.limit_cgroup,
            limit_bytes: k.limit_bytes,
            usage_bytes: k.usage_bytes,
            trigger: k.trigger.map(Into::into),
            victims: all(k.victims),
        })
    }
}

impl From<i::KubernetesSays> for v1::KubernetesSays {
    fn from(k: i::KubernetesSays) -> Self {
        Self { reason: k.reason, disagrees: k.disagrees, why: k.why }
    }
}

impl From<v1::KubernetesSays> for i::KubernetesSays {
    fn from(k: v1::KubernetesSays) -> Self {
        Self { reason: k.reason, disagrees: k.disagrees, why: k.why }
    }
}

impl From<i::Evidence> for v1::Evidence {
    fn from(e: i::Evidence) -> Self {
        Self { source: e.source, detail: e.detail, time: e.time.map(time::to_wire) }
    }
}

impl TryFrom<v1::Evidence> for i::Evidence {
    type Error = ConvertError;

    fn try_from(e: v1::Evidence) -> Result<Self, ConvertError> {
        Ok(Self { source: e.source, detail: e.detail, time: time::from_wire("time", e.time)? })
    }
}

impl From<i::Incident> for v1::Incident {
    fn from(incident: i::Incident) -> Self {
        Self {
            id: incident.id.0,
            time: Some(time::to_wire(incident.time)),
            node: incident.node,
            cause: incident.cause.number(),
            outcome: incident.outcome.map_or(v1::Outcome::Unspecified.into(), i::Outcome::number),
            confidence: incident.confidence.number(),
            summary: incident.summary,
            explanation: incident.explanation,
            remedies: incident.remedies,
            pod: incident.pod.map(Into::into),
            container: incident.container.map(Into::into),
            termination: incident.termination.map(Into::into),
            kernel: incident.kernel.map(Into::into),
            evidence: all(incident.evidence),
            gaps: incident.gaps,
            alternatives: incident.alternatives.into_iter().map(i::Cause::number).collect(),
            kubernetes: incident.kubernetes.map(Into::into),
            sigkill: incident.sigkill.map(Into::into),
            previous: all(incident.previous),
            revised_from: incident.revised_from.map(Into::into),
            orderly: incident.orderly,
        }
    }
}

impl TryFrom<v1::Incident> for i::Incident {
    type Error = ConvertError;

    fn try_from(incident: v1::Incident) -> Result<Self, ConvertError> {
        Ok(Self {
            id: i::IncidentId(incident.id),
            time: time::required("time", incident.time)?,
            node: incident.node,
            cause: known("cause", incident.cause)?,
            outcome: match incident.outcome {
                0 => None,
                number => Some(known("outcome", number)?),
            },
            confidence: known("confidence", incident.confidence)?,
            summary: incident.summary,
            explanation: incident.explanation,
            remedies: incident.remedies,
            pod: incident.pod.map(Into::into),
            container: incident.container.map(Into::into),
            termination: optional("termination", incident.termination)?,
            kernel: optional("kernel", incident.kernel)?,
            evidence: repeated("evidence", incident.evidence)?,
            gaps: incident.gaps,
            alternatives: incident
                .alternatives
                .into_iter()
                .map(|number| known("alternatives", number))
                .collect::<Result<_, _>>()?,
            kubernetes: incident.kubernetes.map(Into::into),
            sigkill: incident.sigkill.map(Into::into),
            previous: repeated("previous", incident.previous)?,
            revised_from: optional("revised_from", incident.revised_from)?,
            orderly: incident.orderly,
        })
    }
}
