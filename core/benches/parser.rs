//! How fast the kernel-log parser reads, beside two baselines in the same run: a plain search for `Killed process`
//! (the least anybody could do) and rmesg's line parser (what the named crate offers). `docs/performance.md` says how
//! to run it and holds the figures.
//!
//! The logs are made of real reports and of ordinary lines as a node prints them. They are the same in every run.

use std::hint::black_box;

use coroner_core::kernel_log::{Options, Parser};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

/// Records in each log.
const RECORDS: usize = 20_000;

/// Two real reports: a cgroup's on 6.1 (37 records) and a node's on 7.2 (over 100).
const REPORTS: [&str; 2] = [
    include_str!("../../tests/fixtures/kernel/6.1/v2/a/kmsg"),
    include_str!("../../tests/fixtures/kernel/7.2/v2/d/kmsg"),
];

/// What a node's log is full of when nobody dies.
const ORDINARY: [&str; 12] = [
    "eth0: renamed from tmpd1a7c",
    "IPv6: ADDRCONF(NETDEV_CHANGE): cali6d3f1a2b4c5: link becomes ready",
    "device veth3f2a1b left promiscuous mode",
    "EXT4-fs (nvme1n1): mounted filesystem 3f1c2d4e-0000-0000-0000-000000000000 r/w with ordered data mode. Quota mode: none.",
    "audit: type=1400 audit(1700000000.123:4567): apparmor=\"ALLOWED\" operation=\"open\" class=\"file\" profile=\"crio-default\" name=\"/etc/hosts\" pid=81234 comm=\"nginx\" requested_mask=\"r\" denied_mask=\"r\" fsuid=0 ouid=0",
    "TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:8080. Sending cookies.",
    "nvme nvme1: 8/0/0 default/read/poll queues",
    "cbr0: port 7(veth9a8b7c6d) entered blocking state",
    "cbr0: port 7(veth9a8b7c6d) entered forwarding state",
    "perf: interrupt took too long (2513 > 2500), lowering kernel.perf_event_max_sample_rate to 79500",
    "systemd-journald[412]: Data hash table of /var/log/journal/0123456789abcdef/system.journal has a fill level at 75.0, suggesting rotation.",
    "IPVS: rr: TCP 10.96.0.10:53 - no destination available",
];

/// A log in raw records, a share of whose records (in percent) belongs to reports.
fn log(percent: usize) -> Vec<String> {
    let mut records = Vec::with_capacity(RECORDS);
    let reports: Vec<Vec<&str>> = REPORTS
        .iter()
        .map(|r| r.lines().map(|l| l.split_once(';').map_or("", |(_, t)| t)).collect())
        .collect();
    let (mut reported, mut next) = (0, 0);
    while records.len() < RECORDS {
        if percent > 0 && reported * 100 <= records.len() * percent {
            let report = &reports[next % reports.len()];
            // Every report has its own victim, as in life: a repeated pid would be dropped early.
            let pid = format!("process {}", 100_000 + next);
            for text in report {
                let text = text
                    .replace("process 133 ", &format!("{pid} "))
                    .replace("pid=133,", &format!("pid={},", 100_000 + next));
                let text = text
                    .replace("process 277 ", &format!("{pid} "))
                    .replace("pid=277,", &format!("pid={},", 100_000 + next));
                push(&mut records, 4, &text);
            }
            reported += report.len();
            next += 1;
        } else {
            let ordinary = ORDINARY[records.len() % ORDINARY.len()];
            push(&mut records, 6, ordinary);
        }
    }
    records
}

fn push(records: &mut Vec<String>, priority: u32, text: &str) {
    let seq = records.len();
    records.push(format!("{priority},{seq},{},-;{text}\n", seq * 1000));
}

const SHARES: [usize; 3] = [0, 10, 100];

/// The whole path, as `coroner explain` reads a file: bytes to typed values.
#[divan::bench(args = SHARES)]
fn coroner_text(bencher: Bencher<'_, '_>, percent: usize) {
    let records = log(percent);
    let text = records.concat();
    bencher.counter(BytesCount::of_str(&text)).counter(ItemsCount::new(records.len())).bench_local(
        || {
            let mut found = 0u64;
            let mut parser = Parser::new(Options::default());
            parser.text(black_box(text.as_bytes()), &mut |_| found += 1);
            parser.finish(&mut |_| found += 1);
            found
        },
    );
}

/// The whole path, as the agent reads the device: record by record.
#[divan::bench(args = SHARES)]
fn coroner_records(bencher: Bencher<'_, '_>, percent: usize) {
    let records = log(percent);
    let bytes: usize = records.iter().map(String::len).sum();
    bencher.counter(BytesCount::new(bytes)).counter(ItemsCount::new(records.len())).bench_local(
        || {
            let mut found = 0u64;
            let mut parser = Parser::new(Options::default());
            for record in &records {
                parser.record(black_box(record.as_bytes()), &mut |_| found += 1);
            }
            parser.finish(&mut |_| found += 1);
            found
        },
    );
}

/// Baseline: a search for `Killed process` in every record. It finds lines and understands nothing.
#[divan::bench(args = SHARES)]
fn memmem_records(bencher: Bencher<'_, '_>, percent: usize) {
    let records = log(percent);
    let bytes: usize = records.iter().map(String::len).sum();
    let finder = memchr::memmem::Finder::new("Killed process");
    bencher.counter(BytesCount::new(bytes)).counter(ItemsCount::new(records.len())).bench_local(
        || {
            records
                .iter()
                .filter(|record| finder.find(black_box(record.as_bytes())).is_some())
                .count()
        },
    );
}

/// Baseline: the same search over the text as a whole.
#[divan::bench(args = SHARES)]
fn memmem_text(bencher: Bencher<'_, '_>, percent: usize) {
    let records = log(percent);
    let text = records.concat();
    let finder = memchr::memmem::Finder::new("Killed process");
    bencher
        .counter(BytesCount::of_str(&text))
        .counter(ItemsCount::new(records.len()))
        .bench_local(|| finder.find_iter(black_box(text.as_bytes())).count());
}

/// Baseline: rmesg's parser of one record. It gives the text of a line and understands none of it.
#[divan::bench(args = SHARES)]
fn rmesg_records(bencher: Bencher<'_, '_>, percent: usize) {
    let records = log(percent);
    let bytes: usize = records.iter().map(String::len).sum();
    bencher.counter(BytesCount::new(bytes)).counter(ItemsCount::new(records.len())).bench_local(
        || {
            records
                .iter()
                .filter(|record| {
                    rmesg::kmsgfile::entry_from_line(black_box(record.trim_end())).is_ok()
                })
                .count()
        },
    );
}

fn main() {
    divan::main();
}
