//! Who is behind a SIGKILL, and by which way it was sent.
//!
//! The kernel says `si_code` 128 for its own signals; all others were sent by the task that ran. Who that is, its control
//! group decides: a name is chosen by whoever has it, so the runtime, the kubelet or a userspace OOM killer is believed
//! by name only outside of pods. What runs in the receiver's own container is inside, whoever its parents are
//! (`kubectl exec` comes from the runtime's shim). Where nodes are containers themselves (kind), the node's own
//! processes are in a container too: one without a pod, that the receiver's group lies in.

use crate::cgroup::identify;
use crate::finding::{Process, Sigkill};
use crate::kernel::UserspaceKiller;

/// Who is behind a SIGKILL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The kernel's OOM killer.
    KernelOom,
    /// The kernel: the first process of a pid namespace died, and all others in it go with it.
    PidNamespaceEnd,
    /// The kernel, to the task that ran: it passed the hard limit of `RLIMIT_CPU`.
    CpuTimeLimit,
    /// The kernel, for a reason that is not known. A process that shares its memory with a victim of the OOM killer is
    /// killed so.
    Kernel,
    /// The receiver had asked to die with its parent (`PR_SET_PDEATHSIG`), and that died.
    ParentDeath,
    /// The container runtime.
    Runtime,
    /// The kubelet.
    Kubelet,
    /// A daemon that kills when memory gets short.
    UserspaceOomKiller(UserspaceKiller),
    /// Another process of the host.
    Host,
    /// A process of another container.
    OtherContainer,
    /// Another process of the same container.
    SameContainer,
    /// The receiver itself.
    Itself,
    /// Another process, whose group could not be read any more.
    Unknown,
}

/// How a SIGKILL was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// By the kernel.
    Kernel,
    /// `kill(2)` or `pidfd_send_signal(2)`, to a process or a group of them; the death of a parent looks the same.
    Kill,
    /// `tgkill(2)`: to one thread, which takes the whole process.
    Thread,
    /// `sigqueue(3)`.
    Queue,
    /// `cgroup.kill`.
    CgroupKill,
    /// Something else.
    Other,
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kernel => "by the kernel",
            Self::Kill => "through kill(2)",
            Self::Thread => "through tgkill(2)",
            Self::Queue => "through sigqueue(3)",
            Self::CgroupKill => "through cgroup.kill",
            Self::Other => "by an unknown way",
        })
    }
}

/// By which way a SIGKILL was sent.
#[must_use]
pub fn way(sigkill: &Sigkill) -> Way {
    match (sigkill.code, sigkill.whole_process) {
        (128, _) => Way::Kernel,
        (-6, _) => Way::Thread,
        (-1, _) => Way::Queue,
        // cgroup.kill signals each task of each process, and is the only one with this code that does.
        (0, Some(false)) => Way::CgroupKill,
        (0, _) => Way::Kill,
        _ => Way::Other,
    }
}

/// Who is behind a SIGKILL.
#[must_use]
pub fn origin(sigkill: &Sigkill) -> Origin {
    let Sigkill { sender, receiver, .. } = sigkill;
    if sigkill.oom_mark.is_some() {
        return Origin::KernelOom;
    }
    let itself = sender.pid == receiver.pid;
    match way(sigkill) {
        Way::Kernel if itself => return Origin::CpuTimeLimit,
        Way::Kernel if sender.namespace_pid == Some(1) => return Origin::PidNamespaceEnd,
        Way::Kernel => return Origin::Kernel,
        _ if itself => return Origin::Itself,
        Way::Kill if sender.exiting == Some(true) => return Origin::ParentDeath,
        _ => {}
    }
    let Some(group) = sender.cgroup.as_deref() else { return of_the_gone(sigkill) };
    let own = receiver.cgroup.as_deref().unwrap_or_default();
    match (container(group), container(own)) {
        (Some(sends), Some(receives)) if sends == receives => Origin::SameContainer,
        (Some(_), _) if !is_of_the_node(sender, own) => match receiver.cgroup {
            Some(_) => Origin::OtherContainer,
            // It may have been one of its own.
            None => Origin::Unknown,
        },
        _ => of_host(sigkill, own),
    }
}

/// What is gone at once is known by its name only, which anybody may have; so a parent that can be read must agree. A
/// runtime that is taken for a stranger would be accused of what it was told to do. Its helpers live for a moment, and
/// kernels without hist triggers call them by a name of before; so the runtime's own child in the host's pid namespace is
/// the runtime whatever it is called, if its parent is in no container.
fn of_the_gone(sigkill: &Sigkill) -> Origin {
    let Sigkill { sender, ancestors, .. } = sigkill;
    let parent = ancestors.first();
    let of_runtime = parent.is_some_and(|parent| {
        is_runtime(&parent.comm)
            && parent.cgroup.as_deref().is_none_or(|path| container(path).is_none())
    });
    // Its id in a namespace of its own would have been read with its parent.
    if of_runtime && sender.namespace_pid.is_none() {
        return Origin::Runtime;
    }
    let agrees = parent.is_none_or(|parent| is_runtime(&parent.comm));
    if is_runtime(&sender.comm) && agrees { Origin::Runtime } else { Origin::Unknown }
}

fn of_host(sigkill: &Sigkill, receiver: &str) -> Origin {
    let sender = &sigkill.sender;
    match sender.comm.as_str() {
        "systemd-oomd" => return Origin::UserspaceOomKiller(UserspaceKiller::SystemdOomd),
        "earlyoom" => return Origin::UserspaceOomKiller(UserspaceKiller::Earlyoom),
        "oomd" => return Origin::UserspaceOomKiller(UserspaceKiller::Oomd),
        _ => {}
    }
    // The runtime's helpers are its children; whatever its grandchildren do, they were told by somebody else.
    let parent = sigkill.ancestors.first().filter(|parent| is_of_the_node(parent, receiver));
    for process in std::iter::once(sender).chain(parent) {
        if is_kubelet(&process.comm) {
            return Origin::Kubelet;
        }
        if is_runtime(&process.comm) {
            return Origin::Runtime;
        }
    }
    Origin::Host
}

/// Whether a process is in no container, or in one that the receiver's container runs in.
fn is_of_the_node(process: &Process, receiver: &str) -> bool {
    let Some(group) = process.cgroup.as_deref() else { return false };
    let identity = identify(group);
    if identity.pod_uid.is_some() {
        return false;
    }
    identity.container_id.is_none_or(|id| {
        container(receiver).is_some_and(|own| own != id) && receiver.contains(id.as_str())
    })
}

fn container(path: &str) -> Option<String> {
    let identity = identify(path);
    identity.pod_container_id.or(identity.container_id)
}

/// Names as the kernel keeps them, of 15 bytes at most.
fn is_runtime(name: &str) -> bool {
    matches!(
        name,
        "runc"
            | "crun"
            | "youki"
            | "runsc"
            | "conmon"
            | "conmonrs"
            | "crio"
            | "containerd"
            | "dockerd"
    ) || name.starts_with("containerd-shim")
        || name.starts_with("runc:[")
}

/// The distributions that put the kubelet into a program of their own name it differently.
fn is_kubelet(name: &str) -> bool {
    matches!(name, "kubelet" | "kubelite") || name.starts_with("k3s-") || name.starts_with("rke2")
}
