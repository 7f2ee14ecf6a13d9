//! How a report ends: with a kill, with several, without one, or with a panic.

use super::super::line::Line;
use super::super::message::{self, Message};
use super::super::open::{Open, bounded, victim};
use super::super::recent::{Given, Member};
use super::{Assembler, LONGEST_MESSAGE, Sink, State};
use crate::kernel::{KernelEvent, OomVictim, Reaped, ReportEnd, Scope, Victim};

impl Assembler {
    /// Takes a line that ends a report, or follows its end.
    pub(super) fn report_end(
        &mut self,
        line: &Line<'_>,
        text: &str,
        message: Message<'_>,
        sink: Sink<'_>,
    ) {
        match message {
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
                    position: line.position(),
                    pid,
                    comm,
                    reaped,
                    anon_rss,
                }));
            }
            _ => {}
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
}
