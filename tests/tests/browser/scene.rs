//! What the pages show in tests: a collector with a small cluster, real kernel reports, and names that try to be more.

use std::path::Path;

use coroner_collector::kubernetes::Access;
use coroner_collector::{Collector, Config};
use coroner_core::finding::{
    Finding, FindingBody, FindingId, Fragmentation, Headroom, Occasion, Source, SourceStatus,
};
use coroner_core::kernel::{FreeArea, KernelEvent, OomReport};
use coroner_core::kernel_log::{Options, Parser};
use coroner_proto::v1::query_service_client::QueryServiceClient;
use coroner_proto::v1::{Incident, ListIncidentsRequest};
use coroner_tests::apiserver::watching::impatient;
use coroner_tests::apiserver::{ApiServer, Generated, Resource, pod_running};
use coroner_tests::reporting::{BOOT, Place, Reporting, watched};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A node whose name is markup and turns the direction of writing. Control bytes in it would be refused at the door.
pub(crate) const HOSTILE_NODE: &str = "<b>no/de</b>\u{202e}";

/// A process that is named like a script.
pub(crate) const HOSTILE_NAME: &str = "<script>alert(1)</script>\u{7}\u{200f}";

/// A collector, the API server it watches, and agents.
pub(crate) struct Scene {
    pub(crate) collector: Collector,
    server: ApiServer,
    dir: TempDir,
    /// The agent of `node-1`.
    pub(crate) agent: Reporting,
    /// The agent of the hostile node.
    hostile: Reporting,
    now: Timestamp,
}

impl Scene {
    /// A cluster with deaths of several kinds over the last day, one of them on the hostile node.
    pub(crate) async fn set() -> Self {
        let server = ApiServer::start().await;
        server.put(Resource::REPLICA_SETS, replica_set());
        for n in 0..6 {
            server.put(Resource::PODS, pod_running(&pod(n)));
        }
        let dir = TempDir::new().unwrap();
        let collector = Collector::start(Config {
            grpc_addr: ([127, 0, 0, 1], 0).into(),
            http_addr: Some(([127, 0, 0, 1], 0).into()),
            kubernetes: Access::Kubeconfig { path: server.kubeconfig(dir.path()), context: None },
            kubernetes_pace: impatient(),
            ..Config::new(dir.path().join("data"))
        })
        .await
        .unwrap();
        let url = format!("http://{}", collector.grpc_addr());
        let agent = Reporting::connect(&url, "node-1").await;
        let hostile = Reporting::connect(&url, HOSTILE_NODE).await;
        let mut scene = Self { collector, server, dir, agent, hostile, now: Timestamp::now() };
        scene.fill().await;
        scene
    }

    /// Where the pages are.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.collector.http_addr().unwrap())
    }

    fn ago(&self, minutes: i64) -> Timestamp {
        self.now - SignedDuration::from_mins(minutes)
    }

    async fn fill(&mut self) {
        self.agent
            .report(&[status("node-1", self.ago(1430), true)], &watched(self.ago(1430), self.now))
            .await;
        let mut seq = 0;
        for (n, minutes) in [(0, 1300), (1, 1280), (2, 1275), (0, 700), (3, 410), (4, 400), (0, 5)]
        {
            seq += 1;
            let place = place("node-1", n);
            let kill = limit_kill(&place, "java", seq, self.ago(minutes));
            self.agent.report(&[kill], &[]).await;
        }
        for minutes in [1000, 402] {
            seq += 1;
            let kill = node_kill("node-1", seq, self.ago(minutes));
            self.agent.report(&[kill], &[]).await;
        }
        for hour in (0..24).rev() {
            let time = self.ago(hour * 60 + 1);
            let samples = [headroom("node-1", hour, time), fragmentation("node-1", hour, time)];
            self.agent.report(&samples, &[]).await;
        }
        let nowhere = Place {
            node: HOSTILE_NODE.to_owned(),
            pod: "0000f00d-0000-4000-8000-000000000001".to_owned(),
            container: format!("{:064x}", 0xf00d),
        };
        let kill = limit_kill(&nowhere, HOSTILE_NAME, 1, self.ago(30));
        let blind = status(HOSTILE_NODE, self.ago(31), false);
        self.hostile.report(&[blind, kill], &[]).await;
    }

    /// One more death on `node-1`, now.
    pub(crate) async fn kill(&mut self, comm: &str) {
        let kill = limit_kill(&place("node-1", 5), comm, 1000, Timestamp::now());
        self.agent.report(&[kill], &[]).await;
    }

    /// All incidents, newest first.
    pub(crate) async fn incidents(&self) -> Vec<Incident> {
        let url = format!("http://{}", self.collector.grpc_addr());
        let mut client = QueryServiceClient::connect(url).await.unwrap();
        let answer = client.list_incidents(ListIncidentsRequest::default()).await.unwrap();
        answer.into_inner().incidents
    }

    pub(crate) async fn end(self) {
        let Self { collector, server, dir, agent, hostile, .. } = self;
        drop((agent, hostile));
        collector.shutdown().await;
        drop((server, dir));
    }
}

/// A pod of the Deployment `web` in the namespace `prod`.
fn pod(n: u32) -> Generated {
    let (name, namespace) = (format!("web-5d9c7b-{n:05}"), "prod".to_owned());
    Generated { name, namespace, node: "node-1".to_owned(), ..Generated::number(n) }
}

fn replica_set() -> Value {
    json!({"metadata": {"name": "web-5d9c7b", "namespace": "prod", "uid": "rs-uid", "ownerReferences": [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "deploy-uid", "controller": true}]}})
}

fn place(node: &str, n: u32) -> Place {
    let Generated { uid, container_id, .. } = pod(n);
    Place { node: node.to_owned(), pod: uid, container: container_id }
}

fn finding(
    node: &str,
    id: FindingId,
    time: Timestamp,
    source: Source,
    body: FindingBody,
) -> Finding {
    let time_uncertainty_us = Some(1000);
    Finding {
        id,
        node: node.to_owned(),
        boot_id: BOOT.to_owned(),
        time,
        time_uncertainty_us,
        source,
        about: None,
        body,
    }
}

/// The first report of a recorded kernel log.
fn recorded(case: &str) -> OomReport {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kernel").join(case).join("kmsg");
    let log = std::fs::read(path).unwrap();
    let mut first = None;
    let mut sink = |event| {
        if let KernelEvent::Oom(report) = event {
            first.get_or_insert(*report);
        }
    };
    let mut parser = Parser::new(Options::default());
    parser.text(&log, &mut sink);
    parser.finish(&mut sink);
    first.expect("a report")
}

fn kernel(
    node: &str,
    seq: u64,
    time: Timestamp,
    mut report: OomReport,
    comm: Option<&str>,
) -> Finding {
    if let Some(comm) = comm {
        let pid = report.victims[0].pid;
        report.victims[0].comm = comm.to_owned();
        for task in report.tasks.iter_mut().filter(|task| task.pid == pid) {
            task.comm = comm.to_owned();
        }
        report.excerpt.push(format!("Killed process {pid} ({comm})"));
    }
    // A finding's id is of its boot, and all nodes here have the same.
    let seq = seq + if node == HOSTILE_NODE { 1_000_000 } else { 0 };
    let body = FindingBody::Kernel(Box::new(KernelEvent::Oom(Box::new(report))));
    finding(node, FindingId::kernel(BOOT, seq, 0), time, Source::KernelLog, body)
}

/// A container hit its limit.
fn limit_kill(place: &Place, comm: &str, seq: u64, time: Timestamp) -> Finding {
    let mut report = recorded("7.2/v2/a");
    report.limit_cgroup = Some(place.path());
    report.victims[0].cgroup = Some(place.path());
    kernel(&place.node, seq, time, report, Some(comm))
}

/// The node ran out.
fn node_kill(node: &str, seq: u64, time: Timestamp) -> Finding {
    kernel(node, seq, time, recorded("7.2/v2/d"), None)
}

fn status(node: &str, time: Timestamp, reading: bool) -> Finding {
    let detail = if reading { "/dev/kmsg" } else { HOSTILE_NAME };
    let status = SourceStatus {
        source: Source::KernelLog,
        reading,
        detail: detail.to_owned(),
        since: Some(time),
    };
    let id = FindingId(format!("status:{node}:kernel-log"));
    finding(node, id, time, Source::KernelLog, FindingBody::SourceStatus(status))
}

/// Use outside of pods grows over the day, past what is reserved.
fn headroom(node: &str, hours_ago: i64, time: Timestamp) -> Finding {
    let hour = u64::try_from(24 - hours_ago).unwrap();
    let body: Headroom = serde_json::from_value(json!({
        "occasion": "sample", "capacity": 16u64 << 30, "available": (8u64 << 30) - hour * (100 << 20),
        "pods": {"group": "/kubepods", "usage": 5u64 << 30, "held": 4u64 << 30, "limit": null},
        "reservation": {"kube": 1u64 << 30, "system": 512u64 << 20, "enforced": 1536u64 << 20},
        "outside": (700u64 << 20) + hour * hour * (2 << 20),
        "kernel": {"slab_unreclaimable": 200u64 << 20, "page_tables": null, "stacks": null, "percpu": null, "huge_pages": null},
        "shmem": 10u64 << 20, "groups": [], "processes": [], "most": null, "concerns": [],
    }))
    .unwrap();
    let id = FindingId(format!("headroom:{node}:{hours_ago}"));
    finding(node, id, time, Source::Headroom, FindingBody::Headroom(Box::new(body)))
}

/// Large blocks run out over the day.
fn fragmentation(node: &str, hours_ago: i64, time: Timestamp) -> Finding {
    let hour = u64::try_from(24 - hours_ago).unwrap();
    let blocks = |most: u64| -> Vec<(u64, u64)> {
        (0..11u32)
            .map(|order| {
                (4096u64 << order, (most >> order).saturating_sub(hour * u64::from(order)))
            })
            .collect()
    };
    let area = |zone: &str, most| FreeArea { node: 0, zone: zone.to_owned(), blocks: blocks(most) };
    let body = Fragmentation {
        occasion: Occasion::Sample,
        areas: vec![area("DMA32", 40_000), area("Normal", 120_000)],
        shortage: None,
        counters: Default::default(),
        earlier: None,
        huge_pages: Default::default(),
    };
    let id = FindingId(format!("fragmentation:{node}:{hours_ago}"));
    finding(node, id, time, Source::Fragmentation, FindingBody::Fragmentation(Box::new(body)))
}
