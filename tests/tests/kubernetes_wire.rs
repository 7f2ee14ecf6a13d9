//! The whole path over the wire: an agent's findings over gRPC, the Kubernetes API over TLS from a double of its server, and
//! what `coroner why` then prints. Whatever comes first, or late, or twice.

#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "tests may fail")]

use std::process::Command;
use std::time::Duration;

use coroner_collector::kubernetes::Access;
use coroner_collector::{Collector, Config};
use coroner_proto::v1::query_service_client::QueryServiceClient;
use coroner_proto::v1::{Incident, IncidentFilter, ListIncidentsRequest};
use coroner_tests::apiserver::watching::impatient;
use coroner_tests::apiserver::{ApiServer, Generated, Resource, pod_running, pod_terminated};
use coroner_tests::programs;
use coroner_tests::reporting::{Place, Reporting, watched};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long an answer may take that must come. This bounds a hang; it measures nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// A collector, the API server that it watches, and one agent that reports to it.
struct Scene {
    server: ApiServer,
    collector: Collector,
    agent: Reporting,
    dir: TempDir,
    /// When the containers here began.
    began: Timestamp,
}

impl Scene {
    async fn of(objects: impl IntoIterator<Item = Value>) -> Self {
        let server = ApiServer::start().await;
        for object in objects {
            server.put(Resource::PODS, object);
        }
        let dir = TempDir::new().unwrap();
        let path = server.kubeconfig(dir.path());
        let collector = Collector::start(Config {
            grpc_addr: ([127, 0, 0, 1], 0).into(),
            http_addr: None,
            kubernetes: Access::Kubeconfig { path, context: None },
            kubernetes_pace: impatient(),
            ..Config::new(dir.path().join("data"))
        })
        .await
        .unwrap();
        let url = format!("http://{}", collector.grpc_addr());
        let agent = Reporting::connect(&url, "node-0").await;
        let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
        Self { server, collector, agent, dir, began: now - SignedDuration::from_secs(600) }
    }

    fn at(&self, second: i64) -> Timestamp {
        self.began + SignedDuration::from_secs(second)
    }

    /// `at` as the API writes it.
    fn stated(&self, second: i64) -> String {
        self.at(second).to_string()
    }

    fn url(&self) -> String {
        format!("http://{}", self.collector.grpc_addr())
    }

    /// The container hit its limit in that second and ended of it.
    async fn kill(&mut self, place: &Place, seq: u64, second: i64) {
        let (at, from, to) = (self.at(second), self.at(-60), self.at(second + 60));
        self.agent.report(&place.oom_killed(seq, at, 0), &watched(from, to)).await;
    }

    /// The incidents, once they are as wanted.
    async fn incidents(&self, wanted: impl Fn(&[Incident]) -> bool) -> Vec<Incident> {
        let mut client = QueryServiceClient::connect(self.url()).await.unwrap();
        let filter = IncidentFilter { orderly: true, ..IncidentFilter::default() };
        let request = ListIncidentsRequest { filter: Some(filter), ..Default::default() };
        let mut last = Vec::new();
        let asking = async {
            loop {
                let answer = client.list_incidents(request.clone()).await.unwrap();
                last = answer.into_inner().incidents;
                if wanted(&last) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, asking).await;
        assert!(came.is_ok(), "what was waited for did not come: {last:#?}");
        last
    }

    /// What `coroner` prints.
    async fn coroner(&self, args: &[&str]) -> String {
        let program = programs::path("coroner");
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        let url = self.url();
        // All of the evidence: what is shown without being asked for is cut to a line.
        let evidence = args.first().is_some_and(|first| first == "why").then_some("--evidence");
        let run = move || {
            Command::new(program).args(args).args(evidence).args(["--collector", &url]).output()
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
        // Lines are broken where they are full.
        printed.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    async fn end(self) {
        let Self { collector, agent, server, dir, .. } = self;
        drop(agent);
        collector.shutdown().await;
        drop((server, dir));
    }
}

fn place(pod: &Generated) -> Place {
    Place { node: pod.node.clone(), pod: pod.uid.clone(), container: pod.container_id.clone() }
}

fn named(incident: &Incident) -> bool {
    incident.pod.as_ref().is_some_and(|pod| pod.name.is_some())
}

fn ended(incident: &Incident) -> bool {
    incident.termination.is_some()
}

#[track_caller]
fn says(printed: &str, wanted: &[&str]) {
    for words in wanted {
        assert!(printed.contains(words), "`{words}` is missing in: {printed}");
    }
}

/// `status.containerStatuses[0]` of a pod.
fn status(pod: &mut Value) -> &mut Value {
    &mut pod["status"]["containerStatuses"][0]
}

#[tokio::test]
async fn a_finding_before_its_pod_is_one_incident_that_gets_its_name_and_end() {
    let mut scene = Scene::of([]).await;
    let pod = Generated::number(1);
    scene.kill(&place(&pod), 41, 30).await;
    let alone = scene.incidents(|all| all.len() == 1).await;
    assert!(!named(&alone[0]));
    let by_container = scene.coroner(&["why", &pod.container_id]).await;
    says(&by_container, &["CONTAINER MEMORY LIMIT", "pid 41 (memhog)"]);

    let end = pod_terminated(&pod, 137, "OOMKilled", &scene.stated(30));
    scene.server.put(Resource::PODS, end);
    let joined = scene.incidents(|all| all.iter().any(ended)).await;
    assert_eq!(joined.len(), 1, "{joined:#?}");
    assert_eq!(joined[0].id, alone[0].id, "what was published first stays");
    let printed = scene.coroner(&["why", "pod/web-000001"]).await;
    says(
        &printed,
        &[
            "web-000001/app (generated)",
            "exit 137",
            "CONTAINER MEMORY LIMIT",
            "pid 41 (memhog)",
            "exitCode=137 reason=OOMKilled",
        ],
    );
    let of_workload = |incident: &Incident| {
        let owner = incident.pod.as_ref().and_then(|pod| pod.owner.as_ref());
        owner.is_some_and(|owner| owner.kind == "Deployment" && owner.name == "web")
    };
    scene.incidents(|all| all.iter().any(of_workload)).await;
    scene.end().await;
}

#[tokio::test]
async fn a_pod_that_is_gone_before_the_finding_still_names_it() {
    let pod = Generated::number(2);
    let mut scene = Scene::of([pod_running(&pod)]).await;
    let end = pod_terminated(&pod, 137, "Error", &scene.stated(30));
    scene.server.put(Resource::PODS, end);
    let stated = scene.incidents(|all| all.len() == 1).await;
    let printed = scene.coroner(&["why", "pod/web-000002"]).await;
    // Nobody watched: its probe may have been why.
    says(&printed, &["LIVENESS PROBE", "possible", "no agent watched it at that time"]);
    scene.server.delete(Resource::PODS, &pod.namespace, &pod.name);

    scene.kill(&place(&pod), 42, 30).await;
    let joined = scene.incidents(|all| all.len() == 1 && all[0].cause != stated[0].cause).await;
    assert_eq!(joined[0].id, stated[0].id);
    let printed = scene.coroner(&["why", "pod/web-000002"]).await;
    says(
        &printed,
        &[
            "CONTAINER MEMORY LIMIT",
            "Kubernetes says Error, but pid 42 (memhog) was killed by the kernel's OOM killer",
            "LivenessProbe",
        ],
    );
    scene.end().await;
}

#[tokio::test]
async fn restarts_faster_than_the_watch_are_both_seen_and_the_missed_are_counted() {
    let first = Generated::number(3);
    let run = |n: u32| Generated { container_id: format!("{n:x}").repeat(64), ..first.clone() };
    let mut scene = Scene::of([pod_running(&first)]).await;
    scene.kill(&place(&run(0xe)), 43, 40).await;
    // The watch saw run 0; now it shows the end of run 3 as the last state and that of run 4 as the state.
    let mut pod = pod_terminated(&run(0xf), 1, "Error", &scene.stated(50));
    let status = status(&mut pod);
    status["restartCount"] = json!(4);
    status["lastState"] = json!({"terminated": {
        "exitCode": 137, "reason": "OOMKilled", "finishedAt": scene.stated(40),
        "containerID": format!("containerd://{}", run(0xe).container_id),
    }});
    scene.server.put(Resource::PODS, pod);
    let both = scene.incidents(|all| all.iter().filter(|one| ended(one)).count() == 2).await;
    assert_eq!(both.len(), 2, "{both:#?}");
    let newest = scene.coroner(&["why", "pod/web-000003"]).await;
    says(
        &newest,
        &[
            "exit 1",
            "It ended once before, 0 of these in the same way; the last time with exit code 137.",
            "It was restarted 3 times without that its end was seen.",
        ],
    );
    let before = scene.coroner(&["why", "pod/web-000003", "--previous", "1"]).await;
    says(
        &before,
        &["exit 137", "CONTAINER MEMORY LIMIT", "pid 43 (memhog)", "It was restarted 3 times"],
    );
    scene.end().await;
}

#[tokio::test]
async fn a_name_that_is_used_again_is_another_pod() {
    let one = Generated::number(4);
    let two = Generated {
        uid: "00000000-0000-4000-8000-0000000000ff".to_owned(),
        container_id: "f".repeat(64),
        ..one.clone()
    };
    let mut scene = Scene::of([pod_running(&one)]).await;
    scene.server.put(Resource::PODS, pod_terminated(&one, 137, "OOMKilled", &scene.stated(20)));
    scene.incidents(|all| all.len() == 1).await;
    scene.server.delete(Resource::PODS, &one.namespace, &one.name);
    scene.server.put(Resource::PODS, pod_running(&two));
    scene.server.put(Resource::PODS, pod_terminated(&two, 3, "Error", &scene.stated(60)));
    scene.incidents(|all| all.len() == 2).await;
    // The finding of the first comes when the second has its name.
    scene.kill(&place(&one), 44, 20).await;
    let known = |all: &[Incident]| all.iter().any(|one| one.kernel.is_some() && ended(one));
    let all = scene.incidents(known).await;
    assert_eq!(all.len(), 2, "{all:#?}");
    let uid = |incident: &Incident| incident.pod.as_ref().and_then(|pod| pod.uid.clone());
    assert_eq!((uid(&all[0]), uid(&all[1])), (Some(two.uid), Some(one.uid)));
    assert!(all.iter().all(|incident| incident.previous.is_empty()), "{all:#?}");
    says(&scene.coroner(&["why", "pod/web-000004"]).await, &["exit 3", "ended by itself"]);
    says(
        &scene.coroner(&["why", "pod/web-000004", "--previous", "1"]).await,
        &["exit 137", "CONTAINER MEMORY LIMIT", "pid 44 (memhog)"],
    );
    scene.end().await;
}

#[tokio::test]
async fn a_static_pod_is_known_by_the_hash_that_its_groups_carry() {
    let pod = Generated { name: "etcd-node-0".to_owned(), ..Generated::number(5) };
    let hash = "3dd1e2a1c5b8f0a94a7a0d53bb7c4f11";
    let mirror = |mut object: Value| {
        object["metadata"]["annotations"] =
            json!({"kubernetes.io/config.hash": hash, "kubernetes.io/config.mirror": hash});
        object["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "Node", "name": "node-0", "uid": "n", "controller": true}]);
        object
    };
    let mut scene = Scene::of([mirror(pod_running(&pod))]).await;
    let in_groups = Place { pod: hash.to_owned(), ..place(&pod) };
    // A child is killed and the container lives: only the node sees that, and the hash says whose it is.
    let (at, from) = (scene.at(10), scene.at(-60));
    let other = Place { container: "d".repeat(64), ..in_groups.clone() };
    scene.agent.report(&other.oom_killed(45, at, 2), &watched(from, scene.at(60))).await;
    scene.incidents(|all| all.len() == 1 && named(&all[0])).await;
    let printed = scene.coroner(&["why", "pod/etcd-node-0"]).await;
    says(&printed, &["etcd-node-0", "CONTAINER MEMORY LIMIT", "pid 45 (memhog)"]);

    scene.kill(&in_groups, 46, 30).await;
    let end = mirror(pod_terminated(&pod, 137, "OOMKilled", &scene.stated(30)));
    scene.server.put(Resource::PODS, end);
    let all = scene.incidents(|all| all.iter().any(|one| ended(one) && one.kernel.is_some())).await;
    assert_eq!(all.len(), 2, "{all:#?}");
    let printed = scene.coroner(&["why", "pod/etcd-node-0"]).await;
    says(&printed, &["etcd-node-0/app (generated)", "exit 137", "pid 46 (memhog)"]);
    scene.end().await;
}

#[tokio::test]
async fn while_the_api_server_is_away_findings_stay_findings_and_are_joined_when_it_is_back() {
    let pod = Generated::number(6);
    let mut scene = Scene::of([pod_running(&pod)]).await;
    let known = Generated::number(7);
    scene.server.put(Resource::PODS, pod_terminated(&known, 1, "Error", &scene.stated(1)));
    scene.incidents(|all| all.len() == 1).await;

    scene.server.stop().await;
    scene.kill(&place(&pod), 47, 30).await;
    // The pod's name is known, its end is not.
    let alone = scene.incidents(|all| all.len() == 2).await;
    assert!(alone.iter().all(|one| one.kernel.is_none() || !ended(one)), "{alone:#?}");
    says(
        &scene.coroner(&["why", "pod/web-000006"]).await,
        &["web-000006/app", "CONTAINER MEMORY LIMIT", "pid 47 (memhog)"],
    );

    let end = pod_terminated(&pod, 137, "OOMKilled", &scene.stated(30));
    scene.server.put(Resource::PODS, end);
    scene.server.start_again().await;
    let joined =
        scene.incidents(|all| all.iter().any(|one| one.kernel.is_some() && ended(one))).await;
    assert_eq!(joined.len(), 2, "{joined:#?}");
    says(
        &scene.coroner(&["why", "pod/web-000006"]).await,
        &["exit 137", "CONTAINER MEMORY LIMIT", "pods of the API not read"],
    );
    scene.end().await;
}

/// The node's clock is five minutes behind, the API server's an hour ahead. Both are measured and shown, and the order of an end and
/// a deletion is still known.
#[tokio::test]
async fn clocks_that_lie_apart_are_measured_shown_and_taken_into_account() {
    let (node, api) = (SignedDuration::from_secs(-300), SignedDuration::from_secs(3600));
    let pod = Generated::number(8);
    let mut scene = Scene::of([]).await;
    scene.server.set_clock_ahead(api.as_secs());
    // The dates of answers from before that are of another clock.
    scene.server.drop_watches();
    scene.agent = Reporting::connect_with_clock(&scene.url(), "node-0", node).await;
    scene.agent.report(&[], &watched(scene.at(-60) + node, scene.at(590) + node)).await;
    scene.agent.report(&[], &watched(scene.at(-60) + node, scene.at(591) + node)).await;
    let shown = async {
        loop {
            let told = scene.coroner(&["node", "node-0"]).await;
            if told.contains("API server's clock is 36") && told.contains("ahead of") {
                return told;
            }
            // Each watch that begins is an answer with a date.
            scene.server.drop_watches();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let told = tokio::time::timeout(PATIENCE, shown).await.expect("it is measured");
    says(
        &told,
        &["The node's clock is 300.0", "s behind the collector's, within 0.", "That is much"],
    );

    // It failed by itself, and two minutes later somebody deleted the pod.
    let by_node = |second| (scene.at(second) + node).to_string();
    let mut object = pod_terminated(&pod, 1, "Error", &by_node(100));
    object["metadata"]["creationTimestamp"] = json!((scene.at(0) + api).to_string());
    object["metadata"]["deletionTimestamp"] = json!((scene.at(250) + api).to_string());
    object["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    object["status"]["startTime"] = json!(by_node(1));
    status(&mut object)["state"]["terminated"]["startedAt"] = json!(by_node(2));
    object["spec"]["containers"][0].as_object_mut().unwrap().remove("livenessProbe");
    scene.server.put(Resource::PODS, object);
    scene.incidents(|all| all.len() == 1).await;
    let printed = scene.coroner(&["why", "pod/web-000008"]).await;
    says(
        &printed,
        &[
            "APPLICATION EXIT",
            "ended with exit code 1 (the program's own).",
            "s behind the API server's; times of the two were compared with that taken into account.",
            "node minus API server",
        ],
    );
    scene.end().await;
}
