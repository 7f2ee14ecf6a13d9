//! What people and monitoring see over HTTP: health, metrics, and a page of the newest incidents.

mod page;

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::metrics::Metrics;
use crate::query;
use crate::store::Store;

/// Incidents on the page.
const SHOWN: u32 = 100;

/// How long a write may take before the store counts as not writable: probes wait a second by default.
const READY_TIMEOUT: Duration = Duration::from_millis(800);

/// What OpenMetrics text is called.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug)]
struct Context {
    store: Store,
    metrics: Metrics,
}

/// All paths.
pub(crate) fn router(store: Store, metrics: Metrics) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(encode))
        .with_state(Context { store, metrics })
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

async fn encode(State(context): State<Context>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, OPEN_METRICS)], context.metrics.encode())
}

async fn index(State(context): State<Context>) -> impl IntoResponse {
    const HEADERS: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, page::CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    match query::newest(context.store.readers(), SHOWN).await {
        Ok(found) => (HEADERS, page::incidents(&found.incidents)).into_response(),
        Err(e) => (StatusCode::SERVICE_UNAVAILABLE, format!("{e}\n")).into_response(),
    }
}
