//! One line of `trace_pipe`: `comm-TID [cpu] flags seconds.micros: event: what the event prints`.
//!
//! The kernel prints the task's name in 16 columns, right-aligned, before `-TID` (kernel/trace/trace_output.c,
//! `trace_print_context`). A name has 15 bytes at most, so the dash always stands at column 16, whatever the name
//! holds; only if it does not, the last dash before the bracket is taken.

use super::event::{Forked, Generated, Marked, TraceEvent};
use super::format::Layout;
use super::moved::moved;
use crate::finding::{OomMark, SignalResult};

/// The column of the dash.
const NAME_COLUMNS: usize = 16;

/// `SIGKILL`.
const SIGKILL: u32 = 9;

/// How this kernel prints the events; `None` for those that it has not, or that are not traced.
#[derive(Clone, Debug, Default)]
pub struct Layouts {
    /// Of `signal:signal_generate`.
    pub generated: Option<Layout>,
    /// Of `oom:mark_victim` (since 4.13).
    pub marked: Option<Layout>,
    /// Of `task:task_newtask` (since 3.4).
    pub forked: Option<Layout>,
    /// Of `cgroup:cgroup_attach_task` (since 4.8).
    pub moved: Option<Layout>,
}

/// What stands before the event.
pub(super) struct Head<'a> {
    comm: String,
    task: u32,
    depth: Option<u32>,
    pub(super) at_us: u64,
    event: &'a str,
    pub(super) rest: &'a str,
}

/// Where the name of the task may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// At its column only.
    InColumns,
    /// Anywhere.
    Anywhere,
}

/// What one whole line says; `None` when it is no whole line, or of no interest.
pub(super) fn parse(line: &[u8], name: Name, layouts: &Layouts) -> Option<TraceEvent> {
    if line.starts_with(b"CPU:")
        && let Some(lost) = std::str::from_utf8(line).ok().and_then(lost)
    {
        return Some(lost);
    }
    // Columns are bytes, also where these are no characters.
    let (comm, rest) = match (line.get(NAME_COLUMNS), name) {
        (Some(b'-'), _) => line.split_at(NAME_COLUMNS),
        (_, Name::Anywhere) => {
            let bracket = memchr::memmem::find(line, b" [")?;
            line.split_at(memchr::memrchr(b'-', line.get(..bracket)?)?)
        }
        (_, Name::InColumns) => return None,
    };
    let (comm, rest) = (String::from_utf8_lossy(comm), String::from_utf8_lossy(rest.get(1..)?));
    let head = head(comm.trim_start(), &rest)?;
    match head.event {
        "signal_generate" => {
            generated(&head, layouts.generated.as_ref()?).map(TraceEvent::Generated)
        }
        "mark_victim" => marked(&head, layouts.marked.as_ref()?).map(TraceEvent::Marked),
        "task_newtask" => forked(&head, layouts.forked.as_ref()?).map(TraceEvent::Forked),
        "cgroup_attach_task" => moved(&head, layouts.moved.as_ref()?).map(TraceEvent::Moved),
        _ => None,
    }
}

fn generated(head: &Head<'_>, layout: &Layout) -> Option<Generated> {
    let values = layout.read(head.rest)?;
    if values.number::<u32>("sig")? != SIGKILL {
        return None;
    }
    Some(Generated {
        at_us: head.at_us,
        sender: head.task,
        sender_comm: head.comm.clone(),
        depth: head.depth,
        code: values.number("code")?,
        receiver: values.number("pid")?,
        receiver_comm: values.text("comm").unwrap_or_default().to_owned(),
        whole_process: values.number::<u32>("group").map(|group| group != 0),
        result: match values.number::<u32>("result") {
            Some(0) => SignalResult::Delivered,
            Some(1) => SignalResult::Ignored,
            Some(2) => SignalResult::AlreadyPending,
            _ => SignalResult::Other,
        },
    })
}

fn marked(head: &Head<'_>, layout: &Layout) -> Option<Marked> {
    let values = layout.read(head.rest)?;
    Some(Marked {
        by: head.task,
        victim: values.number("pid")?,
        mark: OomMark {
            at_us: head.at_us,
            total_vm_kb: values.number("total_vm"),
            anon_rss_kb: values.number("anon_rss"),
            file_rss_kb: values.number("file_rss"),
            shmem_rss_kb: values.number("shmem_rss"),
            uid: values.number("uid"),
            pgtables_kb: values.number("pgtables"),
            oom_score_adj: values.number("oom_score_adj"),
        },
    })
}

fn forked(head: &Head<'_>, layout: &Layout) -> Option<Forked> {
    let values = layout.read(head.rest)?;
    let flags = values.text("clone_flags")?;
    let flags = u64::from_str_radix(flags.trim_start_matches("0x"), 16).ok()?;
    let (maker, child) = (head.task, values.number("pid")?);
    Some(Forked { at_us: head.at_us, maker, child, flags })
}

/// `CPU:3 [LOST 12 EVENTS]`, or `[LOST EVENTS]` where the kernel does not know how many.
fn lost(line: &str) -> Option<TraceEvent> {
    let (cpu, rest) = line.strip_prefix("CPU:")?.split_once(" [LOST ")?;
    let count = rest.strip_suffix("EVENTS]")?.trim_end();
    let events = if count.is_empty() { None } else { Some(count.parse().ok()?) };
    Some(TraceEvent::Lost { cpu: cpu.parse().ok()?, events })
}

fn head<'a>(comm: &str, rest: &'a str) -> Option<Head<'a>> {
    let (task, rest) = behind_name(rest)?;
    let (flags, rest) = rest.split_once(' ')?;
    let (time, rest) = rest.trim_start().split_once(": ")?;
    let (event, rest) = rest.split_once(": ").or_else(|| Some((rest.strip_suffix(':')?, "")))?;
    let (comm, depth) = (comm.to_owned(), depth(flags));
    Some(Head { comm, task, depth, at_us: micros(time)?, event, rest })
}

/// `TID [cpu] `, or `TID (tgid) [cpu] `; gives what comes behind.
fn behind_name(text: &str) -> Option<(u32, &str)> {
    let (task, rest) = text.split_once(' ')?;
    let task = task.parse().ok()?;
    let mut rest = rest.trim_start();
    if let Some(tgid) = rest.strip_prefix('(') {
        rest = tgid.split_once(')')?.1.trim_start();
    }
    let (cpu, rest) = rest.strip_prefix('[')?.split_once("] ")?;
    (!cpu.is_empty() && cpu.bytes().all(|b| b.is_ascii_digit())).then_some((task, rest))
}

/// The fourth flag: a digit from 1, `.` for 0. A kernel that does not count shows `.` in all events, but a signal is
/// always made under a lock: there 0 means not counted.
fn depth(flags: &str) -> Option<u32> {
    flags.chars().nth(3)?.to_digit(16).filter(|depth| *depth > 0)
}

fn micros(time: &str) -> Option<u64> {
    let (seconds, micros) = time.split_once('.')?;
    if micros.len() != 6 {
        return None;
    }
    let (seconds, micros): (u64, u64) = (seconds.parse().ok()?, micros.parse().ok()?);
    seconds.checked_mul(1_000_000)?.checked_add(micros)
}
