//! An OCI image layout in a tar file: `oci-layout`, `index.json` and blobs named by their digest.
//!
//! opencontainers/image-spec v1.1: image-layout.md, manifest.md, config.md. containerd names an imported image by the annotation
//! `io.containerd.image.name`, others by `org.opencontainers.image.ref.name`.

use std::io::Write as _;

use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// The version of everything here.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What an image says of itself.
pub(crate) struct Config<'a> {
    pub(crate) name: &'a str,
    pub(crate) about: &'a str,
    /// Seconds since 1970.
    pub(crate) created: i64,
    pub(crate) user: u64,
    pub(crate) entrypoint: String,
    pub(crate) ports: &'a [u16],
    /// Digest of the layer before compression.
    pub(crate) layer: String,
}

/// The digest that a blob is named by.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Compressed, without a time or name in it.
pub(crate) fn gzip(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    gzip.write_all(bytes)?;
    Ok(gzip.finish()?)
}

/// The whole layout, and the digest of its manifest.
pub(crate) fn archive(config: &Config<'_>, layer: &[u8]) -> anyhow::Result<(Vec<u8>, String)> {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let created = jiff::Timestamp::from_second(config.created)?.to_string();
    let labels = json!({
        "org.opencontainers.image.title": config.name,
        "org.opencontainers.image.description": config.about,
        "org.opencontainers.image.version": VERSION,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.created": created,
    });
    let ports: serde_json::Map<String, Value> =
        config.ports.iter().map(|port| (format!("{port}/tcp"), json!({}))).collect();
    let about = serde_json::to_vec(&json!({
        "created": created,
        "architecture": arch,
        "os": "linux",
        "config": {
            "User": format!("{0}:{0}", config.user),
            "Entrypoint": [config.entrypoint],
            "Env": ["PATH=/usr/bin"],
            "ExposedPorts": ports,
            "Labels": labels,
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": [config.layer]},
        // Some tools take an image without a history for a broken one.
        "history": [{"created": created, "created_by": "xtask image", "comment": config.about}],
    }))?;
    let manifest = serde_json::to_vec(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest(&about), "size": about.len()},
        "layers": [{"mediaType": LAYER, "digest": digest(layer), "size": layer.len()}],
        "annotations": labels,
    }))?;
    let index = serde_json::to_vec(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": MANIFEST,
            "digest": digest(&manifest),
            "size": manifest.len(),
            "platform": {"architecture": arch, "os": "linux"},
            "annotations": {
                "io.containerd.image.name": format!("docker.io/library/{}:{VERSION}", config.name),
                "org.opencontainers.image.ref.name": VERSION,
            },
        }],
    }))?;
    let mut tar = Builder::new(Vec::new());
    let mut put = |path: &str, bytes: &[u8]| -> anyhow::Result<()> {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_size(u64::try_from(bytes.len())?);
        header.set_mode(0o644);
        header.set_mtime(0);
        Ok(tar.append_data(&mut header, path, bytes)?)
    };
    put("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    put("index.json", &index)?;
    let mut blobs = [about.as_slice(), manifest.as_slice(), layer].map(|b| (digest(b), b));
    blobs.sort();
    for (digest, bytes) in blobs {
        put(&format!("blobs/{}", digest.replace(':', "/")), bytes)?;
    }
    Ok((tar.into_inner()?, digest(&manifest)))
}
