//! Compiles `coroner/v1/*.proto` with protox, so that nobody needs `protoc`, and keeps the descriptors for reflection.

use std::error::Error;
use std::path::{Path, PathBuf};

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=coroner/v1");

    let descriptors = protox::compile(protos(&root.join("coroner/v1"))?, [&root])?;
    std::fs::write(out.join("coroner.v1.binpb"), descriptors.encode_to_vec())?;
    // The large ones are boxed, or every small event would take the room of a whole report.
    tonic_prost_build::configure()
        .boxed(".coroner.v1.KernelEvent.event.oom")
        .boxed(".coroner.v1.KernelEvent.event.oom_victim")
        .boxed(".coroner.v1.KernelEvent.event.allocation_failure")
        .compile_fds(descriptors)?;
    Ok(())
}

/// All `.proto` files of a directory, in a stable order.
fn protos(dir: &Path) -> Result<Vec<PathBuf>, std::io::Error> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "proto") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
