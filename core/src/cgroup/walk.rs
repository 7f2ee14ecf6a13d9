//! Walking a path from the root to the group, keeping what each step makes sure.
//!
//! One pass, no step looks further back than its parent. See the parent module for which names are believed.

use super::name::{self, Name, Runtime};
use super::{Identity, Qos};
use crate::kernel::Level;

/// Groups of the host that the kubelet's reservations are enforced on (`kubeReservedCgroup`, `systemReservedCgroup`),
/// as distributions name them; Talos and the cgroupfs driver have no `.slice`.
const RESERVED: [&str; 17] = [
    "system.slice",
    "kubelet.slice",
    "runtime.slice",
    "podruntime.slice",
    "kube.slice",
    "reserved.slice",
    "azure.slice",
    "kubereserved.slice",
    "systemreserved.slice",
    "kube-reserved.slice",
    "system-reserved.slice",
    "kubereserved",
    "systemreserved",
    "system",
    "podruntime",
    "kubelet",
    "runtime",
];

/// Where the walk stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Outside of everything known, or at the start.
    Outside,
    /// At the start of a path whose front was cut away: the parent is unknown.
    Cut,
    /// At the root of the pods.
    Kubepods,
    /// At a quality-of-service class.
    Qos,
    /// At a pod.
    Pod,
    /// Below a pod, in something that is no container.
    BesidePod,
    /// At a container; the flags say whether it is a pod's, and whether its runtime puts it into a leaf.
    Container { of_pod: bool, leaf: bool },
    /// Below a container.
    Inside { of_pod: bool },
}

pub(super) fn walk(path: &str) -> Identity {
    let mut identity = Identity::default();
    // Without its first slash a path has lost its front; so has one that a private namespace shows from below.
    let mut place = if path.starts_with('/') { Place::Outside } else { Place::Cut };
    let mut from_root = path.starts_with('/');
    let mut parent = "";
    let mut depth = 0_usize;
    for raw in path.split('/').filter(|raw| !raw.is_empty()) {
        if raw == ".." && depth == 0 {
            place = Place::Cut;
            from_root = false;
            continue;
        }
        depth += 1;
        let unescaped = name::unescape(raw);
        place = if unescaped.contains(':') {
            suffixed(&mut identity, place, &unescaped)
        } else {
            step(&mut identity, place, parent, &unescaped)
        };
        parent = raw;
    }
    // The kernel ends no path with a slash: something deeper was cut away.
    let cut = depth > 0 && path.ends_with('/');
    identity.level = if cut { Level::Other } else { level(place) };
    identity.reserved = !cut && depth == 1 && from_root && RESERVED.contains(&parent);
    identity
}

fn level(place: Place) -> Level {
    match place {
        Place::Kubepods => Level::Kubepods,
        Place::Qos => Level::Qos,
        Place::Pod => Level::Pod,
        Place::Container { .. } => Level::Container,
        Place::Outside | Place::Cut | Place::BesidePod | Place::Inside { .. } => Level::Other,
    }
}

/// One name further down.
fn step(identity: &mut Identity, place: Place, parent: &str, text: &str) -> Place {
    let found = name::read(text);
    match place {
        Place::Container { of_pod, leaf: true } if is_leaf(text) => {
            Place::Container { of_pod, leaf: false }
        }
        Place::Container { of_pod: true, .. } | Place::Inside { of_pod: true } => {
            inside_pod(identity, parent, found)
        }
        Place::Pod | Place::BesidePod => below_pod(identity, place, found),
        Place::Outside
        | Place::Cut
        | Place::Kubepods
        | Place::Qos
        | Place::Container { of_pod: false, .. }
        | Place::Inside { of_pod: false } => outside_pod(identity, place, parent, found),
    }
}

/// A name that stands in no pod.
fn outside_pod(identity: &mut Identity, place: Place, parent: &str, found: Name) -> Place {
    let contained = matches!(place, Place::Container { .. } | Place::Inside { .. });
    match (found, place) {
        (Name::Kubepods, _) => enter(identity, None, None, Place::Kubepods),
        (Name::QosSlice(qos), _) => enter(identity, Some(qos), None, Place::Qos),
        (Name::QosDirectory(qos), Place::Kubepods) => enter(identity, Some(qos), None, Place::Qos),
        // Behind a cut the word alone could be anybody's group; a pod below it makes it what it seems.
        (Name::QosDirectory(qos), Place::Cut) => enter(identity, Some(qos), None, Place::Cut),
        (Name::PodSlice { qos, uid, rooted }, _) if rooted || place == Place::Cut => {
            // Where the uid was cut, so was what stood behind it.
            let place = if uid.is_some() { Place::Pod } else { Place::Outside };
            enter(identity, qos, uid, place)
        }
        (Name::PodDirectory(uid), Place::Kubepods) => {
            enter(identity, Some(Qos::Guaranteed), Some(uid), Place::Pod)
        }
        (Name::PodDirectory(uid), Place::Qos | Place::Cut) => {
            let qos = identity.qos;
            enter(identity, qos, Some(uid), Place::Pod)
        }
        (Name::Container { runtime, id }, _) => container(identity, id, false, runtime.has_leaf()),
        // The id of a podman pod is no container's.
        (Name::BareId(_), _) if parent == "libpod_parent" => Place::Outside,
        (Name::BareId(id), _) if !contained || parent == "docker" => {
            container(identity, id, false, false)
        }
        _ if contained => Place::Inside { of_pod: false },
        (Name::CutContainer, _) => Place::Container { of_pod: false, leaf: false },
        (_, Place::Cut) if parent.is_empty() => Place::Cut,
        _ => Place::Outside,
    }
}

/// A name directly or further below a pod.
fn below_pod(identity: &mut Identity, place: Place, found: Name) -> Place {
    match (found, place) {
        (Name::Container { runtime, id }, Place::Pod) => {
            container(identity, id, true, runtime.has_leaf())
        }
        (Name::BareId(id), Place::Pod) => container(identity, id, true, false),
        (Name::CutContainer | Name::CutId, Place::Pod) => {
            Place::Container { of_pod: true, leaf: false }
        }
        _ => Place::BesidePod,
    }
}

/// A name inside a pod's container: chosen from inside, so it only ever adds the id of a nested docker or podman.
fn inside_pod(identity: &mut Identity, parent: &str, found: Name) -> Place {
    match found {
        Name::Container { runtime: Runtime::Docker | Runtime::Podman, id } => {
            identity.container_id = Some(id);
        }
        Name::BareId(id) if parent == "docker" => identity.container_id = Some(id),
        _ => {}
    }
    Place::Inside { of_pod: true }
}

/// containerd given a systemd path by a cgroupfs setup: `<slice>:cri-containerd:<id>` as one name.
fn suffixed(identity: &mut Identity, place: Place, text: &str) -> Place {
    let mut parts = text.rsplitn(3, ':');
    let (id, runtime, slice) = (parts.next(), parts.next(), parts.next());
    let (Some(id), Some("cri-containerd" | "containerd" | "docker" | "crio" | "nerdctl")) =
        (id, runtime)
    else {
        return step(identity, place, "", text);
    };
    if matches!(place, Place::Container { of_pod: true, .. } | Place::Inside { of_pod: true }) {
        return Place::Inside { of_pod: true };
    }
    let place = slice.map_or(place, |slice| step(identity, place, "", slice));
    let of_pod = place == Place::Pod;
    if name::is_id(id) {
        container(identity, id.to_owned(), of_pod, false)
    } else if name::is_cut_id(id) {
        Place::Container { of_pod, leaf: false }
    } else {
        Place::Outside
    }
}

/// A step into the pods' hierarchy; what a path said before (the container a whole node runs in) is another's.
fn enter(identity: &mut Identity, qos: Option<Qos>, uid: Option<String>, place: Place) -> Place {
    *identity = Identity { qos, pod_uid: uid, ..Identity::default() };
    place
}

fn container(identity: &mut Identity, id: String, of_pod: bool, leaf: bool) -> Place {
    if of_pod {
        identity.pod_container_id = Some(id.clone());
    }
    identity.container_id = Some(id);
    Place::Container { of_pod, leaf }
}

/// CRI-O, crun and podman may put a container's processes into a leaf below its scope.
fn is_leaf(text: &str) -> bool {
    matches!(text, "container" | "ctr") || text.starts_with("libpod-payload-")
}
