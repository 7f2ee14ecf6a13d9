//! The collector's watch of the Kubernetes API, against a double of its server over TLS.

#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "tests may fail")]

use std::collections::BTreeSet;
use std::time::Duration;

use coroner_collector::kubernetes::{PARTS, Pace, Standing};
use coroner_core::kubernetes::{ApiChange, ApiPart};
use coroner_tests::apiserver::watching::{
    Watching, event, gap, impatient, node, pod, pod_named, pod_watches, pods_are,
};
use coroner_tests::apiserver::{ApiServer, Fault, Generated, Resource, pod_terminated};
use serde_json::json;

#[tokio::test]
async fn what_is_there_is_listed_and_what_happens_is_seen() {
    let server = ApiServer::start().await;
    for n in 0..3 {
        server.put(Resource::PODS, pod(n));
    }
    server.put(Resource::NODES, node("node-0"));
    let mut watching = Watching::of(&server, &impatient()).await;
    let (uids, _) = watching.until(pods_are).await;
    assert_eq!(uids, (0..3).map(|n| Generated::number(n).uid).collect::<Vec<_>>());
    let one = Generated::number(1);
    server.put(Resource::PODS, pod_terminated(&one, 137, "OOMKilled", "2026-11-21T00:30:00Z"));
    let (code, _) = watching
        .until(|change| match change {
            ApiChange::Pod(pod) => pod.containers[0].ended().map(|ended| ended.exit_code),
            _ => None,
        })
        .await;
    assert_eq!(code, Some(137));
    server.delete(Resource::PODS, "generated", &one.name);
    let gone = |change: &ApiChange| match change {
        ApiChange::PodGone(pod) => Some(pod.uid.clone()),
        _ => None,
    };
    assert_eq!(watching.until(gone).await.0, one.uid);
    server.put(Resource::EVENTS, event(1));
    let killing = |change: &ApiChange| {
        matches!(change, ApiChange::Event(event) if event.reason == "Killing").then_some(())
    };
    watching.until(killing).await;
    server.delete(Resource::NODES, "", "node-0");
    let gone = |change: &ApiChange| {
        matches!(change, ApiChange::NodeGone(name) if name == "node-0").then_some(())
    };
    watching.until(gone).await;
    let standing = |resource| watching.health.parts()[resource].standing.clone();
    for part in &PARTS {
        assert_eq!(standing(part.resource), Standing::Watching, "{}", part.resource);
    }
    assert!(server.asked().iter().all(|one| one.verb == "watch"), "{:?}", server.asked());
}

#[tokio::test]
async fn a_server_without_streaming_lists_is_read_in_pages() {
    let server = ApiServer::start().await;
    server.streams_lists(false);
    for n in 0..10 {
        server.put(Resource::PODS, pod(n));
    }
    let mut watching = Watching::of(&server, &Pace { page: 3, ..impatient() }).await;
    let (uids, _) = watching.until(pods_are).await;
    assert_eq!(uids.len(), 10);
    let pages =
        server.asked().iter().filter(|one| one.resource == "pods" && one.verb == "list").count();
    assert_eq!(pages, 4);
    server.put(Resource::PODS, pod(10));
    watching.until(pod_named("web-000010")).await;
}

/// A page that is larger than is taken is asked for in smaller pages.
#[tokio::test]
async fn pages_that_are_too_large_become_smaller() {
    let server = ApiServer::start().await;
    server.streams_lists(false);
    for n in 0..20 {
        server.put(Resource::PODS, pod(n));
    }
    let pace = Pace { page: 16, largest_page: 30_000, ..impatient() };
    let mut watching = Watching::of(&server, &pace).await;
    let (uids, _) = watching.until(pods_are).await;
    assert_eq!(uids.into_iter().collect::<BTreeSet<_>>().len(), 20);
}

#[tokio::test]
async fn a_watch_that_breaks_goes_on_where_it_was() {
    let server = ApiServer::start().await;
    server.put(Resource::PODS, pod(0));
    let mut watching = Watching::of(&server, &impatient()).await;
    watching.until(pods_are).await;
    for n in 1..5 {
        server.drop_watches();
        while pod_watches(&server).1 < usize::try_from(n).unwrap() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.put(Resource::PODS, pod(n));
        let (_, before) = watching
            .until(|change| match change {
                ApiChange::Pod(pod) => (pod.uid == Generated::number(n).uid).then_some(()),
                _ => None,
            })
            .await;
        assert!(before.iter().all(|change| !matches!(change, ApiChange::PodsAre(_))));
    }
    assert_eq!(pod_watches(&server).0, 1, "nothing was listed anew");
}

/// Pods that went while the changes were forgotten are missing from the new list; and that something may have been missed is
/// told.
#[tokio::test]
async fn after_410_everything_is_listed_anew() {
    let mut server = ApiServer::start().await;
    for n in 0..3 {
        server.put(Resource::PODS, pod(n));
    }
    let mut watching = Watching::of(&server, &impatient()).await;
    watching.until(pods_are).await;
    server.stop().await;
    server.delete(Resource::PODS, "generated", "web-000001");
    server.put(Resource::PODS, pod(7));
    server.forget();
    server.start_again().await;
    let (uids, before) = watching.until(pods_are).await;
    assert_eq!(uids, [0, 2, 7].map(|n| Generated::number(n).uid));
    let gaps = before.iter().filter_map(|change| match change {
        ApiChange::Gap(gap) if gap.part == ApiPart::Pods => Some(gap),
        _ => None,
    });
    assert!(gaps.into_iter().any(|gap| gap.to.is_some() && gap.reason.contains("listed anew")));
}

#[tokio::test]
async fn a_server_that_is_away_is_a_gap_until_it_is_back() {
    let mut server = ApiServer::start().await;
    server.put(Resource::PODS, pod(0));
    let mut watching = Watching::of(&server, &impatient()).await;
    watching.until(pods_are).await;
    server.stop().await;
    let (open, _) = watching.until(gap(ApiPart::Pods, true)).await;
    assert!(open.reason.starts_with("the API server cannot be read: "), "{}", open.reason);
    assert!(matches!(watching.health.parts()["pods"].standing, Standing::Away(_)));
    // Changes that nobody could see come all the same.
    server.put(Resource::PODS, pod(1));
    server.start_again().await;
    let (closed, before) = watching.until(gap(ApiPart::Pods, false)).await;
    assert_eq!((closed.from, closed.to.is_some()), (open.from, true));
    let told_twice = |change: &ApiChange| gap(ApiPart::Pods, true)(change).is_some();
    assert!(!before.iter().any(told_twice), "{before:?}");
    watching.until(pod_named("web-000001")).await;
    // A server that began anew knows nothing of before, so everything was listed once more.
    assert_eq!(pod_watches(&server).0, 2);
}

/// A server on a bad day: whatever the first answers are, everything comes in the end, and once.
#[tokio::test]
async fn wrong_answers_are_survived() {
    let faults = [
        Fault::Status(500),
        Fault::Status(504),
        Fault::Status(401),
        Fault::Status(404),
        Fault::Busy(0),
        Fault::Slow(Duration::from_millis(20)),
        Fault::CutAfter(0),
        Fault::CutAfter(5000),
        Fault::Instead(String::new()),
        Fault::Instead("<html>Bad gateway</html>\n".to_owned()),
        Fault::Instead("{\"type\":\"ADDED\"}\n[]\n{}\nnull\n".to_owned()),
        Fault::Instead("{\"type\":\"ERROR\",\"object\":{\"code\":500}}\n".to_owned()),
        Fault::Instead("{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n".to_owned()),
        Fault::Instead(format!("{}\n", "[".repeat(100_000))),
    ];
    for streaming in [true, false] {
        for fault in &faults {
            let server = ApiServer::start().await;
            server.streams_lists(streaming);
            for n in 0..5 {
                server.put(Resource::PODS, pod(n));
            }
            if !streaming {
                // The first request is the one that finds out.
                server.fault("pods", Fault::Status(422));
            }
            server.fault("pods", fault.clone());
            let mut watching = Watching::of(&server, &impatient()).await;
            let (uids, _) = watching.until(pods_are).await;
            assert_eq!(uids.len(), 5, "{fault:?}");
            server.put(Resource::PODS, pod(9));
            watching.until(pod_named("web-000009")).await;
        }
    }
}

/// A line that is too long is skipped, and counted; those around it are read.
#[tokio::test]
async fn lines_that_are_too_long_are_skipped() {
    let server = ApiServer::start().await;
    let mut watching = Watching::of(&server, &Pace { longest_line: 20_000, ..impatient() }).await;
    watching.until(pods_are).await;
    let mut long = pod(1);
    long["metadata"]["annotations"] = json!({"x": "x".repeat(100_000)});
    server.put(Resource::PODS, long);
    server.put(Resource::PODS, pod(2));
    watching.until(pod_named("web-000002")).await;
    assert_eq!(watching.health.parts()["pods"].unread, 1);
}

/// An object that cannot be read harms no other; but which pods there are is then not told, since it is one of them.
#[tokio::test]
async fn one_unreadable_pod_costs_that_pod() {
    let server = ApiServer::start().await;
    server.put_texts(Resource::PODS, [("a".to_owned(), r#"{"metadata":{"name":"a"}}"#.to_owned())]);
    server.put(Resource::PODS, pod(1));
    let mut watching = Watching::of(&server, &impatient()).await;
    watching.until(pod_named("web-000001")).await;
    server.put(Resource::PODS, pod(2));
    let (_, before) = watching.until(pod_named("web-000002")).await;
    assert!(!before.iter().any(|change| matches!(change, ApiChange::PodsAre(_))), "{before:?}");
    assert_eq!(watching.health.parts()["pods"].unread, 1);
}

#[tokio::test]
async fn owners_of_owners_are_found() {
    let server = ApiServer::start().await;
    let owned = |name: &str, uid: &str, kind: &str, owner: &str| {
        json!({"metadata": {"name": name, "namespace": "generated", "uid": uid,
            "ownerReferences": [{"kind": kind, "name": owner, "uid": format!("uid-of-{owner}"), "controller": true}]}})
    };
    server.put(Resource::REPLICA_SETS, owned("web-5d9c7b", "rs-uid", "Deployment", "web"));
    server.put(Resource::JOBS, owned("backup-29", "job-uid", "CronJob", "backup"));
    server.put(Resource::PODS, pod(1));
    let mut job = owned("backup-29-x", "p", "Job", "backup-29");
    job["metadata"]["ownerReferences"][0]["uid"] = "job-uid".into();
    server.put(Resource::PODS, job);
    let mut watching = Watching::of(&server, &impatient()).await;
    let (_, before) = watching.until(pods_are).await;
    let chains: BTreeSet<Vec<(String, String)>> = before
        .iter()
        .filter_map(|change| match change {
            ApiChange::Pod(pod) => {
                Some(pod.owners.iter().map(|o| (o.kind.clone(), o.name.clone())).collect())
            }
            _ => None,
        })
        .collect();
    let chain = |all: [(&str, &str); 2]| all.map(|(k, n)| (k.to_owned(), n.to_owned())).to_vec();
    assert_eq!(
        chains,
        [
            chain([("ReplicaSet", "web-5d9c7b"), ("Deployment", "web")]),
            chain([("Job", "backup-29"), ("CronJob", "backup")]),
        ]
        .into()
    );
}

#[tokio::test]
async fn the_servers_clock_is_held_against_ours() {
    let server = ApiServer::start().await;
    server.set_clock_ahead(3600);
    let mut watching = Watching::of(&server, &impatient()).await;
    watching.until(pods_are).await;
    let (difference, uncertainty) = watching.health.clock_difference().unwrap();
    assert!((difference - 3600.0).abs() <= uncertainty + 0.001, "{difference} ± {uncertainty}");
}

/// A real server refuses everything in its first seconds, until it has read its roles. That is no reason to stay blind for
/// as long as a role takes to be changed.
#[tokio::test]
async fn a_server_that_has_just_begun_is_asked_again_soon() {
    let mut server = ApiServer::start().await;
    server.put(Resource::PODS, pod(0));
    let pace = Pace { refused_retry: Duration::from_secs(3600), ..impatient() };
    let mut watching = Watching::of(&server, &pace).await;
    watching.until(pods_are).await;
    server.stop().await;
    server.put(Resource::PODS, pod(1));
    for _ in 0..3 {
        server.fault("pods", Fault::Status(403));
    }
    server.start_again().await;
    watching.until(pod_named("web-000001")).await;
}
