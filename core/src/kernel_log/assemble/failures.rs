//! Allocations that failed: the page allocator prints a block of figures behind the first line, the slab allocator a
//! second line.

use super::super::line::Line;
use super::super::message::{Message, Total};
use super::super::open::{MOST_FREE_AREAS, bounded};
use super::super::pages::add_totals;
use super::{Assembler, LONGEST_MESSAGE, Sink, State};
use crate::kernel::{AllocationFailure, FreeArea, KernelEvent, MemInfo, SlabFailure};

/// Lines after which an allocation failure's block is over, whatever comes.
const FAILURE_LINES: u32 = 300;

/// An allocation failure whose block of figures is being read.
#[derive(Debug)]
pub(super) struct Failure {
    event: Box<AllocationFailure>,
    totals: MemInfo,
    /// Lines until it is over whatever comes.
    patience: u32,
    /// The last figures of the block were read; what follows is something else.
    last_figures: bool,
}

impl Assembler {
    /// Takes a line that begins a failure, or the second line of one.
    pub(super) fn failure_part(
        &mut self,
        line: &Line<'_>,
        text: &str,
        message: Message<'_>,
        sink: Sink<'_>,
    ) {
        match message {
            Message::PageAllocationFailure { comm, order, gfp_mask, cpuset } => {
                self.give_failure(sink);
                let event = Box::new(AllocationFailure {
                    position: line.position(),
                    comm: comm.to_owned(),
                    order,
                    gfp_mask: gfp_mask.map(str::to_owned),
                    cpuset: cpuset.map(str::to_owned),
                    excerpt: vec![bounded(text, LONGEST_MESSAGE).to_owned()],
                    ..AllocationFailure::default()
                });
                if matches!(self.state, State::Collecting(_)) {
                    // Another processor's line inside a report: the block that follows is the report's.
                    sink(KernelEvent::AllocationFailure(event));
                } else {
                    let totals = MemInfo::default();
                    self.failure = Some(Failure {
                        event,
                        totals,
                        patience: FAILURE_LINES,
                        last_figures: false,
                    });
                }
            }
            Message::SlabFailure { node, gfp_mask } => {
                let gfp_mask = gfp_mask.map(str::to_owned);
                let slab = SlabFailure {
                    position: line.position(),
                    node,
                    gfp_mask,
                    ..SlabFailure::default()
                };
                if let Some(before) = self.slab.replace(slab) {
                    sink(KernelEvent::SlabFailure(before));
                }
            }
            Message::SlabCache { cache, default_order, min_order } => {
                if let Some(mut slab) = self.slab.take() {
                    slab.cache = Some(cache.to_owned());
                    (slab.default_order, slab.min_order) = (default_order, min_order);
                    sink(KernelEvent::SlabFailure(slab));
                }
            }
            _ => {}
        }
    }

    /// Figures of a failure's block; false when no failure is open.
    pub(super) fn failure_totals(&mut self, totals: &[(Total, u64)]) -> bool {
        let Some(failure) = &mut self.failure else { return false };
        add_totals(&mut failure.totals, totals, self.page_size);
        failure.last_figures |= failure.totals.reserved.is_some();
        true
    }

    /// Free blocks of a failure's block.
    pub(super) fn failure_area(&mut self, area: FreeArea) {
        if let Some(Failure { event, .. }) = &mut self.failure
            && event.free_areas.len() < MOST_FREE_AREAS
        {
            event.free_areas.push(area);
        }
    }

    /// The thread id of who asked in vain.
    pub(super) fn failure_cpu(&mut self, pid: u32, comm: &str) {
        if let Some(Failure { event, .. }) = &mut self.failure
            && event.pid.is_none()
            && event.comm == comm
        {
            event.pid = Some(pid);
        }
    }

    /// Gives a failure whose block is over.
    pub(super) fn expire_failure(&mut self, line: &Line<'_>, sink: Sink<'_>) {
        if let Some(failure) = &mut self.failure {
            failure.patience = failure.patience.saturating_sub(1);
            // `0 pages cma reserved` and the like end the block.
            let over = failure.last_figures && !line.text.contains(" pages ");
            if over || failure.patience == 0 {
                self.give_failure(sink);
            }
        }
    }

    /// Gives what is known of an open failure.
    pub(super) fn give_failure(&mut self, sink: Sink<'_>) {
        if let Some(Failure { mut event, totals, .. }) = self.failure.take() {
            event.free = totals.free;
            sink(KernelEvent::AllocationFailure(event));
        }
    }
}
