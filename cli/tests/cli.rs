//! The real binary against a real collector: what it prints, what it exits with, what it leaves behind.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use coroner_agent::{Agent, KernelLogSource};
use coroner_collector::Collector;

/// A container that hit its limit, as Linux 6.1 printed it.
const RECORDED: &[u8] = include_bytes!("../recorded/container-limit.kmsg");
const CONTAINER: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn coroner(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coroner"));
    command
        .args(args)
        .env_remove("CORONER_COLLECTOR")
        .env_remove("CORONER_COLLECTOR_NAMESPACE")
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST")
        // Whoever runs the tests may have a cluster.
        .env("HOME", "/nonexistent")
        .env_remove("CORONER_LOG")
        .stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    coroner(args).output().expect("the binary runs")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A collector that holds the recorded incident, and what has to stay alive for it.
struct Server {
    url: String,
    runtime: tokio::runtime::Runtime,
    collector: Option<Collector>,
    _dir: tempfile::TempDir,
}

impl Server {
    fn with_incident() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let (collector, url) = runtime.block_on(async {
            let collector = Collector::start(coroner_collector::Config {
                grpc_addr: ([127, 0, 0, 1], 0).into(),
                http_addr: None,
                ..coroner_collector::Config::new(dir.path())
            })
            .await
            .unwrap();
            let url = format!("http://{}", collector.grpc_addr());
            let agent = Agent::start(coroner_agent::Config {
                kernel_log: KernelLogSource::ReplayBytes(RECORDED.to_vec()),
                ..coroner_agent::Config::new("node-2", &url)
            })
            .await
            .unwrap();
            let deadline = Instant::now() + Duration::from_secs(10);
            while !(agent.acknowledged() > 0 && agent.queued() == 0) {
                assert!(Instant::now() < deadline, "the recording does not arrive");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            agent.shutdown().await;
            (collector, url)
        });
        Self { url, runtime, collector: Some(collector), _dir: dir }
    }

    fn ask(&self, args: &[&str]) -> Output {
        coroner(args).env("CORONER_COLLECTOR", &self.url).output().expect("the binary runs")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(collector) = self.collector.take() {
            self.runtime.block_on(collector.shutdown());
        }
    }
}

#[test]
fn list_and_why_answer_in_every_form() {
    let server = Server::with_incident();
    let list = server.ask(&["list"]);
    assert_eq!(list.status.code(), Some(0), "{}", err(&list));
    assert!(out(&list).starts_with("TIME"), "{}", out(&list));
    assert!(out(&list).contains("ContainerMemoryLimit") && out(&list).contains("pid 133 (java)"));
    assert!(out(&server.ask(&["list", "-o", "wide"])).contains("64 MiB"));

    let json: serde_json::Value =
        serde_json::from_slice(&server.ask(&["list", "-o", "json"]).stdout).unwrap();
    let id = json["incidents"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(json["incidents"][0]["kernel"]["victims"][0]["pid"], 133);
    let yaml: serde_json::Value =
        serde_yaml_ng::from_slice(&server.ask(&["list", "-o", "yaml"]).stdout).unwrap();
    assert_eq!(yaml, json);

    for target in [id.as_str(), &CONTAINER[..12], CONTAINER, "pid:133"] {
        let why = server.ask(&["why", target]);
        assert_eq!(why.status.code(), Some(0), "{target}: {}", err(&why));
        assert!(out(&why).contains("CONTAINER MEMORY LIMIT"), "{}", out(&why));
        assert!(!out(&why).contains('\x1b'), "no colour outside of a terminal");
    }
    let one: serde_json::Value =
        serde_json::from_slice(&server.ask(&["why", &id, "-o", "json"]).stdout).unwrap();
    assert_eq!(one, json["incidents"][0]);
    let keys: Vec<&str> = one.as_object().unwrap().keys().map(String::as_str).collect();
    for key in ["termination", "pod", "container", "evidence", "gaps", "remedies", "summary"] {
        assert!(keys.contains(&key), "{key} is missing");
    }
}

#[test]
fn filters_and_nothing_found() {
    let server = Server::with_incident();
    for (args, status) in [
        (&["list", "--node", "node-2", "--cause", "containermemorylimit", "--since", "2d"][..], 0),
        (&["list", "--node", "node-3"], 3),
        (&["list", "--cause", "NodeAllocatable"], 3),
        (&["why", "pid:134"], 3),
        (&["why", "inc-0000000000000000"], 3),
        (&["why", "web-1"], 3),
        (&["why", "pod", "web-1"], 3),
        (&["why", "deploy/web", "-n", "prod", "-c", "app", "--previous", "1"], 3),
        (&["why", "node/node-2"], 0),
        (&["list", "--outcome", "neverstarted", "--confidence", "likely", "--disagrees"], 3),
        (&["list", "-n", "prod", "--owner", "deploy/web"], 3),
    ] {
        let output = server.ask(args);
        assert_eq!(output.status.code(), Some(status), "{args:?}: {}", err(&output));
    }
    assert_eq!(
        out(&server.ask(&["list", "--node", "node-3", "-o", "json"]))
            .split_whitespace()
            .collect::<String>(),
        r#"{"incidents":[],"orderly_left_out":0}"#
    );
    let wrong = server.ask(&["why", "Web_1"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        err(&wrong).contains("TARGET `Web_1` is none: expected an incident id"),
        "{}",
        err(&wrong)
    );
}

#[test]
fn an_empty_list_says_what_it_is_worth() {
    let server = Server::with_incident();
    for (args, worth) in [
        // The recording is of now: nobody watched that hour.
        (&["list", "--node", "node-2", "--since", "4h", "--until", "3h"][..], "on node-2 between "),
        (&["list", "--node", "node-2", "--since", "4h", "--until", "3h"], "cannot be excluded"),
        (&["list", "--node", "node-3"], "No agent of a node `node-3` was ever heard"),
        (
            &["list", "--since", "4h", "--until", "3h"],
            "On 1 of 1 nodes a kernel OOM kill cannot be excluded",
        ),
    ] {
        let output = server.ask(args);
        assert_eq!(output.status.code(), Some(3), "{args:?}: {}", err(&output));
        assert!(err(&output).starts_with("no incidents\n"), "{}", err(&output));
        assert!(err(&output).contains(worth), "{args:?}: {}", err(&output));
        assert!(out(&output).is_empty());
    }
}

#[test]
fn a_node_is_shown_in_every_form() {
    let server = Server::with_incident();
    let node = server.ask(&["node", "node-2", "--since", "4h", "--until", "3h"]);
    assert_eq!(node.status.code(), Some(0), "{}", err(&node));
    for words in ["node-2   last heard ", "kernel log", "cannot be excluded", "Sources"] {
        assert!(out(&node).contains(words), "{words}: {}", out(&node));
    }
    let json: serde_json::Value = serde_json::from_slice(
        &server.ask(&["node", "node-2", "--until", "3h", "-o", "json"]).stdout,
    )
    .unwrap();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(
        keys(&json),
        [
            "absence",
            "agent_version",
            "api_clock",
            "boot_id",
            "clock",
            "first_seen",
            "incidents",
            "last_seen",
            "name",
            "sources",
            "state",
            "window"
        ]
    );
    assert_eq!(
        keys(&json["absence"]),
        ["confidence", "from", "kills", "sentence", "to", "verdict", "witnesses"]
    );
    assert_eq!(json["absence"]["verdict"], "open");
    assert_eq!(
        keys(&json["sources"][0]),
        ["coverage", "detail", "holes", "reading", "said", "source"]
    );
    let yaml: serde_json::Value = serde_yaml_ng::from_slice(
        &server.ask(&["node", "node-2", "--until", "3h", "-o", "yaml"]).stdout,
    )
    .unwrap();
    assert_eq!(keys(&yaml), keys(&json));

    let list = server.ask(&["nodes"]);
    assert_eq!(list.status.code(), Some(0), "{}", err(&list));
    assert!(out(&list).starts_with("NODE") && out(&list).contains("node-2"), "{}", out(&list));
    let json: serde_json::Value =
        serde_json::from_slice(&server.ask(&["nodes", "-o", "json"]).stdout).unwrap();
    assert_eq!(json["nodes"][0]["name"], "node-2");

    let absent = server.ask(&["node", "node-\u{1b}[2J"]);
    assert_eq!(absent.status.code(), Some(3));
    assert!(
        err(&absent).contains("no agent of a node `node-\\x1b[2J` was ever heard"),
        "{}",
        err(&absent)
    );
    let container = server.ask(&["node", "node-2", "--until", "3h", "--container", CONTAINER]);
    assert!(out(&container).contains("in container 0123456789ab on node-2"), "{}", out(&container));
}

#[test]
fn a_watch_shows_what_is_known_and_goes_on() {
    let server = Server::with_incident();
    let mut watch = coroner(&["list", "--watch", "-o", "json", "--collector", &server.url])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(watch.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let incident: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(incident["cause"], "ContainerMemoryLimit");
    assert!(watch.try_wait().unwrap().is_none(), "it goes on");
    watch.kill().unwrap();
    watch.wait().unwrap();
}

#[test]
fn errors_are_one_clear_sentence() {
    // Nobody listens on port 1.
    let absent = run(&["list", "--collector", "http://127.0.0.1:1"]);
    assert_eq!(absent.status.code(), Some(1));
    for words in ["http://127.0.0.1:1", "Connection refused", "coroner standalone"] {
        assert!(err(&absent).contains(words), "{}", err(&absent));
    }
    assert_eq!(err(&absent).lines().count(), 1);
    for (args, words) in [
        (
            &["list", "--collector", "127.0.0.1:7137"][..],
            "--collector `127.0.0.1:7137` is not an address",
        ),
        (&["list", "--collector", "https://x:1"], "plain http only"),
        (&["list", "--since", "yesterday"], "expected a time like"),
        (&["list", "--until", "soon"], "expected a time like"),
        (
            &["list", "--since", "2026-01-02T12:00:00Z", "--until", "2026-01-01T12:00:00Z"],
            "--since 2026-01-02T12:00:00Z is after --until 2026-01-01T12:00:00Z; expected a time before it",
        ),
        (&["node", "n", "--since", "1h", "--until", "2h"], "expected a time before it"),
        (
            &["node", "n", "--container", "abc"],
            "--container `abc` is no container's id; expected 64 hex digits",
        ),
        (&["nodes", "--since", "90000y"], "expected a time like"),
        (&["node"], "required arguments were not provided"),
        (&["list", "--cause", "Oops"], "`Oops` is no cause; expected one of ContainerMemoryLimit"),
        (&["list", "-o", "xml"], "possible values: text, wide, json, yaml, name"),
        (&["standalone", "--grpc-addr", "7137"], "invalid value '7137'"),
        (&["nonsense"], "unrecognized subcommand"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(err(&output).contains(words), "{args:?}: {}", err(&output));
        assert!(out(&output).is_empty());
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let mut child = coroner(&["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn completions_and_help_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = out(&run(&["completions", shell]));
        assert!(script.contains("standalone"), "{shell}");
    }
    let help = out(&run(&["--help"]));
    for command in ["why", "list", "node", "nodes", "explain", "standalone", "demo", "completions"]
    {
        assert!(help.contains(command), "{command}");
    }
    assert!(!help.contains("demo-hog"));
}

#[test]
fn standalone_starts_answers_and_ends_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let args = [
        "standalone",
        "--data-dir",
        data,
        "--grpc-addr",
        "127.0.0.1:0",
        "--http-addr",
        "127.0.0.1:0",
    ];
    let mut child = coroner(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    while !said.contains("watching this machine") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
    }
    let addr =
        said.split("gRPC at ").nth(1).and_then(|rest| rest.split(',').next()).expect("an address");
    let list = run(&["list", "--collector", &format!("http://{addr}")]);
    assert!(matches!(list.status.code(), Some(0 | 3)), "{}", err(&list));

    // A second one cannot have the same port, and says so.
    let other = tempfile::tempdir().unwrap();
    let taken =
        run(&["standalone", "--data-dir", other.path().to_str().unwrap(), "--grpc-addr", addr]);
    assert_eq!(taken.status.code(), Some(1));
    assert!(err(&taken).contains(addr), "{}", err(&taken));

    let asked = Instant::now();
    signal(child.id(), "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
}

fn signal(pid: u32, name: &str) {
    let status =
        Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().unwrap();
    assert!(status.success());
}
