//! What the signal trace saw: the signal, and who stood behind it.

use super::MOST;
use crate::finding::{Process, Sigkill, SignalResult, Source};
use crate::incident::Evidence;
use crate::verdict::facts::Facts;

/// One line for each SIGKILL.
pub(super) fn lines(facts: &Facts<'_>) -> Vec<Evidence> {
    let witnesses = facts.witnesses;
    let all: Vec<_> = witnesses.marked.iter().chain(&witnesses.kills).collect();
    let mut lines: Vec<Evidence> = all
        .iter()
        .take(MOST)
        .map(|(finding, sigkill)| Evidence {
            source: Source::SignalTrace.to_string(),
            detail: signal(sigkill),
            time: Some(finding.time),
        })
        .collect();
    if all.len() > MOST {
        lines.push(Evidence {
            source: Source::SignalTrace.to_string(),
            detail: format!("and {} more SIGKILLs", all.len() - MOST),
            time: None,
        });
    }
    lines
}

/// `SIGKILL (code 0) for pid 4121 java from kill[812] <- bash[800] <- sshd[790] in /system.slice/ssh.service`.
fn signal(sigkill: &Sigkill) -> String {
    let mark = if sigkill.oom_mark.is_some() { ", OOM mark" } else { "" };
    let receiver = &sigkill.receiver;
    let main = match sigkill.receiver_is_main {
        Some(true) => ", the container's main process",
        Some(false) | None => "",
    };
    let came = match sigkill.result {
        SignalResult::Ignored => ", ignored: it was dying already",
        SignalResult::AlreadyPending => ", already pending",
        SignalResult::Delivered | SignalResult::Other => "",
    };
    // While the OOM killer runs, whoever asked for memory is the task that runs; it sent nothing.
    let from = if sigkill.oom_mark.is_some() {
        String::new()
    } else {
        format!(" from {}", chain(sigkill))
    };
    format!(
        "SIGKILL (code {}{mark}) for pid {} {}{main}{came}{from}",
        sigkill.code, receiver.pid, receiver.comm
    )
}

/// `kill[812] <- bash[800] <- sshd[790] in /system.slice/ssh.service`.
pub(in crate::verdict) fn chain(sigkill: &Sigkill) -> String {
    let name = |process: &Process| format!("{}[{}]", process.comm, process.pid);
    let mut chain = name(&sigkill.sender);
    for ancestor in sigkill.ancestors.iter().take(MOST) {
        chain.push_str(" <- ");
        chain.push_str(&name(ancestor));
    }
    if let Some(cgroup) = &sigkill.sender.cgroup {
        chain.push_str(" in ");
        chain.push_str(cgroup);
    }
    chain
}
