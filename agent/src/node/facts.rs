//! Reads what a node is, once, at start.
//!
//! Each fact is a small file of `/proc` or `/sys`, or of `uname(2)`; one that is absent is not known, and no other
//! suffers. NUMA nodes stand in `/sys/devices/system/node`, which is the same in every container.

use std::path::Path;

use coroner_core::finding::{NodeFacts, NumaNode};
use coroner_core::headroom::Meminfo;
use coroner_core::keyed::values;
use jiff::Timestamp;

use super::{lacks, page_size};
use crate::cgroup::Hierarchy;
use crate::config::Config;

/// More NUMA nodes than any kernel is built for (`NODES_SHIFT`).
const NODES_MAX: usize = 1024;

/// The facts. `hierarchy` is the memory controller's, where there is one.
pub(crate) fn facts(config: &Config, hierarchy: Option<&Hierarchy>) -> NodeFacts {
    let proc_root = &config.proc_root;
    let name = rustix::system::uname();
    let text = |field: &std::ffi::CStr| field.to_string_lossy().into_owned();
    let vm = |name: &str| number(&proc_root.join("sys/vm").join(name));
    let small = |value: Option<u64>| value.and_then(|value| u32::try_from(value).ok());
    let memory = std::fs::read_to_string(proc_root.join("meminfo")).unwrap_or_default();
    let memory = Meminfo::read(&memory);
    let stat = std::fs::read_to_string(proc_root.join("stat")).unwrap_or_default();
    let [booted] = values(&stat, ["btime"]);
    NodeFacts {
        kernel: text(name.release()),
        machine: text(name.machine()),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        booted: booted
            .and_then(|seconds| Timestamp::from_second(i64::try_from(seconds).ok()?).ok()),
        cgroup_version: hierarchy.map(|hierarchy| hierarchy.version.number()),
        page_size: page_size(),
        memory: memory.total,
        swap: memory.swap_total,
        cpus: small(cpus(&stat)),
        numa: numa(Path::new("/sys/devices/system/node")),
        overcommit_memory: small(vm("overcommit_memory")),
        panic_on_oom: small(vm("panic_on_oom")),
        oom_dump_tasks: small(vm("oom_dump_tasks")),
        oom_kill_allocating_task: small(vm("oom_kill_allocating_task")),
        dmesg_restrict: small(number(&proc_root.join("sys/kernel/dmesg_restrict"))),
        min_free: vm("min_free_kbytes").and_then(|kib| kib.checked_mul(1024)),
        lacks: lacks::lacks(config, hierarchy),
    }
}

/// The CPUs that `/proc/stat` has a line for.
fn cpus(stat: &str) -> Option<u64> {
    let lines = stat.lines().filter_map(|line| line.strip_prefix("cpu"));
    let count = lines.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).count();
    u64::try_from(count).ok().filter(|count| *count > 0)
}

/// The NUMA nodes below a directory, in order.
fn numa(dir: &Path) -> Vec<NumaNode> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut nodes: Vec<NumaNode> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let node: u32 = entry.file_name().to_str()?.strip_prefix("node")?.parse().ok()?;
            let text = std::fs::read_to_string(entry.path().join("meminfo")).unwrap_or_default();
            // `Node 0 MemTotal:       449648 kB`: the same file as in /proc behind a prefix.
            let text = text.replace(&format!("Node {node} "), "");
            let [memory] = values(&text, ["MemTotal"]);
            Some(NumaNode { node, memory })
        })
        .take(NODES_MAX)
        .collect();
    nodes.sort_by_key(|node| node.node);
    nodes
}

fn number(path: &Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(root: &Path) -> Config {
        Config { proc_root: root.to_owned(), ..Config::new("n", "http://127.0.0.1:1") }
    }

    #[test]
    fn this_machine_is_known() {
        let facts = facts(&config(Path::new("/proc")), None);
        assert!(facts.memory > Some(1 << 20) && facts.cpus > Some(0), "{facts:?}");
        assert!(facts.booted.is_some_and(|at| at > Timestamp::UNIX_EPOCH), "{facts:?}");
        assert!(facts.panic_on_oom.is_some() && facts.min_free > Some(0), "{facts:?}");
    }

    #[test]
    fn facts_that_are_absent_are_not_known() {
        let dir = tempfile::tempdir().unwrap();
        let facts = facts(&config(dir.path()), None);
        assert_eq!((facts.memory, facts.cpus, facts.booted), (None, None, None));
        assert_eq!(
            (facts.panic_on_oom, facts.dmesg_restrict, facts.cgroup_version),
            (None, None, None)
        );
        assert!(!facts.kernel.is_empty());
    }

    #[test]
    fn memory_nodes_and_what_else_stands_beside_them() {
        let dir = tempfile::tempdir().unwrap();
        for node in ["node1", "node0", "possible", "nodex"] {
            std::fs::create_dir(dir.path().join(node)).unwrap();
        }
        std::fs::write(
            dir.path().join("node1/meminfo"),
            "Node 1 MemTotal:  2 kB\nNode 1 MemFree: 1 kB\n",
        )
        .unwrap();
        let nodes: Vec<_> = numa(dir.path()).into_iter().map(|n| (n.node, n.memory)).collect();
        assert_eq!(nodes, [(0, None), (1, Some(2048))]);
        assert!(numa(&dir.path().join("absent")).is_empty());
        assert_eq!(cpus("cpu  1 2\ncpu0 1\ncpu1 1\nintr 1\n"), Some(2));
        assert_eq!(cpus(""), None);
    }
}
