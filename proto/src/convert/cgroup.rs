//! What was read of control groups.

use coroner_core::finding as f;

use super::enums::{Numbered as _, known};
use super::{ConvertError, all, optional, repeated};
use crate::v1;

impl From<f::Attribution> for v1::Attribution {
    fn from(a: f::Attribution) -> Self {
        Self {
            pid: a.pid,
            cgroup: a.cgroup,
            limit_cgroup: a.limit_cgroup,
            method: a.method.number(),
        }
    }
}

impl TryFrom<v1::Attribution> for f::Attribution {
    type Error = ConvertError;

    fn try_from(a: v1::Attribution) -> Result<Self, ConvertError> {
        let method = known("method", a.method)?;
        Ok(Self { pid: a.pid, cgroup: a.cgroup, limit_cgroup: a.limit_cgroup, method })
    }
}

impl From<f::CgroupState> for v1::CgroupState {
    fn from(s: f::CgroupState) -> Self {
        Self {
            path: s.path,
            version: s.version,
            exists: s.exists,
            usage_bytes: s.usage,
            peak_bytes: s.peak,
            limit: s.limit.map(Into::into),
            limit_hits: s.limit_hits,
            oom: s.oom,
            oom_kill: s.oom_kill,
            oom_group: s.oom_group,
            processes_left: s.processes_left,
        }
    }
}

impl TryFrom<v1::CgroupState> for f::CgroupState {
    type Error = ConvertError;

    fn try_from(s: v1::CgroupState) -> Result<Self, ConvertError> {
        Ok(Self {
            path: s.path,
            version: s.version,
            exists: s.exists,
            usage: s.usage_bytes,
            peak: s.peak_bytes,
            limit: optional("limit", s.limit)?,
            limit_hits: s.limit_hits,
            oom: s.oom,
            oom_kill: s.oom_kill,
            oom_group: s.oom_group,
            processes_left: s.processes_left,
        })
    }
}

impl From<f::CgroupObservation> for v1::CgroupObservation {
    fn from(o: f::CgroupObservation) -> Self {
        Self {
            about: o.about.0,
            phase: o.phase.number(),
            attribution: o.attribution.map(Into::into),
            limit: o.limit.map(Into::into),
            victim: o.victim.map(Into::into),
            siblings: all(o.siblings),
        }
    }
}

impl TryFrom<v1::CgroupObservation> for f::CgroupObservation {
    type Error = ConvertError;

    fn try_from(o: v1::CgroupObservation) -> Result<Self, ConvertError> {
        Ok(Self {
            about: f::FindingId(o.about),
            phase: known("phase", o.phase)?,
            attribution: optional("attribution", o.attribution)?,
            limit: optional("limit", o.limit)?,
            victim: optional("victim", o.victim)?,
            siblings: repeated("siblings", o.siblings)?,
        })
    }
}
