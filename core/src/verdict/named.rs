//! Names that people know, in place of ids that only the node knows.
//!
//! The node's witnesses know a container by its id and a pod by its uid; where Kubernetes says what they are called, the
//! sentences of a verdict do too. Evidence keeps the ids: that is where they are looked up.

use super::words::short;
use crate::incident::Incident;
use crate::kubernetes::KubernetesCase;

/// Puts names for ids in what is said.
pub(super) fn name(incident: &mut Incident, case: Option<&KubernetesCase>) {
    let Some(case) = case else { return };
    let names = names(case);
    if names.is_empty() {
        return;
    }
    let says = incident
        .explanation
        .iter_mut()
        .chain(&mut incident.remedies)
        .chain(&mut incident.gaps)
        .chain([&mut incident.summary]);
    for text in says {
        for (id, name) in &names {
            if text.contains(id.as_str()) {
                *text = text.replace(id.as_str(), name);
            }
        }
    }
}

/// What is said of each container and of the pod, and what it is called; the longer ones first.
fn names(case: &KubernetesCase) -> Vec<(String, String)> {
    let Some(pod) = case.pod.as_deref() else { return Vec::new() };
    let of_pod = format!(" of pod {}", pod.cgroup_uid());
    let mut runs: Vec<(&str, &str)> = Vec::new();
    for container in &pod.containers {
        let last = container.last.as_deref().and_then(|ended| ended.container_id.as_deref());
        let shown = container.container_id.as_deref().into_iter().chain(last);
        runs.extend(shown.map(|id| (id, container.name.as_str())));
    }
    let itself = case.termination.as_deref().and_then(|end| Some((end.container_id()?, end)));
    runs.extend(itself.map(|(id, end)| (id, end.container.as_str())));
    let mut names: Vec<_> = runs
        .into_iter()
        .map(|(id, name)| (format!("container {}{of_pod}", short(id)), format!("container {name}")))
        .collect();
    names
        .push((format!("pod {}", pod.cgroup_uid()), format!("pod {}/{}", pod.namespace, pod.name)));
    names
}
