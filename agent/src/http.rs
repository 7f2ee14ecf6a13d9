//! The agent's own HTTP: is it alive, is it at work, what has it counted.
//!
//! `/healthz` fails while no source reads, `/readyz` also until a collector has welcomed the agent; both say why in
//! words. `/metrics` is the Prometheus text format. Nothing here shows what was found, so it needs no login; it
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

use crate::metrics::Metrics;
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
pub(crate) async fn serve(listener: TcpListener, metrics: Arc<Metrics>, mut stop: Stop) {
    let routes = Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/metrics", get(text))
        .with_state(metrics);
    tokio::select! {
        ended = async { axum::serve(listener, routes).await } => {
            if let Err(error) = ended {
                tracing::error!("http ended: {error}");
            }
        }
        () = stop.wait() => {}
    }
}

async fn health(State(metrics): State<Arc<Metrics>>) -> (StatusCode, &'static str) {
    if metrics.is_reading() {
        (StatusCode::OK, "ok\n")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the kernel log is not being read; the agent's log says why\n",
        )
    }
}

async fn ready(State(metrics): State<Arc<Metrics>>) -> (StatusCode, &'static str) {
    if metrics.is_reading() && !metrics.is_connected() {
        return (StatusCode::SERVICE_UNAVAILABLE, "no collector answers; findings are kept\n");
    }
    health(State(metrics)).await
}

async fn text(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.render())
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let server = tokio::spawn(serve(listener, Arc::clone(&metrics), stopped));
        assert!(get(addr, "/healthz").await.starts_with("HTTP/1.1 503"));
        metrics.set_reading(true);
        assert!(get(addr, "/healthz").await.starts_with("HTTP/1.1 200"));
        let answer = get(addr, "/readyz").await;
        assert!(
            answer.starts_with("HTTP/1.1 503") && answer.contains("no collector answers"),
            "{answer}"
        );
        metrics.set_connected(true);
        assert!(get(addr, "/readyz").await.starts_with("HTTP/1.1 200"));
        let answer = get(addr, "/metrics").await;
        assert!(
            answer.contains("text/plain; version=0.0.4")
                && answer.contains("coroner_agent_connected 1")
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
