//! The whole collector at a double of the API server: what Kubernetes says of an end becomes an answer.

#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "tests may fail")]

use std::time::Duration;

use coroner_collector::kubernetes::Access;
use coroner_collector::{Collector, Config};
use coroner_proto::v1::query_service_client::QueryServiceClient;
use coroner_proto::v1::{Incident, ListIncidentsRequest};
use coroner_tests::apiserver::watching::{impatient, pod};
use coroner_tests::apiserver::{ApiServer, Generated, Resource, pod_terminated};
use tempfile::TempDir;

/// How long an answer may take that must come. This bounds a hang; it measures nothing.
const PATIENCE: Duration = Duration::from_secs(60);

async fn collector(server: &ApiServer, dir: &TempDir) -> Collector {
    let path = server.kubeconfig(dir.path());
    Collector::start(Config {
        grpc_addr: ([127, 0, 0, 1], 0).into(),
        http_addr: None,
        kubernetes: Access::Kubeconfig { path, context: None },
        kubernetes_pace: impatient(),
        ..Config::new(dir.path().join("data"))
    })
    .await
    .unwrap()
}

/// All incidents, once there are so many.
async fn incidents(collector: &Collector, many: usize) -> Vec<Incident> {
    let url = format!("http://{}", collector.grpc_addr());
    let mut client = QueryServiceClient::connect(url).await.unwrap();
    let asking = async {
        loop {
            let answer = client.list_incidents(ListIncidentsRequest::default()).await.unwrap();
            let incidents = answer.into_inner().incidents;
            if incidents.len() >= many {
                return incidents;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("the incidents come")
}

fn said(incident: &Incident) -> (Option<&str>, Option<i32>) {
    let name = incident.pod.as_ref().and_then(|pod| pod.name.as_deref());
    (name, incident.termination.as_ref().and_then(|end| end.exit_code))
}

/// Ends are answered with the pod's name; while the API server is away what was known still is, and what happened then is
/// answered when it is back; nothing is told twice, over a restart of the collector either.
#[tokio::test]
async fn an_end_becomes_an_incident_once() {
    let mut server = ApiServer::start().await;
    let dir = TempDir::new().unwrap();
    server.put(Resource::PODS, pod(1));
    server.put(Resource::PODS, pod(2));
    let running = collector(&server, &dir).await;
    let one = Generated::number(1);
    server.put(Resource::PODS, pod_terminated(&one, 137, "OOMKilled", "2026-11-21T00:30:00Z"));
    let first = incidents(&running, 1).await;
    assert_eq!(said(&first[0]), (Some("web-000001"), Some(137)));
    // Gone, and still known.
    server.delete(Resource::PODS, "generated", &one.name);

    server.stop().await;
    assert_eq!(incidents(&running, 1).await.len(), 1);
    let two = Generated::number(2);
    server.put(Resource::PODS, pod_terminated(&two, 1, "Error", "2026-11-21T00:31:00Z"));
    server.start_again().await;
    let both = incidents(&running, 2).await;
    assert!(
        both.iter().any(|incident| said(incident) == (Some("web-000002"), Some(1))),
        "{both:?}"
    );
    running.shutdown().await;

    // The name is used again, by a pod with another uid.
    let again = Generated { uid: "another".to_owned(), container_id: "a".repeat(64), ..one };
    server.put(Resource::PODS, pod_terminated(&again, 0, "Completed", "2026-11-21T00:32:00Z"));
    let running = collector(&server, &dir).await;
    let three = Generated::number(3);
    server.put(Resource::PODS, pod_terminated(&three, 2, "Error", "2026-11-21T00:33:00Z"));
    // What the third says comes last, so everything before it is there by then.
    let all = incidents(&running, 4).await;
    let mut ends: Vec<_> = all.iter().map(said).collect();
    ends.sort_unstable();
    let end = |name, code| (Some(name), Some(code));
    assert_eq!(
        ends,
        [end("web-000001", 0), end("web-000001", 137), end("web-000002", 1), end("web-000003", 2)]
    );
    running.shutdown().await;
}
