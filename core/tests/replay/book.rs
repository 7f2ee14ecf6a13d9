//! What a collector keeps, as far as a replay needs it: pods, ends, events and findings, in whatever order they come; and
//! the incidents that they make.

use std::collections::{BTreeMap, BTreeSet};

use coroner_core::cgroup::identify;
use coroner_core::finding::Finding;
use coroner_core::incident::{Incident, IncidentId};
use coroner_core::kubernetes::{
    ApiChange, Changes, ClockDifference, Clocks, ClusterEvent, ContainerState, Ended,
    KubernetesCase, PodRecord, Seen, Sighting, Termination, TerminationId, places,
};
use coroner_core::verdict::{Case, incident_of, judge, sighting};
use jiff::{SignedDuration, Timestamp};

use super::load::Experiment;

/// API server, node and recorder were one machine: what a collector measures there, as roughly as it may.
fn one_clock() -> Clocks {
    let second = SignedDuration::from_secs(1);
    let same = Some(ClockDifference { low: Some(-second), high: Some(second) });
    Clocks { api: same, node: same }
}

#[derive(Default)]
pub(crate) struct Book {
    pods: BTreeMap<String, PodRecord>,
    gone: BTreeMap<String, Timestamp>,
    ends: BTreeMap<TerminationId, Termination>,
    events: BTreeMap<String, ClusterEvent>,
    findings: Vec<Finding>,
}

/// Takes everything in the order that it comes in, and judges.
pub(crate) fn judge_all(experiment: &Experiment) -> Vec<Incident> {
    let mut book = Book::default();
    for seen in &experiment.api {
        book.take(seen);
    }
    book.findings.clone_from(&experiment.findings);
    book.incidents(experiment)
}

impl Book {
    fn take(&mut self, seen: &Seen) {
        match &seen.change {
            ApiChange::Pod(pod) => self.pod(pod, seen.at),
            ApiChange::PodGone(pod) => {
                self.pod(pod, seen.at);
                self.gone.entry(pod.uid.clone()).or_insert(seen.at);
            }
            ApiChange::Event(event) => {
                let held =
                    self.events.entry(event.uid.clone()).or_insert_with(|| event.as_ref().clone());
                if event.count > held.count {
                    *held = event.as_ref().clone();
                }
            }
            _ => {}
        }
    }

    fn pod(&mut self, pod: &PodRecord, at: Timestamp) {
        let changes = Changes::between(self.pods.get(&pod.uid), pod, at);
        for end in changes.terminations {
            self.ends.entry(end.id()).or_insert(end);
        }
        let mut pod = pod.clone();
        if let Some(before) = self.pods.get(&pod.uid) {
            pod.remember(before);
        }
        self.pods.insert(pod.uid.clone(), pod);
    }

    fn incidents(&self, experiment: &Experiment) -> Vec<Incident> {
        let mut by_incident: BTreeMap<IncidentId, Vec<Finding>> = BTreeMap::new();
        for finding in &self.findings {
            if let Some(id) = incident_of(finding) {
                by_incident.entry(id).or_default().push(finding.clone());
            }
        }
        let case = |id: &IncidentId, findings: &[Finding]| Case {
            incident: Some(id.clone()),
            findings: findings.to_vec(),
            coverage: experiment.coverage.clone(),
            ..Case::default()
        };
        let sightings: Vec<Sighting> =
            by_incident.iter().filter_map(|(id, found)| sighting(id, &case(id, found))).collect();
        let ended: Vec<Ended<'_>> = self
            .ends
            .values()
            .map(|termination| Ended {
                termination,
                cgroup_uid: &termination.pod_uid,
                incident: None,
            })
            .collect();
        let placed = places(&ended, &sightings);
        let mut incidents: BTreeMap<IncidentId, Case> = BTreeMap::new();
        for (own, is_in) in &placed.sightings {
            let findings = by_incident.get(own).cloned().unwrap_or_default();
            let held = incidents.entry(is_in.clone()).or_insert_with(|| case(is_in, &[]));
            held.findings.extend(findings);
        }
        for (id, is_in) in &placed.terminations {
            let held = incidents.entry(is_in.clone()).or_insert_with(|| case(is_in, &[]));
            assert!(held.kubernetes.is_none(), "two ends of one incident");
            held.kubernetes = self.ends.get(id).map(|end| self.of_end(end));
        }
        for sighting in &sightings {
            let is_in = &placed.sightings[&sighting.id];
            let Some(held) = incidents.get_mut(is_in) else { continue };
            if held.kubernetes.is_none() {
                held.kubernetes = self.of_sighting(sighting);
            }
        }
        for (uid, at) in &self.gone {
            let pod = &self.pods[uid];
            for container in &pod.containers {
                if matches!(container.state, ContainerState::Running { .. }) {
                    let kubernetes =
                        KubernetesCase { pod_gone: Some(*at), ..self.of(pod, &container.name) };
                    let id = IncidentId(format!("gone-{uid}-{}", container.name));
                    let case = Case { kubernetes: Some(kubernetes), ..case(&id, &[]) };
                    incidents.insert(id, case);
                }
            }
        }
        let mut judged: Vec<Incident> = incidents.values().filter_map(judge).collect();
        judged.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
        let ids: BTreeSet<&IncidentId> = judged.iter().map(|incident| &incident.id).collect();
        assert_eq!(ids.len(), judged.len(), "an incident has one verdict");
        judged
    }

    fn of(&self, pod: &PodRecord, container: &str) -> KubernetesCase {
        let mut events: Vec<ClusterEvent> = self
            .events
            .values()
            .filter(|event| event.is_of_pod(&pod.uid) || event.regarding.kind == "Node")
            .cloned()
            .collect();
        events.sort_by(|a, b| (a.first, &a.uid).cmp(&(b.first, &b.uid)));
        KubernetesCase {
            pod: Some(Box::new(pod.clone())),
            container: Some(container.to_owned()),
            events,
            pod_gone: self.gone.get(&pod.uid).copied(),
            clocks: one_clock(),
            ..KubernetesCase::default()
        }
    }

    fn of_end(&self, end: &Termination) -> KubernetesCase {
        KubernetesCase {
            termination: Some(Box::new(end.clone())),
            ..self.of(&self.pods[&end.pod_uid], &end.container)
        }
    }

    fn of_sighting(&self, sighting: &Sighting) -> Option<KubernetesCase> {
        let id = sighting.container_id.as_deref()?;
        let pod = self.pods.get(sighting.pod_uid.as_deref()?)?;
        let end = self.ends.values().find(|end| end.container_id() == Some(id));
        let shown = pod.containers.iter().find(|c| c.container_id.as_deref() == Some(id));
        let name = shown.map(|c| &c.name).or(end.map(|end| &end.container))?;
        Some(self.of(pod, name))
    }
}

/// The container that an incident is about, by its id.
pub(crate) fn container_of(incident: &Incident) -> Option<String> {
    let of_limit = || {
        let kernel = incident.kernel.as_ref()?;
        identify(kernel.limit_cgroup.as_deref()?).container_id
    };
    incident.container.as_ref().and_then(|c| c.id.clone()).or_else(of_limit)
}
