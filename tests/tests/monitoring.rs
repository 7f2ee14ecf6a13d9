//! Metrics, alert rules and dashboard, held against each other and against Prometheus itself.

#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "tests may fail")]

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use coroner_tests::apiserver::ApiServer;
use coroner_tests::manifests::{documents, path, strict};
use coroner_tests::monitoring::{get, metrics, names, promtool};
use coroner_tests::programs::{Process, Stack, free_port};
use serde_json::Value;

const PLAIN: &str = "text/plain";

/// What both programs serve, in the format that promtool reads.
fn live(stack: &Stack) -> [String; 2] {
    [stack.collector_http_port(), stack.agent_http_port()].map(|port| get(port, "/metrics", PLAIN))
}

fn ready() -> Stack {
    let stack = Stack::start();
    stack.wait_until_ready();
    stack
}

#[test]
fn promtool_finds_nothing_wrong_with_the_metrics() {
    let stack = ready();
    for text in live(&stack) {
        let said = promtool(&path("monitoring"), &["check", "metrics"], &text);
        assert_eq!(said, "", "{text}");
        assert!(metrics(&text).keys().all(|name| name.starts_with("coroner_")), "{text}");
    }
}

#[test]
fn promtool_finds_nothing_wrong_with_the_rules() {
    let dir = path("monitoring");
    let said = promtool(&dir, &["check", "rules", "--lint-fatal", "alerts.yaml"], "");
    assert!(said.contains("rules found"), "{said}");
    let said = promtool(&dir, &["test", "rules", "alerts_test.yaml"], "");
    assert!(said.contains("SUCCESS"), "{said}");
    let tests = std::fs::read_to_string(dir.join("alerts_test.yaml")).unwrap();
    for rule in rules() {
        let name = rule["alert"].as_str().unwrap();
        let fires = format!("- alertname: {name}\n");
        assert!(tests.contains(&fires), "no test lets {name} fire");
    }
}

fn rules() -> Vec<Value> {
    let alerts = documents(&path("monitoring/alerts.yaml")).remove(0);
    let groups = alerts["groups"].as_array().unwrap().clone();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

/// Debian's promtool is built without Kubernetes, so how targets are found is left out of what it checks.
#[test]
fn promtool_finds_nothing_wrong_with_the_scrape_configuration() {
    let mut config = documents(&path("monitoring/scrape.yaml")).remove(0);
    for job in config["scrape_configs"].as_array_mut().unwrap() {
        let found = job.as_object_mut().unwrap().remove("kubernetes_sd_configs").unwrap();
        assert_eq!(found[0]["namespaces"]["names"][0], "coroner");
    }
    let dir = tempfile::tempdir().unwrap();
    let text = serde_yaml_ng::to_string(&config).unwrap();
    std::fs::write(dir.path().join("prometheus.yaml"), text).unwrap();
    let said = promtool(dir.path(), &["check", "config", "prometheus.yaml"], "");
    assert!(said.contains("SUCCESS"), "{said}");
    strict(&documents(&path("monitoring/network-policy.yaml"))[0]).unwrap();
}

/// Nobody is shown or woken by a metric that does not exist, and none goes without a word in the docs.
#[tokio::test]
async fn rules_dashboard_and_docs_speak_of_what_is_there() {
    let stack = ready();
    let mut there: BTreeSet<String> =
        live(&stack).iter().flat_map(|text| metrics(text).into_keys()).collect();
    // What it counts of Kubernetes is there only with a cluster.
    let server = ApiServer::start().await;
    let dir = tempfile::tempdir().unwrap();
    let (grpc, http) = (free_port(), free_port());
    let kubeconfig = server.kubeconfig(dir.path()).display().to_string();
    let args = [
        "--data-dir".to_owned(),
        dir.path().join("data").display().to_string(),
        format!("--grpc-addr=127.0.0.1:{grpc}"),
        format!("--http-addr=127.0.0.1:{http}"),
        format!("--kubeconfig={kubeconfig}"),
    ];
    let _collector = Process::start("coroner-collector", &args);
    let begun = Instant::now();
    let watching = "coroner_kubernetes_watching{resource=\"pods\"} 1";
    loop {
        let open = std::net::TcpStream::connect(("127.0.0.1", http)).is_ok();
        let text = if open { get(http, "/metrics", PLAIN) } else { String::new() };
        if text.contains(watching) {
            there.extend(metrics(&text).into_keys());
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not watch: {text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for file in ["monitoring/alerts.yaml", "monitoring/dashboard.json"] {
        let text = std::fs::read_to_string(path(file)).unwrap();
        for name in names(&text) {
            assert!(there.contains(&name), "{file}: {name}");
        }
    }
    let docs = std::fs::read_to_string(path("../docs/metrics.md")).unwrap();
    let told: BTreeSet<String> = names(&docs).into_iter().collect();
    assert_eq!(told, there, "docs/metrics.md and /metrics");
    for rule in rules() {
        let name = rule["alert"].as_str().unwrap();
        assert!(docs.contains(&format!("`{name}`")), "docs/metrics.md: {name}");
    }
}

#[test]
fn the_dashboard_is_whole() {
    let text = std::fs::read_to_string(path("monitoring/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    let mut rules = String::from("groups:\n  - name: panels\n    rules:\n");
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(panel["title"].is_string() && panel["description"].is_string(), "{panel}");
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"]["uid"], "${datasource}");
            let expr = target["expr"].as_str().unwrap().replace("$__rate_interval", "5m");
            let (id, expr) =
                (panel["id"].as_u64().unwrap(), Value::from(expr.replace("$__range", "1h")));
            rules.push_str(&format!(
                "      - {{record: 'panel:{id}:{}', expr: {expr}}}\n",
                target["refId"].as_str().unwrap()
            ));
        }
    }
    // Every expression is one that Prometheus understands.
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("panels.yaml"), rules).unwrap();
    let said = promtool(dir.path(), &["check", "rules", "panels.yaml"], "");
    assert!(said.contains("SUCCESS"), "{said}");
}

struct Prometheus(Child);

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A real Prometheus scrapes both programs, with our rules loaded, and has their numbers.
#[test]
fn prometheus_scrapes_both_programs() {
    let stack = ready();
    let dir = tempfile::tempdir().unwrap();
    let config = format!(
        "global: {{scrape_interval: 1s}}\nrule_files: ['{}']\nscrape_configs:\n\
         - {{job_name: coroner-agent, static_configs: [{{targets: ['127.0.0.1:{}'], labels: {{node: n}}}}]}}\n\
         - {{job_name: coroner-collector, static_configs: [{{targets: ['127.0.0.1:{}']}}]}}\n",
        path("monitoring/alerts.yaml").display(),
        stack.agent_http_port(),
        stack.collector_http_port(),
    );
    let file = dir.path().join("prometheus.yaml");
    std::fs::write(&file, config).unwrap();
    let port = free_port();
    let mut command = Command::new("prometheus");
    command.arg(format!("--config.file={}", file.display()));
    command.arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _prometheus = Prometheus(command.spawn().expect("prometheus is there: see tests/prepare"));
    let begun = Instant::now();
    let ask = |query: &str| -> Option<Value> {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
        let body = get(port, &format!("/api/v1/query?query={query}"), "application/json");
        let answer: Value = serde_json::from_str(&body).ok()?;
        let result = answer["data"]["result"].as_array()?.clone();
        (!result.is_empty()).then(|| result.into())
    };
    // Both formats: the agent's plain text, and OpenMetrics, which the collector is asked for.
    for query in
        ["coroner_agent_connected", "coroner_agents_connected", "coroner_commit_seconds_count"]
    {
        loop {
            if let Some(result) = ask(query) {
                let value: f64 = result[0]["value"][1].as_str().unwrap().parse().unwrap();
                assert!(value >= 1.0, "{query}: {result}");
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{query} was not scraped");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    let series = ask("count(%7B__name__=~%22coroner_incidents_total%22%7D)").unwrap();
    let count: u64 = series[0]["value"][1].as_str().unwrap().parse().unwrap();
    assert_eq!(count, 33 * 4, "a series for each cause and confidence, from the start: {series}");
}
