//! Conditions, which pods and nodes have alike.

use jiff::Timestamp;
use serde::Deserialize;

use super::field::{Field, objects};
use super::reader::Reader;
use crate::kubernetes::Condition;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ConditionField {
    #[serde(rename = "type")]
    kind: Field<String>,
    status: Field<String>,
    reason: Field<String>,
    message: Field<String>,
    last_transition_time: Field<Timestamp>,
}

objects!(ConditionField);

/// One condition; without a type it is none.
pub(super) fn condition(reader: &mut Reader, field: ConditionField) -> Option<Condition> {
    Some(Condition {
        kind: reader.word("type", field.kind)?,
        status: reader.word("status", field.status).unwrap_or_else(|| "Unknown".to_owned()),
        reason: reader.word("reason", field.reason),
        message: reader.word("message", field.message),
        since: reader.get("lastTransitionTime", field.last_transition_time),
    })
}
