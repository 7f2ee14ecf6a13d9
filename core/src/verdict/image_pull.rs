//! `ImagePull`: its image cannot be pulled.
//!
//! *Needs* the container waiting with `ErrImagePull`, `ImagePullBackOff`, `InvalidImageName`, `ErrImageNeverPull` or their like,
//! which confirms it: the kubelet says it of its own doing. What the registry answered stands in the message or the
//! event `Failed`, and only helps to say what to do.

use super::api::order;
use super::claim::{Claim, Rule};
use super::facts::Facts;
use super::waits;
use crate::incident::Cause;
use crate::kubernetes::WaitingKind;

pub(super) const RULE: Rule = Rule { cause: Cause::ImagePull, examine };

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let (api, waiting) = waits::waiting(facts)?;
    if waiting.kind() != WaitingKind::Image {
        return None;
    }
    let image = api.container().map_or("its image", |container| container.image.as_str());
    let failed = api
        .case
        .events_with("Failed")
        .max_by_key(|event| order(event))
        .map(|event| event.message.as_str());
    let message = format!(
        "{} {}",
        waiting.message.as_deref().unwrap_or_default(),
        failed.unwrap_or_default()
    );
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let remedy = if waiting.reason == "InvalidImageName" {
        format!("Correct the image's name: `{image}` is none.")
    } else if waiting.reason == "ErrImageNeverPull" {
        "Bring the image to the node, or set imagePullPolicy to IfNotPresent.".to_owned()
    } else if has(&["not found", "manifest unknown", "does not exist"]) {
        format!(
            "Check name and tag: the registry has no {image} (or does not show it without credentials)."
        )
    } else if has(&["unauthorized", "authentication required", "denied", "403"]) {
        "Give the pod credentials for the registry (imagePullSecrets of the pod or its service account).".to_owned()
    } else if has(&["toomanyrequests", "429", "rate limit"]) {
        "The registry limits how much is pulled: use credentials, a mirror, or pull less often."
            .to_owned()
    } else if has(&["no such host", "timeout", "timed out", "connection refused", "x509"]) {
        "Find out why the node does not reach the registry: name resolution, proxy, certificates."
            .to_owned()
    } else if has(&["no space left"]) {
        "The node has no room for the image: free its disk.".to_owned()
    } else {
        "Pull the image by hand on the node (`crictl pull`) and see what the registry answers."
            .to_owned()
    };
    let mut because = vec![waits::stated(waiting)];
    because
        .extend(failed.map(|failed| {
            format!("The kubelet reports: {}.", failed.trim_end_matches(['.', ' ']))
        }));
    Some(waits::claim(
        api,
        format!("{} waits: {image} cannot be pulled", api.who()),
        because,
        vec![remedy],
    ))
}
