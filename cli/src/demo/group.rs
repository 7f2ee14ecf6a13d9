//! The demo's private control group: made, limited, joined and removed with cgroups-rs.
//!
//! Its path has the shape of a container's under a kubelet with the systemd driver, below a root of its own, so that
//! the answer shows what it shows for a real pod. On version 2 the memory controller must be free to be handed down,
//! which it is not inside most containers; on version 1 the memory hierarchy must be mounted. What is missing is said.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cgroups_rs::CgroupPid;
use cgroups_rs::fs::Controller as _;
use cgroups_rs::fs::cgroup::Cgroup;
use cgroups_rs::fs::hierarchies;
use cgroups_rs::fs::memory::MemController;

use super::leftover::is_left_behind;
use crate::Error;

/// The group's limit in bytes.
pub(super) const LIMIT: u64 = 32 << 20;

/// The demo's own root of pods.
const ROOT: &str = "coroner-demo-kubepods.slice";

/// How long a group may stay busy after its last process was reaped.
const BUSY: Duration = Duration::from_secs(1);

/// How often the making is tried again.
const RETRIES: usize = 3;

/// The group; removed when dropped.
pub(super) struct Group {
    /// Below the root of the hierarchy.
    pub path: PathBuf,
    /// 64 hex digits.
    pub container_id: String,
}

impl Group {
    /// Makes the group and sets its limit, or says what is missing.
    pub(super) fn make() -> Result<Self, String> {
        if !has_controller() {
            return Err("no memory controller is mounted at /sys/fs/cgroup".to_owned());
        }
        remove_left_behind();
        // Whose it is stands in it, so that the next demo can tell what was left behind.
        let uid = format!("{:08x}{}", std::process::id(), random_hex(24));
        let uid = [&uid[..8], &uid[8..12], &uid[12..16], &uid[16..20], &uid[20..]].join("_");
        let container_id = random_hex(64);
        let path = Path::new(ROOT)
            .join(format!("coroner-demo-kubepods-pod{uid}.slice"))
            .join(format!("cri-containerd-{container_id}.scope"));
        // Removed again also when only a part of it can be made.
        let group = Self { path, container_id };
        let cgroup = open(&group.path);
        // Another demo that ends may take an empty parent away between two steps of the making.
        let mut made = cgroup.create();
        for _ in 0..RETRIES {
            if made.is_ok() {
                break;
            }
            made = cgroup.create();
        }
        made.map_err(|error| format!("a control group cannot be made ({})", why(&error)))?;
        let memory: &MemController = cgroup
            .controller_of()
            .ok_or_else(|| "the memory controller is not there".to_owned())?;
        let limit = i64::try_from(LIMIT).unwrap_or(i64::MAX);
        memory.set_limit(limit).map_err(|error| {
            format!("the memory controller cannot be used in a new control group ({})", why(&error))
        })?;
        // Swap would only draw it out. Where it is not accounted for, there is nothing to set.
        let _ = memory.set_memswap_limit(if cgroup.v2() { 0 } else { limit });
        Ok(group)
    }

    /// Removes the group and its parents, as far as they are the demo's and empty. Plain `rmdir`: the crate's own
    /// removal takes everything below a group with it, on version 1.
    fn remove(&self) {
        let Some(directory) = directory(&self.path) else { return };
        let deadline = SystemTime::now() + BUSY;
        while directory.exists()
            && fs::remove_dir(&directory).is_err()
            && SystemTime::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(2));
        }
        let mut above = directory.parent();
        for _ in self.path.ancestors().skip(1).filter(|parent| parent.starts_with(ROOT)) {
            let Some(parent) = above else { return };
            // Another demo may be in it.
            let _ = fs::remove_dir(parent);
            above = parent.parent();
        }
    }

    /// A copy of what it takes to remove it, for where it cannot be dropped.
    pub(super) fn remover(&self) -> impl Fn() + Send + Sync + 'static {
        let (path, container_id) = (self.path.clone(), self.container_id.clone());
        move || drop(Self { path: path.clone(), container_id: container_id.clone() })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Moves the calling process into the group.
pub(super) fn join(path: &Path) -> Result<(), Error> {
    open(path).add_task_by_tgid(CgroupPid::from(u64::from(std::process::id()))).map_err(|error| {
        Error::Demo(format!("the hog cannot join its control group: {}", why(&error)))
    })
}

fn open(path: &Path) -> Cgroup {
    Cgroup::load_with_specified_controllers(hierarchies::auto(), path, vec!["memory".to_owned()])
}

/// Whether there is a memory controller at all.
fn has_controller() -> bool {
    open(Path::new(ROOT))
        .subsystems()
        .iter()
        .any(|subsystem| subsystem.controller_name() == "memory")
}

/// Removes what demos left that could not clean up. Groups with processes cannot be removed.
fn remove_left_behind() {
    let Some(root) = directory(Path::new(ROOT)) else { return };
    let pods = fs::read_dir(&root).into_iter().flatten().flatten();
    for pod in pods.map(|entry| entry.path()).filter(|pod| is_left_behind(pod, owner(pod))) {
        for container in fs::read_dir(&pod).into_iter().flatten().flatten() {
            // Files of the hierarchy are no directories and stay.
            let _ = fs::remove_dir(container.path());
        }
        let _ = fs::remove_dir(pod);
    }
    let _ = fs::remove_dir(root);
}

/// The process id in the name of a pod's group.
fn owner(pod: &Path) -> Option<u32> {
    let name = pod.file_name()?.to_str()?;
    let uid = name.strip_prefix("coroner-demo-kubepods-pod")?;
    u32::from_str_radix(uid.get(..8)?, 16).ok()
}

/// Where a group's files are, whether or not it exists; `None` without a memory controller.
fn directory(path: &Path) -> Option<PathBuf> {
    let cgroup = open(path);
    let memory: &MemController = cgroup.controller_of()?;
    let directory = PathBuf::from(memory.path());
    // Nothing is removed that does not lie where it was asked for.
    directory.ends_with(path).then_some(directory)
}

/// The last of a chain of errors: what the system says.
fn why(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Hex digits nobody else has. The standard library's hash keys are random for each process.
fn random_hex(digits: usize) -> String {
    let mut text = String::new();
    let mut n = 0_u32;
    while text.len() < digits {
        text.push_str(&format!("{:016x}", RandomState::new().hash_one((n, std::process::id()))));
        n += 1;
    }
    text.truncate(digits);
    text
}
