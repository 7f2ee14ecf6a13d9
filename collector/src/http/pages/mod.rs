//! Pages for people: made on the server, whole without scripts, and asked of the same service that the command line asks.
//!
//! Names of processes, pods and nodes are hostile text. Two things make them harmless: [`shown`] writes control characters
//! and marks of direction as escapes, and maud escapes everything that is markup. The content security policy lets a page
//! load its own style and script and nothing else, so that markup which slipped through could not run.

mod bands;
mod bars;
mod deaths;
mod history;
mod incident;
mod incidents;
mod layout;
mod links;
mod nodes;
mod overview;
mod workload;

use axum::Router;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use coroner_core::escape::terminal;
use maud::Markup;
use tonic::{Code, Status};

use super::Context;

/// What a page may load: style and script from here.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("live.js");

/// All paths.
pub(super) fn routes() -> Router<Context> {
    Router::new()
        .route("/", get(overview::page))
        .route("/incidents", get(incidents::page))
        .route("/incidents/{id}", get(incident::page))
        .route("/why", get(incident::find))
        .route("/nodes", get(nodes::list))
        .route("/nodes/{name}", get(nodes::one))
        .route("/workloads/{kind}/{name}", get(workload::page))
        .route("/style.css", get(|| async { file("text/css; charset=utf-8", STYLE) }))
        .route("/live.js", get(|| async { file("text/javascript; charset=utf-8", SCRIPT) }))
        .fallback(|| async {
            Trouble { status: StatusCode::NOT_FOUND, sentence: "There is no such page.".to_owned() }
        })
}

/// Text from outside, harmless.
fn shown(text: &str) -> String {
    terminal(text).to_string()
}

fn file(kind: &'static str, content: &'static str) -> impl IntoResponse {
    const KEPT: &str = "max-age=300";
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, KEPT),
    ];
    (headers, content)
}

/// A page as an answer.
fn html(status: StatusCode, page: Markup) -> Response {
    const HEADERS: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, HEADERS, page.into_string()).into_response()
}

/// Why there is no answer, in one sentence.
#[derive(Debug)]
struct Trouble {
    status: StatusCode,
    sentence: String,
}

impl From<Status> for Trouble {
    fn from(status: Status) -> Self {
        let code = match status.code() {
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::InvalidArgument => StatusCode::BAD_REQUEST,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status: code, sentence: status.message().to_owned() }
    }
}

impl From<coroner_proto::ConvertError> for Trouble {
    fn from(error: coroner_proto::ConvertError) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, sentence: error.to_string() }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        html(self.status, layout::trouble(&self.sentence))
    }
}

#[cfg(test)]
mod tests;
