//! Answers, and Status objects for refusals.

use std::convert::Infallible;
use std::io;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

use super::route::Asked;

/// A body: whole, or piece by piece, and then perhaps broken off.
pub(super) type Body = BoxBody<Bytes, io::Error>;

pub(super) fn whole(code: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(text.into()).map_err(|never: Infallible| match never {}).boxed();
    let mut answer = Response::new(body);
    *answer.status_mut() = code;
    answer
        .headers_mut()
        .insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    answer
}

pub(super) fn json(code: StatusCode, value: &Value) -> Response<Body> {
    whole(code, value.to_string())
}

/// An answer whose pieces come through a channel. An error breaks the connection.
pub(super) fn pieces(from: mpsc::Receiver<io::Result<Bytes>>) -> Response<Body> {
    let frames = ReceiverStream::new(from).map(|piece| piece.map(Frame::data));
    let mut answer = Response::new(BoxBody::new(StreamBody::new(frames)));
    answer
        .headers_mut()
        .insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    answer
}

/// A Status: a refusal.
pub(super) fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    })
}

pub(super) fn refused(code: u16, reason: &str, message: &str) -> Response<Body> {
    let status = status(code, reason, message);
    json(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &status)
}

/// A refusal that says what it is about.
pub(super) fn refused_about(
    code: u16,
    reason: &str,
    message: &str,
    details: Value,
) -> Response<Body> {
    let mut status = status(code, reason, message);
    status["details"] = details;
    json(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &status)
}

/// A query that is not understood.
pub(super) fn bad_options(code: u16, field: &str, detail: &str) -> Response<Body> {
    let message = format!("ListOptions.meta.k8s.io \"\" is invalid: {field}: Forbidden: {detail}");
    let cause = json!({"reason": "FieldValueForbidden", "message": format!("Forbidden: {detail}"), "field": field});
    let details = json!({"group": "meta.k8s.io", "kind": "ListOptions", "causes": [cause]});
    refused_about(code, "Invalid", &message, details)
}

/// As the real one words it.
pub(super) fn forbidden(user: &str, asked: &Asked) -> Response<Body> {
    let Asked { verb, group, resource, .. } = asked;
    let dot = if group.is_empty() { "" } else { "." };
    let place = match &asked.namespace {
        Some(namespace) => format!("in the namespace {namespace:?}"),
        None => "at the cluster scope".to_owned(),
    };
    let message = format!(
        "{resource}{dot}{group} is forbidden: User {user:?} cannot {verb} resource {resource:?} in API group {group:?} {place}"
    );
    let mut details = json!({"kind": resource});
    if !group.is_empty() {
        details["group"] = group.as_str().into();
    }
    refused_about(403, "Forbidden", &message, details)
}

/// Where nothing is served at all.
pub(super) fn no_such_path() -> Response<Body> {
    let mut answer = whole(StatusCode::NOT_FOUND, "404 page not found\n");
    let plain = hyper::header::HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert("content-type", plain);
    answer
}
