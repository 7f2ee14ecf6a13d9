//! Who is behind a SIGKILL, as far as the trace and the groups of both tell.
//!
//! The kernel says `code` 128 for its own signals; the rest was sent by the process that ran. A name is chosen by
//! whoever has it, so a runtime or a killer is believed only outside of containers; what runs in the receiver's own
//! container is inside whatever its name is and whoever its parents are (`kubectl exec` comes from the runtime's shim).

use crate::cgroup::identify;
use crate::finding::{Process, Sigkill};
use crate::kernel::UserspaceKiller;

/// Who is behind a SIGKILL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The kernel's OOM killer.
    OomKiller,
    /// The kernel: the first process of a pid namespace died, and all others go with it.
    NamespaceEnd,
    /// The kernel: the hard limit of RLIMIT_CPU was passed.
    CpuLimit,
    /// The kernel, for a reason that is not known.
    Kernel,
    /// The container runtime or the kubelet.
    Runtime,
    /// A daemon that kills when memory gets short.
    UserspaceKiller(UserspaceKiller),
    /// A process of the same container.
    Inside,
    /// A process of another container.
    OtherContainer,
    /// Another process of the host.
    Host,
    /// Another process, whose group could not be read any more.
    Unknown,
}

/// `SI_KERNEL`.
const BY_KERNEL: i32 = 128;

pub(super) fn origin(sigkill: &Sigkill) -> Origin {
    let Sigkill { sender, receiver, .. } = sigkill;
    if sigkill.code == BY_KERNEL {
        return if sigkill.oom_mark.is_some() {
            Origin::OomKiller
        } else if sender.pid == receiver.pid {
            Origin::CpuLimit
        } else if sender.namespace_pid == Some(1) {
            Origin::NamespaceEnd
        } else {
            Origin::Kernel
        };
    }
    let Some(group) = sender.cgroup.as_deref() else {
        // What is gone at once is known by its name only, which anybody may have.
        return if is_runtime(sender) { Origin::Runtime } else { Origin::Unknown };
    };
    match (container(group), receiver.cgroup.as_deref().and_then(container)) {
        (Some(sends), Some(receives)) if sends == receives => Origin::Inside,
        (Some(_), _) => Origin::OtherContainer,
        (None, _) if std::iter::once(sender).chain(&sigkill.ancestors).any(is_runtime) => {
            Origin::Runtime
        }
        (None, _) => match sender.comm.as_str() {
            "systemd-oomd" => Origin::UserspaceKiller(UserspaceKiller::SystemdOomd),
            "earlyoom" => Origin::UserspaceKiller(UserspaceKiller::Earlyoom),
            "oomd" => Origin::UserspaceKiller(UserspaceKiller::Oomd),
            _ => Origin::Host,
        },
    }
}

fn container(path: &str) -> Option<String> {
    let identity = identify(path);
    identity.pod_container_id.or(identity.container_id)
}

fn is_runtime(process: &Process) -> bool {
    let name = process.comm.as_str();
    matches!(
        name,
        "runc" | "crun" | "youki" | "conmon" | "crio" | "containerd" | "dockerd" | "kubelet"
    ) || name.starts_with("containerd-shim")
        || name.starts_with("runc:")
}
