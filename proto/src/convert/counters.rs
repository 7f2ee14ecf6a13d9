//! What cgroup counters say of a kill.

use coroner_core::finding as f;

use super::{ConvertError, all, optional, repeated};
use crate::v1;

impl From<f::GroupRise> for v1::GroupRise {
    fn from(r: f::GroupRise) -> Self {
        Self {
            group: r.group,
            limit: r.limit.map(Into::into),
            usage_bytes: r.usage,
            peak_bytes: r.peak,
            oom: r.oom,
            limit_hits: r.limit_hits,
            oom_kill: r.oom_kill,
            oom_group_kill: r.oom_group_kill,
        }
    }
}

impl TryFrom<v1::GroupRise> for f::GroupRise {
    type Error = ConvertError;

    fn try_from(r: v1::GroupRise) -> Result<Self, ConvertError> {
        Ok(Self {
            group: r.group,
            limit: optional("limit", r.limit)?,
            usage: r.usage_bytes,
            peak: r.peak_bytes,
            oom: r.oom,
            limit_hits: r.limit_hits,
            oom_kill: r.oom_kill,
            oom_group_kill: r.oom_group_kill,
        })
    }
}

impl From<f::CountedLimit> for v1::CountedLimit {
    fn from(limit: f::CountedLimit) -> Self {
        use v1::counted_limit::{Limit, WholeNode};
        let limit = match limit {
            f::CountedLimit::Group(group) => Some(Limit::Group(group)),
            f::CountedLimit::WholeNode => Some(Limit::WholeNode(WholeNode {})),
            f::CountedLimit::Unknown => None,
        };
        Self { limit }
    }
}

impl From<v1::CountedLimit> for f::CountedLimit {
    fn from(limit: v1::CountedLimit) -> Self {
        use v1::counted_limit::Limit;
        match limit.limit {
            Some(Limit::Group(group)) => Self::Group(group),
            Some(Limit::WholeNode(_)) => Self::WholeNode,
            None => Self::Unknown,
        }
    }
}

impl From<f::CountedKill> for v1::CountedKill {
    fn from(k: f::CountedKill) -> Self {
        Self {
            group: k.group,
            version: k.version,
            oom_kill: k.oom_kill,
            of: k.of,
            from_us: k.from_us,
            to_us: k.to_us,
            lineage: all(k.lineage),
            limit: Some(k.limit.into()),
            one_of: k.one_of,
        }
    }
}

impl TryFrom<v1::CountedKill> for f::CountedKill {
    type Error = ConvertError;

    fn try_from(k: v1::CountedKill) -> Result<Self, ConvertError> {
        Ok(Self {
            group: k.group,
            version: k.version,
            oom_kill: k.oom_kill,
            of: k.of,
            from_us: k.from_us,
            to_us: k.to_us,
            lineage: repeated("lineage", k.lineage)?,
            limit: k.limit.map(Into::into).unwrap_or_default(),
            one_of: k.one_of,
        })
    }
}
