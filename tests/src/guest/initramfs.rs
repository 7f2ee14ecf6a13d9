//! The guest's file system: a `newc` archive (Documentation/driver-api/early-userspace/buffer-format.rst) with busybox,
//! the project's programs as they were built for the other tests, and the shared libraries they are linked with.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs;

/// The guest's process 1.
const INIT: &str = include_str!("init.sh");
/// What runs inside.
const PROGRAMS: [&str; 5] =
    ["coroner-agent", "coroner-collector", "coroner", "guest-inside", "guest-tenant"];
const BUSYBOX: &str = "/bin/busybox";

/// Builds the archive.
///
/// # Errors
///
/// One sentence that says what is missing.
pub fn build(to: &Path) -> Result<(), String> {
    let mut archive = Archive::default();
    for dir in ["bin", "lib", "lib64", "dev", "proc", "sys", "tmp", "var", "var/lib", "etc"] {
        archive.dir(dir);
    }
    archive.file("init", 0o755, INIT.as_bytes());
    archive.file("etc/hostname", 0o644, b"guest\n");
    archive.copy("bin/busybox", &busybox()?)?;
    // The runtime's shim is busybox under a runtime's name: it only waits for the container's first process.
    archive.copy("bin/containerd-shim", &busybox()?)?;
    let mut libraries = BTreeSet::new();
    let scratch = tempfile::tempdir().map_err(|e| format!("no temporary directory: {e}"))?;
    for name in PROGRAMS {
        let program = programs::path(name);
        libraries.extend(shared_libraries(&program)?);
        let stripped = scratch.path().join(name);
        let done = Command::new("strip").arg("-o").arg(&stripped).arg(&program).status();
        let small = if done.is_ok_and(|s| s.success()) { stripped } else { program };
        archive.copy(&format!("bin/{name}"), &small)?;
    }
    for library in libraries {
        let place = library.to_string_lossy().trim_start_matches('/').to_owned();
        archive.parents(&place);
        archive.copy(&place, &library)?;
    }
    let bytes = archive.finish();
    let mut file = std::fs::File::create(to).map_err(|e| format!("{}: {e}", to.display()))?;
    file.write_all(&bytes).map_err(|e| format!("{}: {e}", to.display()))
}

/// A second archive, to be read after the first, with these files.
#[must_use]
pub fn more(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Archive::default();
    for (path, content) in files {
        let place = path.trim_start_matches('/');
        archive.parents(place);
        archive.file(place, 0o600, content);
    }
    archive.finish()
}

fn busybox() -> Result<PathBuf, String> {
    let path = PathBuf::from(BUSYBOX);
    let path = if path.is_file() { path } else { PathBuf::from("/usr/bin/busybox") };
    match shared_libraries(&path) {
        Ok(none) if path.is_file() && none.is_empty() => Ok(path),
        _ => Err("a static busybox is missing: install busybox-static".to_owned()),
    }
}

/// What `ldd` resolves for a program, the loader included; nothing for a static one.
fn shared_libraries(program: &Path) -> Result<Vec<PathBuf>, String> {
    let output = Command::new("ldd").arg(program).output().map_err(|e| format!("ldd: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .split_whitespace()
        .filter(|word| word.starts_with('/') && !word.ends_with(':'))
        .map(PathBuf::from)
        .collect())
}

/// An archive under way.
#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    dirs: BTreeSet<String>,
    inode: u32,
}

impl Archive {
    fn dir(&mut self, name: &str) {
        if self.dirs.insert(name.to_owned()) {
            self.entry(name, 0o040_755, &[]);
        }
    }

    fn parents(&mut self, name: &str) {
        for (at, _) in name.match_indices('/') {
            self.dir(&name[..at]);
        }
    }

    fn file(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.entry(name, 0o100_000 | mode, content);
    }

    fn copy(&mut self, name: &str, from: &Path) -> Result<(), String> {
        let content = std::fs::read(from).map_err(|e| format!("{}: {e}", from.display()))?;
        self.file(name, 0o755, &content);
        Ok(())
    }

    fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.inode += 1;
        let size = u32::try_from(content.len()).expect("a file below 4 GiB");
        let name_size = u32::try_from(name.len() + 1).expect("a short name");
        // inode, mode, uid, gid, links, mtime, size, device x2, rdevice x2, name size, checksum
        let fields = [self.inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    fn pad(&mut self) {
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
    }
}
