//! What one kernel line says, whatever stood before it.
//!
//! Lines are recognised from their beginning (a kernel line that is quoted elsewhere is an echo), except those that
//! begin with the name of a process. The wording of every release since 2.6 is in the files beside this one; what a
//! release left out is `None`.

mod failure;
mod fault;
mod header;
mod kill;
mod memory;
mod table;
mod userspace;

use std::borrow::Cow;

use crate::kernel::{FreeArea, Scope, Usage, UserspaceKiller};

pub(super) use kill::Killed;
pub(super) use memory::Total;
pub(super) use table::{Column, Columns, PAGE_COLUMNS, Row};

/// One line, understood. Names and paths are borrowed from it where possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// `X invoked oom-killer: ...`
    Invoked {
        comm: &'a str,
        gfp_mask: Option<&'a str>,
        order: Option<i32>,
        oom_score_adj: Option<i32>,
        nodemask: Option<&'a str>,
    },
    /// `CPU: .. PID: .. Comm: ..`
    Cpu { pid: u32, comm: &'a str },
    /// `Task in A killed as a result of limit of B`
    TaskIn { task: &'a str, limit: &'a str },
    /// `Memory limit reached of cgroup B`
    LimitReached { limit: &'a str },
    /// `memory: usage .., limit .., failcnt ..` and its siblings
    Usage { of: UsageOf, usage: Usage },
    /// `Memory cgroup stats for B:`, with the statistics on the same line on old kernels
    StatsHeader { cgroup: &'a str, inline: &'a str },
    /// `oom-kill:constraint=...`
    Summary(Summary<'a>),
    /// `Kill process .. score .. or sacrifice child`: chosen, not yet killed
    Announced { scope: Option<Scope>, pid: u32, comm: &'a str },
    /// `Killed process ..`
    Killed(Killed<'a>),
    /// `Tasks in B are going to be killed due to memory.oom.group set`
    GroupKill { cgroup: &'a str },
    /// `OOM victim .. is already exiting. Skip killing the task`
    AlreadyExiting { scope: Option<Scope>, pid: u32, comm: &'a str },
    /// `Out of memory and no killable processes...`
    NoKillable,
    /// `Kernel panic - not syncing: ` about memory
    Panic { text: &'a str },
    /// `oom_reaper: ..`
    Reaped { pid: u32, comm: &'a str, reaped: bool, anon_rss: Option<u64> },
    /// SysRq-f
    ManualOom,
    /// `N callbacks suppressed`
    Suppressed { function: &'a str, count: u64 },
    /// `Mem-Info:`
    MemInfo,
    /// One total of the `Mem-Info:` block
    Totals(Vec<(Total, u64)>),
    /// Free blocks of one zone
    FreeArea(FreeArea),
    /// `Tasks state (memory values in pages):`
    TableTitle,
    /// The heads of the task table
    TableHeader(Columns),
    /// `X: page allocation failure: order:..`
    PageAllocationFailure {
        comm: &'a str,
        order: Option<i32>,
        gfp_mask: Option<&'a str>,
        cpuset: Option<&'a str>,
    },
    /// `SLUB: Unable to allocate memory on node ..`
    SlabFailure { node: Option<i32>, gfp_mask: Option<&'a str> },
    /// `  cache: NAME, object size: .., min order: ..`
    SlabCache { cache: &'a str, default_order: Option<i32>, min_order: Option<i32> },
    /// `vmalloc` failed
    Vmalloc { comm: Option<&'a str>, size: Option<u64> },
    /// Bad memory
    Hardware { pid: Option<u32>, comm: Option<&'a str>, pfn: Option<&'a str> },
    /// A crash
    Fault { comm: &'a str, pid: Option<u32>, fault: &'a str },
    /// A killer in user space
    Userspace {
        killer: UserspaceKiller,
        pid: Option<u32>,
        comm: Option<Cow<'a, str>>,
        cgroup: Option<Cow<'a, str>>,
    },
}

/// Which account a usage line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UsageOf {
    Memory,
    MemorySwap,
    Swap,
    Kmem,
}

/// The `oom-kill:` line of 5.0 and later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary<'a> {
    pub(super) constraint: Option<&'a str>,
    pub(super) nodemask: Option<&'a str>,
    pub(super) mems_allowed: Option<&'a str>,
    pub(super) global: bool,
    pub(super) oom_memcg: Option<&'a str>,
    pub(super) task_memcg: Option<&'a str>,
    pub(super) task: Option<&'a str>,
    pub(super) pid: Option<u32>,
    pub(super) uid: Option<u32>,
    /// False when the line ends before its `uid=`.
    pub(super) complete: bool,
}

/// Reads a line that may open an event or belong to one. `None` for every other line.
pub(super) fn classify(text: &str) -> Option<Message<'_>> {
    // A process chooses its name, so lines that begin with a path or a number are settled before those with a name.
    match text.as_bytes().first()? {
        b'M' => header::stats_or_limit(text)
            .or_else(|| memory::marker(text))
            .or_else(|| kill::parse(text)),
        b'O' | b'K' | b'N' | b'k' => kill::parse(text),
        b'o' => header::summary(text).or_else(|| kill::reaper_or_suppressed(text)),
        b',' => header::summary_rest(text),
        b'T' => header::task_in(text).or_else(|| kill::group(text)).or_else(|| table::title(text)),
        b'C' | b'P' => header::cpu(text),
        b'c' => failure::slab_cache(text),
        b'[' => table::header(text)
            .or_else(|| userspace::bracketed(text))
            .or_else(|| fault::hardware(text)),
        _ => None,
    }
    .or_else(|| memory::parse(text))
    // All that follows holds one of the scanner's words, and most lines of a report hold none.
    .or_else(|| super::scan::find(text.as_bytes()).and_then(|_| named(text)))
}

/// Lines that begin with a name, or may begin with anything.
fn named(text: &str) -> Option<Message<'_>> {
    header::invoked(text)
        .or_else(|| failure::parse(text))
        .or_else(|| kill::reaper_or_suppressed(text))
        .or_else(|| fault::parse(text))
        .or_else(|| fault::hardware(text))
        .or_else(|| kill::manual(text))
        .or_else(|| userspace::parse(text))
}

/// Reads a row of the task table under its heads.
pub(super) fn row<'a>(text: &'a str, columns: &Columns) -> Option<Row<'a>> {
    table::row(text, columns)
}

/// Reads the pid of a row of the task table that is wrapped or cut off.
pub(super) fn row_pid(text: &str) -> Option<u32> {
    table::row_pid(text)
}

/// Reads one line of a group's statistics.
pub(super) fn stat(text: &str) -> Option<(&str, u64)> {
    memory::stat(text)
}

/// Reads the statistics that old kernels print on one line, in bytes.
pub(super) fn inline_stats(text: &str) -> Vec<(String, u64)> {
    memory::inline_stats(text)
}

/// Splits a summary's tail again, now that the victim's name is known from the kill line.
pub(super) fn split_task<'a>(tail: &'a str, comm: &str) -> Option<&'a str> {
    header::split_task(tail, comm)
}

/// The name in front of `marker`, if it can be a task's name: at most 15 bytes, or more where bytes are escaped.
fn name_before<'a>(text: &'a str, marker: &str) -> Option<&'a str> {
    let name = &text[..text.find(marker)?];
    plausible_name(name).then_some(name)
}

fn plausible_name(name: &str) -> bool {
    // TASK_COMM_LEN is 16 with the NUL; a kworker may carry its queue's name; dmesg writes a byte as `\xNN`. The length
    // in bytes is looked at first: a hostile line may hold thousands of candidates, each as long as the line.
    const LONGEST: usize = 15;
    const LONGEST_IN_BYTES: usize = 64;
    name.len() <= LONGEST_IN_BYTES
        && (name.chars().count() <= LONGEST || name.contains("\\x") || name.starts_with("kworker/"))
}
