//! A collector that is found in a cluster and reached through its API server, which is a double; the collector and the
//! bytes are real. And every way in which that can fail: one sentence each.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use coroner_collector::kubernetes::Access;
use coroner_collector::{Collector, Config};
use coroner_proto::v1::ListIncidentsRequest;
use coroner_proto::v1::query_service_client::QueryServiceClient;
use coroner_tests::apiserver::watching::{impatient, pod};
use coroner_tests::apiserver::{ApiServer, Generated, Resource, pod_terminated};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The namespace of the generated pods.
const GENERATED: &str = "generated";

/// A cluster with a collector that knows of one end, and a place to put a kubeconfig.
struct Cluster {
    runtime: Runtime,
    api: ApiServer,
    collector: Option<Collector>,
    dir: TempDir,
}

impl Cluster {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let dir = TempDir::new().unwrap();
        let api = runtime.block_on(ApiServer::start());
        Self { runtime, api, collector: None, dir }
    }

    /// With a collector, as it is installed.
    fn installed() -> Self {
        let mut cluster = Self::new();
        for name in ["default", "coroner", GENERATED] {
            cluster.api.put(Resource::NAMESPACES, json!({"metadata": {"name": name}}));
        }
        cluster.api.put(Resource::PODS, pod(1));
        let kubernetes =
            Access::Kubeconfig { path: cluster.api.kubeconfig(cluster.dir.path()), context: None };
        let config = Config {
            grpc_addr: ([127, 0, 0, 1], 0).into(),
            http_addr: None,
            kubernetes,
            kubernetes_pace: impatient(),
            ..Config::new(cluster.dir.path().join("data"))
        };
        let api = &cluster.api;
        let collector = cluster.runtime.block_on(async {
            let collector = Collector::start(config).await.unwrap();
            let ended =
                pod_terminated(&Generated::number(1), 137, "OOMKilled", "2026-11-21T00:30:00Z");
            api.put(Resource::PODS, ended);
            let url = format!("http://{}", collector.grpc_addr());
            let mut client = QueryServiceClient::connect(url).await.unwrap();
            let known = async {
                loop {
                    let list = client.list_incidents(ListIncidentsRequest::default()).await;
                    if !list.unwrap().into_inner().incidents.is_empty() {
                        return;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                }
            };
            let patience = std::time::Duration::from_secs(60);
            tokio::time::timeout(patience, known).await.expect("the end becomes an incident");
            collector
        });
        cluster.api.put(Resource::SERVICES, service());
        cluster.api.put(Resource::PODS, collector_pod(true));
        cluster.api.listens("coroner", "coroner-collector-0", 7137, collector.grpc_addr());
        cluster.collector = Some(collector);
        cluster
    }

    fn kubeconfig(&self) -> PathBuf {
        self.api.kubeconfig(self.dir.path())
    }

    fn run(&self, args: &[&str]) -> Output {
        run(&self.kubeconfig(), self.dir.path(), args)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(collector) = self.collector.take() {
            self.runtime.block_on(collector.shutdown());
        }
    }
}

fn run(kubeconfig: &Path, home: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coroner"));
    command.args(args).env("KUBECONFIG", kubeconfig).env("HOME", home);
    for name in ["CORONER_COLLECTOR", "CORONER_COLLECTOR_NAMESPACE", "KUBERNETES_SERVICE_HOST"] {
        command.env_remove(name);
    }
    command.output().unwrap()
}

fn service() -> Value {
    json!({
        "metadata": {"name": "coroner-collector", "namespace": "coroner", "labels": {
            "app.kubernetes.io/name": "coroner", "app.kubernetes.io/component": "collector"}},
        "spec": {
            "selector": {"app.kubernetes.io/component": "collector"},
            "ports": [
                {"name": "http", "port": 80, "targetPort": "http"},
                {"name": "grpc", "port": 443, "targetPort": "grpc"},
            ],
        },
    })
}

fn collector_pod(ready: bool) -> Value {
    let status = if ready { "True" } else { "False" };
    json!({
        "metadata": {"name": "coroner-collector-0", "namespace": "coroner", "uid": "collector",
            "labels": {"app.kubernetes.io/component": "collector"}},
        "spec": {"containers": [{"name": "collector", "ports": [
            {"name": "http", "containerPort": 8137}, {"name": "grpc", "containerPort": 7137}]}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": status}]},
    })
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_collector_is_found_and_asked_through_the_api_server() {
    let cluster = Cluster::installed();
    let all = cluster.run(&["list", "-A"]);
    assert_eq!(all.status.code(), Some(0), "{}", err(&all));
    assert!(
        out(&all).starts_with("NAMESPACE") && out(&all).contains("web-000001/app"),
        "{}",
        out(&all)
    );
    let bare = cluster.run(&["list", "-A", "--no-headers"]);
    assert!(out(&bare).starts_with(GENERATED), "{}", out(&bare));
    let named = cluster.run(&["list", "-n", GENERATED, "-o", "name"]);
    let name = out(&named).trim().to_owned();
    assert!(name.starts_with("incident/inc-"), "{name}");
    for target in [&name, "pod/web-000001"] {
        let why = cluster.run(&["why", target, "-n", GENERATED]);
        assert_eq!(why.status.code(), Some(0), "{}", err(&why));
        assert!(
            out(&why).contains("web-000001/app (generated)   Deployment/web   exit 137"),
            "{}",
            out(&why)
        );
    }
    for by in ["workload", "cause", "namespace", "node"] {
        let top = cluster.run(&["top", "-A", "--by", by, "--since", "2026-11-01T00:00:00Z"]);
        assert_eq!(top.status.code(), Some(0), "{}", err(&top));
        assert_eq!(out(&top).lines().count(), 2, "{}", out(&top));
    }
    let json = cluster.run(&["top", "-A", "--since", "2026-11-01T00:00:00Z", "-o", "json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["incidents"], &json["groups"]), (&json!(1), &json!(1)));
    assert_eq!(json["counts"][0]["namespace"], GENERATED);
    assert_eq!(json["counts"][0]["causes"][0]["count"], 1);
    let none = cluster.run(&["top", "--until", "2026-11-01T00:00:00Z"]);
    assert_eq!(none.status.code(), Some(3));
    assert!(
        err(&none).starts_with("no incidents in namespace default in that time\n"),
        "{}",
        err(&none)
    );

    let told = cluster.run(&["timeline", "pod/web-000001", "-n", GENERATED]);
    assert_eq!(told.status.code(), Some(0), "{}", err(&told));
    for words in [
        "web-000001 (generated)   node-0\n2026-11-21   UTC\n",
        "00:22:01      pod status       the pod was created\n",
        "00:22:03      pod status       started\n",
        "00:30:00      pod status       ended with exit code 137, Kubernetes says",
    ] {
        assert!(out(&told).contains(words), "{words}: {}", out(&told));
    }
    let json = cluster.run(&["timeline", "web-000001", "-A", "-o", "json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["entries"].as_array().unwrap().last().unwrap()["exact"], false);
    let none = cluster.run(&["timeline", "web-9"]);
    assert_eq!(none.status.code(), Some(3));
    assert!(
        err(&none).contains("nothing is known of a pod `web-9` in namespace default"),
        "{}",
        err(&none)
    );
    let wrong = cluster.run(&["timeline", "Web_1"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(err(&wrong).contains("`Web_1`, expected the name of a pod"), "{}", err(&wrong));

    // An id needs no namespace.
    assert_eq!(cluster.run(&["why", &name]).status.code(), Some(0));
}

#[test]
fn the_namespace_is_the_contexts_unless_another_is_named() {
    let cluster = Cluster::installed();
    let none = cluster.run(&["list"]);
    assert_eq!(none.status.code(), Some(3));
    assert!(
        err(&none).starts_with(
            "no incidents in namespace default\nOnly namespace `default` was looked at; -A looks at all.\n"
        ),
        "{}",
        err(&none)
    );
    let none = cluster.run(&["why", "pod/web-000001"]);
    assert_eq!(none.status.code(), Some(3));
    assert!(err(&none).contains("`pod/web-000001` in namespace default\n"), "{}", err(&none));
    assert_eq!(cluster.run(&["why", "web-000001", "-A"]).status.code(), Some(0));
    let wrong = cluster.run(&["list", "-n", "typo"]);
    assert_eq!(wrong.status.code(), Some(3));
    assert!(
        err(&wrong).contains("There is no namespace `typo` in the cluster of context double."),
        "{}",
        err(&wrong)
    );

    let path = cluster.kubeconfig();
    let text = std::fs::read_to_string(&path).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    config["contexts"][0]["context"]["namespace"] = GENERATED.into();
    std::fs::write(&path, config.to_string()).unwrap();
    let list = run(&path, cluster.dir.path(), &["list"]);
    assert_eq!(list.status.code(), Some(0), "{}", err(&list));
    // One that is named by its address belongs to no cluster, unless somebody says so.
    let url = format!("http://{}", cluster.collector.as_ref().unwrap().grpc_addr());
    for (more, status) in [(&[][..], 0), (&["--context", "nowhere"], 3)] {
        let mut args = vec!["list", "--collector", &url];
        args.extend(more);
        let list = run(&path, cluster.dir.path(), &args);
        assert_eq!(list.status.code(), Some(status), "{more:?} {}", err(&list));
    }
}

/// What must stand in the one sentence for each reason.
#[test]
fn each_failure_is_one_clear_sentence() {
    let cluster = Cluster::installed();
    let fails = |args: &[&str], words: &[&str]| {
        let output = cluster.run(args);
        let said = err(&output);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        for words in words {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(out(&output).is_empty());
    };
    fails(
        &["nodes", "--context", "nowhere"],
        &["https://127.0.0.1:9 of context nowhere does not answer", "refused"],
    );
    fails(&["nodes", "--context", "x"], &["has no context `x`; expected one of: double, nowhere"]);
    fails(
        &["nodes", "--kubeconfig", "/nonexistent/config"],
        &["kubeconfig /nonexistent/config cannot be used", "No such file"],
    );
    let broken = cluster.dir.path().join("broken");
    std::fs::write(&broken, "clusters: [").unwrap();
    fails(
        &["nodes", "--kubeconfig", broken.to_str().unwrap()],
        &["cannot be used: failed to parse"],
    );
    fails(
        &["nodes", "--collector-namespace", "elsewhere"],
        &[
            "the cluster of context double has no namespace `elsewhere`; say with --collector-namespace",
        ],
    );
    fails(
        &["nodes", "--collector-namespace", "default"],
        &[
            "no collector is installed in namespace `default` of context double",
            "app.kubernetes.io/component=collector",
        ],
    );
    // Readiness, and what is not there although it is ready.
    cluster.api.put(Resource::PODS, collector_pod(false));
    fails(
        &["nodes"],
        &[
            "no pod of Service coroner/coroner-collector is ready: coroner-collector-0 is Running and not Ready",
        ],
    );
    cluster.api.delete(Resource::PODS, "coroner", "coroner-collector-0");
    fails(&["nodes"], &["no pod of Service coroner/coroner-collector is ready: it has none"]);
    cluster.api.put(Resource::PODS, collector_pod(true));
    cluster.api.listens("coroner", "coroner-collector-0", 7137, ([127, 0, 0, 1], 9).into());
    // What the kubelet says of it comes along, unless the connection is gone before.
    fails(&["nodes"], &["no collector answers at pod coroner/coroner-collector-0, port 7137"]);
    let mut without = service();
    without["spec"]["ports"] = json!([{"name": "http", "port": 80}]);
    cluster.api.put(Resource::SERVICES, without);
    fails(
        &["nodes"],
        &["Service coroner/coroner-collector has no port named `grpc`", "it has http 80"],
    );
    cluster.api.put(Resource::SERVICES, service());
    // Rights.
    cluster.api.forbid("get", "pods/portforward");
    fails(
        &["nodes"],
        &[
            "forbids to forward a port to pod coroner/coroner-collector-0",
            "takes `list` on services and pods, and `get` and `create` on pods/portforward",
        ],
    );
    cluster.api.forbid("list", "services");
    fails(&["nodes"], &["forbids to list services in namespace coroner"]);
    // A token that is none any more.
    let path = cluster.kubeconfig();
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    config["users"][0]["user"]["token"] = "expired".into();
    let expired = cluster.dir.path().join("expired");
    std::fs::write(&expired, config.to_string()).unwrap();
    fails(
        &["nodes", "--kubeconfig", expired.to_str().unwrap()],
        &["does not accept the credentials of context double (401", "a token may have expired"],
    );
    config["users"][0]["user"] = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-login-helper", "interactiveMode": "Never"}});
    std::fs::write(&expired, config.to_string()).unwrap();
    fails(
        &["nodes", "--kubeconfig", expired.to_str().unwrap()],
        &["there are no credentials for context double: no-such-login-helper: "],
    );
}

#[test]
fn without_a_kubeconfig_it_is_the_collector_of_this_machine() {
    let home = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_coroner"));
    command.args(["list"]).env("HOME", home.path());
    for name in ["CORONER_COLLECTOR", "KUBECONFIG", "KUBERNETES_SERVICE_HOST"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    // There may be one.
    if output.status.code() == Some(1) {
        assert!(
            err(&output).contains("no collector answers at http://127.0.0.1:7137"),
            "{}",
            err(&output)
        );
    }
    let absent = run(&home.path().join("absent"), home.path(), &["list"]);
    assert!(
        err(&absent).contains("KUBECONFIG names it, and it does not exist"),
        "{}",
        err(&absent)
    );
}
