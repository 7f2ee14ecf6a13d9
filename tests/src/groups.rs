//! Control groups shaped as the kubelet shapes them (systemd driver, behind a prefix of our own as in a nested
//! cluster), with limits at whichever level a test wants.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cgroups_rs::CgroupPid;
use cgroups_rs::fs::memory::MemController;
use cgroups_rs::fs::{Cgroup, hierarchies};

/// One mebibyte.
pub const MIB: u64 = 1 << 20;

/// A kubepods hierarchy of its own with one pod of two containers.
pub struct Kubepods {
    /// The pod's uid, with dashes.
    pub pod_uid: String,
    /// The containers' ids.
    pub containers: [String; 2],
    name: String,
    // Leaves first: a group is removed before the one that holds it.
    groups: Vec<Cgroup>,
}

/// Which group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The first or second container.
    Container(usize),
    /// The pod.
    Pod,
    /// The burstable class.
    Qos,
    /// All pods.
    Kubepods,
}

impl Kubepods {
    /// Makes the groups; `mark` makes their names unique within the test's process.
    ///
    /// # Panics
    ///
    /// When the kernel refuses.
    #[must_use]
    pub fn create(mark: &str) -> Self {
        // Unique over time too: the kernel log keeps the paths of earlier runs.
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let nanos = u64::try_from(now.as_nanos()).expect("before 2554");
        let unique = format!("{:016x}", nanos ^ (u64::from(std::process::id()) << 40));
        let id = |n: u8| format!("{unique}{unique}{unique}{:016x}", n);
        let containers = [id(1), id(2)];
        let pod_uid = format!(
            "{}-{}-4{}-8{}-{}{}",
            &unique[..8],
            &unique[8..12],
            &unique[12..15],
            &unique[..3],
            &unique[4..12],
            &unique[12..16]
        );
        let name = format!("e2e{mark}");
        let mut new = Self { pod_uid, containers, name, groups: Vec::new() };
        let paths: Vec<String> =
            [Level::Kubepods, Level::Qos, Level::Pod, Level::Container(0), Level::Container(1)]
                .map(|level| new.path(level))
                .to_vec();
        for path in paths {
            let path = path.trim_start_matches('/');
            let memory = Some(vec!["memory".to_owned()]);
            let group = Cgroup::new_with_specified_controllers(hierarchies::auto(), path, memory)
                .unwrap_or_else(|e| panic!("cannot make {path}: {e}"));
            new.groups.insert(0, group);
        }
        new
    }

    /// The path of a group, from the root of the hierarchy.
    #[must_use]
    pub fn path(&self, level: Level) -> String {
        let name = &self.name;
        let kubepods = format!("/{name}-kubepods.slice");
        let qos = format!("{kubepods}/{name}-kubepods-burstable.slice");
        let pod =
            format!("{qos}/{name}-kubepods-burstable-pod{}.slice", self.pod_uid.replace('-', "_"));
        match level {
            Level::Kubepods => kubepods,
            Level::Qos => qos,
            Level::Pod => pod,
            Level::Container(which) => {
                format!("{pod}/cri-containerd-{}.scope", self.containers[which])
            }
        }
    }

    /// Sets a memory limit in bytes.
    ///
    /// # Panics
    ///
    /// When the kernel refuses.
    pub fn limit(&self, level: Level, bytes: u64) {
        let memory: &MemController =
            self.group(level).controller_of().expect("the memory controller");
        memory
            .set_limit(i64::try_from(bytes).expect("a sensible limit"))
            .expect("the limit is set");
    }

    /// Moves a process into a group.
    ///
    /// # Panics
    ///
    /// When the kernel refuses.
    pub fn add(&self, level: Level, pid: u32) {
        self.group(level)
            .add_task_by_tgid(CgroupPid::from(u64::from(pid)))
            .expect("the process is moved");
    }

    /// The file that tells how much memory a group uses now, in bytes.
    #[must_use]
    pub fn usage_file(&self, level: Level) -> PathBuf {
        let directory = directory(&self.path(level));
        let v2 = directory.join("memory.current");
        if v2.is_file() { v2 } else { directory.join("memory.usage_in_bytes") }
    }

    fn group(&self, level: Level) -> &Cgroup {
        let index = match level {
            Level::Container(which) => 1 - which,
            Level::Pod => 2,
            Level::Qos => 3,
            Level::Kubepods => 4,
        };
        &self.groups[index]
    }
}

/// The directory of a group of the memory controller.
#[must_use]
pub fn directory(path: &str) -> PathBuf {
    let v1 = Path::new("/sys/fs/cgroup/memory");
    let root = if v1.is_dir() { v1 } else { Path::new("/sys/fs/cgroup") };
    root.join(path.trim_start_matches('/'))
}

impl Drop for Kubepods {
    fn drop(&mut self) {
        for group in &self.groups {
            // The dead leave a group a moment after they were waited for.
            let start = Instant::now();
            while let Err(error) = group.delete() {
                if start.elapsed() > Duration::from_secs(5) {
                    eprintln!("cannot remove {}: {error}", group.path());
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}
