//! The guest's control groups, named as a kubelet names them: with the systemd driver's names on version 2 and the
//! cgroupfs driver's on version 1, so that both are seen.

use std::path::{Path, PathBuf};

use crate::guest::plan::Hierarchy;

const ROOT: &str = "/sys/fs/cgroup";

/// The hierarchy.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    hierarchy: Hierarchy,
}

impl Tree {
    /// Makes the groups that are always there.
    pub(super) fn create(hierarchy: Hierarchy) -> Result<Self, String> {
        let tree = Self { hierarchy };
        tree.hand_down(Path::new(""))?;
        tree.make(&tree.kubepods(), true)?;
        tree.make(&tree.burstable(), true)?;
        tree.make(Path::new("system.slice"), true)?;
        tree.make(Path::new("user.slice"), true)?;
        tree.host("system.slice/containerd.service")?;
        tree.host("system.slice/kubelet.service")?;
        Ok(tree)
    }

    /// Which version it is.
    pub(super) fn hierarchy(&self) -> Hierarchy {
        self.hierarchy
    }

    pub(super) fn kubepods(&self) -> PathBuf {
        PathBuf::from(match self.hierarchy {
            Hierarchy::V2 => "kubepods.slice",
            Hierarchy::V1 => "kubepods",
        })
    }

    fn burstable(&self) -> PathBuf {
        self.kubepods().join(match self.hierarchy {
            Hierarchy::V2 => "kubepods-burstable.slice",
            Hierarchy::V1 => "burstable",
        })
    }

    /// Makes a pod's group.
    pub(super) fn pod(&self, uid: &str) -> Result<PathBuf, String> {
        let path = self.burstable().join(match self.hierarchy {
            Hierarchy::V2 => format!("kubepods-burstable-pod{}.slice", uid.replace('-', "_")),
            Hierarchy::V1 => format!("pod{uid}"),
        });
        self.make(&path, true)?;
        Ok(path)
    }

    /// Makes a container's group.
    pub(super) fn container(&self, pod: &Path, id: &str) -> Result<PathBuf, String> {
        let path = pod.join(match self.hierarchy {
            Hierarchy::V2 => format!("cri-containerd-{id}.scope"),
            Hierarchy::V1 => id.to_owned(),
        });
        self.make(&path, false)?;
        Ok(path)
    }

    /// Makes a group of the host, such as `system.slice/kubelet.service`.
    pub(super) fn host(&self, path: &str) -> Result<PathBuf, String> {
        self.make(Path::new(path), false)?;
        Ok(PathBuf::from(path))
    }

    /// Where a group's memory files are.
    pub(super) fn memory(&self, group: &Path) -> PathBuf {
        self.root("memory").join(group)
    }

    /// A group's directory in each hierarchy that a process of it must join, the memory's last.
    pub(super) fn directories(&self, group: &Path) -> Vec<PathBuf> {
        match self.hierarchy {
            Hierarchy::V2 => vec![self.root("").join(group)],
            Hierarchy::V1 => {
                let controllers = ["cpuset", "pids", "cpu,cpuacct", "memory"];
                controllers.map(|c| self.root(c).join(group)).to_vec()
            }
        }
    }

    /// Lets a group use the memory of one NUMA node only.
    pub(super) fn pin(&self, group: &Path, node: &str) -> Result<(), String> {
        write(&self.root("cpuset").join(group).join("cpuset.mems"), node)
    }

    /// Moves a process into a group.
    pub(super) fn join(&self, group: &Path, pid: u32) -> Result<(), String> {
        for dir in self.directories(group) {
            write(&dir.join("cgroup.procs"), &pid.to_string())?;
        }
        Ok(())
    }

    /// The processes of a group.
    pub(super) fn processes(&self, group: &Path) -> Vec<u32> {
        let text = std::fs::read_to_string(self.memory(group).join("cgroup.procs"));
        text.unwrap_or_default().lines().filter_map(|l| l.parse().ok()).collect()
    }

    /// Removes a group, unless somebody is left in it.
    pub(super) fn remove(&self, group: &Path) -> bool {
        self.directories(group).iter().all(|dir| std::fs::remove_dir(dir).is_ok() || !dir.exists())
    }

    fn root(&self, controller: &str) -> PathBuf {
        match self.hierarchy {
            Hierarchy::V2 => PathBuf::from(ROOT),
            Hierarchy::V1 => Path::new(ROOT).join(controller),
        }
    }

    fn make(&self, group: &Path, inner: bool) -> Result<(), String> {
        for dir in self.directories(group) {
            std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        }
        if self.hierarchy == Hierarchy::V1 {
            self.inherit_cpuset(group)?;
        }
        if inner { self.hand_down(group) } else { Ok(()) }
    }

    /// Nothing is inherited there: each level is given what its parent has, or nobody may join it.
    fn inherit_cpuset(&self, group: &Path) -> Result<(), String> {
        let mut dir = self.root("cpuset");
        for part in group {
            let above = dir.clone();
            dir.push(part);
            for file in ["cpuset.cpus", "cpuset.mems"] {
                let read = |dir: &Path| std::fs::read_to_string(dir.join(file)).unwrap_or_default();
                if read(&dir).trim().is_empty() {
                    write(&dir.join(file), read(&above).trim())?;
                }
            }
        }
        Ok(())
    }

    /// Gives the controllers to the groups below (version 2).
    fn hand_down(&self, group: &Path) -> Result<(), String> {
        if self.hierarchy == Hierarchy::V2 {
            let file = self.root("").join(group).join("cgroup.subtree_control");
            for controller in ["memory", "pids", "cpu", "cpuset"] {
                write(&file, &format!("+{controller}"))?;
            }
        }
        Ok(())
    }
}

/// Writes a kernel file.
pub(super) fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|e| format!("`{text}` to {}: {e}", path.display()))
}
