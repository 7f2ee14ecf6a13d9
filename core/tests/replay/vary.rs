//! The same experiment with something missing, late, twice, or in another order.

use coroner_core::incident::Incident;
use coroner_core::kubernetes::ApiChange;

use super::load::Experiment;

/// What is done to an experiment, and how.
pub(crate) type Variation = (&'static str, fn(&Experiment) -> Experiment);

pub(crate) const VARIATIONS: [Variation; 8] = [
    ("events first", events_first),
    ("events and findings turned round", turned),
    ("everything twice", twice),
    ("the watch sees only the last state", last_state),
    ("the agent's part missing", without_agent),
    ("the events missing", without_events),
    ("the agent's part and the events missing", without_both),
    ("the API's part missing", without_api),
];

fn is_event(change: &ApiChange) -> bool {
    matches!(change, ApiChange::Event(_))
}

fn events_first(experiment: &Experiment) -> Experiment {
    let mut varied = experiment.clone();
    varied.api.sort_by_key(|seen| !is_event(&seen.change));
    varied
}

/// The order of one pod's states is the API's promise; all else may come anyhow.
fn turned(experiment: &Experiment) -> Experiment {
    let mut varied = experiment.clone();
    let (mut events, mut pods): (Vec<_>, Vec<_>) =
        varied.api.into_iter().partition(|seen| is_event(&seen.change));
    events.reverse();
    let late = pods.split_off(pods.len() / 2);
    varied.api = pods.into_iter().chain(events).chain(late).collect();
    varied.findings.reverse();
    varied
}

/// As after a reconnect: the watch begins anew, events are listed again, findings are sent again.
fn twice(experiment: &Experiment) -> Experiment {
    let mut varied = experiment.clone();
    varied.api = varied.api.iter().flat_map(|seen| [seen.clone(), seen.clone()]).collect();
    let again = varied.findings.clone();
    varied.findings.extend(again);
    varied
}

fn last_state(experiment: &Experiment) -> Experiment {
    let mut varied = experiment.clone();
    let last = varied.api.iter().rposition(|seen| !is_event(&seen.change));
    let mut at = 0;
    varied.api.retain(|seen| {
        let keep = is_event(&seen.change) || Some(at) == last;
        at += 1;
        keep
    });
    varied
}

fn without_agent(experiment: &Experiment) -> Experiment {
    Experiment { findings: Vec::new(), coverage: Vec::new(), ..experiment.clone() }
}

fn without_events(experiment: &Experiment) -> Experiment {
    let mut varied = experiment.clone();
    varied.api.retain(|seen| !is_event(&seen.change));
    varied
}

fn without_both(experiment: &Experiment) -> Experiment {
    without_agent(&without_events(experiment))
}

fn without_api(experiment: &Experiment) -> Experiment {
    Experiment { api: Vec::new(), ..experiment.clone() }
}

/// Of the full verdicts the one that a varied one is about: of the same container, and the nearest in time.
pub(crate) fn same<'a>(full: &'a [Incident], varied: &Incident) -> Option<(usize, &'a Incident)> {
    let id = super::book::container_of(varied);
    let apart = |other: &Incident| other.time.duration_until(varied.time).abs();
    let mut near: Vec<(usize, &Incident)> = full.iter().enumerate().collect();
    near.retain(|(_, other)| id.is_none() || super::book::container_of(other) == id);
    near.into_iter().min_by_key(|(_, other)| apart(other))
}
