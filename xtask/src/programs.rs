//! Builds the programs that go into images: static ones.
//!
//! For the machine's own glibc target with `+crt-static`, since that target is there wherever Rust is. A static glibc since 2.34
//! resolves names from files and by DNS without loading anything (NEWS of 2.34: nss_files and nss_dns are built in), which is all
//! that a pod needs.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};

/// Builds a program and says where it is.
pub(crate) fn build(package: &str, name: &str, profile: &str) -> anyhow::Result<PathBuf> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let dir = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let here = std::env::current_dir()?;
    let home = std::env::var("CARGO_HOME")
        .or_else(|_| std::env::var("HOME").map(|home| home + "/.cargo"))
        .context("neither CARGO_HOME nor HOME is set")?;
    // Where it was built must not show in what was built.
    let flags = format!(
        "-C target-feature=+crt-static --remap-path-prefix={}=/coroner --remap-path-prefix={home}=/cargo",
        here.display()
    );
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--locked", "--target", &target, "--profile", profile])
        .args(["-p", package, "--bin", name])
        .env("RUSTFLAGS", flags)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "{name} cannot be built");
    Ok(dir.join(target).join(profile).join(name))
}

/// When the last commit was made, in seconds since 1970.
pub(crate) fn last_commit() -> anyhow::Result<i64> {
    let said = Command::new("git").args(["log", "-1", "--format=%ct"]).output();
    let said = said.context("cannot run git; say when with --created")?;
    let text = String::from_utf8_lossy(&said.stdout);
    text.trim().parse().context("no commit here; say when with --created")
}
