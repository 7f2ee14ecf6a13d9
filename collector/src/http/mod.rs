//! What people and monitoring see over HTTP: health, metrics, and the pages.

mod pages;

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::metrics::Metrics;
use crate::query::Query;
use crate::store::Store;

/// How long a write may take before the store counts as not writable: probes wait a second by default.
const READY_TIMEOUT: Duration = Duration::from_millis(800);

/// What OpenMetrics text is called.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the older text format is called.
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Clone, Debug)]
struct Context {
    store: Store,
    metrics: Metrics,
    query: Query,
}

/// All paths.
pub(crate) fn router(store: Store, metrics: Metrics, query: Query) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(encode))
        .merge(pages::routes())
        .with_state(Context { store, metrics, query })
}

/// Ready means that a finding could be stored now.
async fn ready(State(context): State<Context>) -> (StatusCode, String) {
    match tokio::time::timeout(READY_TIMEOUT, context.store.probe()).await {
        Ok(Ok(())) => (StatusCode::OK, "ok\n".to_owned()),
        Ok(Err(e)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{e}\n")),
        Err(_) => {
            let ms = READY_TIMEOUT.as_millis();
            (StatusCode::SERVICE_UNAVAILABLE, format!("the store did not write within {ms} ms\n"))
        }
    }
}

/// OpenMetrics, but for whoever asks for plain text and not for it.
async fn encode(State(context): State<Context>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let plain = accept.is_some_and(|accept| {
        accept.contains("text/plain") && !accept.contains("application/openmetrics-text")
    });
    if plain {
        ([(header::CONTENT_TYPE, PLAIN)], context.metrics.encode_plain())
    } else {
        ([(header::CONTENT_TYPE, OPEN_METRICS)], context.metrics.encode())
    }
}
