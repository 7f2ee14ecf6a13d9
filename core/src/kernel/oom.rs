//! One out-of-memory event as the kernel printed it: who asked, whose limit, who died.

use serde::{Deserialize, Serialize};

use super::{FreeArea, MemInfo, Position, TaskRow, Usage};

/// How far the shortage reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The whole machine ran out.
    System,
    /// A memory cgroup hit its limit.
    Cgroup,
    /// The memory nodes that a cpuset allows ran out while others may have had room.
    Cpuset,
    /// The memory nodes of a NUMA policy ran out while others may have had room.
    Mempolicy,
    /// The text does not say.
    #[default]
    Unknown,
}

/// What kind of group the limit that was hit belongs to, as its path says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// One container.
    Container,
    /// One pod.
    Pod,
    /// All burstable or all best-effort pods of the node.
    Qos,
    /// All pods of the node.
    Kubepods,
    /// Another group: a systemd unit, a slice of the host, a group nested inside a container.
    Other,
    /// No group's limit was hit, or it is not known whose.
    #[default]
    None,
}

/// Who asked for the memory that was not there. Often neither the victim nor the largest user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Name of the task, as it chose it: hostile text.
    pub comm: String,
    /// Thread id in the host's namespace, from the `CPU: .. PID: ..` line.
    pub pid: Option<u32>,
    /// Allocation flags as printed, e.g. `0xcc0(GFP_KERNEL)`.
    pub gfp_mask: Option<String>,
    /// The allocation was for 2^order pages in one block; -1 means a person asked with SysRq-f.
    pub order: Option<i32>,
    /// The trigger's own badness adjustment, not the victim's.
    pub oom_score_adj: Option<i32>,
}

/// A process the kernel killed to free memory. Sizes are in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Victim {
    /// Where its kill line stood.
    pub position: Position,
    /// Process id in the host's namespace.
    pub pid: u32,
    /// Name of the process, as it chose it: hostile text.
    pub comm: String,
    /// User id of the process.
    pub uid: Option<u32>,
    /// Virtual size in bytes.
    pub total_vm: Option<u64>,
    /// Resident anonymous memory in bytes.
    pub anon_rss: Option<u64>,
    /// Resident file-backed memory in bytes.
    pub file_rss: Option<u64>,
    /// Resident shared memory (tmpfs, shm) in bytes.
    pub shmem_rss: Option<u64>,
    /// Page tables in bytes.
    pub pgtables: Option<u64>,
    /// The victim's badness adjustment, -1000 to 1000.
    pub oom_score_adj: Option<i32>,
    /// The victim's own memory cgroup, a path from the root of the hierarchy: hostile text.
    pub cgroup: Option<String>,
}

/// How a report ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "detail")]
pub enum ReportEnd {
    /// A kill line was printed.
    Killed,
    /// The chosen victim was already exiting, so nobody was killed.
    AlreadyExiting {
        /// Process id of the chosen victim.
        pid: u32,
        /// Its name.
        comm: String,
    },
    /// Every candidate was exempt (`oom_score_adj` -1000) or gone.
    NoKillableProcess,
    /// The kernel panicked instead of killing; the text after `Kernel panic - not syncing: `.
    Panic(String),
    /// The text ends, or jumps, before a victim is named. The string says how.
    #[default]
    Unfinished,
}

/// One out-of-memory event, as far as the text goes.
///
/// A *bare* report is a kill line without a header: the kernel prints at most ten headers in five seconds but
/// every kill line. It then holds little beside its victim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomReport {
    /// Where its first line stood.
    pub position: Position,
    /// From this report's own first line; never borrowed from another report.
    pub trigger: Option<Trigger>,
    /// `CONSTRAINT_...` as printed. Kernels 5.0 and 5.1 print `CONSTRAINT_NONE` always.
    pub constraint: Option<String>,
    /// How far the shortage reached, decided by the most trustworthy line present.
    pub scope: Scope,
    /// The group whose limit was hit (`oom_memcg`): hostile text.
    pub limit_cgroup: Option<String>,
    /// What kind of group that is.
    pub level: Level,
    /// Memory usage and limit of that group.
    pub memory: Option<Usage>,
    /// Memory and swap together (cgroup v1).
    pub memory_swap: Option<Usage>,
    /// Swap (cgroup v2).
    pub swap: Option<Usage>,
    /// Kernel memory (cgroup v1).
    pub kmem: Option<Usage>,
    /// The group's `memory.stat` as printed, in bytes where the kernel counts memory, by the kernel's key.
    pub stats: Vec<(String, u64)>,
    /// The machine's totals, printed when the whole node ran out.
    pub mem_info: Option<MemInfo>,
    /// Free blocks of each zone by order, printed when the whole node ran out.
    pub free_areas: Vec<FreeArea>,
    /// The candidates the kernel listed, sizes in bytes.
    pub tasks: Vec<TaskRow>,
    /// Rows of the table that were not kept because the bound on an open report was reached.
    pub tasks_dropped: u64,
    /// The node mask of the allocation, as printed.
    pub nodemask: Option<String>,
    /// The memory nodes allowed, as printed.
    pub mems_allowed: Option<String>,
    /// Who was killed. Group kills that follow come as [`OomVictim`]s and are added by whoever keeps the report.
    pub victims: Vec<Victim>,
    /// The group whose `memory.oom.group` made the kernel kill all of it.
    pub oom_group: Option<String>,
    /// How the report ended.
    pub end: ReportEnd,
    /// No header belongs to this kill line (rate limit, or the text begins later).
    pub bare: bool,
    /// A person asked for the kill (SysRq-f).
    pub sysrq: bool,
    /// What is missing or doubtful, in words.
    pub incomplete: Vec<String>,
    /// The lines that matter, as printed (bounded), for evidence.
    pub excerpt: Vec<String>,
}

impl OomReport {
    /// The sum of the resident memory of all listed tasks in bytes, or `None` without a task table.
    #[must_use]
    pub fn tasks_rss(&self) -> Option<u64> {
        (!self.tasks.is_empty()).then(|| self.tasks.iter().filter_map(|t| t.rss).sum())
    }

    /// The value of one of the group's statistics, by the kernel's key.
    #[must_use]
    pub fn stat(&self, key: &str) -> Option<u64> {
        self.stats.iter().find(|(k, _)| k == key).map(|(_, v)| *v)
    }
}

/// A further victim of a report that was already given: `memory.oom.group` takes the whole group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomVictim {
    /// Position of the first line of the report it belongs to.
    pub report: Position,
    /// Scope of that report.
    pub scope: Scope,
    /// The group that was killed as a whole.
    pub oom_group: Option<String>,
    /// Who was killed.
    pub victim: Victim,
}
