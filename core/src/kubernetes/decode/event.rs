//! `v1` and `events.k8s.io/v1` Event: the same objects under other names.
//!
//! Which times are set depends on who reports: the kubelet's events have `firstTimestamp`, `lastTimestamp` and `count`,
//! the scheduler's `eventTime` and perhaps a `series`. Under `events.k8s.io` the old fields are called `deprecated...`.

use jiff::Timestamp;
use serde::Deserialize;

use super::field::{Field, objects};
use super::metadata::Metadata;
use super::reader::{Decoded, Problem, Reader};
use crate::kubernetes::{ClusterEvent, EventType, Regarding, container_of_field_path};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Object {
    metadata: Field<Metadata>,
    reason: Field<String>,
    #[serde(rename = "type")]
    kind: Field<String>,
    event_time: Field<Timestamp>,
    series: Field<Series>,
    reporting_instance: Field<String>,
    // v1
    involved_object: Field<Reference>,
    message: Field<String>,
    first_timestamp: Field<Timestamp>,
    last_timestamp: Field<Timestamp>,
    count: Field<u32>,
    source: Field<Source>,
    reporting_component: Field<String>,
    // events.k8s.io/v1
    regarding: Field<Reference>,
    note: Field<String>,
    deprecated_first_timestamp: Field<Timestamp>,
    deprecated_last_timestamp: Field<Timestamp>,
    deprecated_count: Field<u32>,
    deprecated_source: Field<Source>,
    reporting_controller: Field<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Series {
    count: Field<u32>,
    last_observed_time: Field<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Reference {
    kind: Field<String>,
    namespace: Field<String>,
    name: Field<String>,
    uid: Field<String>,
    field_path: Field<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Source {
    component: Field<String>,
    host: Field<String>,
}

objects!(Object, Series, Reference, Source);

/// Reads an Event of either kind.
///
/// # Errors
/// When it is no JSON, or has no uid. Anything else that is wrong is listed, and the rest is read.
pub fn event(json: &[u8]) -> Result<Decoded<ClusterEvent>, Problem> {
    let object: Field<Object> = serde_json::from_slice(json).map_err(|e| Problem::broken(&e))?;
    let mut reader = Reader::default();
    let Some(object) = reader.get("", object) else { return Err(Problem::no_object()) };
    let metadata = reader.get("metadata", object.metadata).unwrap_or_default();
    let mut resource_version = None;
    let (uid, created) = reader.within("metadata", None, |reader| {
        resource_version = reader.word("resourceVersion", metadata.resource_version);
        let uid = reader.needed("uid", metadata.uid)?;
        Ok((uid, reader.get("creationTimestamp", metadata.creation_timestamp)))
    })?;

    let (first, last) = (
        reader.get("firstTimestamp", object.first_timestamp),
        reader.get("lastTimestamp", object.last_timestamp),
    );
    let (old_first, old_last) = (
        reader.get("deprecatedFirstTimestamp", object.deprecated_first_timestamp),
        reader.get("deprecatedLastTimestamp", object.deprecated_last_timestamp),
    );
    let series = reader.object("series", object.series, |reader, series| {
        let last = series.last_observed_time;
        (reader.get("count", series.count), reader.get("lastObservedTime", last))
    });
    let (series_count, series_last) = series.unwrap_or_default();
    let dated = reader.get("eventTime", object.event_time).or(first).or(old_first);
    let first = dated.or(created);
    let count = reader.get("count", object.count);
    let count = count.or(reader.get("deprecatedCount", object.deprecated_count));

    let (component, host) = reader.object("source", object.source, source).unwrap_or_default();
    let (old_component, old_host) =
        reader.object("deprecatedSource", object.deprecated_source, source).unwrap_or_default();
    let component = component
        .or(old_component)
        .or(reader.word("reportingComponent", object.reporting_component))
        .or(reader.word("reportingController", object.reporting_controller))
        .unwrap_or_default();
    let instance = reader.word("reportingInstance", object.reporting_instance);
    let regarding = reader.object("involvedObject", object.involved_object, regarding);
    let message = reader.word("message", object.message);
    let event = ClusterEvent {
        uid,
        reason: reader.word("reason", object.reason).unwrap_or_default(),
        kind: match reader.word("type", object.kind).as_deref() {
            Some("Warning") => EventType::Warning,
            _ => EventType::Normal,
        },
        message: message.or(reader.word("note", object.note)).unwrap_or_default(),
        regarding: regarding
            .or(reader.object("regarding", object.regarding, self::regarding))
            .unwrap_or_default(),
        first,
        created: created.filter(|_| dated.is_some()),
        last: series_last.or(last).or(old_last).or(first),
        count: series_count.or(count).filter(|count| *count > 0).unwrap_or(1),
        // Only a kubelet's instance is its node's name.
        host: host.or(old_host).or(instance.filter(|_| component == "kubelet")),
        component,
    };
    Ok(reader.done(event, resource_version))
}

fn source(reader: &mut Reader, source: Source) -> (Option<String>, Option<String>) {
    (reader.word("component", source.component), reader.word("host", source.host))
}

fn regarding(reader: &mut Reader, reference: Reference) -> Regarding {
    let path = reader.word("fieldPath", reference.field_path);
    Regarding {
        kind: reader.word("kind", reference.kind).unwrap_or_default(),
        namespace: reader.word("namespace", reference.namespace),
        name: reader.word("name", reference.name).unwrap_or_default(),
        uid: reader.word("uid", reference.uid),
        container: path.as_deref().and_then(container_of_field_path).map(str::to_owned),
    }
}
