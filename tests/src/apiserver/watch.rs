//! Watches: from a version, or with everything there is first.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::{Response, StatusCode};
use serde_json::json;
use tokio::sync::mpsc;

use super::answers::{self, Body, bad_options, pieces, status};
use super::handle::State;
use super::objects::{Change, Resource, metadata_of};
use super::route::Asked;

/// Lines that wait for a slow client.
const WAITING: usize = 64;

/// Where a watch begins.
enum Begin {
    /// After this version.
    After(u64),
    /// With everything there is; `true` if its end is marked.
    Everything(bool),
}

pub(super) fn watch(state: &Arc<State>, resource: Resource, asked: Asked) -> Response<Body> {
    let flag = |name| asked.parameter(name).is_some_and(|value| value == "true");
    let begin = if flag("sendInitialEvents") {
        if !state.streaming_lists() {
            let detail = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";
            return bad_options(422, "sendInitialEvents", detail);
        }
        if asked.parameter("resourceVersionMatch") != Some("NotOlderThan") {
            let detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            return bad_options(422, "resourceVersionMatch", detail);
        }
        Begin::Everything(flag("allowWatchBookmarks"))
    } else if asked.parameter("resourceVersionMatch").is_some() {
        let detail =
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
        return bad_options(422, "resourceVersionMatch", detail);
    } else {
        let version = asked.parameter("resourceVersion").unwrap_or("0");
        match version.parse() {
            // 0 and none: some state, then what follows.
            Ok(0) => Begin::Everything(false),
            Ok(version) => Begin::After(version),
            Err(_) => return no_version(version),
        }
    };
    let (send, receive) = mpsc::channel(WAITING);
    let state = state.clone();
    tokio::spawn(async move {
        let lasts = asked.parameter("timeoutSeconds").and_then(|seconds| seconds.parse().ok());
        let lasts = Duration::from_secs(lasts.unwrap_or(3600));
        let sender = Sender { send, metadata_only: asked.metadata_only };
        let following = follow(&state, resource, &asked, begin, &sender);
        tokio::select! {
            // The client is gone.
            _ = following => {}
            () = tokio::time::sleep(lasts) => {}
            () = state.watches_are_dropped() => {}
        }
    });
    pieces(receive)
}

/// The real one has a fault here: 500, without a reason.
fn no_version(version: &str) -> Response<Body> {
    let message = format!(
        "resourceVersion: Invalid value: {version:?}: strconv.ParseUint: parsing {version:?}: invalid syntax"
    );
    let mut status = status(500, "", &message);
    if let Some(status) = status.as_object_mut() {
        status.remove("reason");
    }
    answers::json(StatusCode::INTERNAL_SERVER_ERROR, &status)
}

struct Sender {
    send: mpsc::Sender<io::Result<Bytes>>,
    metadata_only: bool,
}

impl Sender {
    /// Sends a line; `None` when the client is gone.
    async fn line(&self, kind: &str, object: &str) -> Option<()> {
        let slim = self.metadata_only.then(|| metadata_of(object));
        let object = slim.as_deref().unwrap_or(object);
        let line = format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n");
        self.send.send(Ok(line.into())).await.ok()
    }

    async fn bookmark(&self, resource: Resource, version: u64, end: bool) -> Option<()> {
        let (kind, api_version) = match self.metadata_only {
            true => ("PartialObjectMetadata", "meta.k8s.io/v1"),
            false => resource.kind(),
        };
        let mut metadata = json!({"resourceVersion": version.to_string()});
        if end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let mut object = json!({"kind": kind, "apiVersion": api_version, "metadata": metadata});
        // Fields that are never left out, with nothing in them.
        if kind == "Pod" {
            object["spec"] = json!({"containers": null});
            object["status"] = json!({});
        }
        let line = format!("{{\"type\":\"BOOKMARK\",\"object\":{object}}}\n");
        self.send.send(Ok(line.into())).await.ok()
    }
}

async fn follow(
    state: &State,
    resource: Resource,
    asked: &Asked,
    begin: Begin,
    sender: &Sender,
) -> Option<()> {
    let mut news = state.news();
    let here = |namespace: &str| asked.namespace.as_ref().is_none_or(|wanted| wanted == namespace);
    let mut at = match begin {
        Begin::After(version) => version,
        Begin::Everything(marked) => {
            let (version, all) = {
                let objects = state.objects();
                let all = objects.all.get(&resource).cloned().unwrap_or_default();
                (objects.version, all)
            };
            for ((namespace, _), object) in all {
                if here(&namespace) {
                    sender.line("ADDED", &object).await?;
                }
            }
            if marked {
                sender.bookmark(resource, version, true).await?;
            }
            version
        }
    };
    // Only whoever comes back can be too late.
    let forgotten = state.objects().forgotten;
    if at < forgotten {
        let message = format!("too old resource version: {at} ({forgotten})");
        sender.line("ERROR", &status(410, "Expired", &message).to_string()).await?;
        return None;
    }
    let mut next = 0;
    loop {
        let (changes, version) = {
            let objects = state.objects();
            // What was restored has a shorter log.
            let next_known = next.min(objects.log.len());
            let from = objects.log[next_known..].partition_point(|change| change.version <= at)
                + next_known;
            let ours = |change: &&Change| change.resource == resource;
            let changes: Vec<Change> = objects.log[from..].iter().filter(ours).cloned().collect();
            next = objects.log.len();
            (changes, objects.version)
        };
        for change in changes {
            sender.line(change.kind, &change.object).await?;
        }
        // Of a version that is not reached yet the real one says nothing, not even by a bookmark, until it is.
        let reached = version >= at;
        at = at.max(version);
        if reached
            && asked.parameter("allowWatchBookmarks") == Some("true")
            && state.bookmark_each_time()
        {
            sender.bookmark(resource, version, false).await?;
        }
        tokio::select! {
            changed = news.changed() => changed.ok()?,
            () = sender.send.closed() => return None,
        }
    }
}
