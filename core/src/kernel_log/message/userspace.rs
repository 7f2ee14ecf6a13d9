//! What killers in user space write about themselves. None of it is the kernel's word; the sentences are theirs:
//! systemd-oomd (`src/oom/oomd-util.c`, `oomd-manager.c`), earlyoom (`kill.c`), Talos' OOM controller, Meta's oomd
//! (`Log.cpp`, which writes to `/dev/kmsg`), Android's lowmemorykiller (a kernel driver, up to 4.11).

use std::borrow::Cow;

use super::super::fields::{after, between, leading_number, number_after};
use super::Message;
use crate::kernel::UserspaceKiller;

pub(super) fn parse(text: &str) -> Option<Message<'_>> {
    systemd_oomd(text).or_else(|| earlyoom(text)).or_else(|| oomd(text)).or_else(|| android(text))
}

/// `[talos] Sending SIGKILL to cgroup {"component": .., "cgroup": "/sys/fs/cgroup/kubepods/burstable/pod<uid>", ..}`
pub(super) fn bracketed(text: &str) -> Option<Message<'_>> {
    let rest = text.strip_prefix("[talos] ")?;
    rest.starts_with("Sending SIGKILL to cgroup").then_some(())?;
    let cgroup = between(rest, "\"cgroup\": \"", "\"")
        .map(|path| path.strip_prefix("/sys/fs/cgroup").unwrap_or(path));
    Some(Message::Userspace {
        killer: UserspaceKiller::Talos,
        pid: None,
        comm: None,
        cgroup: cgroup.map(Cow::Borrowed),
    })
}

/// `Marked PATH for killing due to memory pressure for ..`, older `Killed PATH due to ..`.
fn systemd_oomd(text: &str) -> Option<Message<'_>> {
    let (rest, end) = match text.strip_prefix("Marked ") {
        Some(rest) => (rest, rest.find(" for killing")?),
        None => {
            let rest = text.strip_prefix("Killed /")?;
            let rest = &text[text.len() - rest.len() - 1..];
            (rest, rest.find(" due to memory ")?)
        }
    };
    after(rest, " due to memory ")
        .filter(|r| r.starts_with("pressure") || r.starts_with("used"))?;
    let cgroup = Some(Cow::Borrowed(&rest[..end]));
    Some(Message::Userspace { killer: UserspaceKiller::SystemdOomd, pid: None, comm: None, cgroup })
}

/// `sending SIGTERM to process 1234 uid 1000 "java": oom_score 900, ..`; SIGKILL follows when it does not go.
fn earlyoom(text: &str) -> Option<Message<'_>> {
    let rest = text
        .strip_prefix("sending SIGKILL to process ")
        .or_else(|| text.strip_prefix("sending SIGTERM to process "))?;
    let (pid, rest) = leading_number(rest)?;
    let comm = rest
        .find('"')
        .zip(rest.rfind('"'))
        .filter(|(a, b)| a < b)
        .map(|(a, b)| Cow::Borrowed(&rest[a + 1..b]));
    Some(Message::Userspace {
        killer: UserspaceKiller::Earlyoom,
        pid: Some(pid),
        comm,
        cgroup: None,
    })
}

/// `oomd kill: 12.3 4.5 6.7 workload.slice/job.service 123456 ruleset:[..] ..`
fn oomd(text: &str) -> Option<Message<'_>> {
    let rest = text.strip_prefix("oomd kill: ")?;
    let cgroup = rest.split(' ').find(|word| word.parse::<f64>().is_err());
    Some(Message::Userspace {
        killer: UserspaceKiller::Oomd,
        pid: None,
        comm: None,
        cgroup: cgroup.map(Cow::Borrowed),
    })
}

/// `lowmemorykiller: Killing 'NAME' (PID), adj N,`
fn android(text: &str) -> Option<Message<'_>> {
    let rest = text.strip_prefix("lowmemorykiller: Killing '")?;
    let end = rest.rfind("' (")?;
    let pid = number_after(&rest[end..], "' (");
    let comm = Some(Cow::Borrowed(&rest[..end]));
    Some(Message::Userspace { killer: UserspaceKiller::LowMemoryKiller, pid, comm, cgroup: None })
}
