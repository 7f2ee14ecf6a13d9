//! HTTP: health, metrics, the page; and that gRPC says what it serves.

use coroner_collector::{Collector, Config};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::agent::{Agent, collector, config};
use crate::facts::{gap, kill};

/// The answer to a GET, headers and all.
pub(crate) async fn get(collector: &Collector, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(collector.http_addr().unwrap()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn health_and_readiness_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    for path in ["/healthz", "/readyz"] {
        let answer = get(&collector, path).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok\n"),
            "{path}: {answer}"
        );
    }
    assert!(get(&collector, "/nothing").await.starts_with("HTTP/1.1 404 "));
    collector.shutdown().await;
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    agent
        .report(&[
            kill("node-1", 1, 0),
            kill("node-1", 2, 0),
            kill("node-1", 3, 0),
            gap("node-1", 5, 900, 901),
        ])
        .await;
    let metrics = get(&collector, "/metrics").await;
    assert!(
        metrics.contains(
            "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"
        )
    );
    for line in [
        "coroner_findings_ingested_total 4\n",
        "coroner_findings_duplicate_total 0\n",
        "coroner_gaps_reported_total 1\n",
        "coroner_incidents_total{cause=\"ContainerMemoryLimit\",confidence=\"Confirmed\"} 2\n",
        "coroner_incidents_total{cause=\"SystemOutOfMemory\",confidence=\"Confirmed\"} 1\n",
        "coroner_commit_seconds_count 1\n",
        "coroner_agents_connected 1\n",
    ] {
        assert!(metrics.contains(line), "{line:?} not in {metrics}");
    }
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    // Labels are from closed lists: who died is for the queries, or each death would be a series of its own for ever.
    let labels = metrics.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (_, rest) = line.split_once('{')?;
        rest.split_once('}').map(|(labels, _)| labels)
    });
    for label in labels.flat_map(|labels| labels.split(',')) {
        let name = label.split('=').next().unwrap_or_default();
        assert!(["cause", "confidence", "le", "resource"].contains(&name), "{label}");
    }
    collector.shutdown().await;
}

#[tokio::test]
async fn the_page_shows_incidents_and_loads_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    Agent::connect(&collector, "<b>node</b>").await.report(&[kill("<b>node</b>", 7, 0)]).await;
    let page = get(&collector, "/").await;
    assert!(page.contains("content-security-policy: default-src 'none';"), "{page}");
    assert!(
        page.contains("<td>&lt;b&gt;node&lt;/b&gt;</td><td>ContainerMemoryLimit</td>"),
        "{page}"
    );
    assert!(!page.contains("<b>node"), "{page}");
    collector.shutdown().await;
}

#[tokio::test]
async fn http_can_be_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let collector =
        Collector::start(Config { http_addr: None, ..config(dir.path()) }).await.unwrap();
    assert_eq!(collector.http_addr(), None);
    collector.shutdown().await;
}
