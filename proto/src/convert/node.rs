//! What a node is.

use coroner_core::finding as f;

use super::enums::{Numbered as _, known};
use super::{ConvertError, all, repeated, time};
use crate::v1;

impl From<f::NumaNode> for v1::NumaNode {
    fn from(x: f::NumaNode) -> Self {
        Self { node: x.node, memory_bytes: x.memory }
    }
}

impl From<v1::NumaNode> for f::NumaNode {
    fn from(x: v1::NumaNode) -> Self {
        Self { node: x.node, memory: x.memory_bytes }
    }
}

impl From<f::Lack> for v1::Lack {
    fn from(x: f::Lack) -> Self {
        Self { source: x.source.number(), what: x.what }
    }
}

impl TryFrom<v1::Lack> for f::Lack {
    type Error = ConvertError;

    fn try_from(x: v1::Lack) -> Result<Self, ConvertError> {
        Ok(Self { source: known("source", x.source)?, what: x.what })
    }
}

impl From<f::NodeFacts> for v1::NodeFacts {
    fn from(x: f::NodeFacts) -> Self {
        Self {
            kernel: x.kernel,
            machine: x.machine,
            agent_version: x.agent_version,
            booted: x.booted.map(time::to_wire),
            cgroup_version: x.cgroup_version,
            page_bytes: x.page_size,
            memory_bytes: x.memory,
            swap_bytes: x.swap,
            cpus: x.cpus,
            numa: all(x.numa),
            overcommit_memory: x.overcommit_memory,
            panic_on_oom: x.panic_on_oom,
            oom_dump_tasks: x.oom_dump_tasks,
            oom_kill_allocating_task: x.oom_kill_allocating_task,
            dmesg_restrict: x.dmesg_restrict,
            min_free_bytes: x.min_free,
            lacks: all(x.lacks),
        }
    }
}

impl TryFrom<v1::NodeFacts> for f::NodeFacts {
    type Error = ConvertError;

    fn try_from(x: v1::NodeFacts) -> Result<Self, ConvertError> {
        Ok(Self {
            kernel: x.kernel,
            machine: x.machine,
            agent_version: x.agent_version,
            booted: time::from_wire("booted", x.booted)?,
            cgroup_version: x.cgroup_version,
            page_size: x.page_bytes,
            memory: x.memory_bytes,
            swap: x.swap_bytes,
            cpus: x.cpus,
            numa: all(x.numa),
            overcommit_memory: x.overcommit_memory,
            panic_on_oom: x.panic_on_oom,
            oom_dump_tasks: x.oom_dump_tasks,
            oom_kill_allocating_task: x.oom_kill_allocating_task,
            dmesg_restrict: x.dmesg_restrict,
            min_free: x.min_free_bytes,
            lacks: repeated("lacks", x.lacks)?,
        })
    }
}
