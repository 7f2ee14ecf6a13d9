//! Everything the parser can say about a kernel log.

use serde::{Deserialize, Serialize};

use super::{FreeArea, OomReport, OomVictim, Position};

/// One thing the log says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event", content = "value")]
pub enum KernelEvent {
    /// An out-of-memory report; given as soon as its first victim is named, or when it ends without one.
    Oom(Box<OomReport>),
    /// A further victim of a report that was given before.
    OomVictim(Box<OomVictim>),
    /// The reaper freed a victim's memory.
    Reaped(Reaped),
    /// The page allocator found no block.
    AllocationFailure(Box<AllocationFailure>),
    /// The slab allocator got no page.
    SlabFailure(SlabFailure),
    /// `vmalloc` failed: address space or memory, not fragmentation.
    VmallocFailure(VmallocFailure),
    /// Memory is broken.
    HardwareMemoryError(HardwareMemoryError),
    /// A process crashed by its own doing.
    Fault(Fault),
    /// A killer in user space says it killed.
    UserspaceKill(UserspaceKill),
    /// Looks like the kernel's word, but user space wrote it.
    Unverified(Unverified),
    /// The kernel says it kept messages back.
    Suppressed(Suppressed),
}

impl KernelEvent {
    /// Where the event's first line stood.
    #[must_use]
    pub fn position(&self) -> &Position {
        match self {
            Self::Oom(e) => &e.position,
            Self::OomVictim(e) => &e.victim.position,
            Self::Reaped(e) => &e.position,
            Self::AllocationFailure(e) => &e.position,
            Self::SlabFailure(e) => &e.position,
            Self::VmallocFailure(e) => &e.position,
            Self::HardwareMemoryError(e) => &e.position,
            Self::Fault(e) => &e.position,
            Self::UserspaceKill(e) => &e.position,
            Self::Unverified(e) => &e.position,
            Self::Suppressed(e) => &e.position,
        }
    }
}

/// `oom_reaper: reaped process ..`, or its admission that it could not. Sizes are what is left, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaped {
    /// Where the line stood.
    pub position: Position,
    /// Process id in the host's namespace.
    pub pid: u32,
    /// Name of the process.
    pub comm: String,
    /// False for `unable to reap`.
    pub reaped: bool,
    /// Anonymous memory left, in bytes.
    pub anon_rss: Option<u64>,
}

/// `page allocation failure`: an allocation returned nothing. Nobody is killed by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocationFailure {
    /// Where the line stood.
    pub position: Position,
    /// Who asked.
    pub comm: String,
    /// Thread id of the asker, from the `CPU:` line.
    pub pid: Option<u32>,
    /// 2^order pages in one block were asked for.
    pub order: Option<i32>,
    /// Allocation flags as printed.
    pub gfp_mask: Option<String>,
    /// The asker's cpuset, as printed; often the last component of its container's path.
    pub cpuset: Option<String>,
    /// Free blocks the kernel printed with it.
    pub free_areas: Vec<FreeArea>,
    /// Free memory over all zones in bytes, as printed with it.
    pub free: Option<u64>,
    /// The lines that matter, as printed (bounded).
    pub excerpt: Vec<String>,
}

/// `SLUB: Unable to allocate memory`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlabFailure {
    /// Where the line stood.
    pub position: Position,
    /// NUMA node asked for; -1 is any.
    pub node: Option<i32>,
    /// Allocation flags as printed.
    pub gfp_mask: Option<String>,
    /// Cache that could not grow.
    pub cache: Option<String>,
    /// Order of the pages the cache likes.
    pub default_order: Option<i32>,
    /// Order of the pages the cache needs at least.
    pub min_order: Option<i32>,
}

/// `vmalloc: allocation failure` and its newer wording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmallocFailure {
    /// Where the line stood.
    pub position: Position,
    /// Who asked.
    pub comm: Option<String>,
    /// Bytes asked for.
    pub size: Option<u64>,
    /// The message.
    pub message: String,
}

/// A machine check about memory, or the kernel poisoning a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardwareMemoryError {
    /// Where the line stood.
    pub position: Position,
    /// The process the kernel killed over it, where the line says.
    pub pid: Option<u32>,
    /// Its name.
    pub comm: Option<String>,
    /// Page frame number, where the line says.
    pub pfn: Option<String>,
    /// The message.
    pub message: String,
}

/// `segfault at ..` or `traps: ..`: a crash by the process's own doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Where the line stood.
    pub position: Position,
    /// Thread id in the host's namespace.
    pub pid: Option<u32>,
    /// Name of the thread.
    pub comm: String,
    /// `segfault`, `general protection fault`, `trap invalid opcode`, ...
    pub fault: String,
    /// The message.
    pub message: String,
}

/// Which killer in user space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserspaceKiller {
    /// systemd-oomd.
    SystemdOomd,
    /// earlyoom.
    Earlyoom,
    /// The OOM controller of Talos Linux.
    Talos,
    /// Meta's oomd.
    Oomd,
    /// Android's in-kernel low memory killer, which is not the OOM killer.
    LowMemoryKiller,
}

impl std::fmt::Display for UserspaceKiller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SystemdOomd => "systemd-oomd",
            Self::Earlyoom => "earlyoom",
            Self::Talos => "the Talos OOM controller",
            Self::Oomd => "oomd",
            Self::LowMemoryKiller => "lowmemorykiller",
        })
    }
}

/// A userspace OOM killer's own line about a kill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserspaceKill {
    /// Where the line stood.
    pub position: Position,
    /// Which killer.
    pub killer: UserspaceKiller,
    /// The process, where the line names one.
    pub pid: Option<u32>,
    /// Its name.
    pub comm: Option<String>,
    /// The group, where the line names one.
    pub cgroup: Option<String>,
    /// The message.
    pub message: String,
}

/// A line that reads like a kill but whose record user space wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unverified {
    /// Where the line stood.
    pub position: Position,
    /// The record's facility (0 would be the kernel); `None` where only the text's prefix gives it away.
    pub facility: Option<u32>,
    /// The process it names, if it does.
    pub pid: Option<u32>,
    /// The message.
    pub message: String,
    /// Why it is not believed.
    pub reason: String,
}

/// `N callbacks suppressed`: the kernel kept headers back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppressed {
    /// Where the line stood.
    pub position: Position,
    /// The function that was rate-limited.
    pub function: String,
    /// How many messages were kept back.
    pub count: u64,
}
