//! What a node is, in words: one readable line a fact or group of facts.

use crate::bytes::Bytes;
use crate::finding::NodeFacts;

/// Lines for people. Nothing in them was chosen by those being watched.
#[must_use]
pub fn sentences(facts: &NodeFacts) -> Vec<String> {
    let unknown = || "unknown".to_owned();
    let size = |bytes: Option<u64>| bytes.map_or_else(unknown, |bytes| Bytes(bytes).to_string());
    let number = |n: Option<u32>| n.map_or_else(unknown, |n| n.to_string());
    let numa = match facts.numa.as_slice() {
        [] | [_] => String::new(),
        nodes => {
            let each: Vec<String> =
                nodes.iter().map(|node| format!("{}: {}", node.node, size(node.memory))).collect();
            format!(", memory nodes {}", each.join(", "))
        }
    };
    let cgroup = match facts.cgroup_version {
        Some(version) => format!("cgroup v{version}"),
        None => "no memory cgroups".to_owned(),
    };
    let mut said = vec![
        format!(
            "kernel {} ({}), {cgroup}, booted {}",
            facts.kernel,
            facts.machine,
            facts.booted.map_or_else(unknown, |at| at.to_string())
        ),
        format!(
            "memory {}, swap {}, pages of {}, {} CPUs{numa}",
            size(facts.memory),
            size(facts.swap),
            Bytes(facts.page_size),
            number(facts.cpus)
        ),
        format!(
            "overcommit_memory {}, panic_on_oom {}, oom_kill_allocating_task {}, oom_dump_tasks {}, dmesg_restrict {}, \
             min_free {}",
            number(facts.overcommit_memory),
            number(facts.panic_on_oom),
            number(facts.oom_kill_allocating_task),
            number(facts.oom_dump_tasks),
            number(facts.dmesg_restrict),
            size(facts.min_free)
        ),
    ];
    if facts.panic_on_oom.is_some_and(|set| set > 0) {
        said.push("panic_on_oom is set: instead of killing, the kernel panics, and its last words may be lost".to_owned());
    }
    if facts.oom_dump_tasks == Some(0) {
        said.push(
            "oom_dump_tasks is 0: out-of-memory reports will not say who held the memory"
                .to_owned(),
        );
    }
    said.extend(facts.lacks.iter().map(|lack| format!("{}: {}", lack.source, lack.what)));
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Lack, NumaNode, Source};

    #[test]
    fn a_node_in_lines() {
        let facts = NodeFacts {
            kernel: "6.12.48-amd64".to_owned(),
            machine: "x86_64".to_owned(),
            booted: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            cgroup_version: Some(2),
            page_size: 4096,
            memory: Some(16 << 30),
            swap: Some(0),
            cpus: Some(8),
            numa: vec![
                NumaNode { node: 0, memory: Some(8 << 30) },
                NumaNode { node: 1, memory: None },
            ],
            panic_on_oom: Some(1),
            lacks: vec![Lack { source: Source::SignalTrace, what: "needs tracefs".to_owned() }],
            ..NodeFacts::default()
        };
        let said = sentences(&facts).join("\n");
        for words in [
            "kernel 6.12.48-amd64 (x86_64), cgroup v2, booted 2026-01-02T03:04:05Z",
            "memory 16 GiB, swap 0 B, pages of 4 KiB, 8 CPUs, memory nodes 0: 8 GiB, 1: unknown",
            "overcommit_memory unknown, panic_on_oom 1",
            "instead of killing, the kernel panics",
            "signal trace: needs tracefs",
        ] {
            assert!(said.contains(words), "`{words}` is not in\n{said}");
        }
    }
}
