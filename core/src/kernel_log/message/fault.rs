//! Crashes and broken memory (`arch/x86/mm/fault.c`, `arch/*/kernel/traps.c`, `mm/memory-failure.c`, mce).

use super::super::fields::{after, leading_number};
use super::{Message, plausible_name};

/// What a crash line says behind `name[pid]`.
const FAULTS: [&str; 9] = [
    "segfault",
    "general protection fault",
    "general protection",
    "trap invalid opcode",
    "trap divide error",
    "trap int3",
    "trap stack segment",
    "trap bounds",
    "trap",
];

pub(super) fn parse(text: &str) -> Option<Message<'_>> {
    let traps = text.strip_prefix("traps: ");
    let body = traps.unwrap_or(text);
    for fault in FAULTS {
        // `NAME[PID]: segfault at ..`, `traps: NAME[PID] general protection fault ip:..`
        let Some(at) = body.find(fault) else { continue };
        let front = body[..at].trim_end_matches([' ', ':']);
        let Some((comm, pid)) = front.strip_suffix(']').and_then(|f| f.rsplit_once('[')) else {
            continue;
        };
        let Some((pid, "")) = leading_number(pid) else { continue };
        let behind = &body[at + fault.len()..];
        let known =
            behind.starts_with(" at ") || behind.contains(" ip:") || behind.contains(" sp:");
        if known && plausible_name(comm) {
            return Some(Message::Fault { comm, pid: Some(pid), fault });
        }
    }
    None
}

/// Machine checks and poisoned pages. Corrected errors kill nobody and are left out.
pub(super) fn hardware(text: &str) -> Option<Message<'_>> {
    if let Some(rest) = text.strip_prefix("Memory failure: ").or_else(|| text.strip_prefix("MCE "))
    {
        let pfn = rest.split([':', ' ']).next().filter(|p| p.starts_with("0x"));
        // `0x12345: Killing java:4121 due to hardware memory corruption`, older `MCE 0x..: Killing java:4121 due to ..`
        let (comm, pid) =
            match after(rest, "Killing ").or_else(|| after(rest, "Sending SIGBUS to ")) {
                Some(who) => {
                    let who = &who[..who.find(" due to ").unwrap_or(who.len())];
                    let (comm, pid) = who.rsplit_once(':')?;
                    (Some(comm), leading_number(pid).map(|(pid, _)| pid))
                }
                None => (None, None),
            };
        return Some(Message::Hardware { pid, comm, pfn });
    }
    let fatal = text.contains("[Hardware Error]:")
        && (text.contains("Uncorrected")
            || text.contains("uncorrected")
            || text.contains("Machine check events logged"))
        && !text.contains("orrected error, no action")
        && (text.contains("emory") || text.contains("MEM"));
    fatal.then_some(Message::Hardware { pid: None, comm: None, pfn: None })
}
