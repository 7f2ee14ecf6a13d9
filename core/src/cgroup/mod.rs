//! Who a cgroup path belongs to: pod, container, quality-of-service class, slice of the host.
//!
//! A path is a list of names. The kubelet (`pkg/kubelet/cm`), the runtimes and systemd promise theirs only by habit,
//! so each form below was seen on a real node. The kernel promises that `/` separates names and nothing else: a log
//! line may have lost either end of the path.
//!
//! **Which names are believed.** A group's name is chosen by whoever made it, so a path is believed only down to the
//! first container of a pod. What stands below that was named from inside: it is [`Level::Other`] whatever it calls
//! itself, it never changes the pod, and [`Identity::pod_container_id`] stays. A group named `kubepods` in there is
//! not the node's. A container that belongs to no pod is different: a whole node may run in it (kind, k3d,
//! minikube), so a hierarchy of pods below it is read as one. Whoever may build one there was given the
//! machine's groups by its administrator.
//!
//! **What is missing stays missing.** An id or uid that was cut is not given, whatever could be guessed.

mod name;
#[cfg(test)]
mod tests;
mod walk;

use serde::{Deserialize, Serialize};

use crate::kernel::Level;

/// What a cgroup path says. Everything is a reading of names that others chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// What kind of group it is; [`Level::None`] only for the root (and for no path at all).
    pub level: Level,
    /// Pod uid with dashes, or the 32 hex digits of a static pod's config hash.
    pub pod_uid: Option<String>,
    /// The innermost container id, 64 lower-case hex digits. Below a pod's container (Docker in a pod) it is one
    /// that Kubernetes does not know, and its name was chosen from inside.
    pub container_id: Option<String>,
    /// The container that the node itself put directly below the pod's group: the one to join on.
    pub pod_container_id: Option<String>,
    /// The quality-of-service class of the pod or group.
    pub qos: Option<Qos>,
    /// True for a group of the host that resources are reserved for (`system.slice`, `kubelet.slice`, `/podruntime`),
    /// itself: a unit inside of it has a limit of its own, which says nothing about the reservation.
    pub reserved: bool,
}

/// Quality-of-service class of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Qos {
    /// Every container has limits equal to its requests.
    Guaranteed,
    /// Some requests.
    Burstable,
    /// No requests at all.
    BestEffort,
}

impl std::fmt::Display for Qos {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Guaranteed => "Guaranteed",
            Self::Burstable => "Burstable",
            Self::BestEffort => "BestEffort",
        })
    }
}

/// Reads a cgroup path as the kernel prints it (`/` separated, from the root of the hierarchy or cut off).
#[must_use]
pub fn identify(path: &str) -> Identity {
    // A zombie's /proc/PID/cgroup says so at the end (cgroup v2).
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    if path.is_empty() || path == "/" {
        return Identity::default();
    }
    walk::walk(path)
}
