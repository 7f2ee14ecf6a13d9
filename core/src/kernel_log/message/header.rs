//! Lines that say who asked and whose limit was hit (`mm/oom_kill.c`, `mm/memcontrol.c`).

use super::super::fields::{after, between, leading_number, number_after, signed_after};
use super::{Message, Summary, name_before};

pub(super) fn invoked(text: &str) -> Option<Message<'_>> {
    const MARKER: &str = " invoked oom-killer:";
    // A task may have no name at all; then the line begins with the blank behind it, or without.
    let (comm, rest) = match text.strip_prefix(MARKER.trim_start()) {
        Some(rest) => ("", rest),
        None => {
            let comm = name_before(text, MARKER)?;
            (comm, &text[comm.len() + MARKER.len()..])
        }
    };
    Some(Message::Invoked {
        comm,
        gfp_mask: gfp_mask(rest, "gfp_mask="),
        order: signed_after(rest, "order="),
        oom_score_adj: signed_after(rest, "oom_score_adj="),
        nodemask: between(rest, "nodemask=", ", "),
    })
}

/// `0xcc0(GFP_KERNEL)`: the flags may hold `|` but neither comma nor blank.
pub(super) fn gfp_mask<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let rest = after(text, key)?;
    let end = rest.find([',', ' ']).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

pub(super) fn cpu(text: &str) -> Option<Message<'_>> {
    // `CPU: 0 UID: 0 PID: 27790 Comm: java Not tainted ..` or, up to 3.8, `Pid: 1234, comm: java Not tainted ..`.
    let (pid, rest) = if let Some(rest) = text.strip_prefix("Pid: ") {
        let (pid, rest) = leading_number(rest)?;
        (pid, rest.strip_prefix(", comm: ")?)
    } else {
        let rest = after(text.strip_prefix("CPU: ")?, "PID: ")?;
        let (pid, rest) = leading_number(rest)?;
        (pid, rest.strip_prefix(" Comm: ")?)
    };
    let end = rest.rfind(" Not tainted").or_else(|| rest.rfind(" Tainted: "))?;
    Some(Message::Cpu { pid, comm: &rest[..end] })
}

pub(super) fn task_in(text: &str) -> Option<Message<'_>> {
    const MARKER: &str = " killed as a result of limit of ";
    let rest = text.strip_prefix("Task in ")?;
    let at = rest.find(MARKER)?;
    Some(Message::TaskIn { task: &rest[..at], limit: rest[at + MARKER.len()..].trim_end() })
}

pub(super) fn stats_or_limit(text: &str) -> Option<Message<'_>> {
    if let Some(limit) = text.strip_prefix("Memory limit reached of cgroup ") {
        return Some(Message::LimitReached { limit: limit.trim_end() });
    }
    let rest = text
        .strip_prefix("Memory cgroup stats for ")
        .or_else(|| text.strip_prefix("Memory cgroup stats:"))?;
    // Up to 5.2 the numbers follow on the same line; a path may hold a colon, so it ends at the last one before them.
    let end = match rest.find(": cache:") {
        Some(at) => at,
        None => rest.trim_end().strip_suffix(':').map_or(rest.len(), str::len),
    };
    Some(Message::StatsHeader {
        cgroup: &rest[..end],
        inline: rest[end..].trim_start_matches([':', ' ']),
    })
}

pub(super) fn summary(text: &str) -> Option<Message<'_>> {
    const MARKER: &str = ",mems_allowed=";
    let rest = text.strip_prefix("oom-kill:constraint=")?;
    let (constraint, rest) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
    let mut summary = Summary {
        constraint: Some(constraint),
        nodemask: between(rest, "nodemask=", ",cpuset="),
        ..Summary::default()
    };
    // The cpuset's name stands in front of this and may hold anything but a slash; whose memory it was follows.
    let groups = rest.find(MARKER).map_or(rest, |at| &rest[at + MARKER.len()..]);
    let end =
        [",global_oom", ",oom_memcg=", ",task_memcg="].iter().filter_map(|m| groups.find(m)).min();
    summary.mems_allowed = Some(&groups[..end.unwrap_or(groups.len())]);
    groups_of(end.map_or("", |end| &groups[end..]), &mut summary);
    Some(Message::Summary(summary))
}

/// The second half of a summary that early 5.0 kernels split in two records.
pub(super) fn summary_rest(text: &str) -> Option<Message<'_>> {
    if !text.starts_with(",global_oom")
        && !text.starts_with(",oom_memcg=")
        && !text.starts_with(",task_memcg=")
    {
        return None;
    }
    let mut summary = Summary::default();
    groups_of(text, &mut summary);
    Some(Message::Summary(summary))
}

/// Reads `,global_oom,task_memcg=Q,task=T,pid=N,uid=N` or `,oom_memcg=P,task_memcg=Q,..` from the right: P, Q and T are
/// names that others chose and may hold the very keys.
fn groups_of<'a>(text: &'a str, summary: &mut Summary<'a>) {
    let mut rest = text;
    if let Some((front, uid)) = cut_number(rest, ",uid=") {
        summary.complete = true;
        summary.uid = Some(uid);
        rest = front;
        if let Some((front, pid)) = cut_number(rest, ",pid=") {
            summary.pid = Some(pid);
            rest = front;
        }
    } else if let Some((front, pid)) = cut_number(rest, ",pid=") {
        summary.pid = Some(pid);
        rest = front;
    }
    let rest = if let Some(rest) = rest.strip_prefix(",global_oom") {
        summary.global = true;
        rest
    } else if let Some(rest) = rest.strip_prefix(",oom_memcg=") {
        let at = task_memcg_at(rest);
        summary.oom_memcg = Some(&rest[..at.unwrap_or(rest.len())]);
        at.map_or("", |at| &rest[at..])
    } else {
        rest
    };
    let Some(rest) = rest.strip_prefix(",task_memcg=") else { return };
    // Without the pid the line is cut somewhere in the path or the name.
    let split = summary.pid.and_then(|_| task_at(rest));
    summary.task_memcg = Some(split.map_or(rest, |at| &rest[..at]));
    summary.task = split.map(|at| &rest[at + ",task=".len()..]);
}

/// `text` as (front, number), where the number stands behind the last `key` and reaches to the end.
fn cut_number<'a>(text: &'a str, key: &str) -> Option<(&'a str, u32)> {
    let at = text.rfind(key)?;
    let (number, rest) = leading_number(&text[at + key.len()..])?;
    rest.trim_end().is_empty().then_some((&text[..at], number))
}

/// The victim's group lies in the group whose limit was hit, so its path begins with that one's.
fn task_memcg_at(rest: &str) -> Option<usize> {
    const KEY: &str = ",task_memcg=";
    const MOST_TRIES: usize = 16;
    let places = || rest.match_indices(KEY).take(MOST_TRIES).map(|(at, _)| at);
    places().find(|&at| rest[at + KEY.len()..].starts_with(&rest[..at])).or_else(|| places().next())
}

/// The first `,task=` behind which a name can stand: at most 15 bytes, more where they are escaped.
fn task_at(rest: &str) -> Option<usize> {
    rest.match_indices(",task=")
        .map(|(at, key)| (at, &rest[at + key.len()..]))
        .find_map(|(at, name)| super::plausible_name(name).then_some(at))
        .or_else(|| rest.rfind(",task="))
}

/// With the victim's name known, `Q,task=NAME` is split for certain.
pub(super) fn split_task<'a>(tail: &'a str, comm: &str) -> Option<&'a str> {
    tail.strip_suffix(comm)?.strip_suffix(",task=")
}

/// The numbers of one `usage` line, in bytes.
pub(super) fn usage(text: &str) -> crate::kernel::Usage {
    use super::super::fields::kilobytes_after;
    crate::kernel::Usage {
        usage: kilobytes_after(text, "usage "),
        limit: kilobytes_after(text, "limit ").map(crate::kernel::Limit::from_bytes),
        failcnt: number_after(text, "failcnt "),
    }
}
