//! `HardwareMemoryError`: the kernel killed a process over a page of broken memory, or took such a page away.
//!
//! *Needs* the kernel's own line about it. It names the process only where it killed one; a pid confirms it.

use super::claim::{Claim, Rule};
use super::facts::{Event, Facts};
use super::words::{clock, process};
use crate::incident::{Cause, Confidence};

pub(super) const RULE: Rule = Rule { cause: Cause::HardwareMemoryError, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let Event::Hardware(error) = facts.event else { return None };
    let page = error.pfn.as_ref().map_or_else(String::new, |pfn| format!(" (page frame {pfn})"));
    let at = clock(facts.at);
    let (confidence, summary, sentence) = match error.pid {
        Some(pid) => {
            let who = process(pid, error.comm.as_deref().unwrap_or_default());
            (
                Confidence::Confirmed,
                format!("{who} was killed because the memory it used is broken"),
                format!(
                    "The kernel killed {who} with SIGBUS at {at}: a page it used is broken{page}."
                ),
            )
        }
        None => (
            Confidence::Likely,
            "the kernel took a broken page of memory out of use".to_owned(),
            format!(
                "The kernel found a broken page at {at}{page} and took it out of use; no process is named."
            ),
        ),
    };
    Some(Claim {
        confidence,
        summary,
        because: vec![sentence, "This is the machine's fault, not the program's, nor any limit's.".to_owned()],
        remedies: vec![
            "Drain the node and have its memory tested and replaced (rasdaemon or edac-util name the module).".to_owned(),
        ],
        missing: Vec::new(), ..Claim::default() })
}
