//! Gaps, coverage and the state of sources.

use coroner_core::finding as f;

use super::enums::{Numbered as _, known};
use super::{ConvertError, time};
use crate::v1;

impl From<f::Gap> for v1::Gap {
    fn from(g: f::Gap) -> Self {
        Self {
            source: g.source.number(),
            first_lost: g.first_lost,
            lost: g.lost,
            from: g.from.map(time::to_wire),
            to: g.to.map(time::to_wire),
            reason: g.reason,
        }
    }
}

impl TryFrom<v1::Gap> for f::Gap {
    type Error = ConvertError;

    fn try_from(g: v1::Gap) -> Result<Self, ConvertError> {
        Ok(Self {
            source: known("source", g.source)?,
            first_lost: g.first_lost,
            lost: g.lost,
            from: time::from_wire("from", g.from)?,
            to: time::from_wire("to", g.to)?,
            reason: g.reason,
        })
    }
}

impl From<f::SourceStatus> for v1::SourceStatus {
    fn from(s: f::SourceStatus) -> Self {
        Self {
            source: s.source.number(),
            reading: s.reading,
            detail: s.detail,
            since: s.since.map(time::to_wire),
        }
    }
}

impl TryFrom<v1::SourceStatus> for f::SourceStatus {
    type Error = ConvertError;

    fn try_from(s: v1::SourceStatus) -> Result<Self, ConvertError> {
        Ok(Self {
            source: known("source", s.source)?,
            reading: s.reading,
            detail: s.detail,
            since: time::from_wire("since", s.since)?,
        })
    }
}

impl From<f::CoverageSpan> for v1::CoverageSpan {
    fn from(s: f::CoverageSpan) -> Self {
        Self {
            source: s.source.number(),
            from: Some(time::to_wire(s.from)),
            to: Some(time::to_wire(s.to)),
        }
    }
}

impl TryFrom<v1::CoverageSpan> for f::CoverageSpan {
    type Error = ConvertError;

    fn try_from(s: v1::CoverageSpan) -> Result<Self, ConvertError> {
        Ok(Self {
            source: known("source", s.source)?,
            from: time::required("from", s.from)?,
            to: time::required("to", s.to)?,
        })
    }
}
