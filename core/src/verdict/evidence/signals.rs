//! What the signal trace saw: the signal, and who stood behind it.

use super::MOST;
use crate::finding::{Process, Sigkill, SignalResult, Source};
use crate::incident::{Evidence, SigkillFacts};
use crate::signal::{Origin, origin};
use crate::verdict::facts::Facts;
use crate::verdict::words::is_forgotten;

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
    let name = |process: &Process| {
        let comm = if is_forgotten(&process.comm) { "(name not known)" } else { &process.comm };
        format!("{comm}[{}]", process.pid)
    };
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

/// Who sent the SIGKILL that decided it: the OOM killer's to the first victim, else the one that matters.
pub(in crate::verdict) fn sender(facts: &Facts<'_>) -> Option<SigkillFacts> {
    let marked = facts.witnesses.marked.first();
    let (_, sigkill) = marked.copied().or(facts.kill)?;
    Some(SigkillFacts {
        sender_pid: sigkill.sender.pid,
        sender_comm: sigkill.sender.comm.clone(),
        sender_cgroup: sigkill.sender.cgroup.clone(),
        sender_is: word(origin(sigkill)).to_owned(),
        code: sigkill.code,
    })
}

/// The word for programs.
fn word(origin: Origin) -> &'static str {
    match origin {
        Origin::KernelOom => "kernel-oom",
        Origin::PidNamespaceEnd => "pid-namespace-end",
        Origin::CpuTimeLimit => "cpu-time-limit",
        Origin::Kernel => "kernel",
        Origin::ParentDeath => "parent-death",
        Origin::Runtime => "runtime",
        Origin::Kubelet => "kubelet",
        Origin::UserspaceOomKiller(_) => "userspace-oom-killer",
        Origin::Host => "host",
        Origin::OtherContainer => "other-container",
        Origin::SameContainer => "same-container",
        Origin::Itself => "itself",
        Origin::Unknown => "unknown",
    }
}
