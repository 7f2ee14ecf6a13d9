//! Whether two paths mean the same group, as far as an id or a name tells.
//!
//! Witnesses write paths differently: from a namespace (`/../..`), with the mark of a zombie, of the container or only
//! of its pod where the container's group was gone. Ids join them; only groups that have none are compared by name.

use crate::cgroup::identify;
use crate::kernel::Level;

/// Whose group a path is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Whose {
    pod: Option<String>,
    container: Option<String>,
    path: String,
    level: Level,
}

impl Whose {
    pub(super) fn of(path: &str) -> Self {
        let identity = identify(path);
        let path = path.strip_suffix(" (deleted)").unwrap_or(path);
        Self {
            pod: identity.pod_uid,
            container: identity.pod_container_id.or(identity.container_id),
            path: path.trim_start_matches("/..").to_owned(),
            level: identity.level,
        }
    }

    /// A container, by what Kubernetes calls it and its pod.
    pub(super) fn of_container(pod: Option<&str>, id: &str) -> Self {
        Self {
            pod: pod.map(str::to_owned),
            container: Some(id.to_owned()),
            path: String::new(),
            level: Level::Container,
        }
    }

    /// Whether an id tells whose it is.
    pub(super) fn has_id(&self) -> bool {
        self.container.is_some() || self.pod.is_some()
    }

    /// The same container; or the same pod, where one of both is not known better; or the same group of the host, or
    /// one inside the other.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        match (&self.container, &other.container) {
            (Some(one), Some(another)) => one == another,
            (None, None) if self.pod.is_none() && other.pod.is_none() => {
                below(&self.path, &other.path) || below(&other.path, &self.path)
            }
            _ => self.pod.is_some() && self.pod == other.pod,
        }
    }

    /// A group of many that the other is in: it counts what its own do, and names none of them.
    pub(super) fn is_above(&self, other: &Self) -> bool {
        !self.has_id() && below(&other.path, &self.path)
    }

    /// The same group, not one inside the other.
    pub(super) fn is_exactly(&self, other: &Self) -> bool {
        self.has_id()
            && self.level == other.level
            && self.level != Level::Other
            && self.container == other.container
            && self.pod == other.pod
    }
}

/// Whether both are groups of one pod, or the same group: a pod with one container has one limit under two names.
pub(super) fn within(one: &str, another: &str) -> bool {
    let (one, another) = (Whose::of(one), Whose::of(another));
    if one.has_id() || another.has_id() {
        one.agrees(&another) && one.level != Level::Other && another.level != Level::Other
            || one.path == another.path
    } else {
        one.path == another.path
    }
}

fn below(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with('/') || outer.ends_with('/') && outer.len() > 1
    })
}
