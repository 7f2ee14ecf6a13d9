//! A kernel event: which of them, boxed where it is large.

use coroner_core::kernel as k;

use super::{ConvertError, required};
use crate::v1;

impl From<k::KernelEvent> for v1::KernelEvent {
    fn from(event: k::KernelEvent) -> Self {
        use v1::kernel_event::Event as W;
        Self {
            event: Some(match event {
                k::KernelEvent::Oom(e) => W::Oom(Box::new((*e).into())),
                k::KernelEvent::OomVictim(e) => W::OomVictim(Box::new((*e).into())),
                k::KernelEvent::Reaped(e) => W::Reaped(e.into()),
                k::KernelEvent::AllocationFailure(e) => W::AllocationFailure(Box::new((*e).into())),
                k::KernelEvent::SlabFailure(e) => W::SlabFailure(e.into()),
                k::KernelEvent::VmallocFailure(e) => W::VmallocFailure(e.into()),
                k::KernelEvent::HardwareMemoryError(e) => W::HardwareMemoryError(e.into()),
                k::KernelEvent::Fault(e) => W::Fault(e.into()),
                k::KernelEvent::UserspaceKill(e) => W::UserspaceKill(e.into()),
                k::KernelEvent::Unverified(e) => W::Unverified(e.into()),
                k::KernelEvent::Suppressed(e) => W::Suppressed(e.into()),
            }),
        }
    }
}

impl TryFrom<v1::KernelEvent> for k::KernelEvent {
    type Error = ConvertError;

    fn try_from(event: v1::KernelEvent) -> Result<Self, ConvertError> {
        use v1::kernel_event::Event as W;
        Ok(match event.event {
            Some(W::Oom(e)) => Self::Oom(Box::new(required("oom", Some(*e))?)),
            Some(W::OomVictim(e)) => Self::OomVictim(Box::new(required("oom_victim", Some(*e))?)),
            Some(W::Reaped(e)) => Self::Reaped(required("reaped", Some(e))?),
            Some(W::AllocationFailure(e)) => {
                Self::AllocationFailure(Box::new(required("allocation_failure", Some(*e))?))
            }
            Some(W::SlabFailure(e)) => Self::SlabFailure(required("slab_failure", Some(e))?),
            Some(W::VmallocFailure(e)) => {
                Self::VmallocFailure(required("vmalloc_failure", Some(e))?)
            }
            Some(W::HardwareMemoryError(e)) => {
                Self::HardwareMemoryError(required("hardware_memory_error", Some(e))?)
            }
            Some(W::Fault(e)) => Self::Fault(required("fault", Some(e))?),
            Some(W::UserspaceKill(e)) => Self::UserspaceKill(required("userspace_kill", Some(e))?),
            Some(W::Unverified(e)) => Self::Unverified(required("unverified", Some(e))?),
            Some(W::Suppressed(e)) => Self::Suppressed(required("suppressed", Some(e))?),
            None => {
                return Err(ConvertError {
                    field: "event".to_owned(),
                    problem: "holds nothing this version knows".to_owned(),
                });
            }
        })
    }
}
