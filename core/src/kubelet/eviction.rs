//! Why the kubelet evicted a pod, as the message of its status and of the event `Evicted` says (pkg/kubelet/eviction).
//!
//! Three sentences are about a limit on storage that the pod itself was given; every other eviction is the node's shortage:
//! `The node was low on resource: memory. Threshold quantity: 100Mi, available: 98304Ki. Container c was using 1Gi, request
//! is 0, has larger consumption of memory.` The thresholds came with 1.27, `request is` with 1.24; before these less was said.

/// Why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Eviction {
    /// The node ran short.
    Node(NodeShortage),
    /// An emptyDir grew over its `sizeLimit`.
    EmptyDir {
        /// Name of the volume.
        volume: String,
        /// The limit, as in the manifest.
        limit: String,
    },
    /// A container wrote more than its limit of ephemeral storage.
    ContainerStorage {
        /// Name of the container.
        container: String,
        /// The limit, as in the manifest.
        limit: String,
    },
    /// All containers together wrote more than the sum of their limits.
    PodStorage {
        /// The sum, as the kubelet writes it.
        limit: String,
    },
}

/// A shortage of the node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeShortage {
    /// Of what; `None` for a text that does not name it, or one that is not known.
    pub resource: Option<Resource>,
    /// What was to stay free, as the kubelet writes it.
    pub threshold: Option<String>,
    /// What was still free.
    pub available: Option<String>,
    /// Containers that used more than they had requested.
    pub offenders: Vec<Offender>,
}

/// A container that used more than it had requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offender {
    /// Its name.
    pub container: String,
    /// What it used, as the kubelet writes it.
    pub used: String,
    /// What it had requested.
    pub requested: Option<String>,
}

/// What a node can be short of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Memory.
    Memory,
    /// Disk space.
    Disk,
    /// Inodes.
    Inodes,
    /// Process ids.
    Pids,
}

impl Resource {
    /// `memory`, `disk space`, `inodes`, `process ids`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk space",
            Self::Inodes => "inodes",
            Self::Pids => "process ids",
        }
    }

    fn of(name: &str) -> Option<Self> {
        match name.trim_matches(|c: char| !c.is_ascii_alphanumeric()) {
            "memory" | "MemoryPressure" => Some(Self::Memory),
            "ephemeral-storage" | "storage" | "nodefs" | "imagefs" | "containerfs"
            | "DiskPressure" => Some(Self::Disk),
            "inodes" | "nodefsInodes" | "imagefsInodes" => Some(Self::Inodes),
            "pids" | "pid" | "PIDPressure" => Some(Self::Pids),
            _ => None,
        }
    }
}

/// What the message says. A text that is not known is an eviction by the node that names nothing.
#[must_use]
pub fn eviction(message: &str) -> Eviction {
    if let Some(rest) = message.strip_prefix("Usage of EmptyDir volume ")
        && let Some((volume, rest)) = quoted(rest)
        && let Some((limit, _)) = rest.strip_prefix(" exceeds the limit ").and_then(quoted)
    {
        return Eviction::EmptyDir { volume, limit };
    }
    if let Some(rest) = message
        .strip_prefix("Pod ephemeral local storage usage exceeds the total limit of containers ")
    {
        return Eviction::PodStorage { limit: word(rest) };
    }
    if let Some(rest) = message.strip_prefix("Container ")
        && let Some((container, rest)) = rest.split_once(' ')
        && let Some((limit, _)) =
            rest.strip_prefix("exceeded its local ephemeral storage limit ").and_then(quoted)
    {
        return Eviction::ContainerStorage { container: container.to_owned(), limit };
    }
    Eviction::Node(shortage(message))
}

fn shortage(message: &str) -> NodeShortage {
    let mut found = NodeShortage::default();
    let resource = message
        .strip_prefix("The node was low on resource: ")
        .or_else(|| message.strip_prefix("The node had condition: "));
    let Some(rest) = resource else { return found };
    let (name, rest) = rest.split_once('.').unwrap_or((rest, ""));
    found.resource = Resource::of(name.split(' ').next().unwrap_or(name));
    let mut rest = rest.trim_start();
    if let Some(told) = rest.strip_prefix("Threshold quantity: ")
        && let Some((threshold, told)) = told.split_once(", available: ")
    {
        found.threshold = Some(threshold.to_owned());
        found.available = Some(word(told));
        rest = told;
    }
    // `Container NAME was using USED, ...`; names are DNS labels.
    for part in rest.split("Container ").skip(1) {
        let Some((container, part)) = part.split_once(" was using ") else { continue };
        let Some((used, part)) = part.split_once(',') else { continue };
        let requested = part.split_once("request is ").or_else(|| part.split_once("request of "));
        found.offenders.push(Offender {
            container: container.to_owned(),
            used: used.to_owned(),
            requested: requested.map(|(_, requested)| word(requested)),
        });
    }
    found
}

/// `"v" rest`: what Go's `%q` wrote, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (inside, rest) = text.strip_prefix('"')?.split_once('"')?;
    Some((inside.to_owned(), rest))
}

/// A quantity: up to a blank, a comma, or a full stop that ends the sentence.
fn word(text: &str) -> String {
    let end = text.find([' ', ',']).unwrap_or(text.len());
    text.get(..end).unwrap_or_default().trim_end_matches('.').to_owned()
}
