//! The parts of a report up to its end: who asked, whose limit, how much memory, who could be chosen.

use super::super::line::Line;
use super::super::message::{self, Message};
use super::super::open::Open;
use super::{Assembler, Sink, State};
use crate::kernel::Trigger;

impl Assembler {
    /// Takes a line that belongs to the open report, or opens one.
    pub(super) fn report_part(
        &mut self,
        line: &Line<'_>,
        text: &str,
        message: Message<'_>,
        sink: Sink<'_>,
    ) {
        match message {
            Message::Invoked { comm, gfp_mask, order, oom_score_adj, nodemask } => {
                let manual = std::mem::take(&mut self.manual);
                self.close("the next report begins", sink);
                let mut open = Open::new(line, self.page_size);
                open.report.nodemask = nodemask.map(str::to_owned);
                open.report.sysrq = manual;
                let gfp_mask = gfp_mask.map(str::to_owned);
                open.trigger(Trigger {
                    comm: comm.to_owned(),
                    pid: None,
                    gfp_mask,
                    order,
                    oom_score_adj,
                });
                open.quote(text);
                self.state = State::Collecting(Box::new(open));
            }
            Message::Cpu { pid, comm } => self.cpu(line, pid, comm),
            Message::TaskIn { task, limit } => {
                let open = self.collecting(line, Open::has_task_in, sink);
                open.task_in(Some(task), limit);
                open.quote(text);
            }
            Message::LimitReached { limit } => {
                let open = self.collecting(line, |_| false, sink);
                open.task_in(None, limit);
                open.quote(text);
            }
            Message::Usage { of, usage } => {
                let open = self.collecting(line, |o| o.summary, sink);
                open.usage(of, usage);
                open.quote(text);
            }
            Message::StatsHeader { cgroup, inline } => {
                let open = self.collecting(line, |o| o.summary, sink);
                open.stats(cgroup, message::inline_stats(inline));
            }
            Message::TableTitle => self.collecting(line, |o| o.summary, sink).in_stats = false,
            Message::TableHeader(columns) => {
                let open = self.collecting(line, |o| o.summary, sink);
                open.in_stats = false;
                open.columns = Some(columns);
            }
            Message::Summary(summary) => {
                let second_half = summary.constraint.is_none();
                let open = self.collecting(line, |o| o.summary && !second_half, sink);
                open.columns = None;
                open.summary(&summary);
                open.quote(text);
            }
            Message::Totals(totals) => {
                if !self.failure_totals(&totals)
                    && let State::Collecting(open) = &mut self.state
                {
                    open.totals(&totals);
                }
            }
            Message::FreeArea(area) => match &mut self.state {
                _ if self.failure.is_some() => self.failure_area(area),
                State::Collecting(open) => open.free_area(area),
                State::Given(_) | State::Idle => {}
            },
            _ => {}
        }
    }

    /// Whose processor printed the stack: it tells the thread id of who asked.
    fn cpu(&mut self, line: &Line<'_>, pid: u32, comm: &str) {
        if self.failure.is_some() {
            self.failure_cpu(pid, comm);
        } else if let State::Collecting(open) = &mut self.state
            && let Some(trigger) = &mut open.report.trigger
            && trigger.pid.is_none()
            && trigger.comm == comm
        {
            trigger.pid = Some(pid);
            open.touch(line);
        }
    }
}
