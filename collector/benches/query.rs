//! How long answers take with many incidents stored: `cargo bench -p coroner-collector --bench query [-- INCIDENTS]`.
//!
//! Fills a store over gRPC (1,000,000 incidents of 1,000 nodes unless told otherwise), then asks each kind of question
//! 500 times over gRPC and prints the median and the 99th percentile. Set `TMPDIR` to choose the disk.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails by a panic and prints"
)]

mod load;

use std::time::{Duration, Instant};

use coroner_proto::v1::query_service_client::QueryServiceClient;
use coroner_proto::v1::{Cause, GetIncidentRequest, IncidentFilter, ListIncidentsRequest};
use tonic::transport::Channel;

const NODES: u64 = 1000;
const ASKED: u64 = 500;

fn main() {
    let incidents: u64 = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(incidents));
}

async fn run(incidents: u64) {
    let dir = tempfile::tempdir().unwrap();
    let collector = load::collector(dir.path()).await;
    let url = format!("http://{}", collector.grpc_addr());
    let each = incidents / NODES;
    let begin = Instant::now();
    for first in (0..NODES).step_by(10) {
        let agents: Vec<_> = (first..first + 10)
            .map(|n| {
                let node = load::node(n);
                let findings: Vec<_> =
                    (0..each).map(|i| load::kill(&node, n * each + i).into()).collect();
                let batches = load::batches(&findings, 500);
                tokio::spawn(load::report(url.clone(), node, batches))
            })
            .collect();
        for agent in agents {
            agent.await.unwrap();
        }
    }
    let size = std::fs::metadata(dir.path().join("coroner.db")).unwrap().len();
    println!("{incidents} incidents in {:.1} s, {} MiB", begin.elapsed().as_secs_f64(), size >> 20);

    let client = QueryServiceClient::connect(url).await.unwrap();
    let page = ListIncidentsRequest { page_size: 100, ..Default::default() };
    let filtered = |filter| ListIncidentsRequest { filter: Some(filter), ..page.clone() };
    let cause = Cause::ContainerMemoryLimit.into();
    let nth = |i: u64| i * (incidents / ASKED);
    let mut first = client.clone();
    let deep = first
        .list_incidents(ListIncidentsRequest { page_size: 1000, ..page.clone() })
        .await
        .unwrap();
    let deep =
        ListIncidentsRequest { page_token: deep.into_inner().next_page_token, ..page.clone() };

    lists("list, newest 100", &client, |_| page.clone()).await;
    lists("list, next page", &client, |_| deep.clone()).await;
    lists("list, one node", &client, |i| {
        filtered(IncidentFilter { node: Some(load::node(i % NODES)), ..Default::default() })
    })
    .await;
    lists("list, one cause", &client, |_| filtered(IncidentFilter { cause, ..Default::default() }))
        .await;
    lists("list, node and cause", &client, |i| {
        filtered(IncidentFilter { node: Some(load::node(i % NODES)), cause, ..Default::default() })
    })
    .await;
    gets("why pid:N", &client, |i| format!("pid:{}", nth(i))).await;
    gets("why CONTAINER", &client, |i| format!("{:064x}", u128::from(nth(i)) << 100 | 0xabc)).await;
    collector.shutdown().await;
}

async fn lists(
    what: &str,
    client: &QueryServiceClient<Channel>,
    ask: impl Fn(u64) -> ListIncidentsRequest,
) {
    let mut client = client.clone();
    let (mut took, mut found) = (Vec::new(), 0);
    for i in 0..ASKED {
        let begin = Instant::now();
        found += client.list_incidents(ask(i)).await.unwrap().into_inner().incidents.len();
        took.push(begin.elapsed());
    }
    print(what, took, found);
}

async fn gets(what: &str, client: &QueryServiceClient<Channel>, target: impl Fn(u64) -> String) {
    let mut client = client.clone();
    let (mut took, mut found) = (Vec::new(), 0);
    for i in 0..ASKED {
        let begin = Instant::now();
        found += usize::from(
            client
                .get_incident(GetIncidentRequest { target: target(i), ..Default::default() })
                .await
                .is_ok(),
        );
        took.push(begin.elapsed());
    }
    print(what, took, found);
}

fn print(what: &str, mut took: Vec<Duration>, found: usize) {
    took.sort();
    let at = |percent: usize| took[took.len() * percent / 100].as_secs_f64() * 1000.0;
    println!(
        "{what:24} p50 {:6.2} ms  p99 {:6.2} ms  ({found} incidents in {} answers)",
        at(50),
        at(99),
        took.len()
    );
}
