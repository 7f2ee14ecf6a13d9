//! Lists, whole or in pages.
//!
//! `continue` is opaque to clients; here it is the version of the list and the key of the last object sent. When the version
//! is forgotten the answer is 410, and the client has to begin anew.

use hyper::{Response, StatusCode};
use serde_json::Value;

use super::answers::{Body, json, refused, status, whole};
use super::objects::{Key, Objects, Resource, metadata_of};
use super::route::Asked;

pub(super) fn list(objects: &Objects, resource: Resource, asked: &Asked) -> Response<Body> {
    let limit = asked.parameter("limit").and_then(|limit| limit.parse().ok());
    let limit = limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let (mut version, mut after) = (objects.version, None);
    if let Some(token) = asked.parameter("continue") {
        let mut parts = token.splitn(3, '/');
        let at = parts.next().and_then(|at| at.parse::<u64>().ok());
        let (Some(at), Some(namespace), Some(name)) = (at, parts.next(), parts.next()) else {
            return refused(400, "BadRequest", "invalid continue token: continue key is not valid");
        };
        if at < objects.forgotten {
            return expired(namespace, name);
        }
        // A token that was given with a refusal goes on with what is there now.
        version = at.min(objects.version);
        after = Some((namespace.to_owned(), name.to_owned()));
    }
    let none = std::collections::BTreeMap::new();
    let all = objects.all.get(&resource).unwrap_or(&none);
    let wanted = |(key, _): &(&Key, _)| {
        asked.namespace.as_ref().is_none_or(|namespace| *namespace == key.0)
            && after.as_ref().is_none_or(|after| *key > after)
    };
    let labelled =
        |(_, object): &(&Key, &std::sync::Arc<str>)| match asked.parameter("labelSelector") {
            Some(selector) => has_labels(object, selector),
            None => true,
        };
    let mut rest = all.iter().filter(wanted).filter(labelled).peekable();
    let mut items = Vec::new();
    let mut last: Option<&Key> = None;
    while items.len() < limit
        && let Some((key, object)) = rest.next()
    {
        items.push(if asked.metadata_only { metadata_of(object) } else { item(object) });
        last = Some(key);
    }
    let mut metadata = serde_json::json!({"resourceVersion": version.to_string()});
    if let (Some((namespace, name)), true) = (last, rest.peek().is_some()) {
        metadata["continue"] = format!("{version}/{namespace}/{name}").into();
        metadata["remainingItemCount"] = rest.count().into();
    }
    let (kind, api_version) = if asked.metadata_only {
        ("PartialObjectMetadata", "meta.k8s.io/v1")
    } else {
        resource.kind()
    };
    // Of nothing the real one makes a list without items if only metadata is asked for.
    let items = match items.join(",") {
        none if none.is_empty() && asked.metadata_only => "null".to_owned(),
        items => format!("[{items}]"),
    };
    let text = format!(
        "{{\"kind\":\"{kind}List\",\"apiVersion\":\"{api_version}\",\"metadata\":{metadata},\"items\":{items}}}\n"
    );
    whole(StatusCode::OK, text)
}

/// One object.
pub(super) fn get(objects: &Objects, asked: &Asked) -> Response<Body> {
    let name = asked.name.clone().unwrap_or_default();
    let key = (asked.namespace.clone().unwrap_or_default(), name.clone());
    let mut all = objects.all.iter();
    let of = all.find(|(resource, _)| resource.0 == asked.group && resource.1 == asked.resource);
    match of.and_then(|(_, all)| all.get(&key)) {
        Some(object) if asked.metadata_only => whole(StatusCode::OK, metadata_of(object)),
        Some(object) => whole(StatusCode::OK, object.to_string()),
        None => refused(404, "NotFound", &format!("{} {name:?} not found", asked.resource)),
    }
}

/// Whether an object has all labels of a selector `a=b,c=d`.
fn has_labels(object: &str, selector: &str) -> bool {
    let object: serde_json::Value = serde_json::from_str(object).unwrap_or_default();
    let labels = &object["metadata"]["labels"];
    selector
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .all(|(label, value)| labels[label].as_str() == Some(value))
}

/// In a list objects do not say what they are. A text that is no object stays as it is.
fn item(object: &str) -> String {
    match serde_json::from_str::<Value>(object) {
        Ok(Value::Object(mut object)) => {
            object.remove("kind");
            object.remove("apiVersion");
            Value::Object(object).to_string()
        }
        _ => object.to_owned(),
    }
}

/// A page that cannot be had any more. Whoever does not mind a list of two times may go on with the token in it.
fn expired(namespace: &str, name: &str) -> Response<Body> {
    let message = "The provided continue parameter is too old to display a consistent list result. You can start a new list without \
                   the continue parameter, or use the continue token in this response to retrieve the remainder of the results. \
                   Continuing with the provided token results in an inconsistent list - objects that were created, modified, or \
                   deleted between the time the first chunk was returned and now may show up in the list.";
    let mut status = status(410, "Expired", message);
    status["metadata"]["continue"] = format!("{}/{namespace}/{name}", u64::MAX).into();
    json(StatusCode::GONE, &status)
}
