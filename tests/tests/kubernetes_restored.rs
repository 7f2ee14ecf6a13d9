//! The collector's watch of an API server whose data was set back, as by restoring etcd from a backup.

#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "tests may fail")]

use std::time::Duration;

use coroner_collector::kubernetes::Pace;
use coroner_core::kubernetes::{ApiChange, ApiPart};
use coroner_tests::apiserver::watching::{
    Watching, impatient, pod, pod_named, pod_watches, pods_are,
};
use coroner_tests::apiserver::{ApiServer, Generated, Resource};

/// A server whose data was restored from a backup says nothing of versions that it has not reached; whoever only waits is
/// blind for as long as that takes, and then has missed what came in between.
#[tokio::test]
async fn a_server_that_was_set_back_is_listed_anew() {
    let mut server = ApiServer::start().await;
    let backup = server.version();
    // By a server that was stopped and one that was not: then only its silence tells.
    for stopped in [true, false] {
        for n in 0..3 {
            server.put(Resource::PODS, pod(n));
        }
        let pace = Pace { silence: Duration::from_millis(300), ..impatient() };
        let mut watching = Watching::of(&server, &pace).await;
        watching.until(pods_are).await;
        if stopped {
            server.stop().await;
        }
        let seen = server.version();
        for n in [0, 1, 2] {
            server.delete(Resource::PODS, "generated", &Generated::number(n).name);
        }
        server.restore(backup);
        server.put(Resource::PODS, pod(1));
        assert!(server.version() < seen);
        if stopped {
            server.start_again().await;
        } else {
            server.drop_watches();
        }
        let gap = |change: &ApiChange| match change {
            ApiChange::Gap(gap) if gap.part == ApiPart::Pods && gap.reason.contains("set back") => {
                Some(gap.clone())
            }
            _ => None,
        };
        let (gap, _) = watching.until(gap).await;
        assert!(gap.to.is_some_and(|to| to >= gap.from), "{gap:?}");
        let (uids, _) = watching.until(pods_are).await;
        assert_eq!(uids, [Generated::number(1).uid]);
        // From here on it is seen again.
        server.put(Resource::PODS, pod(7));
        watching.until(pod_named("web-000007")).await;
        for n in [1, 7] {
            server.delete(Resource::PODS, "generated", &Generated::number(n).name);
        }
    }
}

/// A part of which nothing is to be told is silent too, where the server sends no bookmarks; nothing is listed anew for that.
#[tokio::test]
async fn a_watch_that_is_only_quiet_goes_on_where_it_was() {
    let server = ApiServer::start().await;
    server.put(Resource::PODS, pod(0));
    let pace = Pace { silence: Duration::from_millis(50), ..impatient() };
    let mut watching = Watching::of(&server, &pace).await;
    watching.until(pods_are).await;
    while pod_watches(&server).1 < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.put(Resource::PODS, pod(1));
    let (_, before) = watching.until(pod_named("web-000001")).await;
    let gap =
        |change: &ApiChange| matches!(change, ApiChange::Gap(gap) if gap.part == ApiPart::Pods);
    assert!(!before.iter().any(|change| gap(change) || pods_are(change).is_some()), "{before:?}");
    assert_eq!(pod_watches(&server).0, 1);
}
