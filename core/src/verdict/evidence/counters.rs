//! What the counters of groups said: how they moved around a kill, and what they stood at.

use super::MOST;
use crate::bytes::Bytes;
use crate::finding::{CgroupState, ContainerEnd, CountedKill, GroupRise, Phase, Source};
use crate::incident::Evidence;
use crate::kernel::Limit;
use crate::verdict::facts::Facts;
use crate::verdict::words::size;

/// One line for each kill that was counted, each group that was read, and the container's end.
pub(super) fn lines(facts: &Facts<'_>) -> Vec<Evidence> {
    let mut all = Vec::new();
    for (finding, kill) in facts.witnesses.counted.iter().take(MOST) {
        all.push((finding, format!("{}  {}", kill.group, counted(kill))));
        let above = kill.lineage.iter().filter(|rise| rise.group != kill.group && moved(rise));
        all.extend(
            above.map(|rise| (finding, format!("{}  {}", rise.group, rises(rise, kill.version)))),
        );
    }
    for (finding, observation) in &facts.witnesses.observations {
        let when = match observation.phase {
            Phase::AtKill => "at the kill",
            Phase::Aftermath => "a moment later",
        };
        let states =
            observation.limit.iter().chain(&observation.victim).chain(&observation.siblings);
        all.extend(
            states.map(|state| (finding, format!("{}  {when}: {}", state.path, counters(state)))),
        );
    }
    all.extend(facts.witnesses.end.iter().map(|(finding, end)| (finding, ended(end))));
    all.into_iter()
        .map(|(finding, detail)| Evidence {
            source: Source::Cgroup.to_string(),
            detail,
            time: Some(finding.time),
        })
        .collect()
}

/// `oom_kill 0 -> 1, oom 0, max +3, peak 64 MiB, limit 64 MiB`.
fn counted(kill: &CountedKill) -> String {
    let kills = format!("oom_kill {} -> {}", kill.oom_kill.saturating_sub(1), kill.oom_kill);
    let own = kill.lineage.iter().find(|rise| rise.group == kill.group);
    let rest = own.map(|rise| {
        let rise = GroupRise { oom_kill: None, ..rise.clone() };
        rises(&rise, kill.version)
    });
    [Some(kills), rest.filter(|rest| !rest.is_empty())]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

fn moved(rise: &GroupRise) -> bool {
    [rise.oom, rise.limit_hits, rise.oom_kill, rise.oom_group_kill]
        .into_iter()
        .flatten()
        .any(|by| by > 0)
}

/// How far each counter rose; a counter that stood still says as much as one that rose.
fn rises(rise: &GroupRise, version: u32) -> String {
    let by = |name: &str, value: Option<u64>| {
        value.map(|by| if by == 0 { format!("{name} 0") } else { format!("{name} +{by}") })
    };
    let hits = if version == 1 { "failcnt" } else { "max" };
    let said: Vec<String> = [
        by("oom_kill", rise.oom_kill),
        by("oom_group_kill", rise.oom_group_kill.filter(|by| *by > 0)),
        by("oom", rise.oom),
        by(hits, rise.limit_hits),
        rise.usage.map(|bytes| format!("usage {}", Bytes(bytes))),
        rise.peak.map(|bytes| format!("peak {}", Bytes(bytes))),
        limit(rise.limit),
    ]
    .into_iter()
    .flatten()
    .collect();
    said.join(", ")
}

fn limit(limit: Option<Limit>) -> Option<String> {
    limit.map(|limit| match limit {
        Limit::Bytes(bytes) => format!("limit {}", Bytes(bytes)),
        Limit::Unlimited => "no limit".to_owned(),
    })
}

/// The end of the container, and what was counted and traced while it was watched.
fn ended(end: &ContainerEnd) -> String {
    let main =
        end.main_pid.map_or_else(|| "main process".to_owned(), |pid| format!("main process {pid}"));
    let killed = match end.main_sigkilled {
        Some(true) => format!("{main} got SIGKILL"),
        Some(false) => format!("{main} got no SIGKILL"),
        None => format!("whether its {main} got SIGKILL is not known"),
    };
    let kills = end.oom_kills.map_or_else(
        || "oom_kill could not be read".to_owned(),
        |kills| format!("oom_kill rose by {kills} while it was watched"),
    );
    let throttled = end.throttled_us.filter(|us| *us > 0).map(|us| {
        let seconds = us / 1_000_000;
        let periods = end
            .throttled_periods
            .map(|(of, all)| format!(" in {of} of {all} periods"))
            .unwrap_or_default();
        format!(", CPU throttled for {seconds} s{periods}")
    });
    format!("{}  empty or gone: {killed}; {kills}{}", end.group, throttled.unwrap_or_default())
}

/// The counters of a group, only those that were read.
fn counters(state: &CgroupState) -> String {
    if !state.exists {
        return "gone".to_owned();
    }
    let bytes =
        |name: &str, value: Option<u64>| value.map(|value| format!("{name} {}", size(Some(value))));
    let count = |name: &str, value: Option<u64>| value.map(|value| format!("{name} {value}"));
    let hits = if state.version == 1 { "failcnt" } else { "max" };
    let said: Vec<String> = [
        count("oom_kill", state.oom_kill),
        count("oom", state.oom),
        count(hits, state.limit_hits),
        bytes("usage", state.usage),
        bytes("peak", state.peak),
        limit(state.limit),
        count("processes left", state.processes_left),
    ]
    .into_iter()
    .flatten()
    .collect();
    if said.is_empty() { "could not be read".to_owned() } else { said.join(", ") }
}
