//! What happened to a pod, in order, each with its source.
//!
//! Three clocks meet here. Nodes stamp what they saw to the microsecond; the kubelet states starts, ends and events in whole
//! seconds, cut; and what was only watched is known by when it was seen. Within one second a start is put first, and an end
//! or an event last, since the second that they state is the one they happened in; and no run begins before the one before it
//! has ended. What happened within the same second of two sources is in no surer order than that.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::incident::{Incident, IncidentId};
use crate::kubernetes::{ClusterEvent, ContainerState, PodRecord, Termination, Waiting};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub time: Timestamp,
    /// Whether `time` is exact; else it happened within the second that begins there.
    pub exact: bool,
    /// In which container; `None` for the pod.
    pub container: Option<String>,
    /// What, in words: hostile text.
    pub what: String,
    /// Who says so: `pod status`, `event (kubelet)`, `kernel log`, `cgroup`, ...
    pub source: String,
    /// The incident that it belongs to.
    pub incident: Option<IncidentId>,
}

/// What is known of a pod.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The pod's records, several where its name was used again, and when each was seen to be gone.
    pub pods: Vec<(PodRecord, Option<Timestamp>)>,
    /// Ends of its containers.
    pub ends: Vec<Termination>,
    /// Spells of waiting.
    pub waitings: Vec<Waiting>,
    /// Events about it.
    pub events: Vec<ClusterEvent>,
    /// Its incidents.
    pub incidents: Vec<Incident>,
}

/// An entry, and where it stands: by time, then by what comes first of what is stated alike.
struct Placed(Timestamp, u8, Entry);

// What comes first.
const BEGIN: u8 = 0;
const BEFORE: u8 = 1;
const KILL: u8 = 2;
const END: u8 = 3;
const AFTER: u8 = 4;

const POD_STATUS: &str = "pod status";

/// What happened, the oldest first.
#[must_use]
pub fn timeline(known: &Known) -> Vec<Entry> {
    let mut all = Vec::new();
    for (pod, gone) in &known.pods {
        of_pod(pod, *gone, &mut all);
    }
    let mut told: HashSet<&IncidentId> = HashSet::new();
    let mut last_end: HashMap<(&str, &str), Timestamp> = HashMap::new();
    let mut ends: Vec<&Termination> = known.ends.iter().collect();
    ends.sort_by_key(|end| (end.time(), end.restart_count));
    for end in ends {
        let run = (end.pod_uid.as_str(), end.container.as_str());
        if let Some(started) = end.ended.started_at {
            start(&end.container, end.restart_count, started, last_end.get(&run), &mut all);
        }
        let Some(time) = end.time() else { continue };
        let incident = known.incidents.iter().find(|incident| is_of(incident, end));
        let mut what = match end.ended.exit_code {
            Some(code) => format!("ended with exit code {code}"),
            None => "ended".to_owned(),
        };
        if let Some(reason) = &end.ended.reason {
            what.push_str(&format!(", Kubernetes says {reason}"));
        }
        if let Some(incident) = incident {
            what.push_str(&format!("; verdict: {}", verdict(incident)));
            told.insert(&incident.id);
        }
        let exact = end.ended.finished_at.is_none();
        let at = if exact { time } else { late(time) };
        last_end.insert(run, at);
        all.push(Placed(
            at,
            END,
            Entry {
                time,
                exact,
                container: Some(end.container.clone()),
                what,
                source: POD_STATUS.to_owned(),
                incident: incident.map(|incident| incident.id.clone()),
            },
        ));
    }
    for (pod, _) in &known.pods {
        for container in &pod.containers {
            let run = (pod.uid.as_str(), container.name.as_str());
            if let ContainerState::Running { started_at: Some(started) } = &container.state {
                let before = last_end.get(&run);
                start(&container.name, container.restart_count, *started, before, &mut all);
            }
        }
    }
    known.waitings.iter().for_each(|waiting| of_waiting(waiting, &mut all));
    known.events.iter().for_each(|event| of_event(event, &mut all));
    for incident in &known.incidents {
        of_incident(incident, told.contains(&incident.id), &mut all);
    }
    all.sort_by(|a, b| (a.0, a.1, &a.2.what).cmp(&(b.0, b.1, &b.2.what)));
    all.into_iter().map(|Placed(_, _, entry)| entry).collect()
}

/// The last moment of the second that a time states.
fn late(time: Timestamp) -> Timestamp {
    let whole = Timestamp::from_second(time.as_second()).unwrap_or(time);
    whole.saturating_add(SignedDuration::from_nanos(999_999_000)).unwrap_or(time)
}

fn of_pod(pod: &PodRecord, gone: Option<Timestamp>, all: &mut Vec<Placed>) {
    let mut say = |time: Option<Timestamp>, exact: bool, rank: u8, what: String, source: &str| {
        let Some(time) = time else { return };
        let at = if exact || rank == BEGIN { time } else { late(time) };
        let entry =
            Entry { time, exact, container: None, what, source: source.to_owned(), incident: None };
        all.push(Placed(at, rank, entry));
    };
    say(pod.created, false, BEGIN, "the pod was created".to_owned(), POD_STATUS);
    let node = pod.node.as_deref().unwrap_or("?");
    say(pod.started, false, BEGIN, format!("the kubelet of {node} took it"), POD_STATUS);
    if let Some(deletion) = &pod.deletion {
        let grace = deletion.grace_s.map_or_else(String::new, |s| format!(", with {s} s of grace"));
        let what = format!("its deletion was asked for{grace}");
        say(deletion.requested(), false, BEFORE, what, POD_STATUS);
    }
    say(gone, true, AFTER, "the pod is gone".to_owned(), "API");
}

fn start(
    container: &str,
    run: u32,
    started: Timestamp,
    before: Option<&Timestamp>,
    all: &mut Vec<Placed>,
) {
    let what =
        if run == 0 { "started".to_owned() } else { format!("restarted, for the {run}. time") };
    let rank = if before.is_some_and(|end| *end >= started) { AFTER } else { BEGIN };
    let at = before.map_or(started, |end| started.max(*end));
    all.push(Placed(
        at,
        rank,
        Entry {
            time: started,
            exact: false,
            container: Some(container.to_owned()),
            what,
            source: POD_STATUS.to_owned(),
            incident: None,
        },
    ));
}

/// Whether an incident is that end.
fn is_of(incident: &Incident, end: &Termination) -> bool {
    let Some(stated) = &incident.termination else { return false };
    match (&stated.container_id, end.container_id()) {
        (Some(one), Some(other)) => one == other,
        _ => {
            let name = incident.container.as_ref().and_then(|container| container.name.as_deref());
            name == Some(end.container.as_str()) && stated.finished_at == end.ended.finished_at
        }
    }
}

/// `ContainerMemoryLimit, confirmed`.
fn verdict(incident: &Incident) -> String {
    format!("{}, {}", incident.cause, incident.confidence.name().to_lowercase())
}

fn of_waiting(waiting: &Waiting, all: &mut Vec<Placed>) {
    let container = Some(waiting.container.clone()).filter(|name| !name.is_empty());
    let mut say = |time: Option<Timestamp>, what: String| {
        let Some(time) = time else { return };
        let source = POD_STATUS.to_owned();
        let container = container.clone();
        let entry = Entry { time, exact: true, container, what, source, incident: None };
        all.push(Placed(time, AFTER, entry));
    };
    let message = waiting.message.as_deref().map_or_else(String::new, |text| format!(": {text}"));
    say(waiting.first_seen, format!("waits: {}{message}", waiting.reason));
    say(waiting.over, format!("waits no more ({})", waiting.reason));
}

fn of_event(event: &ClusterEvent, all: &mut Vec<Placed>) {
    let Some(time) = event.last.or(event.first) else { return };
    let rank = match event.reason.as_str() {
        "Killing" | "Evicted" | "Preempted" => KILL,
        "BackOff" => AFTER,
        _ => BEFORE,
    };
    let mut what = format!("{}: {}", event.reason, event.message.trim());
    if event.count > 1 {
        what.push_str(&format!(" ({} times", event.count));
        if let Some(first) = event.first.filter(|first| *first < time) {
            what.push_str(&format!(" since {}", crate::incident::whole_seconds(first)));
        }
        what.push(')');
    }
    let exact = time.subsec_nanosecond() != 0;
    let source = match event.component.as_str() {
        "" => "event".to_owned(),
        component => format!("event ({component})"),
    };
    let container = event.regarding.container.clone();
    let entry = Entry { time, exact, container, what, source, incident: None };
    all.push(Placed(if exact { time } else { late(time) }, rank, entry));
}

/// What nodes saw of an incident, and the verdict where no end tells it.
fn of_incident(incident: &Incident, told: bool, all: &mut Vec<Placed>) {
    let container = incident.container.as_ref().and_then(|container| container.name.clone());
    for piece in &incident.evidence {
        // What Kubernetes said is told by itself.
        let (Some(time), false) =
            (piece.time, ["pod status", "event"].contains(&piece.source.as_str()))
        else {
            continue;
        };
        let rank = match piece.source.as_str() {
            "kernel log" | "signal trace" => KILL,
            _ => BEFORE,
        };
        all.push(Placed(
            time,
            rank,
            Entry {
                time,
                exact: true,
                container: container.clone(),
                what: piece.detail.clone(),
                source: piece.source.clone(),
                incident: Some(incident.id.clone()),
            },
        ));
    }
    if told {
        return;
    }
    let exact = incident.time.subsec_nanosecond() != 0;
    all.push(Placed(
        incident.time,
        END,
        Entry {
            time: incident.time,
            exact,
            container,
            what: format!("{} (verdict: {})", incident.summary, verdict(incident)),
            source: "verdict".to_owned(),
            incident: Some(incident.id.clone()),
        },
    ));
}

#[cfg(test)]
mod tests;
