//! What the benchmarks send: kills as a node reports them, and the agents that send them.

use std::path::Path;

use coroner_collector::{Collector, Config};
use coroner_core::finding::{Finding, FindingBody, FindingId, Source};
use coroner_core::kernel::{
    KernelEvent, Level, Limit, OomReport, ReportEnd, Scope, TaskRow, Trigger, Usage, Victim,
};
use coroner_proto::v1::ingest_service_client::IngestServiceClient;
use coroner_proto::v1::{Batch, Hello, ReportRequest, report_request, report_response};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Seconds since 1970 of the first kill.
pub(crate) const NOON: i64 = 1_763_726_400;

const BOOT: &str = "6f1c6a0e-64f5-4fd1-9a5e-000000000001";

/// A collector with the core's rules, in a directory of its own.
pub(crate) async fn collector(dir: &Path) -> Collector {
    let free = ([127, 0, 0, 1], 0).into();
    Collector::start(Config { grpc_addr: free, http_addr: Some(free), ..Config::new(dir) })
        .await
        .unwrap()
}

/// Name of the node that agent `n` reports for.
pub(crate) fn node(n: u64) -> String {
    format!("node-{n}")
}

/// A container's limit was hit: the kill that `node` logged as record `seq`, with a table of a few tasks.
pub(crate) fn kill(node: &str, seq: u64) -> Finding {
    let id = format!("{:064x}", u128::from(seq) << 100 | 0xabc);
    let cgroup = format!("/kubepods/burstable/pod12345678-1234-1234-1234-{:012x}/{id}", seq % 1000);
    let pid = u32::try_from(seq % 4_000_000).unwrap();
    let victim = Victim {
        pid,
        comm: "java".to_owned(),
        uid: Some(1000),
        total_vm: Some(4 << 30),
        anon_rss: Some(500 << 20),
        file_rss: Some(1 << 20),
        shmem_rss: Some(0),
        pgtables: Some(2 << 20),
        oom_score_adj: Some(999),
        cgroup: Some(cgroup.clone()),
        ..Victim::default()
    };
    let task = |n| TaskRow {
        pid: pid + n,
        rss: Some(1 << 20),
        comm: format!("worker-{n}"),
        ..TaskRow::default()
    };
    let report = OomReport {
        trigger: Some(Trigger {
            comm: "java".to_owned(),
            pid: Some(pid),
            order: Some(0),
            ..Trigger::default()
        }),
        constraint: Some("CONSTRAINT_MEMCG".to_owned()),
        scope: Scope::Cgroup,
        level: Level::Container,
        limit_cgroup: Some(cgroup),
        memory: Some(Usage {
            usage: Some(512 << 20),
            limit: Some(Limit::Bytes(512 << 20)),
            failcnt: Some(100),
        }),
        tasks: (0..5).map(task).collect(),
        victims: vec![victim],
        end: ReportEnd::Killed,
        excerpt: vec![format!(
            "Memory cgroup out of memory: Killed process {pid} (java) total-vm:4194304kB"
        )],
        ..OomReport::default()
    };
    Finding {
        id: FindingId(format!("kmsg:{BOOT}:{node}:{seq}")),
        node: node.to_owned(),
        boot_id: BOOT.to_owned(),
        // One a second, backwards and forwards: not in the order of arrival.
        time: Timestamp::from_second(NOON + i64::try_from(seq ^ 0x55).unwrap()).unwrap(),
        time_uncertainty_us: Some(1000),
        source: Source::KernelLog,
        about: None,
        body: FindingBody::Kernel(Box::new(KernelEvent::Oom(Box::new(report)))),
    }
}

/// Findings in batches, the first of which is number 1.
pub(crate) fn batches(findings: &[coroner_proto::v1::Finding], size: usize) -> Vec<Batch> {
    let batch = |(sequence, findings): (u64, &[_])| Batch {
        sequence,
        findings: findings.to_vec(),
        ..Batch::default()
    };
    (1..).zip(findings.chunks(size)).map(batch).collect()
}

/// Sends the batches of one node, several on their way at once, and returns when all are acknowledged.
pub(crate) async fn report(url: String, node: String, batches: Vec<Batch>) {
    let mut client = IngestServiceClient::connect(url).await.unwrap();
    let (requests, stream) = mpsc::channel(8);
    let mut responses = client.report(ReceiverStream::new(stream)).await.unwrap().into_inner();
    let hello = Hello {
        node,
        boot_id: BOOT.to_owned(),
        agent_version: "bench".to_owned(),
        protocol_version: coroner_proto::PROTOCOL_VERSION,
        first_sequence: 1,
    };
    let last = u64::try_from(batches.len()).unwrap();
    let send = async {
        requests
            .send(ReportRequest { message: Some(report_request::Message::Hello(hello)) })
            .await
            .unwrap();
        for batch in batches {
            let message = Some(report_request::Message::Batch(batch));
            requests.send(ReportRequest { message }).await.unwrap();
        }
    };
    let hear = async {
        loop {
            let message = responses.message().await.unwrap().and_then(|r| r.message);
            if let Some(report_response::Message::Acknowledgement(ack)) = message
                && ack.through == last
            {
                break;
            }
        }
    };
    tokio::join!(send, hear);
}
