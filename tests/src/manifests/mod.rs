//! The manifests in `deploy/`, as a cluster would get them.
//!
//! `kubectl kustomize` renders them for users. It is not there on every machine, so [`render`] does the small part of it that
//! ours use (files, directories, patches of some merge keys, image names) and refuses whatever else a kustomization says; where
//! there is a kubectl, a test holds the two against each other.

mod help;
mod merge;
mod pod;
mod strict;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize as _;
use serde_json::Value;

pub use help::Help;
pub use merge::merge;
pub use pod::{Pod, restricted_by};
pub use strict::strict;

/// Every set of manifests that somebody may apply, as directories of `deploy/`.
pub const OVERLAYS: [&str; 3] = ["base", "overlays/minimal", "overlays/kmsg"];

/// A file or directory of `deploy/`.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy")).join(name)
}

/// All documents of a YAML file.
///
/// # Panics
///
/// When it is not there, or no YAML.
#[must_use]
pub fn documents(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let documents = serde_yaml_ng::Deserializer::from_str(&text);
    let read = |d| Value::deserialize(d).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    documents.map(read).filter(|value| !value.is_null()).collect()
}

/// The objects of an overlay.
///
/// # Panics
///
/// When it says something that is not understood here, or patches what is not there.
#[must_use]
pub fn render(overlay: &str) -> Vec<Value> {
    rendered(&path(overlay))
}

fn rendered(dir: &Path) -> Vec<Value> {
    let file = dir.join("kustomization.yaml");
    let whole = documents(&file).remove(0);
    let known = ["apiVersion", "kind", "resources", "patches", "images"];
    for key in whole.as_object().expect("a mapping").keys() {
        assert!(known.contains(&key.as_str()), "{}: {key} is not rendered here", file.display());
    }
    let list = |key: &str| whole[key].as_array().cloned().unwrap_or_default();
    let mut objects = Vec::new();
    for resource in list("resources") {
        let there = dir.join(resource.as_str().expect("a path"));
        objects.extend(if there.is_dir() { rendered(&there) } else { documents(&there) });
    }
    for patch in list("patches") {
        for patch in documents(&dir.join(patch["path"].as_str().expect("a patch has a path"))) {
            let mut of = objects.iter_mut().filter(|object| name(object) == name(&patch));
            let object = of.next().unwrap_or_else(|| panic!("{} is not there", name(&patch)));
            merge(object, &patch);
        }
    }
    for image in list("images") {
        let (old, tag) = (&image["name"], image["newTag"].as_str().expect("a tag"));
        for object in &mut objects {
            for container in Pod::containers_mut(object) {
                if container["image"] == *old {
                    container["image"] = format!("{}:{tag}", old.as_str().expect("a name")).into();
                }
            }
        }
    }
    objects
}

/// What tells an object from all others.
///
/// # Panics
///
/// When it has no kind or name.
#[must_use]
pub fn name(object: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (kind, metadata) = (word(&object["kind"]), &object["metadata"]);
    assert!(!kind.is_empty() && metadata["name"].is_string(), "no object: {object}");
    format!("{kind} {}/{}", word(&metadata["namespace"]), word(&metadata["name"]))
}

/// The object of that kind and name.
///
/// # Panics
///
/// When there is none.
#[must_use]
pub fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    objects.iter().find(is_it).unwrap_or_else(|| panic!("no {kind} {name}"))
}

/// The same by kubectl; `None` where there is none that knows `patches` (before 1.21).
///
/// # Panics
///
/// When it cannot render them.
#[must_use]
pub fn by_kubectl(overlay: &str) -> Option<Vec<Value>> {
    let version = Command::new("kubectl").args(["version", "--client", "-o", "json"]).output();
    let version: Value = serde_json::from_slice(&version.ok()?.stdout).ok()?;
    let minor = version["clientVersion"]["minor"].as_str()?.trim_end_matches('+').parse::<u32>();
    if minor.ok()? < 21 {
        return None;
    }
    let out = Command::new("kubectl").arg("kustomize").arg(path(overlay)).output().expect("it ran");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.is_empty(), "{overlay}: {said}");
    let text = String::from_utf8(out.stdout).expect("YAML is UTF-8");
    let documents = serde_yaml_ng::Deserializer::from_str(&text);
    Some(documents.map(|d| Value::deserialize(d).expect("kubectl writes YAML")).collect())
}
