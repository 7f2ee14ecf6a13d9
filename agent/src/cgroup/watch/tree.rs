//! The groups that are watched: a tree that mirrors the hierarchy's directories.
//!
//! A group is kept by its name and its parent, since paths of pods are long and share all but their ends. Numbers of
//! groups that went are used again. Both the whole and what a container may add by making groups of its own are
//! bounded: what is beyond is still counted by the groups above it, on cgroup v2.

use coroner_core::cgroup::{Identity, identify};
use coroner_core::counters::Reading;
use coroner_core::kernel::Level;

/// Groups kept at most.
pub(super) const GROUPS_MAX: usize = 16_384;

/// Groups kept inside of one container.
const NESTED_MAX: u16 = 64;

/// Levels kept below the root; a name is a level.
const DEPTH_MAX: u16 = 48;

/// The root's number.
pub(super) const ROOT: usize = 0;

/// What a group is, as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// A group of many: the root, all pods, a quality-of-service class.
    Shared,
    /// A pod.
    Pod,
    /// A container.
    Container,
    /// Inside of a container.
    Nested,
    /// Anything else of the host.
    #[default]
    Other,
}

/// How far a container's life is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Life {
    /// Nobody was seen in it yet.
    #[default]
    Empty,
    /// Somebody was.
    Populated,
    /// Everybody went, and that was told.
    Ended,
}

/// Counters that rose, and since when: after a while that is what later rises are measured from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Risen {
    pub reading: Reading,
    pub at_us: u64,
}

/// One group. Times are microseconds of `CLOCK_MONOTONIC`.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub name: Box<str>,
    pub parent: Option<usize>,
    pub children: Vec<usize>,
    pub kind: Kind,
    pub life: Life,
    /// What later readings are compared with. Its kills are those accounted for.
    pub known: Reading,
    pub risen: Option<Box<Risen>>,
    pub read_us: u64,
    /// When it was looked at last, to read anything or nothing.
    pub looked_us: u64,
    pub since_us: u64,
    pub main_pid: Option<u32>,
    /// When that was seen first, unless it is known to be the first: who was killed before may have been it.
    pub main_met_us: Option<u64>,
    /// That first process is the sandbox of the pod.
    pub sandbox: bool,
    /// Kills counted in it or below while it was watched.
    pub kills: u32,
    /// Groups kept below a container.
    nested: u16,
    depth: u16,
    /// Who is told of an OOM in it; version 1.
    pub ear: Option<u8>,
    /// Set where the ear is this group's alone.
    pub own_ear: bool,
    /// Its watches: directory, counters, population or members, its own counters.
    pub watches: [Option<i32>; 4],
}

/// All of them. The root is always there.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Option<Node>>,
    free: Vec<usize>,
    /// Path of the root, without a slash at its end.
    prefix: Box<str>,
}

impl Tree {
    pub(super) fn new(prefix: &str, now_us: u64) -> Self {
        let root =
            Node { kind: Kind::Shared, since_us: now_us, read_us: now_us, ..Node::default() };
        let prefix = prefix.trim_end_matches('/').into();
        Self { nodes: vec![Some(root)], free: Vec::new(), prefix }
    }

    pub(super) fn get(&self, id: usize) -> Option<&Node> {
        self.nodes.get(id)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: usize) -> Option<&mut Node> {
        self.nodes.get_mut(id)?.as_mut()
    }

    /// How many there are, the root too.
    pub(super) fn len(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    /// All numbers in use, parents before children.
    pub(super) fn all(&self) -> Vec<usize> {
        self.below(ROOT)
    }

    /// A group and all below it, parents before children.
    pub(super) fn below(&self, id: usize) -> Vec<usize> {
        let mut out = vec![id];
        let mut at = 0;
        while let Some(id) = out.get(at).copied() {
            out.extend(self.get(id).into_iter().flat_map(|node| node.children.iter().copied()));
            at += 1;
        }
        out
    }

    /// A group and all above it, the innermost first, without the root.
    pub(super) fn lineage(&self, id: usize) -> Vec<usize> {
        std::iter::successors(Some(id), |id| self.get(*id)?.parent)
            .filter(|id| *id != ROOT)
            .collect()
    }

    /// The path as the kernel prints it.
    pub(super) fn path(&self, id: usize) -> String {
        let mut out = self.prefix.to_string();
        for id in self.lineage(id).into_iter().rev() {
            if let Some(node) = self.get(id) {
                out.push('/');
                out.push_str(&node.name);
            }
        }
        if out.is_empty() { "/".to_owned() } else { out }
    }

    pub(super) fn child(&self, parent: usize, name: &str) -> Option<usize> {
        let children = &self.get(parent)?.children;
        children.iter().copied().find(|id| self.get(*id).is_some_and(|node| &*node.name == name))
    }

    /// Adds a group. `None` where it is known already (whoever lists a new group may be faster than the notice of what
    /// is in it), where there is no room, or the parent is unknown.
    pub(super) fn add(&mut self, parent: usize, name: &str, now_us: u64) -> Option<usize> {
        if self.child(parent, name).is_some() {
            return None;
        }
        let path = format!("{}/{name}", self.path(parent).trim_end_matches('/'));
        let above = self.get(parent)?;
        let depth = above.depth + 1;
        if self.len() >= GROUPS_MAX || depth > DEPTH_MAX {
            return None;
        }
        let kind = kind(&path, &self.path(parent), above.kind);
        if kind == Kind::Nested {
            let container = self.container_of(parent)?;
            let node = self.get_mut(container)?;
            if node.nested >= NESTED_MAX {
                return None;
            }
            node.nested += 1;
        }
        let node = Node {
            name: name.into(),
            parent: Some(parent),
            kind,
            depth,
            since_us: now_us,
            read_us: now_us,
            ..Node::default()
        };
        let id = match self.free.pop() {
            Some(id) => id,
            None => {
                self.nodes.push(None);
                self.nodes.len() - 1
            }
        };
        *self.nodes.get_mut(id)? = Some(node);
        self.get_mut(parent)?.children.push(id);
        Some(id)
    }

    /// Takes a group out that has none below it.
    pub(super) fn remove(&mut self, id: usize) -> Option<Node> {
        if id == ROOT {
            return None;
        }
        let node = self.nodes.get_mut(id)?.take()?;
        self.free.push(id);
        if let Some(parent) = node.parent {
            if node.kind == Kind::Nested
                && let Some(container) = self.container_of(parent)
                && let Some(container) = self.get_mut(container)
            {
                container.nested = container.nested.saturating_sub(1);
            }
            if let Some(parent) = self.get_mut(parent) {
                parent.children.retain(|child| *child != id);
            }
        }
        Some(node)
    }

    /// The container that a group is or lies in.
    pub(super) fn container_of(&self, id: usize) -> Option<usize> {
        let mut at = Some(id);
        while let Some(id) = at {
            let node = self.get(id)?;
            match node.kind {
                Kind::Container => return Some(id),
                Kind::Nested => at = node.parent,
                Kind::Shared | Kind::Pod | Kind::Other => return None,
            }
        }
        None
    }

    /// What has to be read together to tell where a kill was: the pod, or what stands highest below what many share.
    pub(super) fn unit(&self, id: usize) -> usize {
        let mut unit = id;
        let mut at = Some(id);
        while let Some(id) = at
            && let Some(node) = self.get(id)
        {
            match node.kind {
                Kind::Shared => break,
                Kind::Pod => return id,
                Kind::Container | Kind::Nested | Kind::Other => unit = id,
            }
            at = node.parent;
        }
        unit
    }
}

/// The container that a path names, if it is or lies in one.
pub(super) fn container_id(path: &str) -> Option<String> {
    let Identity { pod_container_id, container_id, .. } = identify(path);
    pod_container_id.or(container_id)
}

fn kind(path: &str, parent_path: &str, parent: Kind) -> Kind {
    let identity = identify(path);
    match identity.level {
        Level::Kubepods | Level::Qos => Kind::Shared,
        Level::Pod => Kind::Pod,
        _ => match identity.pod_container_id.or(identity.container_id) {
            None => Kind::Other,
            // A leaf of the same container, or a container's own groups.
            Some(id)
                if matches!(parent, Kind::Container | Kind::Nested)
                    && (container_id(parent_path).as_ref() == Some(&id)
                        || identity.level != Level::Container) =>
            {
                Kind::Nested
            }
            Some(_) if identity.level == Level::Container => Kind::Container,
            Some(_) => Kind::Nested,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "pod0d2f1c1e-5b8e-4f6e-9d1f-0a1b2c3d4e5f";

    fn tree(path: &[&str]) -> (Tree, Vec<usize>) {
        let mut tree = Tree::new("/", 7);
        let mut at = ROOT;
        let ids = path
            .iter()
            .map(|name| {
                at = tree.add(at, name, 7).unwrap();
                at
            })
            .collect();
        (tree, ids)
    }

    #[test]
    fn groups_are_known_by_their_place() {
        let id = "a".repeat(64);
        let docker = format!("docker-{}.scope", "b".repeat(64));
        let (tree, ids) = tree(&["kubepods", "burstable", POD, &id, "init", &docker]);
        let kinds: Vec<_> = ids.iter().map(|id| tree.get(*id).unwrap().kind).collect();
        use Kind::{Container, Nested, Pod, Shared};
        assert_eq!(kinds, [Shared, Shared, Pod, Container, Nested, Nested]);
        assert_eq!(tree.path(ids[3]), format!("/kubepods/burstable/{POD}/{id}"));
        assert_eq!(tree.unit(ids[5]), ids[2], "all of a pod is read together");
        assert_eq!(tree.container_of(ids[5]), Some(ids[3]));
        assert_eq!(tree.lineage(ids[1]), [ids[1], ids[0]]);
        assert_eq!((tree.path(ROOT), tree.unit(ids[0])), ("/".into(), ids[0]));
    }

    #[test]
    fn a_group_is_added_once() {
        let (mut tree, ids) = tree(&["kubepods", POD]);
        assert_eq!((tree.add(ids[0], POD, 9), tree.len()), (None, tree.len()));
        assert_eq!(tree.child(ids[0], POD), Some(ids[1]));
        tree.remove(ids[1]);
        assert!(tree.add(ids[0], POD, 9).is_some());
    }

    #[test]
    fn containers_without_a_pod_and_leaves() {
        let podman = format!("libpod-{}.scope", "c".repeat(64));
        let (tree, ids) = tree(&["machine.slice", &podman, "container"]);
        let kinds: Vec<_> = ids.iter().map(|id| tree.get(*id).unwrap().kind).collect();
        assert_eq!(kinds, [Kind::Other, Kind::Container, Kind::Nested]);
        assert_eq!(tree.unit(ids[2]), ids[0]);
    }

    #[test]
    fn one_container_cannot_take_all_the_room() {
        let id = "a".repeat(64);
        let (mut tree, ids) = tree(&["kubepods", POD, &id]);
        let added: Vec<_> =
            (0..100).filter_map(|n| tree.add(ids[2], &format!("n{n}"), 0)).collect();
        assert_eq!(added.len(), usize::from(NESTED_MAX));
        assert!(tree.add(ids[1], "beside", 0).is_some());
        tree.remove(added[0]);
        assert!(tree.add(ids[2], "again", 0).is_some() && tree.add(ids[2], "more", 0).is_none());
    }

    #[test]
    fn numbers_are_used_again_and_the_root_stays() {
        let (mut tree, ids) = tree(&["a", "b"]);
        assert_eq!(tree.remove(ids[1]).unwrap().since_us, 7);
        assert!(tree.remove(ids[1]).is_none() && tree.remove(ROOT).is_none());
        assert_eq!((tree.len(), tree.child(ids[0], "b")), (2, None));
        assert_eq!(tree.add(ids[0], "c", 0), Some(ids[1]));
        assert_eq!(
            (tree.child(ids[0], "c"), tree.all()),
            (Some(ids[1]), vec![ROOT, ids[0], ids[1]])
        );
        let mut at = ids[1];
        while let Some(next) = tree.add(at, "d", 0) {
            at = next;
        }
        assert_eq!(tree.lineage(at).len(), usize::from(DEPTH_MAX));
    }
}
