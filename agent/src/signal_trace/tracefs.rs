//! Where tracefs is, and what is missing where it cannot be used.
//!
//! Documentation/trace/ftrace.rst promises `/sys/kernel/tracing`, and the same below debugfs. It belongs to root with
//! mode 0700, so any root user may use it, without any capability; inside of a container it has to be mounted from the
//! host, to be written to.

use std::path::{Path, PathBuf};

use coroner_core::escape::terminal;
use procfs::FromRead as _;
use procfs::process::MountInfos;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// The trace cannot be used. All say in one sentence what is missing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TraceError {
    #[error(
        "no tracefs is mounted here: mount the host's /sys/kernel/tracing and name it with --tracing-root"
    )]
    NotMounted,
    #[error(
        "{named} is no tracefs, expected one like /sys/kernel/tracing: it has no directory `{lacks}`"
    )]
    NoTracefs { named: String, lacks: &'static str },
    #[error("cannot {what} {path}: {errno} ({hint})")]
    Denied { what: &'static str, path: PathBuf, errno: Errno, hint: &'static str },
    #[error("{path} {error}, so its events cannot be read")]
    Format { path: PathBuf, error: coroner_core::signal::FormatError },
    #[error("trace instance name `{name}` is no name of a directory")]
    Name { name: String },
    #[error("{tried} trace instances named like {path} are in use by other agents")]
    AllInUse { tried: usize, path: PathBuf },
    #[error("cannot wait for {path}: {source}")]
    Watch { path: PathBuf, source: std::io::Error },
    #[error("the trace instance {path} was switched off by somebody")]
    SwitchedOff { path: PathBuf },
}

impl TraceError {
    pub(super) fn denied(what: &'static str, path: &Path, errno: Errno) -> Self {
        let hint = match errno {
            Errno::ACCESS | Errno::PERM => {
                "tracefs belongs to root and has mode 0700: run as user 0; no capability is needed"
            }
            Errno::ROFS => {
                "it is mounted read-only: mount it read-write, an instance of its own is made there"
            }
            Errno::NOENT => {
                "the kernel has no such file: it may be too old, or built without CONFIG_FTRACE"
            }
            Errno::NOMEM => "the kernel has no memory for the buffer",
            _ => "unexpected",
        };
        Self::Denied { what, path: path.to_owned(), errno, hint }
    }
}

/// Finds tracefs: where it was said to be, or in the mount table.
pub(crate) fn find(configured: Option<&Path>, mountinfo: &Path) -> Result<PathBuf, TraceError> {
    let path = match configured {
        Some(path) => path.to_owned(),
        None => in_table(mountinfo).ok_or(TraceError::NotMounted)?,
    };
    for lacks in ["instances", "events"] {
        match std::fs::metadata(path.join(lacks)) {
            Ok(meta) if meta.is_dir() => {}
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(TraceError::denied("open", &path.join(lacks), Errno::ACCESS));
            }
            _ => {
                let path = terminal(&path.display().to_string()).to_string();
                let named = match configured {
                    Some(_) => format!("`{path}` (--tracing-root)"),
                    None => path,
                };
                return Err(TraceError::NoTracefs { named, lacks });
            }
        }
    }
    Ok(path)
}

fn in_table(mountinfo: &Path) -> Option<PathBuf> {
    let mounts = MountInfos::from_file(mountinfo).ok()?;
    let mut below_debugfs = None;
    for mount in mounts {
        match mount.fs_type.as_str() {
            "tracefs" if mount.root == "/" => return Some(mount.mount_point),
            // Mounted there by itself as soon as somebody looks.
            "debugfs" if mount.root == "/" => {
                below_debugfs = Some(mount.mount_point.join("tracing"));
            }
            _ => {}
        }
    }
    below_debugfs
}

/// Reads a small file.
pub(super) fn read(path: &Path) -> Result<String, TraceError> {
    let denied = |errno| TraceError::denied("read", path, errno);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(denied)?;
    let mut text = vec![0; 16 * 1024];
    let mut len = 0;
    while let Some(room) = text.get_mut(len..).filter(|room| !room.is_empty()) {
        match rustix::io::read(&fd, room) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(denied(errno)),
        }
    }
    text.truncate(len);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Writes a setting, in one write as tracefs wants it.
pub(super) fn write(path: &Path, value: &str) -> Result<(), TraceError> {
    let denied = |errno| TraceError::denied("write", path, errno);
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(denied)?;
    rustix::io::write(&fd, value.as_bytes()).map_err(denied)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBUGFS: &str = "30 20 0:7 / /sys/kernel/debug rw - debugfs debugfs rw\n";
    const TRACEFS: &str = "31 20 0:12 / /sys/kernel/tracing rw - tracefs nodev rw\n";

    #[test]
    fn the_mount_table_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let table = |lines: &str| {
            let path = dir.path().join("mountinfo");
            std::fs::write(&path, lines).unwrap();
            in_table(&path)
        };
        assert_eq!(table(&[DEBUGFS, TRACEFS].concat()), Some("/sys/kernel/tracing".into()));
        assert_eq!(table(DEBUGFS), Some("/sys/kernel/debug/tracing".into()));
        assert_eq!(table("22 1 0:5 / /proc rw - proc proc rw\n"), None);
        assert_eq!(in_table(Path::new("/nonexistent")), None);
    }

    #[test]
    fn what_is_no_tracefs_is_named_in_one_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let error = find(Some(dir.path()), Path::new("/nonexistent")).unwrap_err().to_string();
        let expected = "` (--tracing-root) is no tracefs, expected one like /sys/kernel/tracing: it has no directory `instances`";
        assert!(error.starts_with('`') && error.ends_with(expected), "{error}");
        let error = find(None, Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(error.contains("--tracing-root") && !error.contains('\n'), "{error}");
        let denied = TraceError::denied("make", dir.path(), Errno::ROFS).to_string();
        assert!(denied.contains("mount it read-write"), "{denied}");
    }
}
