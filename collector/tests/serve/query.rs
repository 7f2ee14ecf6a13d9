//! Questions, pages and watches.

use std::collections::BTreeSet;
use std::time::Duration;

use coroner_proto::v1::{
    Cause, IncidentFilter, ListIncidentsRequest, WatchIncidentsRequest, WatchIncidentsResponse,
};
use tonic::{Code, Streaming};

use crate::agent::{Agent, collector, get, questions};
use crate::facts::{NOON, container_id, kill, kill_id, observation};
use coroner_core::incident::IncidentId;

fn since(second: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: NOON + second, nanos: 0 })
}

#[tokio::test]
async fn an_incident_is_found_by_id_container_and_pid() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    agent.report(&[kill("node-1", 7, 0), kill("node-1", 8, 1)]).await;
    let id = IncidentId::of(&kill_id("node-1", 7)).0;
    let container = container_id(7);
    let targets =
        [id.clone(), "pid:7".to_owned(), container.clone(), container[..12].to_uppercase()];
    for target in targets {
        assert_eq!(get(&collector, &target).await.unwrap().incident.unwrap().id, id, "{target}");
    }
    for absent in ["inc-0000000000000000", "pid:9", "ffffffffffff", "web-1", "deploy/web"] {
        assert_eq!(get(&collector, absent).await.unwrap_err().code(), Code::NotFound, "{absent}");
    }
    for bad in ["", "Web_1", "deploy/", "pid:x"] {
        assert_eq!(get(&collector, bad).await.unwrap_err().code(), Code::InvalidArgument, "{bad}");
    }
    collector.shutdown().await;
}

#[tokio::test]
async fn a_target_names_the_newest_and_says_that_there_are_older() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    Agent::connect(&collector, "node-1").await.report(&[kill("node-1", 7, 50)]).await;
    Agent::connect(&collector, "node-2").await.report(&[kill("node-2", 7, 60)]).await;
    Agent::connect(&collector, "node-3").await.report(&[kill("node-3", 7, 40)]).await;
    for target in ["pid:7", &container_id(7)] {
        let found = get(&collector, target).await.unwrap();
        assert!(found.has_older);
        assert_eq!(found.incident.unwrap().node, "node-2", "{target}");
    }
    collector.shutdown().await;
}

#[tokio::test]
async fn a_prefix_of_several_containers_is_ambiguous() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    // The ids of these two begin with the same 12 digits only if cut there: pids are the first 12.
    let mut agent = Agent::connect(&collector, "node-1").await;
    agent.report(&[kill("node-1", 0x10, 0), kill("node-1", 0x11, 1)]).await;
    let (a, b) = (container_id(0x10), container_id(0x11));
    assert_eq!(a[..11], b[..11]);
    assert!(get(&collector, &a[..12]).await.is_ok());
    collector.shutdown().await;
    // Made alike by hand: same first 20 digits.
    let db = rusqlite::Connection::open(dir.path().join("coroner.db")).unwrap();
    let alike = format!("{}{}", &a[..20], &b[20..]);
    db.execute("UPDATE incident SET container_id = ? WHERE container_id = ?", [&alike, &b])
        .unwrap();
    drop(db);
    let collector = crate::agent::collector(dir.path()).await;
    let status = get(&collector, &a[..20]).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("several containers; give more digits"), "{status}");
    assert!(get(&collector, &a).await.is_ok());
    collector.shutdown().await;
}

#[tokio::test]
async fn pages_hold_everything_once_newest_first() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    // Many at the same time, so that pages break between equals.
    let kills: Vec<_> =
        (0..250).map(|seq| kill("node-1", seq, i64::try_from(seq / 50).unwrap())).collect();
    let mut agent = Agent::connect(&collector, "node-1").await;
    agent.report(&kills).await;
    let mut client = questions(&collector).await;
    let mut request = ListIncidentsRequest { page_size: 7, ..Default::default() };
    let (mut seen, mut times, mut pages) = (BTreeSet::new(), Vec::new(), 0);
    loop {
        let page = client.list_incidents(request.clone()).await.unwrap().into_inner();
        pages += 1;
        // What arrives meanwhile and is newer shifts nothing.
        agent.report(&[kill("node-1", 1000 + pages, 1000)]).await;
        for incident in page.incidents {
            times.push(incident.time.unwrap().seconds);
            assert!(seen.insert(incident.id.clone()), "twice: {}", incident.id);
        }
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!((seen.len(), pages), (250, 36));
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    let bad = ListIncidentsRequest { page_token: "nonsense".to_owned(), ..Default::default() };
    assert_eq!(client.list_incidents(bad).await.unwrap_err().code(), Code::InvalidArgument);
    collector.shutdown().await;
}

#[tokio::test]
async fn filters_narrow() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    for node in ["node-1", "node-2"] {
        let kills: Vec<_> =
            (0..10).map(|seq| kill(node, seq, i64::try_from(seq).unwrap())).collect();
        Agent::connect(&collector, node).await.report(&kills).await;
    }
    let mut client = questions(&collector).await;
    let node = || Some("node-2".to_owned());
    let odd = i32::from(Cause::ContainerMemoryLimit);
    let cases = [
        (IncidentFilter::default(), 20),
        (IncidentFilter { node: node(), ..Default::default() }, 10),
        (IncidentFilter { cause: odd, ..Default::default() }, 10),
        (IncidentFilter { since: since(7), ..Default::default() }, 6),
        (IncidentFilter { node: node(), cause: odd, ..Default::default() }, 5),
        (IncidentFilter { node: node(), cause: odd, since: since(6), ..Default::default() }, 2),
        (
            IncidentFilter { node: node(), since: since(2), until: since(4), ..Default::default() },
            3,
        ),
        (IncidentFilter { until: since(0), ..Default::default() }, 2),
        (IncidentFilter { node: Some("node-3".to_owned()), ..Default::default() }, 0),
        (IncidentFilter { cause: Cause::MemoryFragmentation.into(), ..Default::default() }, 0),
    ];
    for (filter, expected) in cases {
        let request = ListIncidentsRequest { filter: Some(filter.clone()), ..Default::default() };
        let found = client.list_incidents(request).await.unwrap().into_inner().incidents;
        assert_eq!(found.len(), expected, "{filter:?}");
        for incident in found {
            assert!(filter.node.is_none() || filter.node == Some(incident.node));
            assert!(filter.cause == 0 || filter.cause == incident.cause);
        }
    }
    let bad = IncidentFilter { cause: 99, ..Default::default() };
    let request = ListIncidentsRequest { filter: Some(bad), ..Default::default() };
    let status = client.list_incidents(request).await.unwrap_err();
    assert_eq!(status.message(), "field `filter.cause` is 99, which is no Cause");
    collector.shutdown().await;
}

async fn next(stream: &mut Streaming<WatchIncidentsResponse>) -> WatchIncidentsResponse {
    tokio::time::timeout(Duration::from_secs(10), stream.message()).await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn a_watch_shows_what_is_created_and_what_is_revised() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    let mut agent = Agent::connect(&collector, "node-1").await;
    agent.report(&[kill("node-1", 1, 0)]).await;
    let mut client = questions(&collector).await;
    let mut all =
        client.watch_incidents(WatchIncidentsRequest::default()).await.unwrap().into_inner();
    let filter = IncidentFilter { cause: Cause::SystemOutOfMemory.into(), ..Default::default() };
    let mut some = client
        .watch_incidents(WatchIncidentsRequest { filter: Some(filter) })
        .await
        .unwrap()
        .into_inner();

    agent.report(&[kill("node-1", 3, 0)]).await;
    agent.report(&[kill("node-1", 4, 0)]).await;
    agent.report(&[observation("node-1", 3, 1)]).await;
    // Nothing new, so nothing to show.
    agent.report(&[kill("node-1", 3, 0)]).await;
    agent.report(&[kill("node-1", 6, 0)]).await;

    let mut seen = Vec::new();
    for _ in 0..4 {
        let response = next(&mut all).await;
        let pid = response.incident.unwrap().kernel.unwrap().victims[0].pid;
        seen.push((pid, response.revision));
    }
    assert_eq!(seen, [(3, 1), (4, 1), (3, 2), (6, 1)]);
    for pid in [4, 6] {
        assert_eq!(next(&mut some).await.incident.unwrap().kernel.unwrap().victims[0].pid, pid);
    }
    collector.shutdown().await;
    assert_eq!(all.message().await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_watcher_that_falls_behind_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let collector = collector(dir.path()).await;
    // A small window, so that what is not read waits at the collector and not on its way.
    let endpoint =
        tonic::transport::Endpoint::from_shared(format!("http://{}", collector.grpc_addr()))
            .unwrap();
    let channel = endpoint.initial_stream_window_size(16 * 1024).connect().await.unwrap();
    let mut client = coroner_proto::v1::query_service_client::QueryServiceClient::new(channel);
    let mut stream =
        client.watch_incidents(WatchIncidentsRequest::default()).await.unwrap().into_inner();
    let mut agent = Agent::connect(&collector, "node-1").await;
    for batch in 0..10 {
        let kills: Vec<_> =
            (batch * 900..(batch + 1) * 900).map(|seq| kill("node-1", seq, 0)).collect();
        agent.report(&kills).await;
    }
    let status = loop {
        match tokio::time::timeout(Duration::from_secs(10), stream.message()).await.unwrap() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("ended without a word"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::Aborted);
    collector.shutdown().await;
}
