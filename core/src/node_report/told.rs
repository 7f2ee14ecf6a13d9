//! The state of a node in words that every reader is shown. Names in it are hostile: who shows these texts makes them
//! harmless.

use jiff::Timestamp;

use super::SourceReport;
use crate::absence::LAG;
use crate::bytes::Bytes;
use crate::finding::{FindingBody, Fragmentation, NodeFacts, Pressure};
use crate::headroom;
use crate::incident::whole_seconds;
use crate::spans::Span;

/// Holes of one source that are told one by one.
const TOLD: usize = 3;

impl SourceReport {
    /// How it is doing.
    #[must_use]
    pub fn how(&self) -> String {
        let detail = self.detail.as_deref().filter(|detail| !detail.is_empty());
        match (self.reading, detail) {
            (Some(true), detail) => detail.unwrap_or("reads").to_owned(),
            (Some(false), None) => "does not read".to_owned(),
            (Some(false), Some(detail)) => format!("does not read: {detail}"),
            (None, _) => "has not said whether it reads".to_owned(),
        }
    }

    /// What it missed of a window.
    #[must_use]
    pub fn missed(&self, window: &Span) -> String {
        // What it watched since it was last heard is still to come: that is no hole yet.
        let unheard = self.holes.split_last().filter(|(last, _)| {
            let heard = self.coverage.last().is_some_and(|span| span.to == last.from);
            heard && last.to == window.to && last.to.duration_since(last.from) <= LAG
        });
        let (last, holes) = match unheard {
            Some((last, holes)) => (Some(last.from), holes),
            None => (None, self.holes.as_slice()),
        };
        match (self.coverage.is_empty(), holes.len(), last) {
            (true, _, _) => "watched nothing of this time without a hole".to_owned(),
            (false, 0, None) => "missed nothing of this time".to_owned(),
            (false, 0, Some(last)) => {
                format!("missed nothing until it was last heard at {}", whole_seconds(last))
            }
            (false, n, _) => {
                let told: Vec<String> = holes.iter().take(TOLD).map(hole).collect();
                let more =
                    if n > TOLD { format!(", and {} more holes", n - TOLD) } else { String::new() };
                format!("may have missed something {}{more}", told.join(", "))
            }
        }
    }
}

/// `from 2026-01-02T12:00:00Z to 2026-01-02T12:00:03Z`.
fn hole(hole: &Span) -> String {
    format!("from {} to {}", whole_seconds(hole.from), whole_seconds(hole.to))
}

/// `4s ago`, `3m ago`, `2h ago`, `5d ago`.
#[must_use]
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    match now.duration_since(then).as_secs() {
        ..0 => "in the future".to_owned(),
        s @ 0..120 => format!("{s}s ago"),
        s @ 120..7200 => format!("{}m ago", s / 60),
        s @ 7200..172_800 => format!("{}h ago", s / 3600),
        s => format!("{}d ago", s / 86_400),
    }
}

/// What a finding about the node as it is tells, under which title; `None` for findings of other kinds.
#[must_use]
pub fn state(body: &FindingBody) -> Option<(&'static str, Vec<String>)> {
    match body {
        FindingBody::Node(facts) => Some(("Node", facts_told(facts))),
        FindingBody::Headroom(headroom) => Some(("Headroom", headroom::sentences(headroom))),
        FindingBody::Fragmentation(fragmentation) => {
            Some(("Fragmentation", fragmentation_told(fragmentation)))
        }
        FindingBody::Pressure(pressure) => Some(("Pressure", pressure_told(pressure))),
        _ => None,
    }
}

/// What the node is.
fn facts_told(facts: &NodeFacts) -> Vec<String> {
    let mut parts = vec![format!("Linux {} {}", facts.kernel, facts.machine)];
    parts.extend(facts.cgroup_version.map(|version| format!("cgroup v{version}")));
    parts.extend(facts.cpus.map(|cpus| format!("{cpus} CPUs")));
    parts.extend(facts.memory.map(|bytes| format!("{} of memory", Bytes(bytes))));
    parts.extend(facts.swap.map(|bytes| match bytes {
        0 => "no swap".to_owned(),
        bytes => format!("{} of swap", Bytes(bytes)),
    }));
    if facts.numa.len() > 1 {
        parts.push(format!("{} memory nodes", facts.numa.len()));
    }
    parts.push(format!("pages of {}", Bytes(facts.page_size)));
    parts.extend(facts.booted.map(|booted| format!("up since {}", whole_seconds(booted))));
    let mut said = vec![format!("{}.", parts.join(", "))];
    // proc_sys_vm(5): 1 leaves those alone that are out of memory by a limit or a memory policy, 2 does not.
    let panics = match facts.panic_on_oom {
        Some(1) => Some("without memory for the whole node"),
        Some(2..) => Some("at any want of memory, that of a limit too,"),
        _ => None,
    };
    said.extend(panics.map(|when| {
        format!(
            "vm.panic_on_oom is set: {when} this kernel panics instead of killing anybody. What is lost with it cannot be \
             known afterwards: its log is lost too, unless the machine keeps it."
        )
    }));
    if facts.oom_kill_allocating_task == Some(1) {
        said.push(
            "vm.oom_kill_allocating_task is set: whoever asks for memory is killed.".to_owned(),
        );
    }
    if facts.overcommit_memory == Some(2) {
        said.push("vm.overcommit_memory is 2: memory is refused before it runs out.".to_owned());
    }
    if facts.oom_dump_tasks == Some(0) {
        said.push("vm.oom_dump_tasks is 0: reports do not say who held how much.".to_owned());
    }
    said.extend(facts.lacks.iter().map(|lack| format!("Lacks for {}: {}", lack.source, lack.what)));
    said
}

/// Which blocks have run out, if any have.
fn fragmentation_told(fragmentation: &Fragmentation) -> Vec<String> {
    let Some(short) = &fragmentation.shortage else {
        return vec!["Free memory is in large enough blocks.".to_owned()];
    };
    let left = match short.blocks_left {
        0 => "no block".to_owned(),
        1 => "only 1 block".to_owned(),
        n => format!("only {n} blocks"),
    };
    vec![format!(
        "WARNING: {} is free, but {left} of {} (order {}) is left; the most of it is in zone {} of memory node {}.",
        Bytes(short.free),
        Bytes(short.block),
        short.order,
        short.zone,
        short.node
    )]
}

/// Time lost over the last minute, of the node and the groups concerned.
fn pressure_told(pressure: &Pressure) -> Vec<String> {
    let mut said = Vec::new();
    for group in &pressure.groups {
        let parts: Vec<String> = [("memory", group.memory), ("CPU", group.cpu), ("disk", group.io)]
            .into_iter()
            .filter_map(|(what, resource)| {
                let some = resource?.some?;
                Some(format!("{}.{:02} % for {what}", some.avg60 / 100, some.avg60 % 100))
            })
            .collect();
        if !parts.is_empty() {
            let name = if group.group == "/" { "The node" } else { group.group.as_str() };
            said.push(format!("{name} waited over a minute: {}.", parts.join(", ")));
        }
    }
    said
}
