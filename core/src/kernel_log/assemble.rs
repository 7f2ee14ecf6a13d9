//! Puts lines together to events.
//!
//! All kills run under one lock since 4.2, so reports do not mix; but other lines come between, and rate-limited
//! reports leave kill lines that stand behind an older report's header. A part joins a report only while that report
//! waits for it. What cannot belong to the open report closes it.

use super::Options;
use super::line::{Line, Origin};
use super::message::{self, Message};
use super::open::{MOST_FREE_AREAS, Open, add_totals, bounded, victim};
use super::recent::{Given, Member, Recent};
use crate::kernel::{
    AllocationFailure, Fault, HardwareMemoryError, KernelEvent, MemInfo, OomReport, OomVictim,
    Reaped, ReportEnd, Scope, SlabFailure, Suppressed, Trigger, Unverified, UserspaceKill,
    UserspaceKiller, Victim, VmallocFailure,
};

/// A report that has not named its victim after this time never will, in microseconds.
const PATIENCE_US: u64 = 120_000_000;
/// Lines after which an allocation failure's block is over, whatever comes.
const FAILURE_LINES: u32 = 300;
/// Longest message kept in an event, in bytes.
const LONGEST_MESSAGE: usize = 1200;

type Sink<'a> = &'a mut dyn FnMut(KernelEvent);

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    /// A report waits for its victim.
    Collecting(Box<Open>),
    /// A report was given; the rest of its group may follow.
    Given(Box<Given>),
}

/// An allocation failure whose block of figures is being read.
#[derive(Debug)]
struct Failure {
    event: Box<AllocationFailure>,
    totals: MemInfo,
    /// Lines until it is over whatever comes.
    patience: u32,
    /// The last figures of the block were read; what follows is something else.
    last_figures: bool,
}

/// The state between two lines.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    page_size: u64,
    state: State,
    failure: Option<Failure>,
    slab: Option<SlabFailure>,
    recent: Recent,
    manual: bool,
    last_seq: Option<u64>,
    last_unverified: Option<u32>,
}

impl Assembler {
    pub(super) fn new(options: Options) -> Self {
        Self { page_size: options.page_size.max(1), ..Self::default() }
    }

    /// Whether the next line matters whatever it says.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Collecting(_)) || self.failure.is_some() || self.slab.is_some()
    }

    /// Takes one line.
    pub(super) fn take(&mut self, line: &Line<'_>, sink: Sink<'_>) {
        if let (Some(seq), Some(last)) = (line.seq, self.last_seq)
            && seq != last.wrapping_add(1)
            && self.is_open()
        {
            self.close("records are missing here", sink);
        }
        self.last_seq = line.seq;
        self.expire(line, sink);
        if self.part(line, &line.text) {
            return;
        }
        match message::classify(&line.text) {
            Some(message) => self.message(line, &line.text, message, sink),
            // One record may hold many lines; a name with a line break in it was recognised above.
            None if line.text.contains('\n') => {
                for text in line.text.split('\n') {
                    if !self.part(line, text)
                        && let Some(message) = message::classify(text)
                    {
                        self.message(line, text, message, sink);
                    }
                }
            }
            None if is_cut_mark(&line.text) => self.close("the text is cut here", sink),
            None => {}
        }
    }

    /// Gives what is open, since nothing that follows belongs to it.
    pub(super) fn close(&mut self, how: &str, sink: Sink<'_>) {
        match std::mem::take(&mut self.state) {
            State::Collecting(open) => {
                let report = open.cut(how);
                self.give(report, sink);
            }
            State::Given(_) | State::Idle => {}
        }
        self.give_failure(sink);
        if let Some(slab) = self.slab.take() {
            sink(KernelEvent::SlabFailure(slab));
        }
        self.manual = false;
    }

    /// Lines that only mean something inside an open report: rows and statistics.
    fn part(&mut self, line: &Line<'_>, text: &str) -> bool {
        let State::Collecting(open) = &mut self.state else { return false };
        if matches!(line.origin, Origin::User { .. }) {
            return false;
        }
        if text.starts_with('[')
            && let Some(columns) = &open.columns
            && let Some(row) = message::row(text, columns)
        {
            open.row(&row);
            open.touch(line);
            return true;
        }
        if open.in_stats
            && let Some((key, value)) = message::stat(text)
        {
            open.stat(key, value);
            open.touch(line);
            return true;
        }
        false
    }

    fn message(&mut self, line: &Line<'_>, text: &str, message: Message<'_>, sink: Sink<'_>) {
        let position = || line.position();
        if let Origin::User { facility, program } = &line.origin {
            return self.from_user_space(line, text, *facility, program.as_deref(), &message, sink);
        }
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
            Message::MemInfo => {}
            Message::Totals(totals) => match (&mut self.failure, &mut self.state) {
                (Some(failure), _) => {
                    add_totals(&mut failure.totals, &totals, self.page_size);
                    failure.last_figures |= failure.totals.reserved.is_some();
                }
                (None, State::Collecting(open)) => open.totals(&totals),
                _ => {}
            },
            Message::FreeArea(area) => match (&mut self.failure, &mut self.state) {
                (Some(failure), _) => {
                    if failure.event.free_areas.len() < MOST_FREE_AREAS {
                        failure.event.free_areas.push(area);
                    }
                }
                (None, State::Collecting(open)) => open.free_area(area),
                _ => {}
            },
            Message::Announced { scope, pid, .. } => {
                let open =
                    self.collecting_kill(line, |o| o.announced.is_some_and(|a| a != pid), sink);
                open.announced = Some(pid);
                if let Some(scope) = scope {
                    open.report.scope = scope;
                }
                open.quote(text);
            }
            Message::Killed(killed) => self.killed(line, text, &killed, sink),
            Message::GroupKill { cgroup } => {
                if let State::Given(given) = &mut self.state {
                    given.group = Some(cgroup.to_owned());
                } else {
                    let open = self.collecting(line, |_| false, sink);
                    open.report.oom_group = Some(cgroup.to_owned());
                    open.quote(text);
                }
            }
            Message::AlreadyExiting { scope, pid, comm } => {
                let open = self.collecting_kill(line, |_| false, sink);
                open.report.end = ReportEnd::AlreadyExiting { pid, comm: comm.to_owned() };
                open.report.scope = scope.unwrap_or(open.report.scope);
                open.quote(text);
                self.close("", sink);
            }
            Message::NoKillable => {
                let open =
                    self.collecting_kill(line, |o| o.report.end != ReportEnd::Unfinished, sink);
                open.report.end = ReportEnd::NoKillableProcess;
                open.quote(text);
            }
            Message::Panic { text: panic } => {
                // `no killable processes` and the panic over it are one event.
                if let State::Collecting(open) = &mut self.state
                    && open.report.end == ReportEnd::NoKillableProcess
                {
                    open.report.end = ReportEnd::Unfinished;
                }
                let open = self.collecting_kill(line, |_| false, sink);
                open.report.end = ReportEnd::Panic(bounded(panic, LONGEST_MESSAGE).to_owned());
                if open.report.scope == Scope::Unknown && !panic.contains("compulsory") {
                    open.report.scope = Scope::System;
                }
                open.quote(text);
                self.close("", sink);
            }
            Message::ManualOom => self.manual = true,
            Message::Reaped { pid, comm, reaped, anon_rss } => {
                // Only victims are reaped: where the kill line is missing, this names the victim.
                if let State::Collecting(open) = &mut self.state
                    && open.chose(pid)
                {
                    open.reaped(pid, comm);
                    self.close("only the reaper names the victim", sink);
                }
                let comm = comm.to_owned();
                sink(KernelEvent::Reaped(Reaped {
                    position: position(),
                    pid,
                    comm,
                    reaped,
                    anon_rss,
                }));
            }
            Message::Suppressed { function, count } => {
                sink(KernelEvent::Suppressed(Suppressed {
                    position: position(),
                    function: function.to_owned(),
                    count,
                }));
            }
            Message::PageAllocationFailure { comm, order, gfp_mask, cpuset } => {
                self.give_failure(sink);
                let event = Box::new(AllocationFailure {
                    position: position(),
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
                let slab =
                    SlabFailure { position: position(), node, gfp_mask, ..SlabFailure::default() };
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
            Message::Vmalloc { comm, size } => {
                let (comm, message) =
                    (comm.map(str::to_owned), bounded(text, LONGEST_MESSAGE).to_owned());
                sink(KernelEvent::VmallocFailure(VmallocFailure {
                    position: position(),
                    comm,
                    size,
                    message,
                }));
            }
            Message::Hardware { pid, comm, pfn } => {
                let (comm, pfn) = (comm.map(str::to_owned), pfn.map(str::to_owned));
                let message = bounded(text, LONGEST_MESSAGE).to_owned();
                sink(KernelEvent::HardwareMemoryError(HardwareMemoryError {
                    position: position(),
                    pid,
                    comm,
                    pfn,
                    message,
                }));
            }
            Message::Fault { comm, pid, fault } => {
                let (comm, fault) = (comm.to_owned(), fault.to_owned());
                let message = bounded(text, LONGEST_MESSAGE).to_owned();
                sink(KernelEvent::Fault(Fault { position: position(), pid, comm, fault, message }));
            }
            Message::Userspace { .. } => self.userspace(line, text, &message, sink),
        }
    }

    fn killed(
        &mut self,
        line: &Line<'_>,
        text: &str,
        killed: &message::Killed<'_>,
        sink: Sink<'_>,
    ) {
        let known = self.recent.knows(&victim(killed, line));
        match std::mem::take(&mut self.state) {
            State::Collecting(mut open) if open.expects(killed, line) => {
                open.quote(text);
                let (pids, cut) = (std::mem::take(&mut open.pids), open.pids_cut);
                let report = open.kill(killed, line);
                let mut given = Given::new(&report, pids, cut);
                given.group = report.oom_group.clone();
                if !known {
                    self.give(report, sink);
                }
                self.state = State::Given(Box::new(given));
                return;
            }
            State::Given(mut given) => match given.member(killed, line.us) {
                _ if known => {
                    self.state = State::Given(given);
                    return;
                }
                Member::Another => {
                    let cgroup = given.group.clone();
                    let oom_score_adj =
                        killed.oom_score_adj.or_else(|| given.adjustment(killed.pid));
                    let victim = Victim { cgroup, oom_score_adj, ..victim(killed, line) };
                    given.add(&victim);
                    self.recent.add(&victim);
                    let (report, scope, oom_group) =
                        (given.report.clone(), given.scope, given.group.clone());
                    sink(KernelEvent::OomVictim(Box::new(OomVictim {
                        report,
                        scope,
                        oom_group,
                        victim,
                    })));
                    self.state = State::Given(given);
                    return;
                }
                Member::Thread => {
                    self.state = State::Given(given);
                    return;
                }
                Member::Stranger => {}
            },
            State::Collecting(open) => {
                self.state = State::Collecting(open);
                self.close("another kill follows", sink);
            }
            State::Idle => {}
        }
        if known {
            return;
        }
        let mut bare = Open::new(line, self.page_size);
        bare.report.bare = true;
        bare.report.incomplete.push(
            "only the kill line is there: the kernel keeps headers back in a storm".to_owned(),
        );
        bare.quote(text);
        let report = bare.kill(killed, line);
        let given = Given::new(&report, std::collections::HashMap::new(), false);
        self.give(report, sink);
        self.state = State::Given(Box::new(given));
    }

    fn give(&mut self, report: OomReport, sink: Sink<'_>) {
        for victim in &report.victims {
            self.recent.add(victim);
        }
        sink(KernelEvent::Oom(Box::new(report)));
    }

    fn give_failure(&mut self, sink: Sink<'_>) {
        if let Some(Failure { mut event, totals, .. }) = self.failure.take() {
            event.free = totals.free;
            sink(KernelEvent::AllocationFailure(event));
        }
    }

    /// The open report, or a new one without a head; `is_next` says that the line begins another report.
    fn collecting(
        &mut self,
        line: &Line<'_>,
        is_next: impl Fn(&Open) -> bool,
        sink: Sink<'_>,
    ) -> &mut Open {
        if let State::Collecting(open) = &self.state
            && (is_next(open) || open.report.end != ReportEnd::Unfinished)
        {
            self.close("another report follows", sink);
        }
        if !matches!(self.state, State::Collecting(_)) {
            self.give_failure(sink);
            self.state = State::Collecting(Box::new(Open::headless(line, self.page_size)));
        }
        let State::Collecting(open) = &mut self.state else { unreachable!("set above") };
        open.touch(line);
        open
    }

    /// Like [`Self::collecting`], for lines that the kernel prints without a head when it keeps heads back.
    fn collecting_kill(
        &mut self,
        line: &Line<'_>,
        is_next: impl Fn(&Open) -> bool,
        sink: Sink<'_>,
    ) -> &mut Open {
        let fresh = !matches!(self.state, State::Collecting(_));
        let open = self.collecting(line, is_next, sink);
        open.report.bare |= fresh;
        open
    }

    fn cpu(&mut self, line: &Line<'_>, pid: u32, comm: &str) {
        if let Some(Failure { event, .. }) = &mut self.failure {
            if event.pid.is_none() && event.comm == comm {
                event.pid = Some(pid);
            }
        } else if let State::Collecting(open) = &mut self.state
            && let Some(trigger) = &mut open.report.trigger
            && trigger.pid.is_none()
            && trigger.comm == comm
        {
            trigger.pid = Some(pid);
            open.touch(line);
        }
    }

    /// Ends what has waited too long.
    fn expire(&mut self, line: &Line<'_>, sink: Sink<'_>) {
        if let State::Collecting(open) = &self.state
            && let Some((start, now)) = open.report.position.monotonic_us.zip(line.us)
            && start.abs_diff(now) > PATIENCE_US
        {
            self.close("the log goes on without it", sink);
        }
        if let Some(failure) = &mut self.failure {
            failure.patience = failure.patience.saturating_sub(1);
            // `0 pages cma reserved` and the like end the block.
            let over = failure.last_figures && !line.text.contains(" pages ");
            if over || failure.patience == 0 {
                self.give_failure(sink);
            }
        }
    }

    /// Only the kernel's word is a kill; killers in user space speak for themselves.
    fn from_user_space(
        &mut self,
        line: &Line<'_>,
        text: &str,
        facility: Option<u32>,
        program: Option<&str>,
        message: &Message<'_>,
        sink: Sink<'_>,
    ) {
        let pid = match message {
            Message::Userspace { killer, .. } => {
                let own_name = match killer {
                    UserspaceKiller::SystemdOomd => "systemd-oomd",
                    UserspaceKiller::Earlyoom => "earlyoom",
                    UserspaceKiller::Oomd => "oomd",
                    UserspaceKiller::Talos => "talos",
                    UserspaceKiller::LowMemoryKiller => "kernel",
                };
                if program.is_none_or(|p| p == own_name) {
                    self.userspace(line, text, message, sink);
                }
                return;
            }
            Message::Killed(killed) => Some(killed.pid),
            Message::Announced { pid, .. } => Some(*pid),
            Message::Summary(summary) => summary.pid,
            _ => return,
        };
        // A forged report has several such lines about one process.
        if pid.is_some() && pid == self.last_unverified {
            return;
        }
        self.last_unverified = pid;
        let who = program.map_or_else(
            || format!("a process wrote this record (facility {})", facility.unwrap_or_default()),
            |program| format!("the program `{program}` wrote this line"),
        );
        sink(KernelEvent::Unverified(Unverified {
            position: line.position(),
            facility,
            pid,
            message: bounded(text, LONGEST_MESSAGE).to_owned(),
            reason: format!("{who}, not the kernel"),
        }));
    }

    fn userspace(&mut self, line: &Line<'_>, text: &str, message: &Message<'_>, sink: Sink<'_>) {
        let Message::Userspace { killer, pid, comm, cgroup } = message else { return };
        sink(KernelEvent::UserspaceKill(UserspaceKill {
            position: line.position(),
            killer: *killer,
            pid: *pid,
            comm: comm.as_deref().map(str::to_owned),
            cgroup: cgroup.as_deref().map(str::to_owned),
            message: bounded(text, LONGEST_MESSAGE).to_owned(),
        }));
    }
}

/// `--` of grep, `...`, `(...snipped...)`, `-- Reboot --`: what stands behind has nothing to do with what stood before.
fn is_cut_mark(text: &str) -> bool {
    let text = text.trim();
    // Most lines that nobody understands are names of functions; they need no second look.
    if !text.starts_with(['-', '.', '(', '[', '<', '*', '\u{2026}']) {
        return false;
    }
    let inner = text.trim_matches(['(', ')', '[', ']', '<', '>', ' ', '*']);
    inner == "--"
        || inner.starts_with("-- Boot ")
        || inner.starts_with("-- Reboot ")
        || inner == "\u{2026}"
        || (inner.starts_with("...") && (inner.len() <= 4 || inner.ends_with("...")))
        || (inner.len() < 24 && (inner.contains("snip") || inner.contains("truncated")))
}
