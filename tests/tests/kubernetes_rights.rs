//! What the collector may do in a cluster: every right missing once, and the list of rights held against what is asked.

#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "tests may fail")]

use std::collections::BTreeSet;
use std::time::Duration;

use coroner_collector::kubernetes::{PARTS, Part, Standing, VERBS, WRITES};
use coroner_core::kubernetes::{ApiChange, ApiGap, ApiPart};
use coroner_tests::apiserver::watching::{Watching, event, gap, impatient, node, pod, pods_are};
use coroner_tests::apiserver::{ApiServer, Resource};
use serde_json::Value;

/// Every permission taken away, one at a time, on servers with and without streaming lists: the rest goes on, what is missing
/// says so with verb and resource, and it is there again as soon as it is allowed.
#[tokio::test]
async fn every_permission_may_be_missing() {
    for streaming in [true, false] {
        for part in &PARTS {
            for verb in VERBS {
                Box::pin(without(part, verb, streaming)).await;
            }
        }
    }
}

async fn without(part: &Part, verb: &str, streaming: bool) {
    let what = format!("{verb} {} (streaming: {streaming})", part.resource);
    let server = ApiServer::start().await;
    server.streams_lists(streaming);
    server.put(Resource::PODS, pod(0));
    server.put(Resource::NODES, node("node-0"));
    server.put(Resource::EVENTS, event(0));
    server.forbid(verb, part.resource);
    let mut watching = Watching::of(&server, &impatient()).await;
    // Where lists stream, nobody lists.
    let missing = verb == "watch" || !streaming;
    let mut wanted: BTreeSet<&str> = ["pods", "nodes", "events"].into();
    // Without `watch` lists still come; without `list`, and without streaming lists, nothing does.
    if verb == "list" && missing {
        wanted.remove(part.resource);
    }
    let mut told: Option<ApiGap> = None;
    while !(wanted.is_empty() && told.is_some() == missing) {
        match watching.next().await {
            ApiChange::Pod(_) => wanted.remove("pods"),
            ApiChange::Node(_) => wanted.remove("nodes"),
            ApiChange::Event(_) => wanted.remove("events"),
            ApiChange::Gap(gap) => {
                assert_eq!(gap.part, part.part, "{what}");
                told = Some(gap);
                false
            }
            _ => false,
        };
    }
    let Some(told) = told else { return };
    let words = format!("the collector may not {verb} {} of all namespaces", part.resource);
    assert!(told.reason.starts_with(&words), "{what}: {}", told.reason);
    assert!(told.reason.contains("is forbidden: User"), "{what}: {}", told.reason);
    let standing = watching.health.parts()[part.resource].standing.clone();
    if verb == "watch" {
        assert!(matches!(standing, Standing::Polling(_)), "{what}: {standing:?}");
    } else {
        assert!(matches!(standing, Standing::Refused(_)), "{what}: {standing:?}");
    }
    server.allow(verb, part.resource);
    let (closed, _) = watching.until(gap(part.part, false)).await;
    assert_eq!(closed.from, told.from, "{what}");
}

/// What RBAC must allow stands in one file, and that is exactly what is asked for.
#[tokio::test]
async fn the_role_allows_what_is_asked_and_nothing_else() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/base/rbac.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let role = text.split("---").next().unwrap();
    let role: Value = serde_yaml_ng::from_str(role).unwrap();
    let words = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut allowed = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        for group in words(&rule["apiGroups"]) {
            for resource in words(&rule["resources"]) {
                for verb in words(&rule["verbs"]) {
                    allowed.insert((group.clone(), resource.clone(), verb));
                }
            }
        }
    }
    let wanted: BTreeSet<_> = PARTS
        .iter()
        .flat_map(|part| {
            VERBS.map(|verb| (part.group.to_owned(), part.resource.to_owned(), verb.to_owned()))
        })
        .collect();
    // `kubernetes_events.rs` holds what is written against the same list.
    let written = WRITES
        .map(|(group, resource, verb)| (group.to_owned(), resource.to_owned(), verb.to_owned()));
    assert_eq!(allowed, wanted.union(&written.into()).cloned().collect());

    let mut asked = BTreeSet::new();
    for streaming in [true, false] {
        let server = ApiServer::start().await;
        server.streams_lists(streaming);
        server.put(Resource::NODES, node("node-0"));
        server.put(Resource::EVENTS, event(0));
        let mut watching = Watching::of(&server, &impatient()).await;
        watching.until(pods_are).await;
        // All five watch.
        let watched = |server: &ApiServer| {
            let asked = server.asked();
            let on = asked.iter().filter(|one| one.verb == "watch");
            on.map(|one| one.resource.clone()).collect::<BTreeSet<_>>().len()
        };
        while watched(&server) < PARTS.len() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        asked.extend(server.asked().into_iter().map(|one| (one.group, one.resource, one.verb)));
    }
    assert_eq!(asked, wanted);
}

/// Wrong credentials are not "no cluster": they are a refusal, in the server's words.
#[tokio::test]
async fn a_token_that_is_not_known_is_a_gap() {
    let server = ApiServer::start().await;
    let dir = tempfile::TempDir::new().unwrap();
    let path = server.kubeconfig(dir.path());
    let text = std::fs::read_to_string(&path).unwrap().replace("the-collectors-token", "another");
    std::fs::write(&path, text).unwrap();
    let mut watching = Watching::by(&path, dir, &impatient()).await;
    let (told, _) = watching.until(gap(ApiPart::Pods, true)).await;
    assert!(told.reason.ends_with("The API server says: Unauthorized"), "{}", told.reason);
}
