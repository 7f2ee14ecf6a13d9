//! What Kubernetes says of pods, containers, events and nodes, as small records, and what follows from it.
//!
//! Whoever reads the API (a watch, a file, a test) decodes its objects into [`PodRecord`], [`ClusterEvent`] and
//! [`NodeRecord`] and hands them on as [`ApiChange`]s. From two records of one pod [`Changes::between`] works out which
//! runs of containers ended; [`TerminationId`] is the same however often and in whatever order an end is seen. A
//! [`KubernetesCase`] is what a verdict is given of all that.
//!
//! The API promises little: a watch may skip states, repeat objects after a reconnect, and show a pod for the last time
//! while it still runs. Everything optional in the API is `None` here where it was absent. All names and messages were
//! written by others: hostile text.

mod case;
mod change;
mod changes;
mod clock;
mod container;
pub mod decode;
mod event;
mod heap;
mod id;
mod join;
mod node;
mod pod;
mod probe;
mod termination;
#[cfg(test)]
mod tests;
mod waiting;
mod workload;

pub use case::KubernetesCase;
pub use change::{ApiChange, ApiGap, ApiPart, Seen};
pub use changes::{Changes, MissedRestarts};
pub use clock::{ClockDifference, Clocks};
pub use container::{ContainerRecord, ContainerRole, ContainerState, HookAction, Hooks, Resources};
pub use event::{ClusterEvent, EventType, Regarding};
pub use heap::{HeapOrigin, HeapRuntime, HeapSetting, HeapSize};
pub use id::{container_id, container_of_field_path};
pub use join::{Ended, Places, Sighting, SightingKind, places};
pub use node::{NodeRecord, Taint};
pub use pod::{Condition, Deletion, Owner, PodPhase, PodRecord, RestartPolicy};
pub use probe::{Probe, ProbeHandler, Probes};
pub use termination::{Terminated, Termination, TerminationId};
pub use waiting::{Waiting, WaitingId, WaitingKind};
pub use workload::{is_name, workload, workload_kind};
