//! What an incident says of the pod's owner, of the signal's sender, and of what was said before.

use coroner_core::incident as i;

use super::enums::{Numbered as _, known};
use super::{ConvertError, time};
use crate::v1;

impl From<i::OwnerRef> for v1::Owner {
    fn from(o: i::OwnerRef) -> Self {
        Self { kind: o.kind, name: o.name }
    }
}

impl From<v1::Owner> for i::OwnerRef {
    fn from(o: v1::Owner) -> Self {
        Self { kind: o.kind, name: o.name }
    }
}

impl From<i::SigkillFacts> for v1::SigkillFacts {
    fn from(s: i::SigkillFacts) -> Self {
        Self {
            sender_pid: s.sender_pid,
            sender_comm: s.sender_comm,
            sender_cgroup: s.sender_cgroup,
            sender_is: s.sender_is,
            code: s.code,
        }
    }
}

impl From<v1::SigkillFacts> for i::SigkillFacts {
    fn from(s: v1::SigkillFacts) -> Self {
        Self {
            sender_pid: s.sender_pid,
            sender_comm: s.sender_comm,
            sender_cgroup: s.sender_cgroup,
            sender_is: s.sender_is,
            code: s.code,
        }
    }
}

impl From<i::EarlierEnd> for v1::EarlierEnd {
    fn from(e: i::EarlierEnd) -> Self {
        Self {
            restart_count: e.restart_count,
            exit_code: e.exit_code,
            reason: e.reason,
            finished_at: e.finished_at.map(time::to_wire),
            incident: e.incident.map(|id| id.0),
            cause: e.cause.map_or(v1::Cause::Unspecified.into(), i::Cause::number),
        }
    }
}

impl TryFrom<v1::EarlierEnd> for i::EarlierEnd {
    type Error = ConvertError;

    fn try_from(e: v1::EarlierEnd) -> Result<Self, ConvertError> {
        Ok(Self {
            restart_count: e.restart_count,
            exit_code: e.exit_code,
            reason: e.reason,
            finished_at: time::from_wire("finished_at", e.finished_at)?,
            incident: e.incident.map(i::IncidentId),
            cause: match e.cause {
                0 => None,
                number => Some(known("cause", number)?),
            },
        })
    }
}

impl From<i::RevisedFrom> for v1::RevisedFrom {
    fn from(r: i::RevisedFrom) -> Self {
        Self {
            cause: r.cause.number(),
            outcome: r.outcome.map_or(v1::Outcome::Unspecified.into(), i::Outcome::number),
            confidence: r.confidence.number(),
            at: Some(time::to_wire(r.at)),
            why: r.why,
        }
    }
}

impl TryFrom<v1::RevisedFrom> for i::RevisedFrom {
    type Error = ConvertError;

    fn try_from(r: v1::RevisedFrom) -> Result<Self, ConvertError> {
        Ok(Self {
            cause: known("cause", r.cause)?,
            outcome: match r.outcome {
                0 => None,
                number => Some(known("outcome", number)?),
            },
            confidence: known("confidence", r.confidence)?,
            at: time::required("at", r.at)?,
            why: r.why,
        })
    }
}
