//! A container of a pod's `spec`.

use serde::Deserialize;

use super::field::{Field, objects};
use super::heap::{self, Variable};
use super::probes::{self, Hook, ProbeSpec};
use super::reader::Reader;
use super::resources::{Requirements, requirements};
use crate::kubernetes::{ContainerRecord, ContainerRole, Hooks, Probes};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Container {
    name: Field<String>,
    image: Field<String>,
    command: Field<Vec<Field<String>>>,
    args: Field<Vec<Field<String>>>,
    env: Field<Vec<Field<Variable>>>,
    resources: Field<Requirements>,
    restart_policy: Field<String>,
    liveness_probe: Field<ProbeSpec>,
    readiness_probe: Field<ProbeSpec>,
    startup_probe: Field<ProbeSpec>,
    lifecycle: Field<Lifecycle>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Lifecycle {
    post_start: Field<Hook>,
    pre_stop: Field<Hook>,
}

objects!(Container, Lifecycle);

/// The record of one container, without its status. `role` is by the list it stands in; `restartPolicy: Always` makes an
/// init container a sidecar.
pub(super) fn container(
    reader: &mut Reader,
    role: ContainerRole,
    spec: Container,
) -> Option<ContainerRecord> {
    let name = reader.word("name", spec.name)?;
    let restart_policy = reader.word("restartPolicy", spec.restart_policy);
    let sidecar = role == ContainerRole::Init && restart_policy.as_deref() == Some("Always");
    let (limits, requests) = requirements(reader, spec.resources);
    let words = |reader: &mut Reader, name, field| reader.each(name, field, |_, word| Some(word));
    let command = words(reader, "command", spec.command);
    let args = words(reader, "args", spec.args);
    let env = reader.each("env", spec.env, heap::variable);
    let hooks = reader.object("lifecycle", spec.lifecycle, |reader, lifecycle| Hooks {
        post_start: reader.object("postStart", lifecycle.post_start, probes::hook).flatten(),
        pre_stop: reader.object("preStop", lifecycle.pre_stop, probes::hook).flatten(),
    });
    Some(ContainerRecord {
        name,
        role: if sidecar { ContainerRole::Sidecar } else { role },
        image: reader.get("image", spec.image).unwrap_or_default(),
        limits,
        requests,
        probes: Probes {
            liveness: probes::probe(reader, "livenessProbe", spec.liveness_probe),
            readiness: probes::probe(reader, "readinessProbe", spec.readiness_probe),
            startup: probes::probe(reader, "startupProbe", spec.startup_probe),
        },
        hooks: hooks.unwrap_or_default(),
        heap: heap::settings(&command, &args, &env),
        restart_policy,
        ..ContainerRecord::default()
    })
}
