//! One request at a time: asks, and turns every way of not getting an answer into an [`ApiError`].

use std::time::Duration;

use coroner_core::kubernetes::decode;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, DATE, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use kube::client::Body;

use super::access::chain;
use super::body::whole;
use super::health::Health;
use super::pace::Pace;
use super::parts::Part;

/// Bytes of a refusal that are read.
const LONGEST_REFUSAL: usize = 64 << 10;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ApiError {
    /// Nobody answers, the connection broke, or the server is unwell. In words.
    Away(String),
    /// The server asks to be left alone for a time.
    Busy(Option<Duration>),
    /// 401 or 403: it was not allowed. In the server's words.
    Refused { verb: &'static str, words: String },
    /// 410: the version is too old; everything must be listed anew.
    Expired,
    /// The server does not understand the request (400, 404, 405, 406, 422). In its words.
    NotUnderstood(String),
    /// More bytes than a page may have.
    TooLarge,
}

/// Why something was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WriteError {
    /// Nobody answers, or nobody can now: in words, and how long to leave it alone where it says so.
    Away(String, Option<Duration>),
    /// 403: it is not allowed. In the server's words.
    Refused(String),
    /// 404: there is no such object, or no such namespace.
    NotFound,
    /// 409: there is one already, or somebody was faster.
    Conflict,
    /// It is not taken, whenever it is asked. In words.
    Invalid(String),
}

/// The API server.
#[derive(Clone)]
pub(crate) struct Api {
    client: kube::Client,
    pub(super) pace: Pace,
    health: Health,
}

impl Api {
    pub(super) fn new(client: kube::Client, pace: Pace, health: Health) -> Self {
        Self { client, pace, health }
    }

    /// Asks for a part. `verb` is what RBAC calls it.
    pub(super) async fn get(
        &self,
        part: &Part,
        verb: &'static str,
        query: &str,
    ) -> Result<Body, ApiError> {
        let accept = if part.metadata_only {
            "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
        } else {
            "application/json"
        };
        let accept = if part.metadata_only && verb == "list" {
            "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
        } else {
            accept
        };
        let request = Request::get(format!("{}?{query}", part.path))
            .header(ACCEPT, accept)
            .header(ACCEPT_ENCODING, "identity")
            .body(Body::empty())
            .map_err(|e| ApiError::NotUnderstood(chain(&e)))?;
        let answer = self.send(request).await?;
        if answer.status().is_success() {
            return Ok(answer.into_body());
        }
        Err(self.refusal(verb, answer).await)
    }

    /// Writes an object, or changes one.
    pub(super) async fn write(
        &self,
        method: Method,
        path: &str,
        media: &'static str,
        object: String,
    ) -> Result<(), WriteError> {
        let verb = if method == Method::PATCH { "patch" } else { "create" };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT, "application/json")
            .header(ACCEPT_ENCODING, "identity")
            .header(CONTENT_TYPE, media)
            .body(Body::from(object.into_bytes()))
            .map_err(|e| WriteError::Invalid(chain(&e)))?;
        let failed = |e| match e {
            ApiError::Away(words) => WriteError::Away(words, None),
            ApiError::Busy(wait) => WriteError::Away("it is busy".to_owned(), wait),
            ApiError::Refused { words, .. } => WriteError::Refused(words),
            ApiError::NotUnderstood(words) => WriteError::Invalid(words),
            ApiError::Expired => WriteError::Invalid("it answers 410".to_owned()),
            ApiError::TooLarge => WriteError::Away("its answer is too long".to_owned(), None),
        };
        let answer = self.send(request).await.map_err(failed)?;
        let code = answer.status();
        if code.is_success() {
            return Ok(());
        }
        let e = self.refusal(verb, answer).await;
        Err(match (code, e) {
            (StatusCode::CONFLICT, _) => WriteError::Conflict,
            (StatusCode::NOT_FOUND, _) => WriteError::NotFound,
            // A token that is renewed is known again in a moment.
            (StatusCode::UNAUTHORIZED, ApiError::Refused { words, .. }) => {
                WriteError::Away(words, None)
            }
            (_, e) => failed(e),
        })
    }

    /// The answer to a request, whatever it is.
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, ApiError> {
        let sent = Timestamp::now();
        let answer = tokio::time::timeout(self.pace.answer, self.client.send(request)).await;
        let answer = answer
            .map_err(|_| ApiError::Away(format!("no answer in {:?}", self.pace.answer)))?
            .map_err(|e| ApiError::Away(chain(&e)))?;
        if let Some(date) = date(&answer) {
            self.health.server_said(sent, Timestamp::now(), date);
        }
        Ok(answer)
    }

    /// What an answer other than 2xx means.
    async fn refusal(&self, verb: &'static str, answer: Response<Body>) -> ApiError {
        let code = answer.status();
        let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let seconds: Option<u64> = seconds.and_then(|value| value.parse().ok());
        let body = whole(answer.into_body(), LONGEST_REFUSAL, self.pace.answer).await;
        let said = decode::status(&body.unwrap_or_default());
        let words = said.message.or(said.reason).map_or_else(
            || code.to_string(),
            |words| coroner_core::escape::terminal(&words).to_string(),
        );
        match code {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ApiError::Refused { verb, words },
            StatusCode::GONE => ApiError::Expired,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let seconds = seconds.or(said.retry_after_s.map(u64::from));
                ApiError::Busy(seconds.map(Duration::from_secs))
            }
            code if code.is_server_error() => ApiError::Away(format!("it answers {code}: {words}")),
            code => ApiError::NotUnderstood(format!("it answers {code}: {words}")),
        }
    }
}

/// The server's clock as it answered, in whole seconds.
fn date(answer: &Response<Body>) -> Option<Timestamp> {
    let text = answer.headers().get(DATE)?.to_str().ok()?;
    Some(rfc2822::parse(text).ok()?.timestamp())
}
