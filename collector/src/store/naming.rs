//! Gives an incident the names that Kubernetes has for whom it is about, where the verdict did not.

use coroner_core::incident::{ContainerRef, Incident, OwnerRef, PodRef};
use coroner_core::kubernetes::KubernetesCase;

/// Fills in what is absent: pod, owner, container, and the end as stated.
pub(super) fn name(incident: &mut Incident, says: &KubernetesCase) {
    let end = says.termination.as_deref();
    let waiting = says.waiting.as_deref();
    let pod = incident.pod.get_or_insert_with(PodRef::default);
    let stated = end
        .map(|end| (&end.pod_uid, &end.namespace, &end.pod))
        .or(waiting.map(|waiting| (&waiting.pod_uid, &waiting.namespace, &waiting.pod)))
        .or(says.pod.as_deref().map(|pod| (&pod.uid, &pod.namespace, &pod.name)));
    if let Some((uid, namespace, name)) = stated {
        // The uid that the API knows it by: a static pod's cgroups are called otherwise.
        pod.uid = Some(uid.clone());
        pod.namespace.get_or_insert_with(|| namespace.clone());
        pod.name.get_or_insert_with(|| name.clone());
    }
    if let Some(owner) = says.pod.as_deref().and_then(|pod| pod.workload()) {
        pod.owner
            .get_or_insert_with(|| OwnerRef { kind: owner.kind.clone(), name: owner.name.clone() });
    }
    if let Some(name) = &says.container {
        let container = incident.container.get_or_insert_with(ContainerRef::default);
        container.name.get_or_insert_with(|| name.clone());
        if let Some(id) = end.and_then(|end| end.container_id()) {
            container.id.get_or_insert_with(|| id.to_owned());
        }
    }
    if let Some(end) = end {
        incident.termination.get_or_insert_with(|| end.as_stated());
    }
}
