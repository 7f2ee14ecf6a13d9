//! Lines about who is killed, or why nobody is (`mm/oom_kill.c`).

use super::super::fields::{kilobytes_after, leading_number, number_after, signed_after};
use super::Message;
use crate::kernel::Scope;

/// `Killed process ..`. Sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Killed<'a> {
    /// What the words in front of it say; `None` for a bare `Killed process` of 5.0 and before.
    pub(in super::super) scope: Option<Scope>,
    pub(in super::super) pid: u32,
    pub(in super::super) comm: &'a str,
    pub(in super::super) uid: Option<u32>,
    pub(in super::super) total_vm: Option<u64>,
    pub(in super::super) anon_rss: Option<u64>,
    pub(in super::super) file_rss: Option<u64>,
    pub(in super::super) shmem_rss: Option<u64>,
    pub(in super::super) pgtables: Option<u64>,
    pub(in super::super) oom_score_adj: Option<i32>,
}

/// Longest name in bytes, every byte of it escaped.
const LONGEST_NAME: usize = 64;

pub(super) fn parse(text: &str) -> Option<Message<'_>> {
    if let Some(panic) = text.strip_prefix("Kernel panic - not syncing: ") {
        let about_memory = ["Out of memory", "out of memory", "System is deadlocked on memory"];
        return about_memory
            .iter()
            .any(|a| panic.starts_with(a))
            .then_some(Message::Panic { text: panic });
    }
    if text.starts_with("Out of memory and no killable processes") {
        return Some(Message::NoKillable);
    }
    let (scope, rest) = scope(text)?;
    if let Some(rest) = rest.strip_prefix("Killed process ") {
        return killed(scope, rest).map(Message::Killed);
    }
    if let Some(rest) =
        rest.strip_prefix("Kill process ").or_else(|| rest.strip_prefix("kill process "))
    {
        let (pid, comm, behind) = pid_and_name(rest, &[") score ", ") sharing same memory"])?;
        return behind.starts_with(") score ").then_some(Message::Announced { scope, pid, comm });
    }
    if let Some(rest) = rest.strip_prefix("OOM victim ") {
        let (pid, comm, _) = pid_and_name(rest, &[") is already exiting"])?;
        return Some(Message::AlreadyExiting { scope, pid, comm });
    }
    None
}

/// The words in front of a kill, and what follows them.
fn scope(text: &str) -> Option<(Option<Scope>, &str)> {
    const PREFIXES: [(&str, Scope); 6] = [
        ("Memory cgroup out of memory", Scope::Cgroup),
        ("Out of memory (oom_kill_allocating_task)", Scope::System),
        ("Out of memory", Scope::System),
        ("Out of Memory", Scope::System),
        ("No available memory (MPOL_BIND)", Scope::Mempolicy),
        ("No available memory in cpuset", Scope::Cpuset),
    ];
    for (prefix, scope) in PREFIXES {
        // A mailer may have eaten the blank behind the colon.
        if let Some(rest) = text.strip_prefix(prefix).and_then(|r| r.strip_prefix(':')) {
            return Some((Some(scope), rest.trim_start()));
        }
    }
    matches!(text.as_bytes(), [b'K' | b'k', b'i', b'l', b'l', ..]).then_some((None, text))
}

fn killed(scope: Option<Scope>, text: &str) -> Option<Killed<'_>> {
    let (pid, rest) = leading_number::<u32>(text)?;
    // el6 prints `123, UID 48, (httpd) total-vm:`, others `123 (httpd), UID 48, total-vm:`.
    let (uid_before, rest) = match rest.strip_prefix(", UID ") {
        Some(rest) => {
            let (uid, rest) = leading_number::<u32>(rest)?;
            (Some(uid), rest.strip_prefix(',')?)
        }
        None => (None, rest),
    };
    let rest = rest.trim_start().strip_prefix('(')?;
    // The name may hold anything, `)` too: the numbers stand behind it, so it is cut from the right.
    let sizes_at = rest.rfind("total-vm:").or_else(|| rest.rfind("vsz:"));
    let (comm, sizes) = match rest[..sizes_at.unwrap_or(rest.len())].rfind(')') {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        // Cut off, or a line break in the name: who it was stands in front of it.
        None => (rest, ""),
    };
    let comm = if comm.len() > LONGEST_NAME { &comm[..comm.find(')')?] } else { comm };
    Some(Killed {
        scope,
        pid,
        comm,
        uid: uid_before
            .or_else(|| number_after(sizes, "UID:"))
            .or_else(|| number_after(sizes, "UID ")),
        total_vm: kilobytes_after(sizes, "total-vm:").or_else(|| kilobytes_after(sizes, "vsz:")),
        anon_rss: kilobytes_after(sizes, "anon-rss:"),
        file_rss: kilobytes_after(sizes, "file-rss:"),
        shmem_rss: kilobytes_after(sizes, "shmem-rss:"),
        pgtables: kilobytes_after(sizes, "pgtables:"),
        oom_score_adj: signed_after(sizes, "oom_score_adj:"),
    })
}

/// `123 (name` up to the last of one of `ends`; gives what follows the name.
fn pid_and_name<'a>(text: &'a str, ends: &[&str]) -> Option<(u32, &'a str, &'a str)> {
    let (pid, rest) = leading_number::<u32>(text)?;
    let rest = rest.strip_prefix(" (")?;
    let end = ends.iter().find_map(|end| rest.rfind(end))?;
    Some((pid, &rest[..end], &rest[end..]))
}

pub(super) fn group(text: &str) -> Option<Message<'_>> {
    let rest = text.strip_prefix("Tasks in ")?;
    let end = rest.rfind(" are going to be killed due to memory.oom.group set")?;
    Some(Message::GroupKill { cgroup: &rest[..end] })
}

pub(super) fn reaper_or_suppressed(text: &str) -> Option<Message<'_>> {
    if let Some(rest) = text.strip_prefix("oom_reaper: reaped process ") {
        let (pid, comm, sizes) = pid_and_name(rest, &["), now anon-rss:"])?;
        return Some(Message::Reaped {
            pid,
            comm,
            reaped: true,
            anon_rss: kilobytes_after(sizes, "anon-rss:"),
        });
    }
    if let Some(rest) = text.strip_prefix("oom_reaper: unable to reap pid:") {
        let (pid, comm, _) = pid_and_name(rest, &[")"])?;
        return Some(Message::Reaped { pid, comm, reaped: false, anon_rss: None });
    }
    let (function, rest) = text.split_once(": ")?;
    let (count, rest) = leading_number::<u64>(rest)?;
    let known =
        ["oom_kill_process", "out_of_memory", "dump_header", "warn_alloc", "warn_alloc_failed"];
    (rest == " callbacks suppressed" && known.contains(&function))
        .then_some(Message::Suppressed { function, count })
}

/// A person pressed SysRq-f, or wrote `f` to `/proc/sysrq-trigger`.
pub(super) fn manual(text: &str) -> Option<Message<'_>> {
    let rest = text.strip_prefix("sysrq: ").unwrap_or(text);
    let rest = rest.strip_prefix("SysRq : ").unwrap_or(rest);
    rest.starts_with("Manual OOM execution").then_some(Message::ManualOom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kill(text: &str) -> Killed<'_> {
        match parse(text) {
            Some(Message::Killed(killed)) => killed,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn kill_lines_of_all_releases() {
        for (text, scope, pid, comm, uid, anon_kb, adj) in [
            ("Killed process 7 (a)", None, 7, "a", None, None, None),
            ("Out of Memory: Killed process 7 (a).", Some(Scope::System), 7, "a", None, None, None),
            (
                "Killed process 7 (a) vsz:1kB, anon-rss:2kB, file-rss:3kB",
                None,
                7,
                "a",
                None,
                Some(2),
                None,
            ),
            (
                "Killed process 7, UID 48, (httpd) total-vm:1kB, anon-rss:2kB, file-rss:3kB",
                None,
                7,
                "httpd",
                Some(48),
                Some(2),
                None,
            ),
            (
                "Killed process 1 (c), UID 2, total-vm:1kB, anon-rss:9kB",
                None,
                1,
                "c",
                Some(2),
                Some(9),
                None,
            ),
            (
                "Memory cgroup out of memory: Killed process 610 (a,pid=1,uid=0 )) total-vm:33880kB, anon-rss:32408kB, file-rss:4kB, shmem-rss:716kB, UID:1000 pgtables:100kB oom_score_adj:-969",
                Some(Scope::Cgroup),
                610,
                "a,pid=1,uid=0 )",
                Some(1000),
                Some(32408),
                Some(-969),
            ),
            (
                "Out of memory (oom_kill_allocating_task): Killed process 7 (a) total-vm:1kB",
                Some(Scope::System),
                7,
                "a",
                None,
                None,
                None,
            ),
        ] {
            let k = kill(text);
            assert_eq!(
                (k.scope, k.pid, k.comm, k.uid, k.anon_rss.map(|b| b / 1024), k.oom_score_adj),
                (scope, pid, comm, uid, anon_kb, adj),
                "{text}"
            );
        }
    }

    #[test]
    fn an_announcement_is_no_kill_and_sharing_memory_is_neither() {
        assert_eq!(
            parse(
                "Memory cgroup out of memory: Kill process 12 (java) score 1000 or sacrifice child"
            ),
            Some(Message::Announced { scope: Some(Scope::Cgroup), pid: 12, comm: "java" })
        );
        assert_eq!(parse("Kill process 12 (java) sharing same memory"), None);
        assert_eq!(
            parse("Out of memory: OOM victim 5 (x) y) is already exiting. Skip killing the task"),
            Some(Message::AlreadyExiting { scope: Some(Scope::System), pid: 5, comm: "x) y" })
        );
    }

    #[test]
    fn words_that_only_resemble_a_kill_are_nothing() {
        for text in [
            "Killed process",
            "Killed process x (a)",
            "Killed process 99999999999 (a)",
            "Killed process 1 a",
            "Kill process 1",
            "Killed",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
