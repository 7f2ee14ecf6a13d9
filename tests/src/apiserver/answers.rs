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

/// As the real one words it.
pub(super) fn forbidden(user: &str, verb: &str, group: &str, resource: &str) -> Response<Body> {
    refused(
        403,
        "Forbidden",
        &format!(
            "{resource} is forbidden: User {user:?} cannot {verb} resource {resource:?} in API group {group:?} at the cluster scope"
        ),
    )
}
