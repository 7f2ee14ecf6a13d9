//! What is reserved for the host, and what it uses.

use coroner_core::finding as f;

use super::enums::{Numbered, known};
use super::{ConvertError, all, optional, repeated, required};
use crate::v1;

impl From<f::Reservation> for v1::Reservation {
    fn from(x: f::Reservation) -> Self {
        Self { kube_bytes: x.kube, system_bytes: x.system, enforced_bytes: x.enforced }
    }
}

impl From<v1::Reservation> for f::Reservation {
    fn from(x: v1::Reservation) -> Self {
        Self { kube: x.kube_bytes, system: x.system_bytes, enforced: x.enforced_bytes }
    }
}

impl From<f::GroupUse> for v1::GroupUse {
    fn from(x: f::GroupUse) -> Self {
        Self {
            group: x.group,
            usage_bytes: x.usage,
            held_bytes: x.held,
            limit: x.limit.map(Into::into),
        }
    }
}

impl TryFrom<v1::GroupUse> for f::GroupUse {
    type Error = ConvertError;

    fn try_from(x: v1::GroupUse) -> Result<Self, ConvertError> {
        Ok(Self {
            group: x.group,
            usage: x.usage_bytes,
            held: x.held_bytes,
            limit: optional("limit", x.limit)?,
        })
    }
}

impl From<f::ProcessUse> for v1::ProcessUse {
    fn from(x: f::ProcessUse) -> Self {
        Self { pid: x.pid, comm: x.comm, group: x.group, rss_bytes: x.rss }
    }
}

impl From<v1::ProcessUse> for f::ProcessUse {
    fn from(x: v1::ProcessUse) -> Self {
        Self { pid: x.pid, comm: x.comm, group: x.group, rss: x.rss_bytes }
    }
}

impl From<f::KernelMemory> for v1::KernelMemory {
    fn from(x: f::KernelMemory) -> Self {
        Self {
            slab_unreclaimable_bytes: x.slab_unreclaimable,
            page_tables_bytes: x.page_tables,
            stacks_bytes: x.stacks,
            percpu_bytes: x.percpu,
            huge_pages_bytes: x.huge_pages,
        }
    }
}

impl From<v1::KernelMemory> for f::KernelMemory {
    fn from(x: v1::KernelMemory) -> Self {
        Self {
            slab_unreclaimable: x.slab_unreclaimable_bytes,
            page_tables: x.page_tables_bytes,
            stacks: x.stacks_bytes,
            percpu: x.percpu_bytes,
            huge_pages: x.huge_pages_bytes,
        }
    }
}

impl From<f::MostOutside> for v1::MostOutside {
    fn from(x: f::MostOutside) -> Self {
        Self { bytes: x.bytes, seconds: x.seconds }
    }
}

impl From<v1::MostOutside> for f::MostOutside {
    fn from(x: v1::MostOutside) -> Self {
        Self { bytes: x.bytes, seconds: x.seconds }
    }
}

impl From<f::Headroom> for v1::Headroom {
    fn from(x: f::Headroom) -> Self {
        Self {
            occasion: x.occasion.number(),
            capacity_bytes: x.capacity,
            available_bytes: x.available,
            pods: x.pods.map(Into::into),
            reservation: Some(x.reservation.into()),
            outside_bytes: x.outside,
            kernel: Some(x.kernel.into()),
            shmem_bytes: x.shmem,
            groups: all(x.groups),
            processes: all(x.processes),
            most: x.most.map(Into::into),
            concerns: x.concerns.into_iter().map(Numbered::number).collect(),
        }
    }
}

impl TryFrom<v1::Headroom> for f::Headroom {
    type Error = ConvertError;

    fn try_from(x: v1::Headroom) -> Result<Self, ConvertError> {
        Ok(Self {
            occasion: known("occasion", x.occasion)?,
            capacity: x.capacity_bytes,
            available: x.available_bytes,
            pods: optional("pods", x.pods)?,
            reservation: required("reservation", x.reservation)?,
            outside: x.outside_bytes,
            kernel: required("kernel", x.kernel)?,
            shmem: x.shmem_bytes,
            groups: repeated("groups", x.groups)?,
            processes: all(x.processes),
            most: x.most.map(Into::into),
            concerns: x
                .concerns
                .into_iter()
                .map(|number| known("concerns", number))
                .collect::<Result<_, _>>()?,
        })
    }
}
