//! Findings a second, over gRPC, until they are durable and judged: `cargo bench -p coroner-collector --bench ingest`.
//!
//! Every kill opens an incident, which is the most work a finding can make. Faults open none. A witnessed kill is told by
//! the kernel log, the signal trace, a counter and the cgroup files, each batch with what the sources missed nothing of.
//! Set `TMPDIR` to choose the disk.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark fails by a panic")]

mod load;

use coroner_core::finding::{
    CgroupObservation, CgroupState, CountedKill, CountedLimit, CoverageSpan, Finding, FindingBody,
    FindingId, GroupRise, OomMark, Phase, Process, Sigkill, SignalResult, Source,
};
use coroner_core::kernel::{Fault, KernelEvent};
use coroner_proto::v1;
use divan::Bencher;
use divan::counter::ItemsCount;
use jiff::Timestamp;

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

/// The same kill as all who saw it tell of it, and as the agent joins them.
fn witnessed(node: &str, seq: u64) -> Vec<Finding> {
    let kill = load::kill(node, seq);
    let pid = u32::try_from(seq % 4_000_000).unwrap();
    let group = match &kill.body {
        FindingBody::Kernel(event) => match event.as_ref() {
            KernelEvent::Oom(report) => report.limit_cgroup.clone().unwrap(),
            other => unreachable!("{other:?}"),
        },
        other => unreachable!("{other:?}"),
    };
    let process = Process {
        pid,
        comm: "java".to_owned(),
        cgroup: Some(group.clone()),
        namespace_pid: Some(1),
        ..Process::default()
    };
    let sigkill = Sigkill {
        at_us: seq,
        code: 128,
        whole_process: Some(true),
        result: SignalResult::Delivered,
        receiver: process.clone(),
        receiver_is_main: Some(true),
        sender: process,
        ancestors: Vec::new(),
        oom_mark: Some(OomMark { at_us: seq, ..OomMark::default() }),
    };
    let rise =
        GroupRise { group: group.clone(), oom: Some(1), oom_kill: Some(1), ..GroupRise::default() };
    let counted = CountedKill {
        group: group.clone(),
        version: 2,
        oom_kill: 1,
        of: 1,
        from_us: seq,
        to_us: seq,
        lineage: vec![rise],
        limit: CountedLimit::Group(group.clone()),
        one_of: Vec::new(),
    };
    let state = CgroupState { path: group, version: 2, exists: true, ..CgroupState::default() };
    let observation = CgroupObservation {
        about: kill.id.clone(),
        phase: Phase::AtKill,
        attribution: None,
        limit: Some(state),
        victim: None,
        siblings: Vec::new(),
    };
    let about = |source, what: &str, body| Finding {
        id: FindingId(format!("{what}:{}", kill.id.0)),
        source,
        about: Some(kill.id.clone()),
        body,
        ..kill.clone()
    };
    vec![
        kill.clone(),
        about(Source::SignalTrace, "signal", FindingBody::Sigkill(Box::new(sigkill))),
        about(Source::Cgroup, "counter", FindingBody::CountedKill(Box::new(counted))),
        about(Source::Cgroup, "cgroup", FindingBody::Cgroups(observation)),
    ]
}

/// What three sources missed nothing of, as of batch `sequence`.
fn coverage(sequence: u64) -> Vec<v1::CoverageSpan> {
    let from = Timestamp::from_second(load::NOON).unwrap();
    let to = Timestamp::from_second(load::NOON + i64::try_from(sequence).unwrap() * 512).unwrap();
    [Source::KernelLog, Source::Cgroup, Source::SignalTrace]
        .map(|source| CoverageSpan { source, from, to }.into())
        .into()
}

fn ingest(
    bencher: Bencher<'_, '_>,
    agents: u64,
    make: fn(&str, u64) -> Vec<Finding>,
    coverage: fn(u64) -> Vec<v1::CoverageSpan>,
) {
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
                    let findings: Vec<_> = (0..each)
                        .flat_map(|seq| make(&node, n * each + seq))
                        .take(usize::try_from(each).unwrap())
                        .map(Into::into)
                        .collect();
                    let mut batches = load::batches(&findings, BATCH);
                    for batch in &mut batches {
                        batch.coverage = coverage(batch.sequence);
                    }
                    (node, batches)
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
    ingest(bencher, agents, |node, seq| vec![load::kill(node, seq)], |_| Vec::new());
}

#[divan::bench(args = [1, 10], sample_count = 5, sample_size = 1)]
fn other_facts(bencher: Bencher<'_, '_>, agents: u64) {
    ingest(bencher, agents, |node, seq| vec![fault(node, seq)], |_| Vec::new());
}

/// Four findings a kill, so a quarter of these are incidents.
#[divan::bench(args = [1, 10], sample_count = 5, sample_size = 1)]
fn witnessed_kills(bencher: Bencher<'_, '_>, agents: u64) {
    ingest(bencher, agents, witnessed, coverage);
}
