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
        assert!(
            ["cause", "confidence", "le", "reason", "resource", "version"].contains(&name),
            "{label}"
        );
    }
    collector.shutdown().await;
}

#[tokio::test]
async fn pages_show_hostile_names_as_text_and_load_nothing_from_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let node = "<b>no/de</b>";
    let mut agent = Agent::connect(&collector, node).await;
    agent.report(&[kill(node, 7, 0)]).await;
    let incidents = get(&collector, "/incidents").await;
    let link = incidents.split('"').find(|part| part.starts_with("/incidents/inc")).unwrap();
    let of_node = "/nodes/%3Cb%3Eno%2Fde%3C%2Fb%3E";
    for path in ["/", "/incidents", link, "/nodes", of_node] {
        let page = get(&collector, path).await;
        assert!(page.starts_with("HTTP/1.1 200 "), "{path}: {page}");
        assert!(page.contains("content-security-policy: default-src 'none';"), "{path}: {page}");
        assert!(page.contains("&lt;b&gt;no/de&lt;/b&gt;"), "{path}: {page}");
        assert!(!page.contains("<b>no"), "{path}: {page}");
        for elsewhere in ["http://", "https://", "src=\"//", "<style", " style=", "onclick"] {
            assert!(!page.contains(elsewhere), "{elsewhere} in {path}: {page}");
        }
    }
    let page = get(&collector, link).await;
    assert!(page.contains("CONTAINER MEMORY LIMIT"), "{page}");
    for path in ["/style.css", "/live.js"] {
        assert!(get(&collector, path).await.starts_with("HTTP/1.1 200 "), "{path}");
    }
    collector.shutdown().await;
}

#[tokio::test]
async fn the_list_is_filtered_by_the_address() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    Agent::connect(&collector, "node-1").await.report(&[kill("node-1", 1, 0)]).await;
    Agent::connect(&collector, "node-2").await.report(&[kill("node-2", 2, 9)]).await;
    let rows = async |query: &str| {
        let page = get(&collector, &format!("/incidents?{query}")).await;
        assert!(page.starts_with("HTTP/1.1 200 "), "{query}: {page}");
        page.matches("href=\"/incidents/inc").count()
    };
    assert_eq!(rows("").await, 2);
    assert_eq!(rows("node=node-2&cause=&since=").await, 1);
    assert_eq!(rows("cause=SystemOutOfMemory").await, 1);
    assert_eq!(rows("cause=containermemorylimit&node=node-2").await, 0);
    assert_eq!(rows("since=2099-01-01T00%3A00%3A00Z").await, 0);
    assert_eq!(rows("disagrees=yes").await, 0);
    collector.shutdown().await;
}

#[tokio::test]
async fn whatever_names_an_incident_leads_to_its_page() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    Agent::connect(&collector, "node-1").await.report(&[kill("node-1", 41, 0)]).await;
    let answer = get(&collector, "/why?target=+pid%3A41+&namespace=").await;
    assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
    assert!(answer.contains("location: /incidents/inc%2D"), "{answer}");
    collector.shutdown().await;
}

#[rstest::rstest]
#[case::no_page("/nothing", "404", "There is no such page.")]
#[case::no_incident("/incidents/inc-0000000000000000", "404", "no incident is stored for")]
#[case::no_target("/why?target=%3Cx%3E", "400", "field `target`")]
#[case::no_node("/nodes/x%3Cy", "404", "no agent of a node `x&lt;y` is known")]
#[case::cause("/incidents?cause=Bad%3Cluck", "400", "`Bad&lt;luck` is no cause; expected one of")]
#[case::time("/incidents?since=noon", "400", "`since` is `noon`, expected a time such as")]
#[case::owner("/incidents?owner=web", "400", "expected KIND/NAME such as Deployment/web")]
#[case::days("/nodes/node-1?days=%3Cb%3E", "400", "`days` is `&lt;b&gt;`, expected 1, 7 or 30")]
#[case::no_workload(
    "/workloads/Deployment/web",
    "404",
    "no incident is stored for `Deployment/web`"
)]
#[case::workload(
    "/workloads/Deployment/%3Cb%3E",
    "400",
    "expected KIND/NAME such as Deployment/web"
)]
#[case::page("/incidents?page=x", "400", "field `page_token` is `x`, which no answer ever held")]
#[tokio::test]
async fn what_cannot_be_shown_is_said_in_a_sentence(
    #[case] path: &str,
    #[case] status: &str,
    #[case] sentence: &str,
) {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let page = get(&collector, path).await;
    assert!(page.starts_with(&format!("HTTP/1.1 {status} ")), "{page}");
    assert!(page.contains(sentence), "{page}");
    assert!(page.contains("content-security-policy: default-src 'none';"), "{page}");
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
