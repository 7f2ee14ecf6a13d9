//! What is in an image: a bill of materials in CycloneDX 1.5 JSON, out of what cargo itself resolves.
//!
//! Only what is linked for this platform: normal dependencies, without those of tests and of build scripts. C code that crates
//! bring (SQLite in libsqlite3-sys, ring's assembly) is part of their crate.

use std::collections::{BTreeSet, VecDeque};
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

/// cargo's own view of the workspace, for the platform that is built for.
pub(crate) fn metadata() -> anyhow::Result<Value> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let said = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked", "--filter-platform", &target])
        .output()
        .context("cannot run cargo metadata")?;
    let error = String::from_utf8_lossy(&said.stderr);
    ensure!(said.status.success(), "cargo metadata: {error}");
    Ok(serde_json::from_slice(&said.stdout)?)
}

/// The bill of an image that these packages are in.
pub(crate) fn of(metadata: &Value, packages: &[&str], image: &str) -> anyhow::Result<Vec<u8>> {
    let all = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let nodes =
        metadata["resolve"]["nodes"].as_array().context("cargo metadata resolves nothing")?;
    let is_root = |package: &&Value| {
        package["source"].is_null() && packages.iter().any(|name| package["name"] == *name)
    };
    let mut todo: VecDeque<&str> =
        all.iter().filter(is_root).filter_map(|package| package["id"].as_str()).collect();
    ensure!(todo.len() == packages.len(), "not all of {packages:?} are in the workspace");
    let mut linked = BTreeSet::new();
    while let Some(id) = todo.pop_front() {
        if !linked.insert(id) {
            continue;
        }
        let node =
            nodes.iter().find(|node| node["id"] == id).context("a package is not resolved")?;
        for dependency in node["deps"].as_array().into_iter().flatten() {
            let kinds = dependency["dep_kinds"].as_array();
            if kinds.into_iter().flatten().any(|kind| kind["kind"].is_null()) {
                todo.extend(dependency["pkg"].as_str());
            }
        }
    }
    let mut components: Vec<Value> = all
        .iter()
        .filter(|p| p["id"].as_str().is_some_and(|id| linked.contains(id)))
        .map(component)
        .collect();
    components.sort_by_key(|component| component["purl"].to_string());
    Ok(serde_json::to_vec_pretty(&json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {
            "type": "container", "name": image, "version": env!("CARGO_PKG_VERSION"),
            "licenses": [{"expression": "Apache-2.0"}],
        }},
        "components": components,
    }))?)
}

fn component(package: &Value) -> Value {
    let word = |key: &str| package[key].as_str().unwrap_or_default();
    let (name, version) = (word("name"), word("version"));
    let mut component = json!({
        "type": "library", "name": name, "version": version, "purl": format!("pkg:cargo/{name}@{version}"),
    });
    // cargo still takes the old `A/B`, which SPDX does not.
    let license = word("license").replace('/', " OR ");
    if !license.is_empty() {
        component["licenses"] = json!([{"expression": license}]);
    }
    component
}
