//! The agent's own HTTP: is it alive, is it at work, what has it counted.
//!
//! `/livez` fails while a source that should be at work stands still, which a new start mends; neither a collector that is
//! away nor a source that may not read makes it fail. `/healthz` fails while no source reads that could see a kill,
//! `/readyz` also until every source has been tried and a collector has welcomed the agent; both say why in words, and what
//! is not read. `/metrics` is the Prometheus text format. Nothing here shows what was found, so it needs no login; it
//! listens where it is told, by default on loopback alone.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::metrics::{self, Metrics};
use crate::outbox::Outbox;
use crate::stop::Stop;

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve http on {addr}: {source}")]
pub struct HttpError {
    /// As configured.
    pub addr: SocketAddr,
    /// Why not.
    pub source: std::io::Error,
}

/// Takes the port.
///
/// # Errors
/// When it is taken already or not allowed.
pub(crate) async fn listen(addr: SocketAddr) -> Result<TcpListener, HttpError> {
    TcpListener::bind(addr).await.map_err(|source| HttpError { addr, source })
}

/// Serves until the agent ends.
pub(crate) async fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    outbox: Arc<Outbox>,
    mut stop: Stop,
) {
    let routes = Router::new()
        .route("/livez", get(live))
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .with_state(Arc::clone(&metrics))
        .route("/metrics", get(move || text(metrics, outbox)));
    tokio::select! {
        ended = async { axum::serve(listener, routes).await } => {
            if let Err(error) = ended {
                tracing::error!("http ended: {error}");
            }
        }
        () = stop.wait() => {}
    }
}

async fn live(State(metrics): State<Arc<Metrics>>) -> (StatusCode, String) {
    // An event loop that stands still does not answer at all.
    let stuck = metrics.standing.stuck();
    if stuck.is_empty() {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("stands still: {stuck}\n"))
}

async fn health(State(metrics): State<Arc<Metrics>>) -> (StatusCode, String) {
    let standing = &metrics.standing;
    let blind = standing.blind();
    if !standing.sees_kills() {
        let why = if blind.is_empty() {
            "no source that sees kills has been opened yet\n".to_owned()
        } else {
            format!("no source that sees kills is being read ({blind}); the agent's log says why\n")
        };
        return (StatusCode::SERVICE_UNAVAILABLE, why);
    }
    let said =
        if blind.is_empty() { "ok\n".to_owned() } else { format!("ok; not read: {blind}\n") };
    (StatusCode::OK, said)
}

async fn ready(State(metrics): State<Arc<Metrics>>) -> (StatusCode, String) {
    let awaited = metrics.standing.awaited();
    if !awaited.is_empty() {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("not tried yet: {awaited}\n"));
    }
    if metrics.standing.sees_kills() && !metrics.is_connected() {
        let why = "no collector answers; findings are kept\n".to_owned();
        return (StatusCode::SERVICE_UNAVAILABLE, why);
    }
    health(State(metrics)).await
}

async fn text(metrics: Arc<Metrics>, outbox: Arc<Outbox>) -> impl IntoResponse {
    let text = metrics.render() + &metrics::coverage::text(&outbox.coverage);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use coroner_core::finding::Source;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn get(addr: SocketAddr, path: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn health_follows_the_source_and_readiness_the_collector_too() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let metrics = Arc::new(Metrics::default());
        let (stop, stopped) = crate::stop::channel();
        let outbox = Outbox::new(
            "n".to_owned(),
            crate::position::Position::default(),
            crate::outbox::Bounds::default(),
            Arc::clone(&metrics),
        );
        outbox.coverage.begin(Source::KernelLog, 1);
        let server = tokio::spawn(serve(listener, Arc::clone(&metrics), Arc::new(outbox), stopped));
        let standing = &metrics.standing;
        // Nothing reads and no collector listens: neither is mended by starting anew.
        assert!(get(addr, "/livez").await.ends_with("\r\n\r\nok\n"));
        standing.started(Source::KernelLog);
        standing.started(Source::SignalTrace);
        let answer = get(addr, "/healthz").await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("opened yet"), "{answer}");
        standing.said(Source::KernelLog, true);
        assert!(get(addr, "/healthz").await.ends_with("\r\n\r\nok\n"));
        // What the trace can see nobody knows yet.
        metrics.set_connected(true);
        let answer = get(addr, "/readyz").await;
        assert!(
            answer.starts_with("HTTP/1.1 503") && answer.contains("not tried yet: signal trace"),
            "{answer}"
        );
        standing.said(Source::SignalTrace, false);
        let answer = get(addr, "/readyz").await;
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok; not read: signal trace\n"),
            "{answer}"
        );
        metrics.set_connected(false);
        let answer = get(addr, "/readyz").await;
        assert!(
            answer.starts_with("HTTP/1.1 503") && answer.contains("no collector answers"),
            "{answer}"
        );
        metrics.set_connected(true);
        standing.said(Source::KernelLog, false);
        for path in ["/healthz", "/readyz"] {
            let answer = get(addr, path).await;
            assert!(
                answer.starts_with("HTTP/1.1 503") && answer.contains("kernel log, signal trace"),
                "{answer}"
            );
        }
        let answer = get(addr, "/metrics").await;
        assert!(
            answer.contains("text/plain; version=0.0.4")
                && answer.contains("coroner_agent_connected 1")
                && answer
                    .contains("coroner_agent_source_complete_seconds{source=\"kernel-log\"} 0.000")
        );
        assert!(get(addr, "/nothing").await.starts_with("HTTP/1.1 404"));
        stop.send(true).unwrap();
        tokio::time::timeout(std::time::Duration::from_secs(1), server).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let taken = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let addr = taken.local_addr().unwrap();
        let error = listen(addr).await.unwrap_err().to_string();
        assert!(error.contains(&addr.to_string()), "{error}");
    }
}
