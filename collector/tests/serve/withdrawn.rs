//! What watchers and lists are told of incidents that are none any more, and of ends that were meant.

use std::collections::BTreeSet;
use std::time::Duration;

use coroner_collector::Collector;
use coroner_core::kubernetes::{ContainerState, PodRecord, RestartPolicy};
use coroner_proto::v1::{self, ListIncidentsRequest};

use crate::agent::{Agent, questions};
use crate::kubernetes::{aftermath, end, ended, kill, list, pod, rules, running, seen};

/// What a watcher is told, as far as it is of use here: created or revised, or withdrawn, and what it is part of.
fn news(response: v1::WatchIncidentsResponse) -> (String, Option<Option<String>>) {
    match (response.incident, response.withdrawn) {
        (Some(incident), None) => (incident.id, None),
        (None, Some(gone)) => (gone.id, Some(gone.merged_into)),
        other => panic!("both, or neither: {other:?}"),
    }
}

#[tokio::test]
async fn watchers_are_told_of_incidents_that_turn_out_to_be_part_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(rules(dir.path())).await.unwrap();
    let mut client = questions(&collector).await;
    let watch = v1::WatchIncidentsRequest::default();
    let mut all = client.watch_incidents(watch).await.unwrap().into_inner();
    let elsewhere = v1::IncidentFilter { node: Some("node-2".to_owned()), ..Default::default() };
    let watch = v1::WatchIncidentsRequest { filter: Some(elsewhere) };
    let mut others = client.watch_incidents(watch).await.unwrap().into_inner();
    let mut agent = Agent::connect(&collector, "node-1").await;
    // Of the kill it is not known what became of the container; the end of its group is seen by itself.
    agent.report(&[kill(2, 0, 20)]).await;
    agent.report(&[end(0, 20)]).await;
    collector.kubernetes().send(vec![seen(19, running(0, None))]).await.unwrap();
    let first = ended(0, 20, 137, "OOMKilled");
    collector.kubernetes().send(vec![seen(22, running(1, Some(first)))]).await.unwrap();
    agent.report(&[aftermath(2, 0, 21, 0)]).await;

    let incidents = list(&collector).await;
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    let mut there = BTreeSet::new();
    let mut withdrawn = Vec::new();
    while withdrawn.is_empty() || there.len() > 1 {
        let next = tokio::time::timeout(Duration::from_secs(10), all.message());
        match news(next.await.expect("somebody tells").unwrap().unwrap()) {
            (id, None) => {
                there.insert(id);
            }
            (id, Some(into)) => {
                assert!(there.remove(&id), "{id} was shown before");
                let into = into.expect("it is part of another");
                assert!(there.contains(&into), "{into} is known by then");
                withdrawn.push(id);
            }
        }
    }
    assert_eq!(there.first(), Some(&incidents[0].id.0), "a watcher has what a list has");
    // Its old id still leads to it.
    let request = v1::GetIncidentRequest { target: withdrawn[0].clone(), ..Default::default() };
    let found = client.get_incident(request).await.unwrap().into_inner().incident.unwrap();
    assert_eq!(found.id, incidents[0].id.0);
    collector.shutdown().await;
    assert!(others.message().await.is_err(), "who watches something else is told nothing");
}

/// A Job's pod: it is not restarted.
fn job(run: u32, state: ContainerState) -> PodRecord {
    PodRecord { restart_policy: RestartPolicy::Never, ..pod(run, state, None) }
}

#[tokio::test]
async fn ends_that_were_meant_are_left_out_counted_and_shown_when_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(rules(dir.path())).await.unwrap();
    let mut client = questions(&collector).await;
    let watch = v1::WatchIncidentsRequest::default();
    let mut watched = client.watch_incidents(watch).await.unwrap().into_inner();
    let input = collector.kubernetes();
    for n in 0..30_u32 {
        let code = i32::from(n % 10 == 0);
        let state =
            ContainerState::Terminated(Box::new(ended(n, 10 + i64::from(n), code, "Error")));
        let mut record = job(n, state);
        record.uid = format!("job-{n}");
        input.send(vec![seen(50, record)]).await.unwrap();
    }
    let ask = |orderly, page_size, page_token: String| ListIncidentsRequest {
        filter: Some(v1::IncidentFilter { orderly, ..Default::default() }),
        page_size,
        page_token,
    };
    let page = client.list_incidents(ask(false, 0, String::new())).await.unwrap().into_inner();
    assert_eq!((page.incidents.len(), page.orderly_left_out), (3, 27));
    let page = client.list_incidents(ask(true, 0, String::new())).await.unwrap().into_inner();
    assert_eq!((page.incidents.len(), page.orderly_left_out), (30, 0));
    assert_eq!(page.incidents.iter().filter(|incident| incident.orderly).count(), 27);
    // Over pages every one is counted once.
    let (mut token, mut shown, mut left_out) = (String::new(), 0, 0);
    loop {
        let page = client.list_incidents(ask(false, 1, token)).await.unwrap().into_inner();
        shown += page.incidents.len();
        left_out += page.orderly_left_out;
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((shown, left_out), (3, 27));
    for _ in 0..3 {
        let next = watched.message().await.unwrap().unwrap();
        assert!(next.incident.is_some_and(|incident| !incident.orderly));
    }
    // Asked for by name it is told.
    let request = v1::GetIncidentRequest { target: "pod/web-1".to_owned(), ..Default::default() };
    let found = client.get_incident(request).await.unwrap().into_inner().incident.unwrap();
    assert_eq!(found.termination.unwrap().exit_code, Some(1), "what went wrong comes first");
    drop(input);
    collector.shutdown().await;
}

#[tokio::test]
async fn a_watcher_is_told_when_an_incident_turns_out_to_be_an_orderly_end() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(rules(dir.path())).await.unwrap();
    let mut client = questions(&collector).await;
    let watch = v1::WatchIncidentsRequest::default();
    let mut watched = client.watch_incidents(watch).await.unwrap().into_inner();
    let mut agent = Agent::connect(&collector, "node-1").await;
    agent.report(&[end(0, 20)]).await;
    let shown = news(watched.message().await.unwrap().unwrap());
    assert_eq!(shown.1, None);
    let state = ContainerState::Terminated(Box::new(ended(0, 20, 0, "Completed")));
    collector.kubernetes().send(vec![seen(21, job(0, state))]).await.unwrap();
    let gone = news(watched.message().await.unwrap().unwrap());
    assert_eq!(gone, (shown.0.clone(), Some(None)));
    let request = v1::GetIncidentRequest { target: shown.0, ..Default::default() };
    assert!(client.get_incident(request).await.unwrap().into_inner().incident.unwrap().orderly);
    collector.shutdown().await;
}
