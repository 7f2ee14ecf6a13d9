//! What is told of nodes: their sources, their coverage, what happened, and what can be excluded.

use coroner_collector::Collector;
use coroner_core::absence::Verdict;
use coroner_core::finding::{
    ContainerEnd, Finding, FindingBody, FindingId, NodeFacts, Source, SourceStatus,
};
use coroner_core::incident::{Cause, Confidence};
use coroner_core::node_report::NodeReport;
use coroner_proto::v1::{GetNodeRequest, ListNodesRequest};
use jiff::Timestamp;
use tonic::{Code, Status};

use crate::agent::{Agent, collector, config, questions};
use crate::facts::{BOOT, at, container_id, covered, gap, kill, status};

const KMSG: Source = Source::KernelLog;
const TRACE: Source = Source::SignalTrace;

fn wire(time: Timestamp) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() })
}

/// What is known of a node between two seconds after noon.
async fn node(collector: &Collector, name: &str, from: i64, to: i64) -> Result<NodeReport, Status> {
    ask(collector, name, from, to, None).await
}

async fn ask(
    collector: &Collector,
    name: &str,
    from: i64,
    to: i64,
    container: Option<String>,
) -> Result<NodeReport, Status> {
    let request = GetNodeRequest {
        name: name.to_owned(),
        since: wire(at(from)),
        until: wire(at(to)),
        container,
    };
    let answer = questions(collector).await.get_node(request).await?.into_inner();
    Ok(answer.node.unwrap().try_into().unwrap())
}

#[tokio::test]
async fn a_node_tells_of_its_sources_and_of_what_they_watched() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let before = Timestamp::now();
    let mut agent = Agent::connect(&collector, "node-1").await;
    let blind = SourceStatus {
        source: TRACE,
        reading: false,
        detail: "no tracefs: CAP_SYS_ADMIN is missing".to_owned(),
        since: None,
    };
    let mut word = status("node-1", 5, "");
    word.id = FindingId("status:trace".to_owned());
    word.source = TRACE;
    word.body = FindingBody::SourceStatus(blind);
    let findings = [
        status("node-1", 0, "an older word"),
        status("node-1", 3, "reads /dev/kmsg"),
        word,
        kill("node-1", 7, 50),
        kill("node-1", 8, 51),
        kill("node-1", 9, 500),
        gap("node-1", 4, 70, 71),
    ];
    agent.report_with(&findings, &[covered(KMSG, 0, 90_000)]).await;

    let report = node(&collector, "node-1", 40, 100).await.unwrap();
    assert_eq!((report.name.as_str(), report.boot_id.as_str()), ("node-1", BOOT));
    assert_eq!(report.agent_version.as_deref(), Some("test"));
    assert!(report.last_seen.unwrap() >= before && report.last_seen <= Some(Timestamp::now()));
    let [kmsg, trace] = &report.sources[..] else { panic!("{:?}", report.sources) };
    assert_eq!((kmsg.source, kmsg.reading, kmsg.said), (KMSG, Some(true), Some(at(3))));
    assert_eq!(kmsg.detail.as_deref(), Some("reads /dev/kmsg"));
    let ms = |spans: &[coroner_core::spans::Span]| -> Vec<(i64, i64)> {
        let ms = |time: Timestamp| time.as_millisecond() - at(0).as_millisecond();
        spans.iter().map(|span| (ms(span.from), ms(span.to))).collect()
    };
    assert_eq!(ms(&kmsg.coverage), [(40_000, 69_900), (71_100, 90_000)]);
    assert_eq!(ms(&kmsg.holes), [(69_900, 71_100), (90_000, 100_000)]);
    assert_eq!((trace.source, trace.reading), (TRACE, Some(false)));
    assert_eq!((ms(&trace.coverage), ms(&trace.holes)), (vec![], vec![(40_000, 100_000)]));
    let counts: Vec<_> = report.incidents.iter().map(|c| (c.cause, c.count)).collect();
    assert_eq!(counts, [(Cause::ContainerMemoryLimit, 1), (Cause::SystemOutOfMemory, 1)]);
    assert_eq!((report.absence.verdict, report.absence.kills), (Verdict::Happened, 2));

    let status = node(&collector, "node-2", 0, 1).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::NotFound, "no agent of a node `node-2` is known")
    );
    let status = node(&collector, "node-1", 2, 1).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    collector.shutdown().await;
}

#[tokio::test]
async fn a_kill_is_excluded_by_what_was_watched_and_not_beyond() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    agent.report_with(&[], &[covered(KMSG, 0, 200_000), covered(TRACE, 100_000, 200_000)]).await;
    let answer = async |from, to| {
        let absence = node(&collector, "node-1", from, to).await.unwrap().absence;
        (absence.verdict, absence.confidence)
    };
    assert_eq!(answer(110, 190).await, (Verdict::Excluded, Confidence::Confirmed));
    assert_eq!(answer(50, 190).await, (Verdict::Excluded, Confidence::Likely));
    assert_eq!(answer(-50, 190).await, (Verdict::Open, Confidence::Unknown));
    assert_eq!(answer(110, 400).await, (Verdict::Open, Confidence::Unknown));
    // Findings dropped later for want of room take the no back.
    agent.report(&[gap("node-1", 4, 150, 151)]).await;
    assert_eq!(answer(110, 190).await, (Verdict::Excluded, Confidence::Likely));
    // A reboot is a hole, unless a witness was there on both sides.
    let sentence = node(&collector, "node-1", 110, 190).await.unwrap().absence.sentence;
    assert!(sentence.contains("the kernel log has a hole from"), "{sentence}");
    collector.shutdown().await;
}

#[tokio::test]
async fn what_is_not_kept_is_not_known() {
    let dir = tempfile::tempdir().unwrap();
    let hour = std::time::Duration::from_secs(3600);
    let collector =
        Collector::start(coroner_collector::Config { retention: hour, ..config(dir.path()) })
            .await
            .unwrap();
    let mut agent = Agent::connect(&collector, "node-1").await;
    let now = Timestamp::now();
    let span = |source| coroner_core::finding::CoverageSpan { source, from: at(0), to: now };
    agent.report_with(&[], &[span(KMSG), span(TRACE)]).await;
    let ask = async |minutes: i64| {
        let since = wire(now - jiff::SignedDuration::from_mins(minutes));
        let request = GetNodeRequest { name: "node-1".to_owned(), since, ..Default::default() };
        let node = questions(&collector).await.get_node(request).await.unwrap().into_inner().node;
        NodeReport::try_from(node.unwrap()).unwrap().absence.verdict
    };
    assert_eq!(ask(50).await, Verdict::Excluded);
    // Kills of that time would be deleted.
    assert_eq!(ask(70).await, Verdict::Open);
    collector.shutdown().await;
}

#[tokio::test]
async fn a_containers_own_counter_excludes_a_kill_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    let id = container_id(7);
    let end = ContainerEnd {
        group: format!("/kubepods/{id}"),
        container_id: id.clone(),
        main_pid: None,
        watched_since: Some(at(10)),
        not_before: None,
        main_sigkilled: None,
        oom_kills: Some(0),
        throttled_us: None,
        throttled_periods: None,
        sandbox: false,
    };
    let finding = Finding {
        id: FindingId::container_end(BOOT, &id),
        source: Source::Cgroup,
        about: Some(FindingId::death(BOOT, &id)),
        body: FindingBody::ContainerEnd(Box::new(end)),
        ..kill("node-1", 1, 60)
    };
    agent.report(&[finding]).await;
    let answer = async |from, to, id: &str| {
        ask(&collector, "node-1", from, to, Some(id.to_owned()))
            .await
            .map(|node| node.absence.verdict)
    };
    assert_eq!(answer(20, 100, &id).await.unwrap(), Verdict::Excluded);
    assert_eq!(answer(20, 100, &id.to_uppercase()).await.unwrap(), Verdict::Excluded);
    assert_eq!(answer(5, 100, &id).await.unwrap(), Verdict::Open);
    assert_eq!(answer(20, 100, &container_id(8)).await.unwrap(), Verdict::Open);
    let status = answer(20, 100, "abc").await.unwrap_err();
    assert_eq!(status.message(), "field `container` is `abc`, expected 64 hex digits");
    collector.shutdown().await;
}

#[tokio::test]
async fn the_last_state_is_at_hand() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    let facts = |n: u64, kernel: &str, second| Finding {
        id: FindingId::node(BOOT, n),
        body: FindingBody::Node(Box::new(NodeFacts {
            kernel: kernel.to_owned(),
            ..NodeFacts::default()
        })),
        ..kill("node-1", 1, second)
    };
    // The clock was set back meanwhile: what came last counts.
    agent.report(&[facts(1, "6.1", 100)]).await;
    agent.report(&[facts(2, "6.12", 50)]).await;
    agent.report(&[facts(1, "6.1", 100)]).await;
    let kernels = |report: NodeReport| -> Vec<String> {
        let kernel = |finding: Finding| match finding.body {
            FindingBody::Node(facts) => facts.kernel,
            other => panic!("{other:?}"),
        };
        report.state.into_iter().map(kernel).collect()
    };
    assert_eq!(kernels(node(&collector, "node-1", 0, 1).await.unwrap()), ["6.12"]);
    collector.shutdown().await;
}

#[tokio::test]
async fn nodes_are_listed_by_name_a_page_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    for n in 0..25 {
        let name = format!("node-{n:02}");
        let mut agent = Agent::connect(&collector, &name).await;
        agent.report_with(&[kill(&name, 1, 50)], &[covered(KMSG, 0, 100_000)]).await;
    }
    let mut client = questions(&collector).await;
    let mut request = ListNodesRequest {
        since: wire(at(60)),
        until: wire(at(90)),
        page_size: 10,
        ..Default::default()
    };
    let mut names = Vec::new();
    loop {
        let page = client.list_nodes(request.clone()).await.unwrap().into_inner();
        assert!(page.nodes.len() <= 10);
        for wire in page.nodes {
            let node = NodeReport::try_from(wire).unwrap();
            assert_eq!(node.absence.verdict, Verdict::Excluded);
            assert!(node.state.is_empty() && node.sources[0].coverage.is_empty());
            names.push(node.name);
        }
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(names.len(), 25);
    assert!(names.is_sorted());
    collector.shutdown().await;
}
