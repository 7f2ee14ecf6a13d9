//! How many witnesses of one kill agree, and so how sure a verdict may be at most.
//!
//! Two witnesses that saw the same process or group by id, and nothing missed at that time: *confirmed*. One that is
//! whole: *likely*. One that misses a part, or missed something at that time, or two that say different things:
//! *possible*. What happened to nobody (a failed allocation, a panic) only the kernel itself can tell: it needs no second.

use std::collections::BTreeSet;

use super::claim::Basis;
use super::facts::{Event, Facts};
use super::memory_nodes;
use super::same::Whose;
use super::watch::KILL_SOURCES;
use crate::finding::{AttributionMethod, CountedLimit, Source};
use crate::incident::Confidence;
use crate::kernel::Victim;
use crate::kubernetes::ApiPart;

/// What one witness says of who died.
struct Seen {
    source: Witness,
    pids: BTreeSet<u32>,
    whose: Vec<Whose>,
    /// It says by itself all that it can know.
    whole: bool,
}

/// A witness of a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Witness {
    /// A source on the node.
    Node(Source),
    /// The API: the end of that container with 137, in that second.
    Kubernetes,
}

impl std::fmt::Display for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Node(source) => source.fmt(f),
            Self::Kubernetes => f.write_str("status in Kubernetes"),
        }
    }
}

/// How sure a verdict may be at most, and why not more.
pub(super) struct Standing {
    pub at_most: Confidence,
    pub said: Vec<String>,
}

/// How sure a claim that rests on that may be at most.
pub(super) fn at_most(facts: &Facts<'_>, basis: Basis) -> Confidence {
    match basis {
        Basis::Node => standing(facts).at_most,
        Basis::Api if facts.api.is_some_and(|api| api.gap(ApiPart::Pods)) => Confidence::Likely,
        Basis::Api if KILL_SOURCES.into_iter().any(|source| facts.watch.hole(source)) => {
            Confidence::Likely
        }
        Basis::Api => Confidence::Confirmed,
    }
}

/// How sure the witnesses allow to be.
pub(super) fn standing(facts: &Facts<'_>) -> Standing {
    let mut said = facts.account.contradictions.clone();
    let holes: Vec<Source> =
        KILL_SOURCES.into_iter().filter(|source| facts.watch.hole(*source)).collect();
    said.extend(
        KILL_SOURCES
            .into_iter()
            .filter(|source| facts.watch.unwatched(*source))
            .map(|source| format!("The {source} was not being read without a gap at that time.")),
    );
    let seen = match facts.event {
        Event::Oom(_) if facts.somebody_died() => oom(facts),
        Event::Death | Event::Userspace(_) => death(facts),
        Event::Oom(_) | Event::Allocation(_) | Event::Slab(_) | Event::Hardware(_) => {
            let at_most = if holes.is_empty() { Confidence::Confirmed } else { Confidence::Likely };
            return Standing { at_most, said };
        }
    };
    let agreeing = agreeing(&seen);
    let differing = differing(&seen);
    let contradicted = differing.is_some() || !facts.account.contradictions.is_empty();
    if facts.account.contradictions.is_empty() {
        said.extend(differing);
    }
    let whole = |seen: &Seen| match seen.source {
        Witness::Node(source) => seen.whole && !holes.contains(&source),
        Witness::Kubernetes => seen.whole,
    };
    let at_most = if contradicted {
        Confidence::Possible
    } else if agreeing.len() > 1 {
        let proven = holes.is_empty() && agreeing.iter().any(|seen| seen.whole);
        if proven && identified(&agreeing) { Confidence::Confirmed } else { Confidence::Likely }
    } else if seen.iter().any(whole) {
        Confidence::Likely
    } else {
        Confidence::Possible
    };
    let Some(undecided) = memory_nodes::undecided(facts) else {
        return Standing { at_most, said };
    };
    said.push(undecided);
    Standing { at_most: at_most.min(Confidence::Possible), said }
}

/// Who saw an OOM kill.
fn oom(facts: &Facts<'_>) -> Vec<Seen> {
    let witnesses = facts.witnesses;
    let mut seen = Vec::new();
    let mut lines = 0_u64;
    if let Some((_, report)) = witnesses.log {
        let victims: Vec<&Victim> = report
            .victims
            .iter()
            .chain(witnesses.further.iter().map(|(_, further)| &further.victim))
            .collect();
        lines = u64::try_from(victims.len()).unwrap_or(u64::MAX);
        seen.push(Seen {
            source: Witness::Node(Source::KernelLog),
            pids: victims.iter().map(|victim| victim.pid).collect(),
            whose: groups(victims.iter().filter_map(|victim| victim.cgroup.as_deref())),
            whole: !report.bare && report.trigger.is_some(),
        });
    }
    if !witnesses.marked.is_empty() {
        let receivers = witnesses.marked.iter().map(|(_, sigkill)| &sigkill.receiver);
        let whose = groups(receivers.clone().filter_map(|receiver| receiver.cgroup.as_deref()));
        seen.push(Seen {
            source: Witness::Node(Source::SignalTrace),
            pids: receivers.map(|receiver| receiver.pid).collect(),
            whole: !whose.is_empty(),
            whose,
        });
    }
    if witnesses.counted.is_empty() {
        seen.extend(read(facts, lines));
    } else {
        seen.push(Seen {
            source: Witness::Node(Source::Cgroup),
            pids: BTreeSet::new(),
            whose: groups(witnesses.counted.iter().map(|(_, kill)| kill.group.as_str())),
            whole: witnesses.counted.iter().any(|(_, kill)| kill.limit != CountedLimit::Unknown),
        });
    }
    seen.extend(stated(facts));
    seen
}

/// The end that Kubernetes states, where it is one by SIGKILL: that of this container, by its id.
fn stated(facts: &Facts<'_>) -> Option<Seen> {
    let api = facts.api?;
    let termination = api.termination().filter(|_| api.code() == Some(137))?;
    let id = termination.ended.container_id.as_deref()?;
    let pod = api.pod().map(|pod| pod.cgroup_uid());
    Some(Seen {
        source: Witness::Kubernetes,
        pids: BTreeSet::new(),
        whose: vec![Whose::of_container(pod, id)],
        whole: false,
    })
}

/// What was read of the counters because of the kernel's lines. A counter that is no higher than the kills that are
/// known was moved by nothing else.
fn read(facts: &Facts<'_>, lines: u64) -> Option<Seen> {
    let worked_out = facts
        .witnesses
        .attribution()
        .filter(|a| a.method == AttributionMethod::OomKillCounter)
        .filter(|a| facts.victims.first().is_some_and(|victim| victim.pid == a.pid));
    if let Some(attribution) = worked_out {
        return Some(Seen {
            source: Witness::Node(Source::Cgroup),
            pids: BTreeSet::from([attribution.pid]),
            whose: groups([attribution.cgroup.as_str()]),
            whole: false,
        });
    }
    let state = [facts.aftermath, facts.at_kill]
        .into_iter()
        .flatten()
        .filter_map(|observation| facts.container_state(observation))
        .find(|state| state.exists && state.oom_kill.is_some_and(|n| n > 0 && n <= lines))?;
    Some(Seen {
        source: Witness::Node(Source::Cgroup),
        pids: BTreeSet::new(),
        whose: groups([state.path.as_str()]),
        whole: false,
    })
}

/// Who saw another death.
fn death(facts: &Facts<'_>) -> Vec<Seen> {
    let mut seen = Vec::new();
    if let Event::Userspace(line) = facts.event {
        seen.push(Seen {
            source: Witness::Node(Source::KernelLog),
            pids: line.pid.into_iter().collect(),
            whose: groups(line.cgroup.as_deref()),
            whole: true,
        });
    }
    let end = facts.witnesses.end.map(|(_, end)| end);
    let ended = || groups(end.map(|end| end.group.as_str()));
    if facts.fault().is_some() {
        seen.push(Seen {
            source: Witness::Node(Source::KernelLog),
            pids: BTreeSet::new(),
            whose: ended(),
            whole: true,
        });
    }
    if let Some((_, sigkill)) = facts.kill {
        seen.push(Seen {
            source: Witness::Node(Source::SignalTrace),
            pids: BTreeSet::from([sigkill.receiver.pid]),
            whose: groups(sigkill.receiver.cgroup.as_deref()),
            whole: true,
        });
    } else if end.is_some_and(|end| end.main_sigkilled == Some(false)) {
        seen.push(Seen {
            source: Witness::Node(Source::SignalTrace),
            pids: BTreeSet::new(),
            whose: ended(),
            whole: true,
        });
    }
    if end.is_some() {
        seen.push(Seen {
            source: Witness::Node(Source::Cgroup),
            pids: BTreeSet::new(),
            whose: ended(),
            whole: true,
        });
    }
    seen.extend(stated(facts));
    seen
}

/// The root says nothing: it is where the dead are found.
fn groups<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<Whose> {
    paths.into_iter().filter(|path| !matches!(*path, "" | "/")).map(Whose::of).collect()
}

fn same_group(one: &Seen, another: &Seen) -> bool {
    one.whose.iter().any(|a| another.whose.iter().any(|b| a.agrees(b)))
}

/// Whether one names a group that all the other's are in: where theirs were gone, those above counted.
fn one_is_above(one: &Seen, another: &Seen) -> bool {
    let above = |one: &Seen, another: &Seen| {
        one.whose.iter().any(|a| another.whose.iter().all(|b| a.is_above(b)))
    };
    above(one, another) || above(another, one)
}

/// Those that agree with the first, directly or through another.
fn agreeing(seen: &[Seen]) -> Vec<&Seen> {
    let mut held: Vec<&Seen> = seen.first().into_iter().collect();
    for _ in 1..seen.len() {
        for next in seen {
            let is_in = held.iter().any(|other| other.source == next.source);
            let joins = held
                .iter()
                .any(|other| !other.pids.is_disjoint(&next.pids) || same_group(other, next));
            if !is_in && joins {
                held.push(next);
            }
        }
    }
    held
}

/// Two that speak of different processes or groups, in words.
fn differing(seen: &[Seen]) -> Option<String> {
    for (at, one) in seen.iter().enumerate() {
        for another in seen.iter().skip(at + 1) {
            let pids = !one.pids.is_empty()
                && !another.pids.is_empty()
                && one.pids.is_disjoint(&another.pids);
            let groups = !one.whose.is_empty()
                && !another.whose.is_empty()
                && !same_group(one, another)
                && !one_is_above(one, another);
            if pids || groups {
                let what = if pids { "processes" } else { "groups" };
                return Some(format!(
                    "The {} and the {} name different {what}.",
                    one.source, another.source
                ));
            }
        }
    }
    None
}

/// Whether an id says who died: a container's, a pod's, or a pid with its group.
fn identified(seen: &[&Seen]) -> bool {
    let has_pid = seen.iter().any(|seen| !seen.pids.is_empty());
    seen.iter().flat_map(|seen| &seen.whose).any(|whose| whose.has_id() || has_pid)
}
