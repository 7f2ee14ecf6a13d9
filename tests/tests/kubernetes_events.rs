//! Events that the collector writes about incidents, at a double of the API server that takes what a real one takes.

#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "tests may fail")]

use std::collections::BTreeSet;
use std::time::Duration;

use coroner_collector::kubernetes::{Access, WRITES};
use coroner_collector::{Collector, Config};
use coroner_core::finding::{Finding, FindingBody};
use coroner_core::kernel::{KernelEvent, Scope};
use coroner_core::publish::Limits;
use coroner_proto::v1::query_service_client::QueryServiceClient;
use coroner_proto::v1::{Incident, ListIncidentsRequest};
use coroner_tests::apiserver::watching::{impatient, node, pod};
use coroner_tests::apiserver::{ApiServer, Asked, Generated, Resource};
use coroner_tests::monitoring::get;
use coroner_tests::reporting::{Place, Reporting, watched};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long something may take that must come. This bounds a hang; it measures nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// A verdict settles in no time here, and is counted up at once.
fn hasty() -> Limits {
    Limits {
        settle: SignedDuration::from_millis(300),
        count_every: SignedDuration::from_millis(50),
        ..Limits::default()
    }
}

struct Scene {
    server: ApiServer,
    collector: Option<Collector>,
    dir: TempDir,
    now: Timestamp,
}

impl Scene {
    async fn new() -> Self {
        let server = ApiServer::start().await;
        server.put(Resource::PODS, pod(1));
        server.put(Resource::NODES, node("node-0"));
        let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
        let mut scene = Self { server, collector: None, dir: TempDir::new().unwrap(), now };
        scene.start(Some(hasty())).await;
        scene
    }

    async fn start(&mut self, events: Option<Limits>) {
        self.stop().await;
        let path = self.server.kubeconfig(self.dir.path());
        let config = Config {
            grpc_addr: ([127, 0, 0, 1], 0).into(),
            http_addr: Some(([127, 0, 0, 1], 0).into()),
            kubernetes: Access::Kubeconfig { path, context: None },
            kubernetes_pace: impatient(),
            events,
            ..Config::new(self.dir.path().join("data"))
        };
        self.collector = Some(Collector::start(config).await.unwrap());
    }

    async fn stop(&mut self) {
        if let Some(collector) = self.collector.take() {
            collector.shutdown().await;
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.collector.as_ref().unwrap().grpc_addr())
    }

    async fn report(&self, findings: &[Finding]) {
        let mut agent = Reporting::connect(&self.url(), "node-0").await;
        let (from, to) = (self.now - SignedDuration::from_mins(5), self.now);
        agent.report(findings, &watched(from, to)).await;
    }

    async fn incidents(&self) -> Vec<Incident> {
        let mut client = QueryServiceClient::connect(self.url()).await.unwrap();
        let answer = client
            .list_incidents(ListIncidentsRequest { page_size: 1000, ..Default::default() })
            .await
            .unwrap();
        answer.into_inner().incidents
    }

    /// The metric with that name and these labels, once it is as wanted.
    async fn counts(&self, metric: &str, wanted: u64) {
        let port = self.collector.as_ref().unwrap().http_addr().unwrap().port();
        let line = format!("coroner_events_{metric} {wanted}");
        self.until(&line, async || {
            let text = tokio::task::spawn_blocking(move || get(port, "/metrics", "text/plain"));
            text.await.unwrap().lines().any(|l| l == line)
        })
        .await;
    }

    async fn until(&self, what: &str, mut wanted: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !wanted().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(came.is_ok(), "{what} did not come: {:#?}", self.written());
    }

    /// What was asked for to be written.
    fn written(&self) -> Vec<Asked> {
        let asked = self.server.asked();
        asked
            .into_iter()
            .filter(|asked| ["create", "patch"].contains(&asked.verb.as_str()))
            .collect()
    }

    fn event(&self, namespace: &str, incident: &Incident, cause: &str) -> Option<Value> {
        let name = format!("coroner-{}.{cause}", incident.id);
        self.server.get(Resource::EVENTS, namespace, &name)
    }
}

/// A process of pod 1 was killed so many seconds ago, and the container lives.
fn kill(scene: &Scene, seq: u64, ago: i64) -> Vec<Finding> {
    let pod = Generated::number(1);
    let place = Place { node: pod.node, pod: pod.uid, container: pod.container_id };
    place.oom_killed(seq, scene.now - SignedDuration::from_secs(ago), 3)
}

#[tokio::test]
async fn an_incident_is_told_on_its_pod_once_also_after_a_restart() {
    let mut scene = Scene::new().await;
    scene.report(&kill(&scene, 41, 60)).await;
    scene.counts("written_total", 1).await;
    let all = scene.incidents().await;
    assert_eq!(all.len(), 1, "our own event is no news: {all:#?}");
    let event = scene.event("generated", &all[0], "containermemorylimit").unwrap();
    let pod = Generated::number(1);
    assert_eq!(
        event["regarding"],
        json!({"apiVersion": "v1", "kind": "Pod", "namespace": "generated", "name": pod.name, "uid": pod.uid})
    );
    assert_eq!(event["reason"], "ContainerMemoryLimit");
    assert_eq!(event["type"], "Warning");
    assert_eq!(event["reportingController"], "coroner.dev/collector");
    let note = event["note"].as_str().unwrap();
    assert!(
        note.starts_with("Container app: pid 41 (memhog)") && note.contains("What to do: "),
        "{note}"
    );
    assert!(note.ends_with(&format!("More: coroner why {}", all[0].id)), "{note}");
    // By the node's clock.
    let time: Timestamp = event["eventTime"].as_str().unwrap().parse().unwrap();
    assert_eq!(time, scene.now - SignedDuration::from_secs(60));

    scene.start(Some(hasty())).await;
    scene.report(&kill(&scene, 41, 60)).await;
    // Another one comes after it, so the first was dealt with.
    let elsewhere = Generated::number(2);
    scene.server.put(Resource::PODS, coroner_tests::apiserver::pod_running(&elsewhere));
    let place =
        Place { node: elsewhere.node, pod: elsewhere.uid, container: elsewhere.container_id };
    let later = scene.now - SignedDuration::from_secs(30);
    scene.report(&place.oom_killed(42, later, 3)).await;
    scene.counts("written_total", 1).await;
    let again = scene.event("generated", &all[0], "containermemorylimit").unwrap();
    assert_eq!(again, event, "as it was");
    let evidence: Vec<_> = scene.incidents().await.into_iter().flat_map(|i| i.evidence).collect();
    assert!(!evidence.iter().any(|e| e.source == "event"), "{evidence:#?}");
    let asked: BTreeSet<_> = scene
        .written()
        .into_iter()
        .map(|asked| (asked.group, asked.resource, asked.verb))
        .collect();
    let allowed = WRITES
        .map(|(group, resource, verb)| (group.to_owned(), resource.to_owned(), verb.to_owned()));
    assert!(asked.is_subset(&allowed.into()), "{asked:?}");
    scene.stop().await;
}

#[tokio::test]
async fn a_storm_in_one_container_is_one_event_that_is_counted_up() {
    let mut scene = Scene::new().await;
    let storm: Vec<Finding> =
        (0..120).flat_map(|n| kill(&scene, 100 + n, 120 - n as i64)).collect();
    scene.report(&storm).await;
    let first = async |scene: &Scene| {
        let mut all = scene.incidents().await;
        all.sort_by_key(|incident| incident.time.map(|t| (t.seconds, t.nanos)));
        let event =
            all.first().and_then(|one| scene.event("generated", one, "containermemorylimit"));
        (all.len(), event.map(|event| event["series"]["count"].clone()).unwrap_or_default())
    };
    scene.until("the last of them", async || first(&scene).await == (120, json!(120))).await;
    scene.counts("written_total", 1).await;
    let patched: BTreeSet<_> = scene.written().into_iter().map(|asked| asked.verb).collect();
    assert_eq!(patched, ["create".to_owned(), "patch".to_owned()].into());
    scene.stop().await;
}

#[tokio::test]
async fn a_process_of_the_host_is_told_on_its_node() {
    let mut scene = Scene::new().await;
    let mut kill = kill(&scene, 43, 20).remove(0);
    let FindingBody::Kernel(event) = &mut kill.body else { panic!("a kernel event") };
    let KernelEvent::Oom(report) = event.as_mut() else { panic!("a kill") };
    report.scope = Scope::System;
    report.limit_cgroup = None;
    report.victims[0].cgroup = Some("/system.slice/hog.service".to_owned());
    report.victims[0].comm = "hog\u{1b}[2J\u{202e}".to_owned();
    scene.report(&[kill]).await;
    scene.counts("written_total", 1).await;
    let all = scene.incidents().await;
    let event = scene.event("default", &all[0], "systemoutofmemory").unwrap();
    let regarding = json!({"apiVersion": "v1", "kind": "Node", "name": "node-0", "uid": "node-0"});
    assert_eq!(event["regarding"], regarding);
    let note = event["note"].as_str().unwrap();
    assert!(note.contains("hog\\x1b[2J\\u{202e}"), "{note}");
    scene.stop().await;
}

#[tokio::test]
async fn what_happened_long_ago_is_counted_and_not_told() {
    let mut scene = Scene::new().await;
    scene.report(&kill(&scene, 44, 3_600)).await;
    scene.counts("not_written_total{reason=\"old\"}", 1).await;
    assert_eq!(scene.written(), []);
    // Nobody wants them.
    scene.start(None).await;
    scene.report(&kill(&scene, 45, 10)).await;
    assert_eq!(scene.incidents().await.len(), 2);
    scene.stop().await;
    assert_eq!(scene.written(), []);
}

#[tokio::test]
async fn a_refusal_is_counted_and_the_rest_goes_on() {
    let mut scene = Scene::new().await;
    scene.server.forbid("create", "events");
    scene.report(&kill(&scene, 46, 10)).await;
    scene.counts("not_written_total{reason=\"refused\"}", 1).await;
    let asked = scene.written().len();
    for seq in 47..50 {
        scene.report(&kill(&scene, seq, 9)).await;
    }
    scene.counts("not_written_total{reason=\"refused\"}", 4).await;
    assert_eq!(scene.written().len(), asked, "nothing is asked again and again");
    assert_eq!(scene.incidents().await.len(), 4);
    scene.stop().await;
}

#[tokio::test]
async fn a_server_that_was_away_is_told_when_it_is_back() {
    let mut scene = Scene::new().await;
    // Pod and node are known.
    scene.report(&kill(&scene, 50, 30)).await;
    scene.counts("written_total", 1).await;
    scene.server.stop().await;
    let mut other = kill(&scene, 51, 10).remove(0);
    let FindingBody::Kernel(event) = &mut other.body else { panic!("a kernel event") };
    let KernelEvent::Oom(report) = event.as_mut() else { panic!("a kill") };
    report.scope = Scope::System;
    report.limit_cgroup = None;
    scene.report(&[other]).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    scene.server.start_again().await;
    scene.counts("written_total", 2).await;
    scene.stop().await;
}
