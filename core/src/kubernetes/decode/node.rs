//! `v1` Node.

use jiff::Timestamp;
use serde::Deserialize;

use super::conditions::{self, ConditionField};
use super::field::{Field, objects};
use super::metadata::Metadata;
use super::reader::{Decoded, Problem, Reader};
use super::resources::{Amounts, amounts};
use crate::kubernetes::{NodeRecord, Taint};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Object {
    metadata: Field<Metadata>,
    spec: Field<Spec>,
    status: Field<Status>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    taints: Field<Vec<Field<TaintField>>>,
    unschedulable: Field<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TaintField {
    key: Field<String>,
    value: Field<String>,
    effect: Field<String>,
    time_added: Field<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    capacity: Field<Amounts>,
    allocatable: Field<Amounts>,
    conditions: Field<Vec<Field<ConditionField>>>,
    node_info: Field<NodeInfo>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeInfo {
    #[serde(rename = "bootID")]
    boot_id: Field<String>,
    kubelet_version: Field<String>,
    container_runtime_version: Field<String>,
    kernel_version: Field<String>,
}

objects!(Object, Spec, TaintField, Status, NodeInfo);

/// Reads a Node.
///
/// # Errors
/// When it is no JSON, or has no uid or name. Anything else that is wrong is listed, and the rest is read.
pub fn node(json: &[u8]) -> Result<Decoded<NodeRecord>, Problem> {
    let object: Field<Object> = serde_json::from_slice(json).map_err(|e| Problem::broken(&e))?;
    let mut reader = Reader::default();
    let Some(object) = reader.get("", object) else { return Err(Problem::no_object()) };
    let metadata = reader.get("metadata", object.metadata).unwrap_or_default();
    let mut resource_version = None;
    let mut node = reader.within("metadata", None, |reader| {
        resource_version = reader.word("resourceVersion", metadata.resource_version);
        Ok(NodeRecord {
            name: reader.needed("name", metadata.name)?,
            uid: reader.needed("uid", metadata.uid)?,
            ..NodeRecord::default()
        })
    })?;
    reader.object("spec", object.spec, |reader, spec| {
        node.taints = reader.each("taints", spec.taints, taint);
        node.unschedulable = reader.get("unschedulable", spec.unschedulable).unwrap_or_default();
    });
    reader.object("status", object.status, |reader, status| {
        node.capacity = amounts(reader, "capacity", status.capacity);
        node.allocatable = amounts(reader, "allocatable", status.allocatable);
        node.conditions = reader.each("conditions", status.conditions, conditions::condition);
        reader.object("nodeInfo", status.node_info, |reader, info| {
            node.boot_id = reader.word("bootID", info.boot_id);
            node.kubelet_version = reader.word("kubeletVersion", info.kubelet_version);
            let runtime = info.container_runtime_version;
            node.runtime_version = reader.word("containerRuntimeVersion", runtime);
            node.kernel_version = reader.word("kernelVersion", info.kernel_version);
        });
    });
    Ok(reader.done(node, resource_version))
}

fn taint(reader: &mut Reader, taint: TaintField) -> Option<Taint> {
    Some(Taint {
        key: reader.word("key", taint.key)?,
        value: reader.word("value", taint.value),
        effect: reader.word("effect", taint.effect).unwrap_or_default(),
        added: reader.get("timeAdded", taint.time_added),
    })
}
