//! Whether a kill can be excluded.

use coroner_core::absence as a;
use coroner_core::spans::Span;

use super::enums::{Numbered as _, known};
use super::{ConvertError, all, repeated, time};
use crate::v1;

impl From<Span> for v1::Span {
    fn from(s: Span) -> Self {
        Self { from: Some(time::to_wire(s.from)), to: Some(time::to_wire(s.to)) }
    }
}

impl TryFrom<v1::Span> for Span {
    type Error = ConvertError;

    fn try_from(s: v1::Span) -> Result<Self, ConvertError> {
        let (from, to) = (time::required("from", s.from)?, time::required("to", s.to)?);
        Self::new(from, to).ok_or_else(|| ConvertError {
            field: "to".to_owned(),
            problem: format!("is {to}, which is before `from`, {from}"),
        })
    }
}

impl From<a::Witness> for v1::Witness {
    fn from(w: a::Witness) -> Self {
        Self { source: w.source.number(), holes: all(w.holes) }
    }
}

impl TryFrom<v1::Witness> for a::Witness {
    type Error = ConvertError;

    fn try_from(w: v1::Witness) -> Result<Self, ConvertError> {
        Ok(Self { source: known("source", w.source)?, holes: repeated("holes", w.holes)? })
    }
}

impl From<a::Absence> for v1::Absence {
    fn from(a: a::Absence) -> Self {
        Self {
            verdict: a.verdict.number(),
            confidence: a.confidence.number(),
            from: Some(time::to_wire(a.from)),
            to: Some(time::to_wire(a.to)),
            kills: a.kills,
            witnesses: all(a.witnesses),
            sentence: a.sentence,
        }
    }
}

impl TryFrom<v1::Absence> for a::Absence {
    type Error = ConvertError;

    fn try_from(a: v1::Absence) -> Result<Self, ConvertError> {
        Ok(Self {
            verdict: known("verdict", a.verdict)?,
            confidence: known("confidence", a.confidence)?,
            from: time::required("from", a.from)?,
            to: time::required("to", a.to)?,
            kills: a.kills,
            witnesses: repeated("witnesses", a.witnesses)?,
            sentence: a.sentence,
        })
    }
}
