//! What a person sees of a node, and names that try to steer the terminal.

use coroner_core::absence::{Absence, Witness};
use coroner_core::finding::{
    BlockShortage, CompactionCounters, Finding, FindingBody, FindingId, Fragmentation, HugePages,
    Lack, NodeFacts, Occasion, Pressure, Source,
};
use coroner_core::incident::{Cause, Confidence};
use coroner_core::node_report::CauseCount;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_355_200 + second).unwrap()
}

fn span(from: i64, to: i64) -> Span {
    Span { from: at(from), to: at(to) }
}

/// A node with one source that reads and one that cannot.
fn report(name: &str) -> NodeReport {
    let source = |source, reading, detail: &str| SourceReport {
        source,
        reading,
        detail: Some(detail.to_owned()),
        said: Some(at(0)),
        coverage: Vec::new(),
        holes: vec![span(0, 3600)],
    };
    NodeReport {
        name: name.to_owned(),
        boot_id: "6f1c6a0e-64f5-4fd1-9a5e-000000000001".to_owned(),
        agent_version: Some("0.1.0".to_owned()),
        first_seen: Some(at(-100)),
        last_seen: Some(at(3596)),
        window: span(0, 3600),
        absence: Absence {
            verdict: Verdict::Excluded,
            confidence: Confidence::Likely,
            from: at(0),
            to: at(3596),
            kills: 0,
            witnesses: vec![Witness { source: Source::KernelLog, holes: Vec::new() }],
            sentence: format!("No kernel OOM kill is likely to have happened on {name}."),
        },
        sources: vec![
            SourceReport {
                coverage: vec![span(0, 3600)],
                holes: Vec::new(),
                ..source(Source::KernelLog, Some(true), "/dev/kmsg, every record")
            },
            source(Source::SignalTrace, Some(false), "no tracefs: CAP_SYS_ADMIN is missing"),
            SourceReport {
                detail: None,
                coverage: vec![span(0, 10)],
                holes: (1..9).map(|n| span(n * 100, n * 100 + 5)).collect(),
                ..source(Source::Cgroup, None, "")
            },
        ],
        incidents: vec![CauseCount { cause: Cause::ContainerMemoryLimit, count: 3 }],
        state: Vec::new(),
        clock: None,
        api_clock: None,
    }
}

fn state(body: FindingBody) -> Finding {
    Finding {
        id: FindingId("x".to_owned()),
        node: "node-2".to_owned(),
        boot_id: "b".to_owned(),
        time: at(60),
        time_uncertainty_us: None,
        source: Source::Headroom,
        about: None,
        body,
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn one_node_on_one_screen() {
    let mut report = report("node-2");
    let facts = NodeFacts {
        kernel: "6.12.48-amd64".to_owned(),
        machine: "x86_64".to_owned(),
        cgroup_version: Some(2),
        page_size: 4096,
        memory: Some(8 << 30),
        swap: Some(0),
        cpus: Some(4),
        panic_on_oom: Some(1),
        lacks: vec![Lack { source: Source::SignalTrace, what: "CAP_SYS_ADMIN".to_owned() }],
        ..NodeFacts::default()
    };
    let shortage = BlockShortage {
        node: 0,
        zone: "Normal".to_owned(),
        order: 4,
        block: 65_536,
        blocks_left: 0,
        free: 3 << 30,
        ..BlockShortage::default()
    };
    let fragmentation = Fragmentation {
        occasion: Occasion::Raised,
        areas: Vec::new(),
        shortage: Some(shortage),
        counters: CompactionCounters::default(),
        earlier: None,
        huge_pages: HugePages::default(),
    };
    report.state = vec![
        state(FindingBody::Fragmentation(Box::new(fragmentation))),
        state(FindingBody::Node(Box::new(facts))),
    ];
    insta::assert_snapshot!(plain(&node(&report, at(3600), 90)), @r"
node-2   last heard 2026-01-02T12:59:56Z (4s ago)   agent 0.1.0
  boot 6f1c6a0e-64f5-4fd1-9a5e-000000000001
NO KILL   likely
  No kernel OOM kill is likely to have happened on node-2.
Sources
  kernel log     /dev/kmsg, every record
                 missed nothing of this time
  signal trace   does not read: no tracefs: CAP_SYS_ADMIN is missing
                 watched nothing of this time without a hole
  cgroup         has not said whether it reads
                 may have missed something from 2026-01-02T12:01:40Z to
                   2026-01-02T12:01:45Z, from 2026-01-02T12:03:20Z to
                   2026-01-02T12:03:25Z, from 2026-01-02T12:05:00Z to
                   2026-01-02T12:05:05Z, and 5 more holes
Incidents
  3 ContainerMemoryLimit
Fragmentation   as of 2026-01-02T12:01:00Z
  WARNING: 3 GiB is free, but no block of 64 KiB (order 4) is left; the most of it is in
    zone Normal of memory node 0.
Node   as of 2026-01-02T12:01:00Z
  Linux 6.12.48-amd64 x86_64, cgroup v2, 4 CPUs, 8 GiB of memory, no swap, pages of 4 KiB.
  vm.panic_on_oom is set: without memory for the whole node this kernel panics instead of
    killing anybody. What is lost with it cannot be known afterwards: its log is lost too,
    unless the machine keeps it.
  Lacks for signal trace: CAP_SYS_ADMIN
");
}

/// Agents tell every 20 s what they watched.
#[test]
fn what_was_not_told_yet_is_no_hole() {
    let told = |coverage: Span, holes: Vec<Span>| {
        let mut report = report("node-2");
        let log = SourceReport { coverage: vec![coverage], holes, ..report.sources.swap_remove(0) };
        report.sources = vec![log];
        let text = plain(&node(&report, at(3600), 120));
        let line = text.lines().find(|line| line.contains("missed "));
        line.unwrap_or_default().trim().to_owned()
    };
    let tail = "missed nothing until it was last heard at 2026-01-02T12:59:41Z";
    assert_eq!(told(span(0, 3581), vec![span(3581, 3600)]), tail);
    let hole = "may have missed something from 2026-01-02T12:00:00Z to 2026-01-02T12:00:05Z";
    assert_eq!(told(span(5, 3581), vec![span(0, 5), span(3581, 3600)]), hole);
    // An agent that is silent for longer is another matter, and so is a hole that nobody watched behind.
    let silent = "may have missed something from 2026-01-02T12:58:20Z to 2026-01-02T13:00:00Z";
    assert_eq!(told(span(0, 3500), vec![span(3500, 3600)]), silent);
    let blind = "may have missed something from 2026-01-02T12:59:41Z to 2026-01-02T13:00:00Z";
    assert_eq!(told(span(0, 3570), vec![span(3581, 3600)]), blind);
}

#[test]
fn many_nodes_one_in_a_row() {
    let mut open = report("node-3");
    open.absence.verdict = Verdict::Open;
    open.absence.confidence = Confidence::Unknown;
    open.last_seen = Some(at(-90_000));
    insta::assert_snapshot!(nodes(&[report("node-2"), open], at(3600), None, true), @r"
NODE    HEARD    OOM KILLS  CONFIDENCE  INCIDENTS  SOURCES  NOT READING
node-2  4s ago   none       Likely      3          1        signal trace
node-3  26h ago  not known  Unknown     3          1        signal trace
");
}

/// A node's name, a group, what a source says of itself: none of it moves the cursor or breaks a line.
#[test]
fn hostile_text_is_escaped() {
    let evil = "a\x1b[2J\n\u{202e}x";
    let mut report = report(evil);
    report.boot_id = evil.to_owned();
    report.agent_version = Some(evil.to_owned());
    report.sources[0].detail = Some(evil.to_owned());
    let facts = NodeFacts {
        kernel: evil.to_owned(),
        machine: evil.to_owned(),
        lacks: vec![Lack { source: Source::Cgroup, what: evil.to_owned() }],
        ..NodeFacts::default()
    };
    let group = coroner_core::finding::GroupPressure {
        group: evil.to_owned(),
        memory: Some(coroner_core::finding::ResourcePressure {
            some: Some(coroner_core::finding::Stall::default()),
            ..Default::default()
        }),
        ..Default::default()
    };
    report.state = vec![
        state(FindingBody::Node(Box::new(facts))),
        state(FindingBody::Pressure(Box::new(Pressure {
            occasion: Occasion::Sample,
            groups: vec![group],
        }))),
    ];
    for text in
        [node(&report, at(3600), 80), nodes(std::slice::from_ref(&report), at(3600), None, true)]
    {
        assert!(!text.contains("\x1b[2J") && !text.contains('\u{202e}'), "{text:?}");
        assert!(text.contains("\\x1b[2J"), "{text:?}");
    }
    assert_eq!(nodes(&[report], at(3600), None, true).lines().count(), 2);
}

#[test]
fn how_long_ago_reads_well() {
    let cases = [
        (0, "0s ago"),
        (119, "119s ago"),
        (120, "2m ago"),
        (7200, "2h ago"),
        (200_000, "2d ago"),
        (-5, "in the future"),
    ];
    for (seconds, expected) in cases {
        assert_eq!(ago(at(-seconds), at(0)), expected);
    }
}
