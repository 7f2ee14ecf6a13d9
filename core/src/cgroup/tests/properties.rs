//! Nothing that does not stand in a path comes out of it, whatever the path is.

use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

use super::{A, HASH, Pod, Root, UID, fill};
use crate::cgroup::{Identity, identify};

proptest! {
    #[test]
    fn any_text_gives_only_what_stands_in_it(path in any::<String>()) {
        let found = identify(&path);
        prop_assert!(found.container_id.as_ref().is_none_or(|id| path.contains(id.as_str())));
    }

    /// Paths out of real parts in any order: nothing is made up, and a cut never turns one id into another.
    #[test]
    fn parts_in_any_order_and_cut_anywhere(
        parts in prop::collection::vec(prop::sample::select(vec![
            "", "..", "kubepods", "kubepods.slice", "burstable", "kubepods-burstable.slice", "pod{U}", "pod{H}",
            "kubepods-pod{S}.slice", "kubepods-burstable-pod{S}.slice", "{A}", "cri-containerd-{A}.scope", "docker",
            "docker-{A}.scope", "crio-{A}.scope", "crio-conmon-{A}.scope", "container", "libpod-{A}", "system.slice",
            "x:cri-containerd:{A}", "\\x2d", "\\x", "é", "pod",
        ]), 0..8),
        from in 0_usize..40, to in 0_usize..40,
    ) {
        let whole = fill(&parts.join("/"));
        let cut = whole.get(from.min(whole.len())..whole.len().saturating_sub(to)).unwrap_or("");
        for path in [whole.as_str(), cut] {
            let Identity { pod_uid, container_id, pod_container_id, level, .. } = identify(path);
            prop_assert!(container_id.as_deref().is_none_or(|id| id == A));
            prop_assert!(pod_uid.as_deref().is_none_or(|uid| uid == UID || uid == HASH));
            prop_assert!(pod_container_id.is_none() || pod_uid.is_some());
            prop_assert!(level != Pod || pod_uid.is_some());
            prop_assert_eq!(level == Root, path.is_empty() || path == "/");
        }
    }
}
