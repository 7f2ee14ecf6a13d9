use super::super::{Origin, Seen, Way, origin, place, was_exiting, way};
use crate::finding::{OomMark, Process, Sigkill, SignalResult};
use crate::kernel::UserspaceKiller;
use rstest::rstest;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const NODE: &str = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";
const SSH: &str = "/user.slice/user-1000.slice/session-3.scope";
const CONTAINERD: &str = "/system.slice/containerd.service";

fn pod(container: &str) -> String {
    format!("/kubepods/burstable/pod00000000-0000-0000-0000-000000000001/{container}")
}

fn process(pid: u32, comm: &str, group: impl Into<String>) -> Process {
    let group = group.into();
    let cgroup = (!group.is_empty()).then_some(group);
    Process { pid, comm: comm.to_owned(), cgroup, ..Process::default() }
}

fn sigkill(code: i32, sender: Process, ancestors: Vec<Process>) -> Sigkill {
    Sigkill {
        at_us: 1,
        code,
        whole_process: Some(true),
        result: SignalResult::Delivered,
        receiver: process(100, "java", pod(A)),
        receiver_is_main: None,
        sender,
        ancestors,
        oom_mark: None,
    }
}

fn bash() -> Process {
    process(800, "bash", SSH)
}

fn shim() -> Process {
    process(900, "containerd-shim", CONTAINERD)
}

#[rstest]
#[case::a_person(sigkill(0, process(812, "kill", SSH), vec![bash()]), Origin::Host)]
#[case::a_daemon(sigkill(0, process(812, "cron", "/system.slice/cron.service"), vec![]), Origin::Host)]
#[case::runc(sigkill(0, process(812, "runc", CONTAINERD), vec![shim()]), Origin::Runtime)]
#[case::a_helper_of_the_shim(sigkill(0, process(812, "exe", CONTAINERD), vec![shim()]), Origin::Runtime)]
#[case::the_shim(sigkill(0, shim(), vec![]), Origin::Runtime)]
#[case::conmon(sigkill(0, process(8, "conmon", "/system.slice/crio.service"), vec![]), Origin::Runtime)]
#[case::the_kubelet(sigkill(0, process(8, "kubelet", "/system.slice/kubelet.service"), vec![]), Origin::Kubelet)]
#[case::k3s(sigkill(0, process(8, "k3s-server", "/system.slice/k3s.service"), vec![]), Origin::Kubelet)]
#[case::oomd(sigkill(0, process(8, "systemd-oomd", "/system.slice/systemd-oomd.service"), vec![]), Origin::UserspaceOomKiller(UserspaceKiller::SystemdOomd))]
#[case::earlyoom(sigkill(0, process(8, "earlyoom", "/system.slice/earlyoom.service"), vec![]), Origin::UserspaceOomKiller(UserspaceKiller::Earlyoom))]
// A name proves nothing inside of a pod.
#[case::runc_in_a_pod(sigkill(0, process(812, "runc", pod(B)), vec![shim()]), Origin::OtherContainer)]
#[case::oomd_in_the_same_container(sigkill(0, process(812, "systemd-oomd", pod(A)), vec![shim()]), Origin::SameContainer)]
#[case::an_exec_into_the_container(sigkill(0, process(812, "kill", pod(A)), vec![process(811, "sh", pod(A)), shim()]), Origin::SameContainer)]
#[case::below_the_container(sigkill(0, process(812, "kill", format!("{}/inner", pod(A))), vec![]), Origin::SameContainer)]
// A shell that somebody got from the runtime is somebody's shell.
#[case::far_from_the_runtime(sigkill(0, process(812, "kill", "/"), vec![process(811, "bash", "/"), shim()]), Origin::Host)]
#[case::itself(sigkill(0, process(100, "java", pod(A)), vec![]), Origin::Itself)]
#[case::unknown(sigkill(0, process(812, "kill", ""), vec![]), Origin::Unknown)]
#[case::a_runtime_that_is_gone(sigkill(0, process(812, "runc", ""), vec![]), Origin::Runtime)]
#[case::and_its_parent(sigkill(0, process(812, "runc", ""), vec![shim()]), Origin::Runtime)]
#[case::or_something_of_its_name(sigkill(0, process(812, "runc", ""), vec![process(811, "sh", pod(A))]), Origin::Unknown)]
// As seen on a kernel without hist triggers: runc, by the name of whoever had its id or its thread before.
#[case::a_child_of_the_runtime(sigkill(0, process(812, "coroner-agent", ""), vec![shim()]), Origin::Runtime)]
#[case::a_child_of_the_runtime_without_a_name(sigkill(0, process(812, "<...>", ""), vec![shim()]), Origin::Runtime)]
#[case::of_what_only_looks_so(sigkill(0, process(812, "kill", ""), vec![process(811, "runc", pod(A))]), Origin::Unknown)]
#[case::without_name_or_parent(sigkill(0, process(812, "<...>", ""), vec![]), Origin::Unknown)]
#[case::a_cpu_limit(sigkill(128, process(100, "java", pod(A)), vec![]), Origin::CpuTimeLimit)]
#[case::the_kernel(sigkill(128, process(7, "java", pod(A)), vec![]), Origin::Kernel)]
fn who_is_behind_it(#[case] sigkill: Sigkill, #[case] expected: Origin) {
    assert_eq!(origin(&sigkill), expected);
}

#[test]
fn a_receiver_of_no_known_group_may_be_the_senders_own() {
    let mut kill = sigkill(0, process(8, "sh", pod(B)), vec![]);
    kill.receiver.cgroup = None;
    assert_eq!(origin(&kill), Origin::Unknown);
}

#[test]
fn what_the_kernel_does_on_its_own() {
    let mut end = sigkill(128, process(7, "init", pod(A)), vec![]);
    end.sender.namespace_pid = Some(1);
    assert_eq!(origin(&end), Origin::PidNamespaceEnd);
    end.oom_mark = Some(OomMark::default());
    assert_eq!(origin(&end), Origin::KernelOom);
    let mut parent = sigkill(0, process(7, "parent", pod(A)), vec![]);
    parent.sender.exiting = Some(true);
    assert_eq!(origin(&parent), Origin::ParentDeath);
    parent.sender.exiting = Some(false);
    assert_eq!(origin(&parent), Origin::SameContainer);
}

#[test]
fn a_node_in_a_container_has_its_own_runtime_and_a_neighbour_has_not() {
    let receiver = format!("/docker/{NODE}/kubelet{}", pod(A));
    let kill = |group: String| Sigkill {
        receiver: process(100, "java", receiver.clone()),
        ..sigkill(0, process(8, "runc", group), vec![])
    };
    assert_eq!(
        origin(&kill(format!("/docker/{NODE}/system.slice/containerd.service"))),
        Origin::Runtime
    );
    assert_eq!(origin(&kill(format!("/docker/{B}"))), Origin::OtherContainer);
    assert_eq!(origin(&kill(CONTAINERD.to_owned())), Origin::Runtime);
}

#[rstest]
#[case(128, Some(true), Way::Kernel)]
#[case(0, Some(true), Way::Kill)]
#[case(0, None, Way::Kill)]
#[case(0, Some(false), Way::CgroupKill)]
#[case(-6, Some(false), Way::Thread)]
#[case(-1, Some(true), Way::Queue)]
#[case(5, Some(true), Way::Other)]
fn how_it_was_sent(#[case] code: i32, #[case] whole_process: Option<bool>, #[case] expected: Way) {
    let kill = Sigkill { whole_process, ..sigkill(code, bash(), vec![]) };
    assert_eq!(way(&kill), expected);
}

#[rstest]
#[case::a_dying_parent(Some(2), Some(true), Some(50), Some(true))]
#[case::and_init_took_the_child(Some(2), Some(true), Some(1), Some(true))]
#[case::a_kill_command_that_ended(Some(1), Some(true), Some(50), Some(false))]
#[case::a_group_killed_from_elsewhere(Some(2), Some(true), Some(99), None)]
#[case::nothing_known_of_the_receiver(Some(2), Some(true), None, None)]
#[case::alive(Some(2), Some(false), Some(50), Some(false))]
#[case::the_kernel_counts_nothing(None, Some(true), Some(50), None)]
#[case::nothing_known_of_the_sender(Some(2), None, Some(50), None)]
fn who_was_exiting(
    #[case] depth: Option<u32>,
    #[case] sender_exits: Option<bool>,
    #[case] receiver_parent: Option<u32>,
    #[case] expected: Option<bool>,
) {
    let seen = Seen { depth, sender_exits, receiver_parent, sender_ancestors: &[60, 50] };
    assert_eq!(was_exiting(seen), expected);
}

#[rstest]
#[case("/", "the host's root group")]
#[case("/init.scope", "the host's init")]
#[case("/system.slice/ssh.service", "the host's service ssh.service")]
#[case(SSH, "login session 3 of the host's user 1000")]
#[case(
    "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service",
    "the service x.service of the host's user 1000"
)]
#[case("/mygroup", "the host's group /mygroup")]
#[case(&pod(A), "container aaaaaaaaaaaa of pod 00000000-0000-0000-0000-000000000001")]
#[case(
    "/kubepods/burstable/pod00000000-0000-0000-0000-000000000001",
    "pod 00000000-0000-0000-0000-000000000001"
)]
#[case(&format!("/docker/{A}"), "container aaaaaaaaaaaa")]
fn places_in_words(#[case] group: &str, #[case] words: &str) {
    assert_eq!(place(group), words);
}

/// What `kubectl exec` runs is the runtime's child too, in the container's pid namespace.
#[test]
fn an_exec_that_is_gone_is_not_the_runtime() {
    let mut kill = sigkill(0, process(812, "kill", ""), vec![shim()]);
    kill.sender.namespace_pid = Some(7);
    assert_eq!(origin(&kill), Origin::Unknown);
}
