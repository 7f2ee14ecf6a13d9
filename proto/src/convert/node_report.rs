//! What is known of a node.

use coroner_core::node_report as n;

use super::enums::{Numbered as _, known};
use super::{ConvertError, all, repeated, required, time};
use crate::v1;

impl From<n::SourceReport> for v1::SourceReport {
    fn from(s: n::SourceReport) -> Self {
        Self {
            source: s.source.number(),
            reading: s.reading,
            detail: s.detail,
            said: s.said.map(time::to_wire),
            coverage: all(s.coverage),
            holes: all(s.holes),
        }
    }
}

impl TryFrom<v1::SourceReport> for n::SourceReport {
    type Error = ConvertError;

    fn try_from(s: v1::SourceReport) -> Result<Self, ConvertError> {
        Ok(Self {
            source: known("source", s.source)?,
            reading: s.reading,
            detail: s.detail,
            said: time::from_wire("said", s.said)?,
            coverage: repeated("coverage", s.coverage)?,
            holes: repeated("holes", s.holes)?,
        })
    }
}

impl From<n::CauseCount> for v1::CauseCount {
    fn from(c: n::CauseCount) -> Self {
        Self { cause: c.cause.number(), count: c.count }
    }
}

impl TryFrom<v1::CauseCount> for n::CauseCount {
    type Error = ConvertError;

    fn try_from(c: v1::CauseCount) -> Result<Self, ConvertError> {
        Ok(Self { cause: known("cause", c.cause)?, count: c.count })
    }
}

impl From<n::ClockAhead> for v1::ClockAhead {
    fn from(c: n::ClockAhead) -> Self {
        Self { seconds: c.seconds, uncertainty_seconds: c.uncertainty_seconds }
    }
}

impl From<v1::ClockAhead> for n::ClockAhead {
    fn from(c: v1::ClockAhead) -> Self {
        Self { seconds: c.seconds, uncertainty_seconds: c.uncertainty_seconds }
    }
}

impl From<n::NodeReport> for v1::NodeReport {
    fn from(r: n::NodeReport) -> Self {
        Self {
            name: r.name,
            boot_id: r.boot_id,
            agent_version: r.agent_version,
            first_seen: r.first_seen.map(time::to_wire),
            last_seen: r.last_seen.map(time::to_wire),
            window: Some(r.window.into()),
            absence: Some(r.absence.into()),
            sources: all(r.sources),
            incidents: all(r.incidents),
            state: all(r.state),
            clock: r.clock.map(Into::into),
            api_clock: r.api_clock.map(Into::into),
        }
    }
}

impl TryFrom<v1::NodeReport> for n::NodeReport {
    type Error = ConvertError;

    fn try_from(r: v1::NodeReport) -> Result<Self, ConvertError> {
        Ok(Self {
            name: r.name,
            boot_id: r.boot_id,
            agent_version: r.agent_version,
            first_seen: time::from_wire("first_seen", r.first_seen)?,
            last_seen: time::from_wire("last_seen", r.last_seen)?,
            window: required("window", r.window)?,
            absence: required("absence", r.absence)?,
            sources: repeated("sources", r.sources)?,
            incidents: repeated("incidents", r.incidents)?,
            state: repeated("state", r.state)?,
            clock: r.clock.map(Into::into),
            api_clock: r.api_clock.map(Into::into),
        })
    }
}
