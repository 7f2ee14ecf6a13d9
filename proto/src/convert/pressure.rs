//! Time lost to pressure.

use coroner_core::finding as f;

use super::enums::{Numbered as _, known};
use super::{ConvertError, all};
use crate::v1;

impl From<f::Stall> for v1::Stall {
    fn from(x: f::Stall) -> Self {
        Self { avg10: x.avg10, avg60: x.avg60, avg300: x.avg300, total_us: x.total_us }
    }
}

impl From<v1::Stall> for f::Stall {
    fn from(x: v1::Stall) -> Self {
        Self { avg10: x.avg10, avg60: x.avg60, avg300: x.avg300, total_us: x.total_us }
    }
}

impl From<f::StallBefore> for v1::StallBefore {
    fn from(x: f::StallBefore) -> Self {
        Self { window_us: x.window_us, some_us: x.some_us, full_us: x.full_us }
    }
}

impl From<v1::StallBefore> for f::StallBefore {
    fn from(x: v1::StallBefore) -> Self {
        Self { window_us: x.window_us, some_us: x.some_us, full_us: x.full_us }
    }
}

impl From<f::ResourcePressure> for v1::ResourcePressure {
    fn from(x: f::ResourcePressure) -> Self {
        Self {
            some: x.some.map(Into::into),
            full: x.full.map(Into::into),
            before: x.before.map(Into::into),
        }
    }
}

impl From<v1::ResourcePressure> for f::ResourcePressure {
    fn from(x: v1::ResourcePressure) -> Self {
        Self {
            some: x.some.map(Into::into),
            full: x.full.map(Into::into),
            before: x.before.map(Into::into),
        }
    }
}

impl From<f::GroupPressure> for v1::GroupPressure {
    fn from(x: f::GroupPressure) -> Self {
        Self {
            group: x.group,
            memory: x.memory.map(Into::into),
            cpu: x.cpu.map(Into::into),
            io: x.io.map(Into::into),
        }
    }
}

impl From<v1::GroupPressure> for f::GroupPressure {
    fn from(x: v1::GroupPressure) -> Self {
        Self {
            group: x.group,
            memory: x.memory.map(Into::into),
            cpu: x.cpu.map(Into::into),
            io: x.io.map(Into::into),
        }
    }
}

impl From<f::Pressure> for v1::Pressure {
    fn from(x: f::Pressure) -> Self {
        Self { occasion: x.occasion.number(), groups: all(x.groups) }
    }
}

impl TryFrom<v1::Pressure> for f::Pressure {
    type Error = ConvertError;

    fn try_from(x: v1::Pressure) -> Result<Self, ConvertError> {
        Ok(Self { occasion: known("occasion", x.occasion)?, groups: all(x.groups) })
    }
}
