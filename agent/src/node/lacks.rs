//! Which privileges the sources would need and do not have, found by trying what costs nothing.
//!
//! Each source says itself when it cannot read; this says beforehand, in one place, what would have to be given. A
//! device or file that can be opened is not read here, and nothing is changed.

use std::path::Path;

use coroner_core::finding::{Lack, Source};
use rustix::fs::{Access, access};

use crate::cgroup::Hierarchy;
use crate::config::{Config, KernelLogSource};
use crate::signal_trace::find_tracefs;

/// `CAP_SYSLOG` (include/uapi/linux/capability.h).
const CAP_SYSLOG: u32 = 34;

pub(super) fn lacks(config: &Config, hierarchy: Option<&Hierarchy>) -> Vec<Lack> {
    let mut found = Vec::new();
    let mut lack = |source: Source, what: Option<String>| {
        if let Some(what) = what.filter(|_| config.enabled(source)) {
            found.push(Lack { source, what });
        }
    };
    if let KernelLogSource::Device(device) = &config.kernel_log {
        lack(Source::KernelLog, kernel_log(device, &config.proc_root));
    }
    let root = config.cgroup_root.as_deref();
    let none = || {
        match Hierarchy::find(&config.proc_root, root) {
        Err(error) if root.is_some() => error.to_string(),
        _ => "needs the memory controller's cgroup hierarchy, mounted or given as --cgroup-root; there is none"
            .to_owned(),
    }
    };
    lack(Source::Cgroup, hierarchy.is_none().then(none));
    lack(Source::SignalTrace, tracing(config));
    for (source, file) in [
        (Source::Fragmentation, "buddyinfo"),
        (Source::Headroom, "meminfo"),
        (Source::Pressure, "pressure/memory"),
    ] {
        lack(source, readable(&config.proc_root.join(file)));
    }
    found
}

/// The device takes a privileged container; reading the ring by `syslog(2)` takes `CAP_SYSLOG`.
fn kernel_log(device: &Path, proc_root: &Path) -> Option<String> {
    let error = std::fs::File::open(device).err()?;
    let status = std::fs::read_to_string(proc_root.join("self/status")).unwrap_or_default();
    let syslog = match capability(&status, CAP_SYSLOG) {
        Some(true) => "CAP_SYSLOG is there, so syslog(2) may stand in",
        Some(false) => "CAP_SYSLOG, with which syslog(2) could stand in, is not there either",
        None => "whether CAP_SYSLOG is there cannot be told",
    };
    Some(format!(
        "cannot open {} ({error}), which takes root in a privileged container; {syslog}",
        device.display()
    ))
}

/// Whether a capability is in effect, by `CapEff` of a process's status.
fn capability(status: &str, bit: u32) -> Option<bool> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    let set = u64::from_str_radix(line.trim(), 16).ok()?;
    Some(set >> bit & 1 == 1)
}

/// An own instance is a directory made below `instances`, which belongs to root.
fn tracing(config: &Config) -> Option<String> {
    // The mounts of this process: the host's are another matter.
    let mounts = Path::new("/proc/self/mountinfo");
    let place = match find_tracefs(config.tracing_root.as_deref(), mounts) {
        Ok(place) => place,
        Err(error) => return Some(error.to_string()),
    };
    let error = access(place.join("instances"), Access::WRITE_OK).err()?;
    Some(format!(
        "needs to make a directory in {}/instances, which takes root and a mount that can be written ({error})",
        place.display()
    ))
}

fn readable(path: &Path) -> Option<String> {
    let error = access(path, Access::READ_OK).err()?;
    Some(format!("needs to read {} ({error})", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_in_effect() {
        let status = "Name:\tx\nCapPrm:\t0000000000000000\nCapEff:\t0000000400000000\n";
        assert_eq!((capability(status, 34), capability(status, 21)), (Some(true), Some(false)));
        assert_eq!((capability("", 34), capability("CapEff:\tzz\n", 34)), (None, None));
    }

    #[test]
    fn everything_that_is_absent_is_said_once_a_source() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            proc_root: dir.path().to_owned(),
            kernel_log: KernelLogSource::Device(dir.path().join("kmsg")),
            disabled: [Source::Pressure, Source::SignalTrace].into(),
            ..Config::new("n", "http://127.0.0.1:1")
        };
        let found = lacks(&config, None);
        let sources: Vec<_> = found.iter().map(|lack| lack.source).collect();
        assert_eq!(
            sources,
            [Source::KernelLog, Source::Cgroup, Source::Fragmentation, Source::Headroom]
        );
        assert!(found.iter().all(|lack| !lack.what.contains('\n')), "{found:?}");
    }

    #[test]
    fn a_place_that_was_given_is_looked_at_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let given = |path: &Path| Config {
            tracing_root: Some(path.to_owned()),
            ..Config::new("n", "http://127.0.0.1:1")
        };
        let what = tracing(&given(dir.path())).unwrap();
        assert!(what.contains(&dir.path().display().to_string()), "{what}");
        for name in ["instances", "events"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        assert_eq!(tracing(&given(dir.path())), None);
    }
}
