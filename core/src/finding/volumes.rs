//! Volumes of a pod that are kept in memory.
//!
//! An emptyDir of medium Memory is a tmpfs that the kubelet mounts below its directory of pods; what is written into it is
//! charged to whoever writes, belongs to no process, and is in no list of processes. The host's mount table shows it.

use serde::{Deserialize, Serialize};

/// The volumes in memory of one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryVolumes {
    /// The pod.
    pub pod_uid: String,
    /// Its volumes, those that hold the most first.
    pub volumes: Vec<MemoryVolume>,
}

/// One volume in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryVolume {
    /// Its name in the pod: hostile text.
    pub name: String,
    /// Where it is mounted on the host: hostile text.
    pub path: String,
    /// Bytes it may hold; `None` where the mount has no size of its own.
    pub size: Option<u64>,
    /// Bytes it holds; `None` where it cannot be looked into.
    pub used: Option<u64>,
}
