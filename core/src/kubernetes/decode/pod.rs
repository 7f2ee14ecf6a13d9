//! `v1` Pod.

use jiff::Timestamp;
use serde::Deserialize;

use super::conditions::{self, ConditionField};
use super::container::{self, Container};
use super::field::{Field, objects};
use super::metadata::{self, Metadata};
use super::reader::{Decoded, Problem, Reader};
use super::resources::{Requirements, requirements};
use super::status::{self, Status};
use crate::cgroup::Qos;
use crate::kubernetes::{
    Condition, ContainerRecord, ContainerRole, PodPhase, PodRecord, RestartPolicy,
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Object {
    metadata: Field<Metadata>,
    spec: Field<Spec>,
    status: Field<PodStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    node_name: Field<String>,
    init_containers: Field<Vec<Field<Container>>>,
    containers: Field<Vec<Field<Container>>>,
    ephemeral_containers: Field<Vec<Field<Container>>>,
    resources: Field<Requirements>,
    restart_policy: Field<String>,
    termination_grace_period_seconds: Field<u64>,
    active_deadline_seconds: Field<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodStatus {
    phase: Field<String>,
    reason: Field<String>,
    message: Field<String>,
    qos_class: Field<String>,
    start_time: Field<Timestamp>,
    conditions: Field<Vec<Field<ConditionField>>>,
    init_container_statuses: Field<Vec<Field<Status>>>,
    container_statuses: Field<Vec<Field<Status>>>,
    ephemeral_container_statuses: Field<Vec<Field<Status>>>,
}

objects!(Object, Spec, PodStatus);

/// Reads a Pod.
///
/// # Errors
/// When it is no JSON, or has no uid, name or namespace. Anything else that is wrong is listed, and the rest is read.
pub fn pod(json: &[u8]) -> Result<Decoded<PodRecord>, Problem> {
    let object: Field<Object> = serde_json::from_slice(json).map_err(|e| Problem::broken(&e))?;
    let mut reader = Reader::default();
    let Some(object) = reader.get("", object) else { return Err(Problem::no_object()) };
    let metadata = reader.get("metadata", object.metadata).unwrap_or_default();
    let mut resource_version = None;
    let mut pod = reader.within("metadata", None, |reader| {
        resource_version = reader.word("resourceVersion", metadata.resource_version);
        let mut pod = PodRecord {
            uid: reader.needed("uid", metadata.uid)?,
            namespace: reader.needed("namespace", metadata.namespace)?,
            name: reader.needed("name", metadata.name)?,
            created: reader.get("creationTimestamp", metadata.creation_timestamp),
            ..PodRecord::default()
        };
        let grace = metadata.deletion_grace_period_seconds;
        pod.deletion = metadata::deletion(reader, metadata.deletion_timestamp, grace);
        pod.owners.extend(metadata::owner(reader, metadata.owner_references));
        let labels = reader.object("labels", metadata.labels, |reader, labels| {
            reader.word("pod-template-hash", labels.pod_template_hash)
        });
        let hash = labels.flatten();
        let above = pod.owners.first().and_then(|rs| metadata::deployment(rs, hash.as_deref()));
        pod.owners.extend(above);
        let mirror = reader.object("annotations", metadata.annotations, |reader, marks| {
            let hash = reader.word("kubernetes.io/config.hash", marks.config_hash);
            let mirror = reader.word("kubernetes.io/config.mirror", marks.config_mirror);
            mirror.map(|mirror| hash.unwrap_or(mirror))
        });
        pod.config_hash = mirror.flatten();
        Ok(pod)
    })?;
    reader.object("spec", object.spec, |reader, spec| fill_spec(reader, &mut pod, spec));
    reader.object("status", object.status, |reader, status| fill_status(reader, &mut pod, status));
    Ok(reader.done(pod, resource_version))
}

fn fill_spec(reader: &mut Reader, pod: &mut PodRecord, spec: Spec) {
    pod.node = reader.word("nodeName", spec.node_name);
    for (name, role, list) in [
        ("initContainers", ContainerRole::Init, spec.init_containers),
        ("containers", ContainerRole::App, spec.containers),
        ("ephemeralContainers", ContainerRole::Ephemeral, spec.ephemeral_containers),
    ] {
        let list = reader.each(name, list, |reader, c| container::container(reader, role, c));
        pod.containers.extend(list);
    }
    (pod.limits, pod.requests) = requirements(reader, spec.resources);
    pod.restart_policy = match reader.word("restartPolicy", spec.restart_policy).as_deref() {
        Some("Never") => RestartPolicy::Never,
        Some("OnFailure") => RestartPolicy::OnFailure,
        _ => RestartPolicy::Always,
    };
    let grace = spec.termination_grace_period_seconds;
    pod.termination_grace_s = reader.get("terminationGracePeriodSeconds", grace);
    pod.active_deadline_s = reader.get("activeDeadlineSeconds", spec.active_deadline_seconds);
}

fn fill_status(reader: &mut Reader, pod: &mut PodRecord, status: PodStatus) {
    pod.phase = match reader.word("phase", status.phase).as_deref() {
        Some("Pending") => PodPhase::Pending,
        Some("Running") => PodPhase::Running,
        Some("Succeeded") => PodPhase::Succeeded,
        Some("Failed") => PodPhase::Failed,
        _ => PodPhase::Unknown,
    };
    pod.reason = reader.word("reason", status.reason);
    pod.message = reader.word("message", status.message);
    pod.qos = match reader.word("qosClass", status.qos_class).as_deref() {
        Some("Guaranteed") => Some(Qos::Guaranteed),
        Some("Burstable") => Some(Qos::Burstable),
        Some("BestEffort") => Some(Qos::BestEffort),
        _ => None,
    };
    pod.started = reader.get("startTime", status.start_time);
    let conditions = reader.each("conditions", status.conditions, conditions::condition);
    let ready = |c: &&Condition| c.kind == "ContainersReady" && c.status == "True";
    pod.ready_since = conditions.iter().find(ready).and_then(|condition| condition.since);
    pod.conditions = conditions.into_iter().filter(worth_keeping).collect();
    for (name, role, list) in [
        ("initContainerStatuses", ContainerRole::Init, status.init_container_statuses),
        ("containerStatuses", ContainerRole::App, status.container_statuses),
        (
            "ephemeralContainerStatuses",
            ContainerRole::Ephemeral,
            status.ephemeral_container_statuses,
        ),
    ] {
        reader.each(name, list, |reader, status| {
            let mut status = status;
            let name = reader.word("name", std::mem::take(&mut status.name))?;
            let known = pod.containers.iter().position(|container| container.name == name);
            let at = known.unwrap_or_else(|| {
                // Its `spec` could not be read; that it ended is still worth knowing.
                pod.containers.push(ContainerRecord { name, role, ..ContainerRecord::default() });
                pod.containers.len() - 1
            });
            status::fill(reader, &mut pod.containers[at], status);
            Some(())
        });
    }
}

/// `DisruptionTarget`, and whatever is not as it should be.
fn worth_keeping(condition: &Condition) -> bool {
    condition.kind == "DisruptionTarget" || condition.status != "True"
}
