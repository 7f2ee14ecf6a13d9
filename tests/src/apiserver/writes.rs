//! What may be written: events, and conditions of nodes.

use std::sync::Arc;

use hyper::{Response, StatusCode};
use serde_json::Value;

use super::answers::{Body, json, refused};
use super::handle::State;
use super::objects::Resource;
use super::route::Asked;

/// Longest `note`, in bytes.
const LONGEST_NOTE: usize = 1024;

/// Longest `reason` and `action`, in bytes.
const LONGEST_WORD: usize = 128;

/// Makes an event. `events.k8s.io` wants more of one than the core does. A name that is taken is 409.
pub(super) fn create_event(state: &Arc<State>, asked: &Asked, mut event: Value) -> Response<Body> {
    let namespace = asked.namespace.clone().unwrap_or_default();
    let text = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let name = text("/metadata/name").to_owned();
    if name.is_empty() {
        return invalid("metadata.name: Required value: name or generateName is required");
    }
    if text("/metadata/namespace") != namespace {
        return refused(
            400,
            "BadRequest",
            "the namespace of the provided object does not match the namespace sent on the request",
        );
    }
    if asked.group == "events.k8s.io" {
        for field in ["reportingController", "reportingInstance", "action", "reason"] {
            if text(&format!("/{field}")).is_empty() {
                return invalid(&format!("{field}: Required value"));
            }
        }
        for field in ["action", "reason"] {
            if text(&format!("/{field}")).len() > LONGEST_WORD {
                return invalid(&format!(
                    "{field}: Invalid value: can have at most {LONGEST_WORD} characters"
                ));
            }
        }
        if text("/eventTime").parse::<jiff::Timestamp>().is_err() || !has_micros(text("/eventTime"))
        {
            return invalid("eventTime: Required value");
        }
        if !["Normal", "Warning"].contains(&text("/type")) {
            return invalid("type: Invalid value");
        }
        if text("/note").len() > LONGEST_NOTE {
            return invalid("note: Invalid value: can have at most 1024 characters");
        }
        let about = text("/regarding/namespace");
        let fits = if about.is_empty() {
            ["default", "kube-system"].contains(&namespace.as_str())
        } else {
            about == namespace
        };
        if !fits {
            return invalid(
                "involvedObject.namespace: Invalid value: does not match event.namespace",
            );
        }
    }
    if state
        .objects()
        .all
        .get(&Resource::EVENTS)
        .is_some_and(|all| all.contains_key(&(namespace.clone(), name.clone())))
    {
        return refused(
            409,
            "AlreadyExists",
            &format!("events.events.k8s.io \"{name}\" already exists"),
        );
    }
    event["metadata"]["uid"] = format!("uid-of-{namespace}-{name}").into();
    state.change(|objects| objects.put(Resource::EVENTS, event.clone()));
    json(StatusCode::CREATED, &event)
}

fn has_micros(time: &str) -> bool {
    time.split_once('.')
        .is_some_and(|(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count() == 6)
}

/// Changes an event. Of one of `events.k8s.io` only `series` may change.
pub(super) fn patch_event(
    state: &Arc<State>,
    asked: &Asked,
    media: &str,
    patch: &Value,
) -> Response<Body> {
    if media != "application/merge-patch+json" {
        return refused(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format",
        );
    }
    let only_series =
        patch.as_object().is_some_and(|patch| patch.keys().all(|key| key == "series"));
    if asked.group == "events.k8s.io" && !only_series {
        return invalid("note: Invalid value: field is immutable");
    }
    changed(state, asked, Resource::EVENTS, |event| {
        for (name, value) in patch.as_object().into_iter().flatten() {
            event[name] = value.clone();
        }
    })
}

/// Merges conditions into a node's, by their type.
pub(super) fn patch_node_status(
    state: &Arc<State>,
    asked: &Asked,
    media: &str,
    patch: &Value,
) -> Response<Body> {
    if media != "application/strategic-merge-patch+json" {
        return refused(
            415,
            "UnsupportedMediaType",
            "the double merges node conditions by type only",
        );
    }
    changed(state, asked, Resource::NODES, |node| {
        let mut all = node["status"]["conditions"].as_array().cloned().unwrap_or_default();
        for new in patch["status"]["conditions"].as_array().into_iter().flatten() {
            match all.iter_mut().find(|old| old["type"] == new["type"]) {
                Some(old) => {
                    for (name, value) in new.as_object().into_iter().flatten() {
                        old[name] = value.clone();
                    }
                }
                None => all.insert(0, new.clone()),
            }
        }
        node["status"]["conditions"] = all.into();
    })
}

fn changed(
    state: &Arc<State>,
    asked: &Asked,
    resource: Resource,
    change: impl FnOnce(&mut Value),
) -> Response<Body> {
    let key = (asked.namespace.clone().unwrap_or_default(), asked.name.clone().unwrap_or_default());
    let known = state.objects().all.get(&resource).and_then(|all| all.get(&key).cloned());
    let Some(known) = known else {
        return refused(404, "NotFound", &format!("{} \"{}\" not found", resource.1, key.1));
    };
    let mut object: Value = serde_json::from_str(&known).unwrap_or_default();
    change(&mut object);
    state.change(|objects| objects.put(resource, object.clone()));
    json(StatusCode::OK, &object)
}

fn invalid(message: &str) -> Response<Body> {
    refused(422, "Invalid", message)
}
