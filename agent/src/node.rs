//! What identifies this machine and this boot of it.
//!
//! `/proc/sys/kernel/random/boot_id` is a random UUID the kernel makes at each boot (random(4)); it is shared by all
//! containers of the machine. Without it no finding can have an identity, so its absence ends the start.

mod facts;
mod lacks;

use std::path::{Path, PathBuf};

pub(crate) use facts::facts;

/// The machine does not say what it must say.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The boot id cannot be read.
    #[error("cannot read the boot id from {path}: {source}")]
    BootId {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The boot id is none.
    #[error("boot id in {path} is not made of hex digits and dashes: `{value}`")]
    NoBootId {
        /// The file.
        path: PathBuf,
        /// What stands there, escaped.
        value: String,
    },
}

/// The kernel's id of this boot.
///
/// # Errors
/// When the file is absent or holds something else.
pub(crate) fn boot_id(proc_root: &Path) -> Result<String, NodeError> {
    let path = proc_root.join("sys/kernel/random/boot_id");
    let text = std::fs::read_to_string(&path)
        .map_err(|source| NodeError::BootId { path: path.clone(), source })?;
    let id = text.trim();
    let good =
        !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if good {
        Ok(id.to_owned())
    } else {
        Err(NodeError::NoBootId { path, value: coroner_core::escape::terminal(id).to_string() })
    }
}

/// The machine's own name, for want of one that Kubernetes gives.
#[must_use]
pub fn hostname() -> Option<String> {
    let name = rustix::system::uname().nodename().to_str().ok()?.trim().to_owned();
    (!name.is_empty()).then_some(name)
}

/// Size of a page in bytes; the kernel's task table counts in pages.
pub(crate) fn page_size() -> u64 {
    u64::try_from(rustix::param::page_size()).unwrap_or(4096)
}

/// Whether process ids read by us are those the kernel log prints: the log uses the first pid namespace's, whose
/// inode number is fixed (`PROC_PID_INIT_INO`, include/linux/proc_ns.h).
pub(crate) fn sees_host_pids() -> bool {
    std::fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.as_os_str() == "pid:[4026531836]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_boot_id() {
        assert_eq!(boot_id(Path::new("/proc")).unwrap().len(), 36);
        assert!(hostname().is_some());
        assert!(page_size().is_power_of_two());
    }

    #[test]
    fn a_file_that_is_none_is_refused_with_its_path() {
        let dir = tempfile::tempdir().unwrap();
        assert!(boot_id(dir.path()).unwrap_err().to_string().contains("boot_id"));
        let random = dir.path().join("sys/kernel/random");
        std::fs::create_dir_all(&random).unwrap();
        std::fs::write(random.join("boot_id"), "x\u{1b}[0m").unwrap();
        let error = boot_id(dir.path()).unwrap_err().to_string();
        assert!(error.contains("\\x1b"), "{error}");
    }
}
