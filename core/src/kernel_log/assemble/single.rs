//! Events that one line tells whole.

use super::super::line::Line;
use super::super::message::Message;
use super::super::open::bounded;
use super::LONGEST_MESSAGE;
use crate::kernel::{
    Fault, HardwareMemoryError, KernelEvent, Suppressed, UserspaceKill, VmallocFailure,
};

/// What the line says, if it is one of those.
pub(super) fn event(line: &Line<'_>, text: &str, message: &Message<'_>) -> Option<KernelEvent> {
    let position = line.position();
    let whole = || bounded(text, LONGEST_MESSAGE).to_owned();
    let owned = |name: &Option<&str>| name.map(str::to_owned);
    Some(match message {
        Message::Suppressed { function, count } => KernelEvent::Suppressed(Suppressed {
            position,
            function: (*function).to_owned(),
            count: *count,
        }),
        Message::Vmalloc { comm, size } => KernelEvent::VmallocFailure(VmallocFailure {
            position,
            comm: owned(comm),
            size: *size,
            message: whole(),
        }),
        Message::Hardware { pid, comm, pfn } => {
            KernelEvent::HardwareMemoryError(HardwareMemoryError {
                position,
                pid: *pid,
                comm: owned(comm),
                pfn: owned(pfn),
                message: whole(),
            })
        }
        Message::Fault { comm, pid, fault } => KernelEvent::Fault(Fault {
            position,
            pid: *pid,
            comm: (*comm).to_owned(),
            fault: (*fault).to_owned(),
            message: whole(),
        }),
        Message::Userspace { killer, pid, comm, cgroup } => {
            KernelEvent::UserspaceKill(UserspaceKill {
                position,
                killer: *killer,
                pid: *pid,
                comm: comm.as_deref().map(str::to_owned),
                cgroup: cgroup.as_deref().map(str::to_owned),
                message: whole(),
            })
        }
        _ => return None,
    })
}
