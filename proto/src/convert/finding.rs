//! Findings.

use coroner_core::finding as f;

use super::enums::{Numbered as _, known};
use super::{ConvertError, required, time};
use crate::v1;

impl From<f::FindingBody> for v1::finding::Body {
    fn from(body: f::FindingBody) -> Self {
        match body {
            f::FindingBody::Kernel(event) => Self::Kernel((*event).into()),
            f::FindingBody::Gap(gap) => Self::Gap(gap.into()),
            f::FindingBody::Cgroups(observation) => Self::Cgroups(observation.into()),
            f::FindingBody::SourceStatus(status) => Self::SourceStatus(status.into()),
            f::FindingBody::Sigkill(sigkill) => Self::Sigkill((*sigkill).into()),
            f::FindingBody::CountedKill(kill) => Self::CountedKill((*kill).into()),
            f::FindingBody::ContainerEnd(end) => Self::ContainerEnd((*end).into()),
            f::FindingBody::Fragmentation(fragmentation) => {
                Self::Fragmentation((*fragmentation).into())
            }
            f::FindingBody::Headroom(headroom) => Self::Headroom((*headroom).into()),
            f::FindingBody::Pressure(pressure) => Self::Pressure((*pressure).into()),
            f::FindingBody::Population(population) => Self::Population((*population).into()),
            f::FindingBody::MemoryVolumes(volumes) => Self::MemoryVolumes((*volumes).into()),
            f::FindingBody::Node(facts) => Self::NodeFacts((*facts).into()),
        }
    }
}

impl TryFrom<v1::finding::Body> for f::FindingBody {
    type Error = ConvertError;

    fn try_from(body: v1::finding::Body) -> Result<Self, ConvertError> {
        use v1::finding::Body as W;
        Ok(match body {
            W::Kernel(event) => Self::Kernel(Box::new(required("kernel", Some(event))?)),
            W::Gap(gap) => Self::Gap(required("gap", Some(gap))?),
            W::Cgroups(observation) => Self::Cgroups(required("cgroups", Some(observation))?),
            W::SourceStatus(status) => Self::SourceStatus(required("source_status", Some(status))?),
            W::Sigkill(sigkill) => Self::Sigkill(Box::new(required("sigkill", Some(sigkill))?)),
            W::CountedKill(kill) => {
                Self::CountedKill(Box::new(required("counted_kill", Some(kill))?))
            }
            W::ContainerEnd(end) => {
                Self::ContainerEnd(Box::new(required("container_end", Some(end))?))
            }
            W::Fragmentation(fragmentation) => {
                Self::Fragmentation(Box::new(required("fragmentation", Some(fragmentation))?))
            }
            W::Headroom(headroom) => {
                Self::Headroom(Box::new(required("headroom", Some(headroom))?))
            }
            W::Pressure(pressure) => {
                Self::Pressure(Box::new(required("pressure", Some(pressure))?))
            }
            W::Population(population) => {
                Self::Population(Box::new(required("population", Some(population))?))
            }
            W::MemoryVolumes(volumes) => {
                Self::MemoryVolumes(Box::new(required("memory_volumes", Some(volumes))?))
            }
            W::NodeFacts(facts) => Self::Node(Box::new(required("node_facts", Some(facts))?)),
        })
    }
}

impl From<f::Finding> for v1::Finding {
    fn from(finding: f::Finding) -> Self {
        Self {
            id: finding.id.0,
            node: finding.node,
            boot_id: finding.boot_id,
            time: Some(time::to_wire(finding.time)),
            time_uncertainty_us: finding.time_uncertainty_us,
            source: finding.source.number(),
            about: finding.about.map(|about| about.0),
            body: Some(finding.body.into()),
        }
    }
}

impl TryFrom<v1::Finding> for f::Finding {
    type Error = ConvertError;

    fn try_from(finding: v1::Finding) -> Result<Self, ConvertError> {
        let Some(body) = finding.body else {
            return Err(ConvertError {
                field: "body".to_owned(),
                problem: "holds nothing this version knows".to_owned(),
            });
        };
        Ok(Self {
            id: f::FindingId(finding.id),
            node: finding.node,
            boot_id: finding.boot_id,
            time: time::required("time", finding.time)?,
            time_uncertainty_us: finding.time_uncertainty_us,
            source: known("source", finding.source)?,
            about: finding.about.map(f::FindingId),
            body: body.try_into()?,
        })
    }
}
