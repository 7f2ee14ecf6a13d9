//! Ids as the API writes them, and those made here.

use rstest::rstest;

use crate::kubernetes::{
    Deletion, HeapSize, Waiting, WaitingKind, container_id, container_of_field_path,
};

use super::{at, hex};

#[rstest]
#[case("containerd://3BD021cb49c8b4ec8e662261668ed3c899c2131e2be988ec5402f35a4c9fbaa3", true)]
#[case("cri-o://3bd021cb49c8b4ec8e662261668ed3c899c2131e2be988ec5402f35a4c9fbaa3", true)]
#[case("3bd021cb49c8b4ec8e662261668ed3c899c2131e2be988ec5402f35a4c9fbaa3", true)]
#[case("", false)]
#[case("containerd://", false)]
#[case("containerd://3bd0", false)]
#[case("containerd://zzd021cb49c8b4ec8e662261668ed3c899c2131e2be988ec5402f35a4c9fbaa3", false)]
#[case("containerd://3bd021cb49c8b4ec8e662261668ed3c899c2131e2be988ec5402f35a4c9fbaa3/../x", false)]
fn only_whole_container_ids_are_believed(#[case] stated: &str, #[case] whole: bool) {
    let expected = "3bd021cb49c8b4ec8e662261668ed3c899c2131e2be988ec5402f35a4c9fbaa3";
    assert_eq!(container_id(stated).as_deref(), whole.then_some(expected));
}

#[rstest]
#[case("spec.containers{app}", Some("app"))]
#[case("spec.initContainers{init-1}", Some("init-1"))]
#[case("spec.ephemeralContainers{debugger}", Some("debugger"))]
#[case("spec.containers{}", None)]
#[case("spec.containers{app", None)]
#[case("spec.volumes{data}", None)]
#[case("", None)]
fn a_field_path_names_its_container(#[case] path: &str, #[case] name: Option<&str>) {
    assert_eq!(container_of_field_path(path), name);
}

#[test]
fn a_kubelet_that_tries_again_is_still_the_same_waiting() {
    let wait = |reason: &str| Waiting {
        pod_uid: "u".to_owned(),
        container: "c".to_owned(),
        reason: reason.to_owned(),
        ..Waiting::default()
    };
    assert_eq!(wait("ErrImagePull").id(), wait("ImagePullBackOff").id());
    assert_eq!(wait("ImagePullBackOff").id().0, "wait:u/c/0/image");
    assert_ne!(wait("ErrImagePull").id(), wait("CreateContainerConfigError").id());
    assert_eq!(WaitingKind::of("NewWord"), WaitingKind::Other);
}

#[test]
fn a_deadline_less_its_grace_is_when_it_was_asked_for() {
    let deletion = Deletion { deadline: at(33), grace_s: Some(30) };
    assert_eq!(deletion.requested(), Some(at(3)));
    assert_eq!(Deletion { grace_s: None, ..deletion }.requested(), None);
    assert_eq!(Deletion { grace_s: Some(u64::MAX), ..deletion }.requested(), None);
}

#[test]
fn a_share_of_a_limit_is_no_size_without_one() {
    assert_eq!(HeapSize::OfLimit(7500).bytes(Some(1 << 30)), Some(805_306_368));
    assert_eq!(HeapSize::OfLimit(u32::MAX).bytes(Some(u64::MAX)), None);
    assert_eq!(HeapSize::OfLimit(7500).bytes(None), None);
    assert_eq!(HeapSize::Bytes(5).bytes(None), Some(5));
    assert_eq!(hex(1).len(), 64);
}
