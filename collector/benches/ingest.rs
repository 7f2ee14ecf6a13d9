//! Findings a second, over gRPC, until they are durable and judged: `cargo bench -p coroner-collector --bench ingest`.
//!
//! Every kill opens an incident, which is the most work a finding can make. Faults open none. Set `TMPDIR` to choose
//! the disk.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark fails by a panic")]

mod load;

use coroner_core::finding::{Finding, FindingBody};
use coroner_core::kernel::{Fault, KernelEvent};
use divan::Bencher;
use divan::counter::ItemsCount;

const FINDINGS: u64 = 20_000;
const BATCH: usize = 500;

fn main() {
    divan::main();
}

/// A fact about no incident.
fn fault(node: &str, seq: u64) -> Finding {
    let fault = Fault {
        comm: "java".to_owned(),
        fault: "segfault".to_owned(),
        message: "x".repeat(100),
        ..Fault::default()
    };
    Finding {
        body: FindingBody::Kernel(Box::new(KernelEvent::Fault(fault))),
        ..load::kill(node, seq)
    }
}

fn ingest(bencher: Bencher<'_, '_>, agents: u64, make: fn(&str, u64) -> Finding) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    bencher
        .counter(ItemsCount::new(FINDINGS))
        .with_inputs(|| {
            let dir = tempfile::tempdir().unwrap();
            let collector = runtime.block_on(load::collector(dir.path()));
            let each = FINDINGS / agents;
            let work: Vec<_> = (0..agents)
                .map(|n| {
                    let node = load::node(n);
                    let findings: Vec<_> =
                        (0..each).map(|seq| make(&node, n * each + seq).into()).collect();
                    (node, findings.chunks(BATCH).map(<[_]>::to_vec).collect::<Vec<_>>())
                })
                .collect();
            (dir, collector, work)
        })
        .bench_local_values(|(dir, collector, work)| {
            runtime.block_on(async {
                let url = format!("http://{}", collector.grpc_addr());
                let all: Vec<_> = work
                    .into_iter()
                    .map(|(node, batches)| tokio::spawn(load::report(url.clone(), node, batches)))
                    .collect();
                for agent in all {
                    agent.await.unwrap();
                }
            });
            // Dropped after the measurement.
            (dir, collector)
        });
}

#[divan::bench(args = [1, 10], sample_count = 5, sample_size = 1)]
fn kills(bencher: Bencher<'_, '_>, agents: u64) {
    ingest(bencher, agents, load::kill);
}

#[divan::bench(args = [1, 10], sample_count = 5, sample_size = 1)]
fn other_facts(bencher: Bencher<'_, '_>, agents: u64) {
    ingest(bencher, agents, fault);
}
