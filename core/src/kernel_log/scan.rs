//! Finds the few lines worth reading among the many that are not.
//!
//! While no report is open, only a line with one of these words can matter; everything else is skipped without being
//! split into lines. The words are searched all at once with vector instructions where the processor has them.
//! A word here costs little when it hits in vain, and a missing one makes the parser blind: when in doubt, add.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, packed};

/// Every line that can open, or be, an event holds one of these. More than 32 words make the searcher tell them apart in
/// 16 buckets instead of 8, which here is faster; beyond that, each word costs.
const WORDS: [&str; 34] = [
    "oom", // invoked oom-killer, oom-kill:, oom_reaper, earlyoom, systemd-oomd, oom_kill_process: N callbacks
    "OOM", // OOM victim .. is already exiting, OOM controller
    "ill process", // Kill process, kill process (2.6)
    "Killed", // Killed process; Killed /path due to memory pressure (systemd-oomd)
    "Killing", // lowmemorykiller, MCE
    "page allocation", // .. failure, .. stalls
    "SLUB: Un", // SLUB: Unable to allocate
    "vmalloc", // vmalloc: allocation failure, vmalloc error
    "ut of memory", // Out of memory, Memory cgroup out of memory
    "ut of Memory", // 2.6
    "No available memory", // 2.6
    "Memory limit reached",
    "Task", // Tasks state, Task in, Tasks in: what follows may stand on the next line
    "MCE",
    "emory cgroup",    // Memory cgroup stats for
    "result of limit", // Task in A killed as a result of limit of B
    "memory: usage",   // usage lines of a report whose head is cut off
    "+swap: usage",
    "pid ]", // table header of a report whose head is cut off
    "pid  ]",
    "segfault at",
    "traps: ",
    " trap ", // older wording without `traps:`
    "general protection",
    "emory failure",   // Memory failure: 0x...: Killing ..
    "ardware Error",   // mce: [Hardware Error]
    "memory pressure", // systemd-oomd
    "memory used",     // systemd-oomd
    "SIGKILL",         // earlyoom, Talos
    "SIGTERM",         // earlyoom
    "callbacks suppressed",
    "ysRq", // SysRq : Manual OOM execution
    "sysrq",
    "\"MESSAGE\":[", // journalctl -o json writes a message with odd bytes as numbers
];

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| {
    let fast = packed::Searcher::new(WORDS);
    // A list of words cannot fail to compile; if it did, every line would be read: slow, not blind.
    let plain = if fast.is_none() { AhoCorasick::new(WORDS).ok() } else { None };
    Scanner { fast, plain }
});

struct Scanner {
    fast: Option<packed::Searcher>,
    plain: Option<AhoCorasick>,
}

/// Where the first word in `text` begins.
pub(super) fn find(text: &[u8]) -> Option<usize> {
    match &*SCANNER {
        Scanner { fast: Some(fast), .. } => fast.find(text).map(|m| m.start()),
        Scanner { plain: Some(plain), .. } => plain.find(text).map(|m| m.start()),
        Scanner { .. } => (!text.is_empty()).then_some(0),
    }
}
