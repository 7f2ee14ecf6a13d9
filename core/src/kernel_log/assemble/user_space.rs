//! What user space wrote: killers speak for themselves, and whatever else reads like a kill is not believed.

use super::super::line::Line;
use super::super::message::Message;
use super::super::open::bounded;
use super::{Assembler, LONGEST_MESSAGE, Sink, single};
use crate::kernel::{KernelEvent, Unverified, UserspaceKiller};

impl Assembler {
    /// Only the kernel's word is a kill; killers in user space speak for themselves.
    pub(super) fn user_space(
        &mut self,
        line: &Line<'_>,
        text: &str,
        facility: Option<u32>,
        program: Option<&str>,
        message: &Message<'_>,
        sink: Sink<'_>,
    ) {
        let pid = match message {
            Message::Userspace { killer, .. } => {
                let own_name = match killer {
                    UserspaceKiller::SystemdOomd => "systemd-oomd",
                    UserspaceKiller::Earlyoom => "earlyoom",
                    UserspaceKiller::Oomd => "oomd",
                    UserspaceKiller::Talos => "talos",
                    UserspaceKiller::LowMemoryKiller => "kernel",
                };
                if program.is_none_or(|p| p == own_name) {
                    single::event(line, text, message).into_iter().for_each(sink);
                }
                return;
            }
            Message::Killed(killed) => Some(killed.pid),
            Message::Announced { pid, .. } => Some(*pid),
            Message::Summary(summary) => summary.pid,
            _ => return,
        };
        // A forged report has several such lines about one process.
        if pid.is_some() && pid == self.last_unverified {
            return;
        }
        self.last_unverified = pid;
        let who = program.map_or_else(
            || format!("a process wrote this record (facility {})", facility.unwrap_or_default()),
            |program| format!("the program `{program}` wrote this line"),
        );
        sink(KernelEvent::Unverified(Unverified {
            position: line.position(),
            facility,
            pid,
            message: bounded(text, LONGEST_MESSAGE).to_owned(),
            reason: format!("{who}, not the kernel"),
        }));
    }
}
