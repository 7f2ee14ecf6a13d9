//! What the node was like: stalls, room for the host, free blocks, and who held the memory.

use super::MOST;
use crate::bytes::Bytes;
use crate::finding::{
    Fragmentation, GroupPressure, Headroom, Inhabited, Population, ResourcePressure, Source,
};
use crate::fragmentation::{ORDINARY, unusable_permille};
use crate::incident::Evidence;
use crate::kernel::Limit;
use crate::pressure::lost;
use crate::verdict::facts::Facts;

/// A group whose tasks waited for less than this in all, in microseconds, did not suffer.
const WORTH_US: u64 = 100_000;

/// Lines for what was read around the incident.
pub(super) fn lines(facts: &Facts<'_>) -> Vec<Evidence> {
    let seen = &facts.witnesses.surroundings;
    let mut said = Vec::new();
    if let Some((finding, pressure)) = seen.pressure {
        let lines = pressure.groups.iter().take(MOST).filter_map(stalls);
        said.extend(lines.map(|line| (finding, Source::Pressure, line)));
    }
    if let Some((finding, headroom)) = seen.headroom {
        said.extend(room(headroom).map(|line| (finding, Source::Headroom, line)));
    }
    if let Some((finding, blocks)) = seen.fragmentation {
        said.extend(free_blocks(blocks).map(|line| (finding, Source::Fragmentation, line)));
    }
    if let Some((finding, population)) = seen.population {
        said.push((finding, Source::Cgroup, shares(population)));
        let groups = population.groups.iter().take(MOST);
        said.extend(groups.map(|group| (finding, Source::Cgroup, household(group))));
    }
    said.into_iter()
        .map(|(finding, source, detail)| Evidence {
            source: source.to_string(),
            detail,
            time: Some(finding.time),
        })
        .collect()
}

/// `in the 67 s before, tasks waited for memory 12.3 s, all of them at once 7 s`; nothing where nothing stalled.
fn stalls(group: &GroupPressure) -> Option<String> {
    let memory = group.memory?;
    if let Some(before) = memory.before {
        let some = before.some_us?;
        let full = before
            .full_us
            .map(|full| format!(", all of them at once {}", lost(full)))
            .unwrap_or_default();
        let span = before.window_us / 1_000_000;
        let whose = whose(group);
        return Some(format!(
            "{whose}  in the {span} s before, tasks waited for memory {}{full}",
            lost(some)
        ));
    }
    let some = memory.some.filter(|some| some.avg60 > 0 || some.total_us >= WORTH_US)?;
    let cpu = group.cpu.and_then(share_of_minute).map(|cpu| format!(", {cpu} for a CPU"));
    Some(format!(
        "{}  tasks waited for memory {} in all, {} of the last minute{}",
        whose(group),
        lost(some.total_us),
        percent(some.avg60),
        cpu.unwrap_or_default()
    ))
}

fn whose(group: &GroupPressure) -> &str {
    if group.group == "/" { "node" } else { &group.group }
}

fn share_of_minute(resource: ResourcePressure) -> Option<String> {
    Some(percent(resource.some?.avg60))
}

fn percent(hundredths: u32) -> String {
    format!("{}.{} %", hundredths / 100, hundredths / 10 % 10)
}

fn room(headroom: &Headroom) -> Option<String> {
    let outside = Bytes(headroom.outside.filter(|_| headroom.pods.is_some())?);
    let reserved = match headroom.reservation.bytes() {
        Some(reserved) => format!("{} reserved", Bytes(reserved)),
        None => "nothing reserved".to_owned(),
    };
    let pods = headroom.pods.as_ref().and_then(|pods| {
        let limit = match pods.limit? {
            Limit::Bytes(limit) => Bytes(limit).to_string(),
            Limit::Unlimited => "no limit".to_owned(),
        };
        Some(format!("; {} {} of {limit}", pods.group, Bytes(pods.usage?)))
    });
    Some(format!("outside pods {outside}, {reserved}{}", pods.unwrap_or_default()))
}

/// What there was of the size that ordinary requests need, and what the kernel did to get more.
fn free_blocks(seen: &Fragmentation) -> Option<String> {
    let blocks = match &seen.shortage {
        Some(shortage) => shortage.to_string(),
        None => {
            let permille = unusable_permille(seen.areas.iter(), ORDINARY)?;
            format!(
                "{}.{} % of free memory was in blocks smaller than {}",
                permille / 10,
                permille % 10,
                Bytes(ORDINARY)
            )
        }
    };
    Some(format!(
        "{blocks}{}",
        compaction(seen).map(|what| format!("; {what}")).unwrap_or_default()
    ))
}

/// `in the 80 s before, memory was moved together 12 times, 12 in vain`; nothing where it was not.
pub(in crate::verdict) fn compaction(seen: &Fragmentation) -> Option<String> {
    let earlier = seen.earlier?;
    let rise = |now: Option<u64>, then: Option<u64>| now?.checked_sub(then?);
    let stalls = rise(seen.counters.stalls, earlier.counters.stalls).filter(|n| *n > 0)?;
    let failed = rise(seen.counters.failed, earlier.counters.failed).unwrap_or(0);
    Some(format!(
        "in the {} s before, requests waited {stalls} times while memory was moved together, {failed} in vain",
        earlier.seconds
    ))
}

fn shares(population: &Population) -> String {
    let unplaced = match population.unplaced_processes {
        0 => String::new(),
        n => format!(", {} in {n} processes whose group is not known", Bytes(population.unplaced)),
    };
    format!(
        "processes in pods held {}, those outside {}{unplaced}",
        Bytes(population.pods),
        Bytes(population.host)
    )
}

fn household(group: &Inhabited) -> String {
    let largest = group
        .largest
        .as_ref()
        .map(|role| format!(", the largest {}", role.comm))
        .unwrap_or_default();
    let limit = match group.limit {
        Some(Limit::Bytes(limit)) => format!(", limit {}", Bytes(limit)),
        Some(Limit::Unlimited) => ", no limit".to_owned(),
        None => String::new(),
    };
    let s = if group.processes == 1 { "" } else { "es" };
    format!(
        "{}  {} in {} process{s}{largest}{limit}",
        group.group,
        Bytes(group.rss),
        group.processes
    )
}
