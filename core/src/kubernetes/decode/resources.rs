//! Limits, requests, capacity and allocatable: lists of quantities by the resource's name.

use serde::Deserialize;

use super::field::{Field, objects};
use super::reader::Reader;
use super::values::{ByteQuantity, Millicores};
use crate::kubernetes::Resources;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Requirements {
    limits: Field<Amounts>,
    requests: Field<Amounts>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Amounts {
    memory: Field<ByteQuantity>,
    cpu: Field<Millicores>,
    ephemeral_storage: Field<ByteQuantity>,
}

objects!(Requirements, Amounts);

/// Limits and requests.
pub(super) fn requirements(
    reader: &mut Reader,
    field: Field<Requirements>,
) -> (Resources, Resources) {
    let both = reader.object("resources", field, |reader, both| {
        (amounts(reader, "limits", both.limits), amounts(reader, "requests", both.requests))
    });
    both.unwrap_or_default()
}

/// The amounts of one list.
pub(super) fn amounts(reader: &mut Reader, name: &str, field: Field<Amounts>) -> Resources {
    let amounts = reader.object(name, field, |reader, amounts| Resources {
        memory: reader.get("memory", amounts.memory).map(|bytes| bytes.0),
        cpu: reader.get("cpu", amounts.cpu).map(|cores| cores.0),
        ephemeral_storage: reader
            .get("ephemeral-storage", amounts.ephemeral_storage)
            .map(|bytes| bytes.0),
    });
    amounts.unwrap_or_default()
}
