//! Everything else a kernel log says.

use coroner_core::kernel as k;

use super::enums::{Numbered as _, known};
use super::{ConvertError, all, required};
use crate::v1;

impl From<k::Reaped> for v1::Reaped {
    fn from(e: k::Reaped) -> Self {
        let position = Some(e.position.into());
        Self { position, pid: e.pid, comm: e.comm, reaped: e.reaped, anon_rss_bytes: e.anon_rss }
    }
}

impl TryFrom<v1::Reaped> for k::Reaped {
    type Error = ConvertError;

    fn try_from(e: v1::Reaped) -> Result<Self, ConvertError> {
        let position = required("position", e.position)?;
        Ok(Self {
            position,
            pid: e.pid,
            comm: e.comm,
            reaped: e.reaped,
            anon_rss: e.anon_rss_bytes,
        })
    }
}

impl From<k::AllocationFailure> for v1::AllocationFailure {
    fn from(e: k::AllocationFailure) -> Self {
        Self {
            position: Some(e.position.into()),
            comm: e.comm,
            pid: e.pid,
            order: e.order,
            gfp_mask: e.gfp_mask,
            cpuset: e.cpuset,
            free_areas: all(e.free_areas),
            free_bytes: e.free,
            excerpt: e.excerpt,
        }
    }
}

impl TryFrom<v1::AllocationFailure> for k::AllocationFailure {
    type Error = ConvertError;

    fn try_from(e: v1::AllocationFailure) -> Result<Self, ConvertError> {
        Ok(Self {
            position: required("position", e.position)?,
            comm: e.comm,
            pid: e.pid,
            order: e.order,
            gfp_mask: e.gfp_mask,
            cpuset: e.cpuset,
            free_areas: all(e.free_areas),
            free: e.free_bytes,
            excerpt: e.excerpt,
        })
    }
}

impl From<k::SlabFailure> for v1::SlabFailure {
    fn from(e: k::SlabFailure) -> Self {
        Self {
            position: Some(e.position.into()),
            node: e.node,
            gfp_mask: e.gfp_mask,
            cache: e.cache,
            default_order: e.default_order,
            min_order: e.min_order,
        }
    }
}

impl TryFrom<v1::SlabFailure> for k::SlabFailure {
    type Error = ConvertError;

    fn try_from(e: v1::SlabFailure) -> Result<Self, ConvertError> {
        Ok(Self {
            position: required("position", e.position)?,
            node: e.node,
            gfp_mask: e.gfp_mask,
            cache: e.cache,
            default_order: e.default_order,
            min_order: e.min_order,
        })
    }
}

impl From<k::VmallocFailure> for v1::VmallocFailure {
    fn from(e: k::VmallocFailure) -> Self {
        Self {
            position: Some(e.position.into()),
            comm: e.comm,
            size_bytes: e.size,
            message: e.message,
        }
    }
}

impl TryFrom<v1::VmallocFailure> for k::VmallocFailure {
    type Error = ConvertError;

    fn try_from(e: v1::VmallocFailure) -> Result<Self, ConvertError> {
        let position = required("position", e.position)?;
        Ok(Self { position, comm: e.comm, size: e.size_bytes, message: e.message })
    }
}

impl From<k::HardwareMemoryError> for v1::HardwareMemoryError {
    fn from(e: k::HardwareMemoryError) -> Self {
        Self {
            position: Some(e.position.into()),
            pid: e.pid,
            comm: e.comm,
            pfn: e.pfn,
            message: e.message,
        }
    }
}

impl TryFrom<v1::HardwareMemoryError> for k::HardwareMemoryError {
    type Error = ConvertError;

    fn try_from(e: v1::HardwareMemoryError) -> Result<Self, ConvertError> {
        let position = required("position", e.position)?;
        Ok(Self { position, pid: e.pid, comm: e.comm, pfn: e.pfn, message: e.message })
    }
}

impl From<k::Fault> for v1::Fault {
    fn from(e: k::Fault) -> Self {
        Self {
            position: Some(e.position.into()),
            pid: e.pid,
            comm: e.comm,
            fault: e.fault,
            message: e.message,
        }
    }
}

impl TryFrom<v1::Fault> for k::Fault {
    type Error = ConvertError;

    fn try_from(e: v1::Fault) -> Result<Self, ConvertError> {
        let position = required("position", e.position)?;
        Ok(Self { position, pid: e.pid, comm: e.comm, fault: e.fault, message: e.message })
    }
}

impl From<k::UserspaceKill> for v1::UserspaceKill {
    fn from(e: k::UserspaceKill) -> Self {
        Self {
            position: Some(e.position.into()),
            killer: e.killer.number(),
            pid: e.pid,
            comm: e.comm,
            cgroup: e.cgroup,
            message: e.message,
        }
    }
}

impl TryFrom<v1::UserspaceKill> for k::UserspaceKill {
    type Error = ConvertError;

    fn try_from(e: v1::UserspaceKill) -> Result<Self, ConvertError> {
        Ok(Self {
            position: required("position", e.position)?,
            killer: known("killer", e.killer)?,
            pid: e.pid,
            comm: e.comm,
            cgroup: e.cgroup,
            message: e.message,
        })
    }
}

impl From<k::Unverified> for v1::Unverified {
    fn from(e: k::Unverified) -> Self {
        let position = Some(e.position.into());
        Self { position, facility: e.facility, pid: e.pid, message: e.message, reason: e.reason }
    }
}

impl TryFrom<v1::Unverified> for k::Unverified {
    type Error = ConvertError;

    fn try_from(e: v1::Unverified) -> Result<Self, ConvertError> {
        let position = required("position", e.position)?;
        Ok(Self {
            position,
            facility: e.facility,
            pid: e.pid,
            message: e.message,
            reason: e.reason,
        })
    }
}

impl From<k::Suppressed> for v1::Suppressed {
    fn from(e: k::Suppressed) -> Self {
        Self { position: Some(e.position.into()), function: e.function, count: e.count }
    }
}

impl TryFrom<v1::Suppressed> for k::Suppressed {
    type Error = ConvertError;

    fn try_from(e: v1::Suppressed) -> Result<Self, ConvertError> {
        Ok(Self {
            position: required("position", e.position)?,
            function: e.function,
            count: e.count,
        })
    }
}
