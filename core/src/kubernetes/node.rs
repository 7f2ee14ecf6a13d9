//! A node, as the API describes it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Condition, Resources};

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeRecord {
    /// Name.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// `status.nodeInfo.bootID`: the same id that findings carry. The kubelet sends it with its status, so for some seconds
    /// after a boot it is the one before.
    pub boot_id: Option<String>,
    /// All there is.
    pub capacity: Resources,
    /// What pods may have.
    pub allocatable: Resources,
    /// All conditions: `Ready`, `MemoryPressure`, `DiskPressure`, `PIDPressure`, ...
    pub conditions: Vec<Condition>,
    /// `v1.36.2`.
    pub kubelet_version: Option<String>,
    /// `containerd://2.3.4`.
    pub runtime_version: Option<String>,
    /// `6.18.0`.
    pub kernel_version: Option<String>,
    /// Its taints.
    pub taints: Vec<Taint>,
    /// `spec.unschedulable`: cordoned.
    pub unschedulable: bool,
}

/// A taint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Taint {
    /// Key, such as `node.kubernetes.io/memory-pressure`.
    pub key: String,
    /// Value, where it has one.
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
    /// `timeAdded`, which only `NoExecute` has.
    pub added: Option<Timestamp>,
}
