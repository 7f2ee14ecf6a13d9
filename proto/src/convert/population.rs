//! Who held the memory of the node.

use coroner_core::finding as f;

use super::{ConvertError, all, optional, repeated};
use crate::v1;

impl From<f::Role> for v1::Role {
    fn from(x: f::Role) -> Self {
        Self {
            pid: x.pid,
            comm: x.comm,
            group: x.group,
            rss_bytes: x.rss,
            oom_score_adj: x.oom_score_adj,
            badness_bytes: x.badness,
        }
    }
}

impl From<v1::Role> for f::Role {
    fn from(x: v1::Role) -> Self {
        Self {
            pid: x.pid,
            comm: x.comm,
            group: x.group,
            rss: x.rss_bytes,
            oom_score_adj: x.oom_score_adj,
            badness: x.badness_bytes,
        }
    }
}

impl From<f::Inhabited> for v1::Inhabited {
    fn from(x: f::Inhabited) -> Self {
        Self {
            group: x.group,
            pod_uid: x.pod_uid,
            processes: x.processes,
            rss_bytes: x.rss,
            usage_bytes: x.usage,
            limit: x.limit.map(Into::into),
            largest: x.largest.map(Into::into),
        }
    }
}

impl TryFrom<v1::Inhabited> for f::Inhabited {
    type Error = ConvertError;

    fn try_from(x: v1::Inhabited) -> Result<Self, ConvertError> {
        Ok(Self {
            group: x.group,
            pod_uid: x.pod_uid,
            processes: x.processes,
            rss: x.rss_bytes,
            usage: x.usage_bytes,
            limit: optional("limit", x.limit)?,
            largest: x.largest.map(Into::into),
        })
    }
}

impl From<f::Population> for v1::Population {
    fn from(x: f::Population) -> Self {
        Self {
            groups: all(x.groups),
            groups_beyond: x.groups_beyond,
            pods_bytes: x.pods,
            host_bytes: x.host,
            unplaced_bytes: x.unplaced,
            unplaced_processes: x.unplaced_processes,
            total_bytes: x.total,
            trigger: x.trigger.map(Into::into),
            victim: x.victim.map(Into::into),
            hog: x.hog.map(Into::into),
        }
    }
}

impl TryFrom<v1::Population> for f::Population {
    type Error = ConvertError;

    fn try_from(x: v1::Population) -> Result<Self, ConvertError> {
        Ok(Self {
            groups: repeated("groups", x.groups)?,
            groups_beyond: x.groups_beyond,
            pods: x.pods_bytes,
            host: x.host_bytes,
            unplaced: x.unplaced_bytes,
            unplaced_processes: x.unplaced_processes,
            total: x.total_bytes,
            trigger: x.trigger.map(Into::into),
            victim: x.victim.map(Into::into),
            hog: x.hog.map(Into::into),
        })
    }
}
