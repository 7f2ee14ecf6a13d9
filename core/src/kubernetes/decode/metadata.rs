//! `metadata` of every kind of object, as much of it as is used. `managedFields`, most of an object's weight, is skipped.

use jiff::Timestamp;
use serde::Deserialize;

use super::field::{Field, objects};
use super::reader::Reader;
use crate::kubernetes::{Deletion, Owner};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: Field<String>,
    pub(super) namespace: Field<String>,
    pub(super) uid: Field<String>,
    pub(super) resource_version: Field<String>,
    pub(super) creation_timestamp: Field<Timestamp>,
    pub(super) deletion_timestamp: Field<Timestamp>,
    pub(super) deletion_grace_period_seconds: Field<u64>,
    pub(super) annotations: Field<Annotations>,
    pub(super) labels: Field<Labels>,
    pub(super) owner_references: Field<Vec<Field<OwnerReference>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Annotations {
    #[serde(rename = "kubernetes.io/config.hash")]
    pub(super) config_hash: Field<String>,
    #[serde(rename = "kubernetes.io/config.mirror")]
    pub(super) config_mirror: Field<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Labels {
    #[serde(rename = "pod-template-hash")]
    pub(super) pod_template_hash: Field<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OwnerReference {
    kind: Field<String>,
    name: Field<String>,
    uid: Field<String>,
    controller: Field<bool>,
}

objects!(Metadata, Annotations, Labels, OwnerReference);

/// `deletionTimestamp` and the grace period that led to it.
pub(super) fn deletion(
    reader: &mut Reader,
    deadline: Field<Timestamp>,
    grace: Field<u64>,
) -> Option<Deletion> {
    let deadline = reader.get("deletionTimestamp", deadline);
    let grace_s = reader.get("deletionGracePeriodSeconds", grace);
    Some(Deletion { deadline: deadline?, grace_s })
}

/// Who made the object: the owner marked as its controller, or else the first that is named.
pub(super) fn owner(
    reader: &mut Reader,
    references: Field<Vec<Field<OwnerReference>>>,
) -> Option<Owner> {
    let mut all = reader.each("ownerReferences", references, |reader, reference| {
        let kind = reader.word("kind", reference.kind)?;
        let name = reader.word("name", reference.name)?;
        let uid = reader.word("uid", reference.uid);
        let controller = reader.get("controller", reference.controller).unwrap_or(false);
        Some((controller, Owner { kind, name, uid }))
    });
    let at = all.iter().position(|(controller, _)| *controller).unwrap_or(0);
    (at < all.len()).then(|| all.swap_remove(at).1)
}

/// The Deployment that a ReplicaSet belongs to, by the name it gave it: the Deployment's own, `-`, and the hash that its
/// pods are labelled with. Its uid stays unknown.
pub(super) fn deployment(owner: &Owner, hash: Option<&str>) -> Option<Owner> {
    let name = owner.name.strip_suffix(hash?)?.strip_suffix('-')?;
    (owner.kind == "ReplicaSet" && !name.is_empty()).then(|| Owner {
        kind: "Deployment".to_owned(),
        name: name.to_owned(),
        uid: None,
    })
}
