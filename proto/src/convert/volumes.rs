//! Volumes of a pod that are kept in memory.

use coroner_core::finding as f;

use super::all;
use crate::v1;

impl From<f::MemoryVolume> for v1::MemoryVolume {
    fn from(x: f::MemoryVolume) -> Self {
        Self { name: x.name, path: x.path, size_bytes: x.size, used_bytes: x.used }
    }
}

impl From<v1::MemoryVolume> for f::MemoryVolume {
    fn from(x: v1::MemoryVolume) -> Self {
        Self { name: x.name, path: x.path, size: x.size_bytes, used: x.used_bytes }
    }
}

impl From<f::MemoryVolumes> for v1::MemoryVolumes {
    fn from(x: f::MemoryVolumes) -> Self {
        Self { pod_uid: x.pod_uid, volumes: all(x.volumes) }
    }
}

impl From<v1::MemoryVolumes> for f::MemoryVolumes {
    fn from(x: v1::MemoryVolumes) -> Self {
        Self { pod_uid: x.pod_uid, volumes: all(x.volumes) }
    }
}
