//! The closed list of causes, with their names and headlines.
//!
//! Names are an interface: JSON, metrics, the command line and the store use them. A cause that a newer version knows is an
//! error where it is read, never another cause.

use serde::{Deserialize, Serialize};

use super::UnknownName;

/// Why somebody died. The list is closed; every incident gets exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is described by `Cause::meaning`, which people are shown")]
pub enum Cause {
    ContainerMemoryLimit,
    PodMemoryLimit,
    QosMemoryLimit,
    NodeAllocatable,
    ReservedMemoryLimit,
    OtherCgroupLimit,
    SystemOutOfMemory,
    NumaOutOfMemory,
    UserspaceOomKiller,
    MemoryFragmentation,
    HardwareMemoryError,
    ExternalKill,
    ApplicationExit,
    Crash,
    NodePressureEviction,
    EphemeralStorageLimit,
    LivenessProbe,
    StartupProbe,
    PostStartHook,
    PreStopTimeout,
    Preempted,
    ApiEviction,
    TaintEviction,
    PodDeleted,
    DeadlineExceeded,
    NodeShutdown,
    ContainerLost,
    Terminated,
    BadImage,
    MissingConfig,
    VolumeUnavailable,
    ImagePull,
    Unknown,
}

impl Cause {
    /// All causes, in the order they are shown.
    pub const ALL: [Self; 33] = [
        Self::ContainerMemoryLimit,
        Self::PodMemoryLimit,
        Self::QosMemoryLimit,
        Self::NodeAllocatable,
        Self::ReservedMemoryLimit,
        Self::OtherCgroupLimit,
        Self::SystemOutOfMemory,
        Self::NumaOutOfMemory,
        Self::UserspaceOomKiller,
        Self::MemoryFragmentation,
        Self::HardwareMemoryError,
        Self::ExternalKill,
        Self::ApplicationExit,
        Self::Crash,
        Self::NodePressureEviction,
        Self::EphemeralStorageLimit,
        Self::LivenessProbe,
        Self::StartupProbe,
        Self::PostStartHook,
        Self::PreStopTimeout,
        Self::Preempted,
        Self::ApiEviction,
        Self::TaintEviction,
        Self::PodDeleted,
        Self::DeadlineExceeded,
        Self::NodeShutdown,
        Self::ContainerLost,
        Self::Terminated,
        Self::BadImage,
        Self::MissingConfig,
        Self::VolumeUnavailable,
        Self::ImagePull,
        Self::Unknown,
    ];

    /// The name, as in JSON, metrics and the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ContainerMemoryLimit => "ContainerMemoryLimit",
            Self::PodMemoryLimit => "PodMemoryLimit",
            Self::QosMemoryLimit => "QosMemoryLimit",
            Self::NodeAllocatable => "NodeAllocatable",
            Self::ReservedMemoryLimit => "ReservedMemoryLimit",
            Self::OtherCgroupLimit => "OtherCgroupLimit",
            Self::SystemOutOfMemory => "SystemOutOfMemory",
            Self::NumaOutOfMemory => "NumaOutOfMemory",
            Self::UserspaceOomKiller => "UserspaceOomKiller",
            Self::MemoryFragmentation => "MemoryFragmentation",
            Self::HardwareMemoryError => "HardwareMemoryError",
            Self::ExternalKill => "ExternalKill",
            Self::ApplicationExit => "ApplicationExit",
            Self::Crash => "Crash",
            Self::NodePressureEviction => "NodePressureEviction",
            Self::EphemeralStorageLimit => "EphemeralStorageLimit",
            Self::LivenessProbe => "LivenessProbe",
            Self::StartupProbe => "StartupProbe",
            Self::PostStartHook => "PostStartHook",
            Self::PreStopTimeout => "PreStopTimeout",
            Self::Preempted => "Preempted",
            Self::ApiEviction => "ApiEviction",
            Self::TaintEviction => "TaintEviction",
            Self::PodDeleted => "PodDeleted",
            Self::DeadlineExceeded => "DeadlineExceeded",
            Self::NodeShutdown => "NodeShutdown",
            Self::ContainerLost => "ContainerLost",
            Self::Terminated => "Terminated",
            Self::BadImage => "BadImage",
            Self::MissingConfig => "MissingConfig",
            Self::VolumeUnavailable => "VolumeUnavailable",
            Self::ImagePull => "ImagePull",
            Self::Unknown => "Unknown",
        }
    }

    /// Whether it is a kill by the kernel for want of memory, which is all that `OOMKilled` says.
    #[must_use]
    pub fn is_kernel_oom(self) -> bool {
        matches!(
            self,
            Self::ContainerMemoryLimit
                | Self::PodMemoryLimit
                | Self::QosMemoryLimit
                | Self::NodeAllocatable
                | Self::ReservedMemoryLimit
                | Self::OtherCgroupLimit
                | Self::SystemOutOfMemory
                | Self::NumaOutOfMemory
                | Self::MemoryFragmentation
        )
    }

    /// The headline a person reads first.
    #[must_use]
    pub fn headline(self) -> &'static str {
        match self {
            Self::ContainerMemoryLimit => {
                "CONTAINER MEMORY LIMIT: the container used all its own limit allows"
            }
            Self::PodMemoryLimit => {
                "POD MEMORY LIMIT: the pod as a whole used all its limit allows"
            }
            Self::QosMemoryLimit => {
                "QOS MEMORY LIMIT: all pods of one quality-of-service class hit a shared limit"
            }
            Self::NodeAllocatable => {
                "NODE ALLOCATABLE: all pods together used what the node gives to pods"
            }
            Self::ReservedMemoryLimit => {
                "RESERVED MEMORY LIMIT: a slice reserved for the host hit its own limit"
            }
            Self::OtherCgroupLimit => {
                "OTHER CGROUP LIMIT: a control group outside the pod hierarchy hit its limit"
            }
            Self::SystemOutOfMemory => "SYSTEM OUT OF MEMORY: the node ran out, not the container",
            Self::NumaOutOfMemory => {
                "NUMA OUT OF MEMORY: the memory nodes allowed ran out, others may have had room"
            }
            Self::UserspaceOomKiller => {
                "USERSPACE OOM KILLER: a daemon on the node killed it, not the kernel"
            }
            Self::MemoryFragmentation => {
                "MEMORY FRAGMENTATION: memory was free, but not in large enough blocks"
            }
            Self::HardwareMemoryError => {
                "HARDWARE MEMORY ERROR: the kernel found a bad page of memory"
            }
            Self::ExternalKill => {
                "EXTERNAL KILL: somebody sent SIGKILL, not the kernel, not Kubernetes"
            }
            Self::ApplicationExit => "APPLICATION EXIT: it ended by itself, nobody killed it",
            Self::Crash => "CRASH: it died of a signal by its own doing",
            Self::NodePressureEviction => {
                "NODE PRESSURE EVICTION: the node ran short, and the kubelet ended the pod"
            }
            Self::EphemeralStorageLimit => {
                "EPHEMERAL STORAGE LIMIT: the pod wrote more to disk than its limit allows"
            }
            Self::LivenessProbe => {
                "LIVENESS PROBE: the kubelet restarted it because its liveness probe failed"
            }
            Self::StartupProbe => {
                "STARTUP PROBE: the kubelet killed it because it did not come up in time"
            }
            Self::PostStartHook => {
                "POST-START HOOK: the kubelet killed it because its postStart hook failed"
            }
            Self::PreStopTimeout => {
                "PRE-STOP TIMEOUT: its preStop hook used up the time it had to end"
            }
            Self::Preempted => "PREEMPTED: it had to make room for a pod of higher priority",
            Self::ApiEviction => {
                "API EVICTION: somebody evicted the pod through the API, as a drain does"
            }
            Self::TaintEviction => {
                "TAINT EVICTION: the node got a taint that the pod does not tolerate"
            }
            Self::PodDeleted => "POD DELETED: somebody deleted the pod",
            Self::DeadlineExceeded => {
                "DEADLINE EXCEEDED: the pod ran longer than its activeDeadlineSeconds"
            }
            Self::NodeShutdown => "NODE SHUTDOWN: the node was shut down",
            Self::ContainerLost => {
                "CONTAINER LOST: nobody saw it end, and its exit code is made up"
            }
            Self::Terminated => "TERMINATED: it was asked to end, and did",
            Self::BadImage => "BAD IMAGE: its program cannot be run",
            Self::MissingConfig => {
                "MISSING CONFIG: something that its specification refers to is not there"
            }
            Self::VolumeUnavailable => {
                "VOLUME UNAVAILABLE: a volume cannot be bound, attached or mounted"
            }
            Self::ImagePull => "IMAGE PULL: its image cannot be pulled",
            Self::Unknown => "UNKNOWN: the evidence does not decide it",
        }
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Cause {
    type Err = UnknownName;

    /// Accepts the name in any case.
    fn from_str(value: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|c| c.name().eq_ignore_ascii_case(value))
            .ok_or_else(|| UnknownName::new("cause", value, &Self::ALL.map(Self::name)))
    }
}
