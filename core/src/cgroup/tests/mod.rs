//! Every form of a path that was seen on a node, and those that try to be taken for one.

mod properties;

use super::{Qos, identify};
use crate::kernel::Level::{self, Container, Kubepods, None as Root, Other, Pod, Qos as Class};

const A: &str = "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0";
const B: &str = "b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1";
const UID: &str = "11111111-2222-3333-4444-555555555555";
const UID_: &str = "11111111_2222_3333_4444_555555555555";
const HASH: &str = "0123456789abcdef0123456789abcdef";

/// Path with `{A}`, `{B}`, `{U}` (dashes), `{S}` (underscores), `{H}` (static pod) filled in; level; pod; container.
type Case = (&'static str, Level, Option<&'static str>, Option<&'static str>);

fn fill(pattern: &str) -> String {
    pattern
        .replace("{A}", A)
        .replace("{B}", B)
        .replace("{U}", UID)
        .replace("{S}", UID_)
        .replace("{H}", HASH)
}

#[track_caller]
fn check(cases: &[Case]) {
    for (pattern, level, pod, container) in cases {
        let found = identify(&fill(pattern));
        let said = (found.level, found.pod_uid.as_deref(), found.container_id.as_deref());
        assert_eq!(said, (*level, *pod, *container), "{pattern}");
    }
}

const P: Option<&str> = Some(UID);
const CA: Option<&str> = Some(A);
const CB: Option<&str> = Some(B);

#[test]
fn both_drivers_and_all_classes() {
    check(&[
        ("/", Root, None, None),
        ("", Root, None, None),
        ("/kubepods", Kubepods, None, None),
        ("/kubepods.slice", Kubepods, None, None),
        ("/kubelet/kubepods", Kubepods, None, None),
        ("/kubelet.slice/kubelet-kubepods.slice", Kubepods, None, None),
        ("/vmlab.slice/vmlab-kubepods.slice", Kubepods, None, None),
        ("/vmlab-kubepods.slice", Kubepods, None, None),
        ("/kubepods/burstable", Class, None, None),
        ("/kubepods/besteffort", Class, None, None),
        ("/kubepods.slice/kubepods-burstable.slice", Class, None, None),
        ("/kubepods.slice/kubepods-besteffort.slice", Class, None, None),
        ("/kubepods/pod{U}", Pod, P, None),
        ("/kubepods/burstable/pod{U}", Pod, P, None),
        ("/kubepods/burstable/pod{H}", Pod, Some(HASH), None),
        ("/kubepods.slice/kubepods-pod{S}.slice", Pod, P, None),
        ("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{S}.slice", Pod, P, None),
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{H}.slice",
            Pod,
            Some(HASH),
            None,
        ),
        ("/kubepods/pod{U}/{A}", Container, P, CA),
        ("/kubepods/besteffort/pod{U}/{A}", Container, P, CA),
        ("/kubepods/burstable/pod{H}/{A}", Container, Some(HASH), CA),
        ("/kubepods.slice/kubepods-pod{S}.slice/cri-containerd-{A}.scope", Container, P, CA),
        (
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{S}.slice/docker-{A}.scope",
            Container,
            P,
            CA,
        ),
        ("/kubepods.slice/kubepods-pod{S}.slice/crio-{A}.scope", Container, P, CA),
        ("/kubepods.slice/kubepods-pod{S}.slice/crio-{A}.scope/container", Container, P, CA),
        ("/kubepods/burstable/pod{U}/crio-{A}", Container, P, CA),
        ("/kubepods.slice/kubepods-pod{S}.slice/libpod-{A}.scope", Container, P, CA),
        ("/kubepods.slice/kubepods-pod{S}.slice/crio-conmon-{A}.scope", Other, P, None),
        ("/kubepods/burstable/pod{U}/crio-conmon-{A}", Other, P, None),
        ("/kubepods/burstable/foo", Other, None, None),
        ("/kubepods/burstable/pod{U}/{A} (deleted)", Container, P, CA),
    ]);
}

#[test]
fn containers_outside_pods() {
    check(&[
        ("/docker/{A}", Container, None, CA),
        ("/system.slice/docker-{A}.scope", Container, None, CA),
        ("/system.slice/docker\\x2d{A}.scope", Container, None, CA),
        ("/machine.slice/libpod-{A}.scope", Container, None, CA),
        ("/machine.slice/libpod-{A}.scope/container", Container, None, CA),
        ("/machine.slice/libpod-conmon-{A}.scope", Other, None, None),
        ("/machine.slice/machine-libpod_pod_{B}.slice", Other, None, None),
        ("/machine.slice/machine-libpod_pod_{B}.slice/libpod-{A}.scope", Container, None, CA),
        ("/libpod_parent/libpod-{A}", Container, None, CA),
        ("/libpod_parent/{B}/libpod-{A}", Container, None, CA),
        ("/libpod_parent/{B}", Other, None, None),
        (
            "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{A}.scope",
            Container,
            None,
            CA,
        ),
        ("/ecs/task/{A}", Container, None, CA),
        ("/docker/buildkit/abcdefghijklmnopqrstuvwxy", Other, None, None),
        ("/lxc.payload.web", Other, None, None),
        ("/lxc.payload.web/docker/{A}", Container, None, CA),
        ("/lxc.payload.web/system.slice/nginx.service", Other, None, None),
        ("/system.slice/nginx.service", Other, None, None),
        ("/machine.slice/systemd-nspawn@a.service/payload", Other, None, None),
    ]);
}

#[test]
fn nodes_that_run_in_containers() {
    check(&[
        (
            "/system.slice/docker-{B}.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/\
             kubelet-kubepods-burstable-pod{S}.slice/cri-containerd-{A}.scope",
            Container,
            P,
            CA,
        ),
        ("/docker/{B}/kubelet/kubepods/burstable/pod{U}/{A}", Container, P, CA),
        ("/docker/{B}/kubelet/kubepods/pod{U}", Pod, P, None),
        ("/docker/{B}/kubelet/kubepods", Kubepods, None, None),
        ("/docker/{B}/kubepods/besteffort", Class, None, None),
        ("/docker/{B}/kubelet", Other, None, CB),
        ("/docker/{B}/kubepods/besteffort/pod{U}/{A}", Container, P, CA),
        (
            "/system.slice/docker-{B}.scope/kubepods.slice/kubepods-pod{S}.slice/crio-{A}.scope",
            Container,
            P,
            CA,
        ),
        (
            "/machine.slice/libpod-{B}.scope/container/kubelet.slice/kubelet-kubepods.slice",
            Kubepods,
            None,
            None,
        ),
        ("/lxc.payload.node/kubepods/burstable/pod{U}/{A}", Container, P, CA),
        ("/system.slice/k3s.service/kubepods/burstable/pod{U}/{A}", Container, P, CA),
        ("/docker/{B}/docker/{A}", Container, None, CA),
    ]);
}

#[test]
fn containerds_suffix_form() {
    check(&[
        (
            "/system.slice/containerd.service/kubepods-besteffort-pod{S}.slice:cri-containerd:{A}",
            Container,
            P,
            CA,
        ),
        ("/kubepods-besteffort-pod{S}.slice:cri-containerd:{A}", Container, P, CA),
        ("kubepods-pod{S}.slice:cri-containerd:{A}", Container, P, CA),
        ("/system.slice:cri-containerd:{A}", Container, None, CA),
        ("system.slice:cri-containerd:{A}", Container, None, CA),
        ("/kubepods-pod{S}.slice:cri-containerd:a0a0a0a0a0", Container, P, None),
        ("/a:b:{A}", Other, None, None),
    ]);
}

#[test]
fn paths_that_lost_an_end() {
    check(&[
        // The end is gone: what is whole stays, nothing is completed.
        ("/kubepods.slice/kubepods-pod{S}.slice/cri-containerd-a0a0a0a0a0a0", Container, P, None),
        ("/kubepods.slice/kubepods-pod{S}.slice/cri-containerd-{A}.sc", Container, P, CA),
        ("/kubepods.slice/kubepods-pod{S}.slice/cri-con", Other, P, None),
        ("/kubepods.slice/kubepods-pod{S}.slice/crio-c", Other, P, None),
        ("/kubepods/burstable/pod{U}/a0a0a0a0a0a0", Container, P, None),
        ("/kubepods/burstable/pod{U}/", Other, P, None),
        ("/kubepods/burstable/pod11111111-2222-3333-4444-55", Other, None, None),
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod11111111_2222",
            Other,
            None,
            None,
        ),
        ("/kubepods.slice/kubepods-burst", Other, None, None),
        ("/docker/a0a0a0a0a0a0a0", Other, None, None),
        // The front is gone.
        ("epods-burstable-pod{S}.slice/cri-containerd-{A}.scope", Container, P, CA),
        ("able-pod{S}.slice/cri-containerd-{A}.scope", Container, P, CA),
        ("2_3333_4444_555555555555.slice/cri-containerd-{A}.scope", Container, None, CA),
        ("stable/pod{U}/{A}", Container, P, CA),
        ("pod{U}/{A}", Container, P, CA),
        ("burstable", Other, None, None),
        // A private cgroup namespace shows others' groups from below.
        (
            "/../../kubepods-burstable.slice/kubepods-burstable-pod{S}.slice/cri-containerd-{A}.scope",
            Container,
            P,
            CA,
        ),
        ("/../cri-containerd-{A}.scope", Container, None, CA),
        ("/../../besteffort/pod{U}/{A}", Container, P, CA),
        ("/../pod{U}/{A}", Container, P, CA),
        ("/..", Other, None, None),
        ("/../system.slice", Other, None, None),
    ]);
}

#[test]
fn names_chosen_inside_a_container_do_not_change_whose_it_is() {
    check(&[
        ("/kubepods/burstable/pod{U}/{A}/worker", Other, P, CA),
        ("/kubepods/burstable/pod{U}/{A}/kubepods", Other, P, CA),
        ("/kubepods/burstable/pod{U}/{A}/kubepods/burstable", Other, P, CA),
        ("/kubepods/pod{U}/{A}/kubepods/pod99999999-2222-3333-4444-555555555555/{B}", Other, P, CA),
        (
            "/kubepods.slice/kubepods-pod{S}.slice/cri-containerd-{A}.scope/kubepods.slice",
            Other,
            P,
            CA,
        ),
        (
            "/kubepods.slice/kubepods-pod{S}.slice/cri-containerd-{A}.scope/cri-containerd-{B}.scope",
            Other,
            P,
            CA,
        ),
        ("/kubepods.slice/kubepods-pod{S}.slice/cri-containerd-{A}.scope/{B}", Other, P, CA),
        ("/kubepods.slice/kubepods-pod{S}.slice/cri-containerd-{A}.scope/container", Other, P, CA),
        (
            "/kubepods.slice/kubepods-pod{S}.slice/cri-containerd-{A}.scope/x:cri-containerd:{B}",
            Other,
            P,
            CA,
        ),
        ("/kubepods.slice/kubepods-pod{S}.slice/crio-{A}.scope/container/container", Other, P, CA),
        (
            "/kubepods.slice/kubepods-pod{S}.slice/cri-containerd-{A}.scope/system.slice",
            Other,
            P,
            CA,
        ),
        ("/docker/{A}/{B}", Other, None, CA),
        ("/docker/{A}/worker/deep", Other, None, CA),
        // Docker in a pod: its container's id is given, but the pod's container stays the one to join on.
        ("/kubepods/burstable/pod{U}/{A}/docker/{B}", Other, P, CB),
    ]);
    let nested = identify(&fill("/kubepods/burstable/pod{U}/{A}/docker/{B}"));
    assert_eq!(nested.pod_container_id.as_deref(), Some(A));
}

#[test]
fn classes_and_reservations() {
    for (pattern, qos) in [
        ("/kubepods/pod{U}/{A}", Some(Qos::Guaranteed)),
        ("/kubepods.slice/kubepods-pod{S}.slice", Some(Qos::Guaranteed)),
        ("/kubepods/burstable", Some(Qos::Burstable)),
        (
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{S}.slice",
            Some(Qos::BestEffort),
        ),
        ("kubepods-besteffort-pod{S}.slice:cri-containerd:{A}", Some(Qos::BestEffort)),
        ("stable/pod{U}/{A}", None),
        ("/docker/{A}", None),
    ] {
        assert_eq!(identify(&fill(pattern)).qos, qos, "{pattern}");
    }
    for (path, reserved) in [
        ("/system.slice", true),
        ("/kubelet.slice", true),
        ("/podruntime.slice", true),
        ("/azure.slice", true),
        ("/system", true),
        ("/podruntime", true),
        ("/kubelet", true),
        ("/system.slice/nginx.service", false),
        ("/user.slice", false),
        ("/kubelet/kubepods", false),
        ("/a/system.slice", false),
        ("system.slice", false),
        ("/system.slice/", false),
    ] {
        let found = identify(path);
        assert_eq!(found.reserved, reserved, "{path}");
        assert!(!found.reserved || found.level == Other);
    }
}
