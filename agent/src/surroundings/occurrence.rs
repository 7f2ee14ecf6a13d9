//! Telling that something happened which is worth a look around.

use std::sync::Arc;

use coroner_core::finding::FindingId;
use coroner_core::kernel::{KernelEvent, OomReport, Scope};
use tokio::sync::mpsc;

use crate::metrics::Metrics;

/// Something happened.
#[derive(Debug)]
pub(crate) struct Occurrence {
    /// The fact whose incident it is.
    pub about: FindingId,
    /// Whose group it was, where that is known: hostile text.
    pub group: Option<String>,
    /// Whether it concerned the whole node, or a memory node of it.
    pub whole_node: bool,
    /// Whether much of the group's memory was tmpfs or shared.
    pub in_memory: bool,
    /// The report, when the processes of the whole node matter.
    pub report: Option<Box<OomReport>>,
}

/// Tells. May be cloned, never waits.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    sender: mpsc::Sender<Occurrence>,
    metrics: Arc<Metrics>,
}

impl Seen {
    pub(super) fn new(sender: mpsc::Sender<Occurrence>, metrics: Arc<Metrics>) -> Self {
        Self { sender, metrics }
    }

    /// The kernel log told of `event`, just now; `about` is the fact whose incident it is.
    pub(crate) fn event(&self, event: &KernelEvent, about: &FindingId) {
        let (mut in_memory, mut whole_node) = (false, false);
        let (group, report) = match event {
            KernelEvent::Oom(report) => {
                let victim = report.victims.first().and_then(|victim| victim.cgroup.as_ref());
                let group = victim.or(report.limit_cgroup.as_ref()).cloned();
                in_memory = holds_files(report);
                let whole =
                    matches!(report.scope, Scope::System | Scope::Cpuset | Scope::Mempolicy);
                whole_node = whole;
                let listed = whole && !report.tasks.is_empty();
                (group, listed.then(|| Box::clone(report)))
            }
            KernelEvent::AllocationFailure(failure)
                if failure.order.is_some_and(|order| order > 0) =>
            {
                (None, None)
            }
            KernelEvent::SlabFailure(_) => (None, None),
            _ => return,
        };
        self.tell(Occurrence { about: about.clone(), group, whole_node, in_memory, report });
    }

    /// Another witness than the kernel log saw a kill.
    pub(crate) fn kill(&self, about: &FindingId, group: Option<&str>, whole_node: bool) {
        let group = group.map(str::to_owned);
        // Without a report nobody knows, so it is looked at.
        self.tell(Occurrence {
            about: about.clone(),
            group,
            whole_node,
            in_memory: true,
            report: None,
        });
    }

    fn tell(&self, occurrence: Occurrence) {
        if self.sender.try_send(occurrence).is_err() {
            self.metrics.surroundings_skipped.add(1);
        }
    }
}

/// Whether an eighth of what the group used, or of the whole node, was shared memory or tmpfs.
fn holds_files(report: &OomReport) -> bool {
    let in_group = report.stat("total_shmem").or_else(|| report.stat("shmem"));
    let of_group = report.memory.and_then(|memory| memory.usage);
    let on_node = report.mem_info.and_then(|info| Some((info.shmem?, info.ram?)));
    let much = |shmem: u64, of: u64| shmem > 0 && shmem >= of / 8;
    in_group.zip(of_group).or(on_node).is_some_and(|(shmem, of)| much(shmem, of))
}
