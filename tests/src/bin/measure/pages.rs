//! How long the collector takes for each page with many incidents stored, beside an empty store.

use std::time::{Duration, Instant};

use coroner_collector::kubernetes::Access;
use coroner_collector::{Collector, Config};
use coroner_proto::v1::ListIncidentsRequest;
use coroner_proto::v1::query_service_client::QueryServiceClient;
use coroner_tests::apiserver::{ApiServer, Generated, Resource, pod_running};
use coroner_tests::reporting::{Place, Reporting, watched};
use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Nodes.
const NODES: u32 = 100;

/// Pods on each, all of one workload.
const EACH: u32 = 10;

/// Kills in one batch.
const BATCH: u64 = 500;

/// How often each page is asked for.
const ASKED: usize = 200;

/// Incidents over the last `days`, one after another on all nodes, served by a collector in this process.
pub(crate) fn pages(incidents: u64, days: i64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(measure(incidents, days));
}

async fn start(server: &ApiServer, dir: &std::path::Path) -> Collector {
    let path = server.kubeconfig(dir);
    let config = Config {
        grpc_addr: ([127, 0, 0, 1], 0).into(),
        http_addr: Some(([127, 0, 0, 1], 0).into()),
        kubernetes: Access::Kubeconfig { path, context: None },
        ..Config::new(dir.join("data"))
    };
    Collector::start(config).await.expect("it starts")
}

async fn measure(incidents: u64, days: i64) {
    let (none, one) = (ApiServer::start().await, ApiServer::start().await);
    for n in 0..NODES * EACH {
        one.put(Resource::PODS, pod_running(&pod(n)));
    }
    let dirs = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
    let (empty, full) = (start(&none, dirs[0].path()).await, start(&one, dirs[1].path()).await);
    // Each knows one node, so that the page of a node is there.
    fill(&empty, 0, days).await;
    let began = Instant::now();
    fill(&full, incidents, days).await;
    let size = std::fs::metadata(dirs[1].path().join("data/coroner.db")).map_or(0, |m| m.len());
    println!(
        "{incidents} incidents over {days} days on {} nodes, {} MiB, stored in {:.0} s",
        NODES,
        size >> 20,
        began.elapsed().as_secs_f64()
    );
    let incident = newest(&full).await;
    println!("ms                        empty p50    p99    full p50    p99   full kB");
    for (name, path) in [
        ("overview", "/".to_owned()),
        ("list", "/incidents".to_owned()),
        ("list, a cause", "/incidents?cause=ContainerMemoryLimit".to_owned()),
        ("list, a node", "/incidents?node=node-7".to_owned()),
        ("list, a workload", "/incidents?owner=ReplicaSet/web-5d9c7b".to_owned()),
        ("an incident", format!("/incidents/{incident}")),
        ("why a pod", "/why?target=pod/web-000077&namespace=generated".to_owned()),
        ("nodes", "/nodes".to_owned()),
        ("a node", "/nodes/node-7".to_owned()),
        ("a workload", "/workloads/ReplicaSet/web-5d9c7b?namespace=generated".to_owned()),
    ] {
        let ((e50, e99, _), (f50, f99, bytes)) =
            (ask(&empty, &path).await, ask(&full, &path).await);
        println!("{name:24} {e50:10.2} {e99:6.2} {f50:11.2} {f99:6.2} {:9}", bytes / 1000);
    }
    for collector in [empty, full] {
        collector.shutdown().await;
    }
    drop((none, one));
}

fn pod(n: u32) -> Generated {
    Generated { node: format!("node-{}", n / EACH), ..Generated::number(n) }
}

/// Kills, each in a container of its own, the oldest first. Node 7 reports in any case.
async fn fill(collector: &Collector, incidents: u64, days: i64) {
    let url = format!("http://{}", collector.grpc_addr());
    let now = Timestamp::now();
    let from = now - SignedDuration::from_hours(24 * days);
    let between = now.duration_since(from).as_micros() / i128::from(incidents.max(1));
    let at = |n: u64| {
        let since = i64::try_from(between * i128::from(n)).expect("a month at most");
        from + SignedDuration::from_micros(since)
    };
    let mut agents = Vec::new();
    for n in 0..u64::from(NODES) {
        let mut agent = Reporting::connect(&url, &format!("node-{n}")).await;
        agent.report(&[], &watched(from, now)).await;
        agents.push(agent);
    }
    for first in (0..incidents).step_by(usize::try_from(BATCH).expect("a size")) {
        // A batch is of one node; its pods take turns.
        let node = usize::try_from(first / BATCH).expect("a node") % agents.len();
        let mut findings = Vec::new();
        for n in first..(first + BATCH).min(incidents) {
            let on_node = u32::try_from(n % u64::from(EACH)).expect("a pod");
            let pod = pod(u32::try_from(node).expect("a node") * EACH + on_node);
            let place = Place {
                node: pod.node,
                pod: pod.uid,
                container: format!("{:064x}", u128::from(n) << 64),
            };
            findings.extend(place.oom_killed(n + 1, at(n), 0));
        }
        agents[node].report(&findings, &[]).await;
    }
}

async fn newest(collector: &Collector) -> String {
    let client = QueryServiceClient::connect(format!("http://{}", collector.grpc_addr())).await;
    let request = ListIncidentsRequest { page_size: 1, ..Default::default() };
    let answer = client.expect("it answers").list_incidents(request).await.expect("it lists");
    answer.into_inner().incidents.first().expect("an incident").id.clone()
}

/// Half of all answers and 99 of 100 took no longer than so many ms; and the size of the last in bytes.
async fn ask(collector: &Collector, path: &str) -> (f64, f64, usize) {
    let address = collector.http_addr().expect("it serves");
    let (mut took, mut bytes): (Vec<Duration>, usize) = (Vec::new(), 0);
    for _ in 0..ASKED {
        let began = Instant::now();
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("it listens");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("it answers");
        took.push(began.elapsed());
        bytes = answer.len();
    }
    took.sort_unstable();
    let at = |percent: usize| {
        let index = (took.len() * percent).div_ceil(100).saturating_sub(1);
        took.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    };
    (at(50), at(99), bytes)
}
