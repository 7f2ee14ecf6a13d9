//! A recorded case as the agent would hand it on: the log's reports, the trace's signals with the marks that belong to
//! them, and a count for each kill; joined by process id. What the agent reads of `/proc` is put in by hand: a victim's
//! group as the kernel printed it, and for other signals a sender in a login and a receiver in a container.

mod trace;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use coroner_core::finding::{
    ContainerEnd, CountedKill, CountedLimit, CoverageSpan, Finding, FindingBody, FindingId,
    GroupRise, Process, Sigkill, SignalResult, Source,
};
use coroner_core::incident::Incident;
use coroner_core::kernel::{self, KernelEvent, OomReport, Victim};
use coroner_core::signal::{Generated, Paired};
use coroner_core::verdict::{self, incident_of};
use jiff::{SignedDuration, Timestamp};
use trace::{FORMATS, signals};

use coroner_core::kernel_log::{Options, Parser};

const CONTAINER: &str = "/kubepods/burstable/pod11111111-2222-3333-4444-555555555555/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const SSHD: &str = "/system.slice/ssh.service";

/// Whose limit the counters tell.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// That of the group which the log names.
    Printed,
    /// The victim's own.
    OwnGroup,
    /// Nobody's.
    WholeNode,
}

/// Which witnesses there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) log: bool,
    pub(crate) trace: bool,
    pub(crate) counters: bool,
}

/// One recorded case of one kernel.
pub(crate) struct Case {
    pub(crate) name: String,
    events: Vec<KernelEvent>,
    signals: Vec<Paired<()>>,
    version: u32,
}

/// The case of this name on every kernel that it was recorded on.
pub(crate) fn cases(name: &str) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/kernel");
    let mut found = Vec::new();
    for (kernel, formats) in FORMATS {
        for (version, folder) in [(1, "v1"), (2, "v2")] {
            let folder = root.join(kernel).join(folder).join(name);
            if folder.join("trace").is_file() {
                found.push(case(&folder, &root, formats, version));
            }
        }
    }
    assert!(!found.is_empty(), "no recording of {name}");
    found
}

fn case(folder: &Path, root: &Path, formats: &str, version: u32) -> Case {
    let log = folder.join("kmsg");
    let mut events = Vec::new();
    let mut parser = Parser::new(Options::default());
    parser.text(&fs::read(log).unwrap(), &mut |event| events.push(event));
    parser.finish(&mut |event| events.push(event));
    let name = folder.strip_prefix(root).unwrap().display().to_string();
    let signals = signals(&fs::read(folder.join("trace")).unwrap(), formats);
    Case { name, events, signals, version }
}

impl Case {
    /// Reports with a victim, whole or not.
    pub(crate) fn reports(&self) -> usize {
        self.oom().count()
    }

    /// Reports from the first line on.
    pub(crate) fn whole_reports(&self) -> usize {
        self.oom().filter(|report| !report.bare).count()
    }

    fn oom(&self) -> impl Iterator<Item = &OomReport> {
        self.events.iter().filter_map(|event| match event {
            KernelEvent::Oom(report) if !report.victims.is_empty() => Some(report.as_ref()),
            _ => None,
        })
    }

    /// The verdicts on all OOM kills, by these witnesses.
    pub(crate) fn judge(&self, limit: Limit, seen: Seen) -> Vec<Incident> {
        let own = self.oom().flat_map(|r| &r.victims).find_map(|v| v.cgroup.clone());
        let mut findings = Vec::new();
        let mut count = 0;
        for report in self.oom() {
            let about = FindingId::at("boot", &report.position, 0);
            let mut victims: Vec<&Victim> = report.victims.iter().collect();
            if seen.log {
                findings.push(finding(
                    about.clone(),
                    None,
                    Source::KernelLog,
                    FindingBody::Kernel(Box::new(KernelEvent::Oom(Box::new(report.clone())))),
                ));
            }
            for event in &self.events {
                let KernelEvent::OomVictim(further) = event else { continue };
                if further.report != report.position {
                    continue;
                }
                victims.push(&further.victim);
                if seen.log {
                    let id = FindingId::at("boot", &further.victim.position, 0);
                    let body = FindingBody::Kernel(Box::new(event.clone()));
                    findings.push(finding(id, None, Source::KernelLog, body));
                }
            }
            for victim in victims {
                let group = victim
                    .cgroup
                    .clone()
                    .or(own.clone())
                    .unwrap_or_else(|| panic!("{}: no group of {}", self.name, victim.pid));
                if seen.trace {
                    findings.extend(self.mark(victim.pid, &group, &about));
                }
                if seen.counters {
                    count += 1;
                    let kill = self.count(&group, count, limit, report);
                    let id = FindingId::counted("boot", &kill);
                    let body = FindingBody::CountedKill(Box::new(kill));
                    findings.push(finding(id, Some(about.clone()), Source::Cgroup, body));
                }
            }
        }
        judge_all(findings)
    }

    /// The mark of this victim; a thread's id may be printed instead of the process's.
    fn mark(&self, pid: u32, group: &str, about: &FindingId) -> Option<Finding> {
        let paired = self
            .signals
            .iter()
            .find(|paired| paired.signal.receiver == pid && paired.mark.is_some())?;
        let mut sigkill = sigkill(&paired.signal, Some(group), None);
        sigkill.oom_mark.clone_from(&paired.mark);
        let id = FindingId::sigkill("boot", &sigkill);
        Some(finding(
            id,
            Some(about.clone()),
            Source::SignalTrace,
            FindingBody::Sigkill(Box::new(sigkill)),
        ))
    }

    fn count(&self, group: &str, oom_kill: u64, limit: Limit, report: &OomReport) -> CountedKill {
        let printed = report.limit_cgroup.clone();
        let bytes = report.memory.and_then(|memory| memory.limit);
        let limit = match limit {
            Limit::Printed => printed.map_or(CountedLimit::Unknown, CountedLimit::Group),
            Limit::OwnGroup => CountedLimit::Group(group.to_owned()),
            Limit::WholeNode => CountedLimit::WholeNode,
        };
        let rise = |group: &str, limit| GroupRise {
            group: group.to_owned(),
            limit,
            oom_kill: Some(1),
            ..GroupRise::default()
        };
        // The containers of these cases have no limit of their own where it was the pod's that was hit.
        let own = rise(group, Some(kernel::Limit::Unlimited));
        let lineage = match &limit {
            CountedLimit::Group(path) if path != group => vec![own, rise(path, bytes)],
            CountedLimit::Group(path) => vec![rise(path, bytes)],
            _ => vec![own],
        };
        CountedKill {
            group: group.to_owned(),
            version: self.version,
            oom_kill,
            of: 1,
            from_us: 0,
            to_us: oom_kill,
            lineage,
            limit,
            one_of: Vec::new(),
        }
    }

    /// The verdicts on what was sent to each process, as if each were the first of its container; a child that goes with
    /// its namespace is none. By the receiver's name.
    pub(crate) fn judge_signals(&self) -> Vec<(String, Incident)> {
        let mut told = Vec::new();
        for paired in &self.signals {
            let signal = &paired.signal;
            let zapped = signal.code == 128 && signal.sender != signal.receiver;
            let sender = if zapped { CONTAINER } else { SSHD };
            let mut sigkill = sigkill(signal, Some(CONTAINER), Some(!zapped));
            sigkill.sender.cgroup = Some(sender.to_owned());
            sigkill.sender.namespace_pid = zapped.then_some(1);
            let ignored = sigkill.result == SignalResult::Ignored;
            let about = FindingId::death("boot", ID);
            let id = FindingId::sigkill("boot", &sigkill);
            let main = sigkill.receiver.pid;
            let body = FindingBody::Sigkill(Box::new(sigkill));
            let mut findings = vec![finding(id, None, Source::SignalTrace, body)];
            if !zapped && !ignored {
                let id = FindingId::container_end("boot", ID);
                let body = FindingBody::ContainerEnd(Box::new(end(main)));
                findings.push(finding(id, Some(about), Source::Cgroup, body));
            }
            told.extend(judge_all(findings).into_iter().map(|i| (signal.receiver_comm.clone(), i)));
        }
        told
    }
}

fn end(main: u32) -> ContainerEnd {
    ContainerEnd {
        group: CONTAINER.to_owned(),
        container_id: ID.to_owned(),
        main_pid: Some(main),
        watched_since: None,
        not_before: None,
        main_sigkilled: Some(true),
        oom_kills: Some(0),
        throttled_us: None,
        throttled_periods: None,
        sandbox: false,
    }
}

fn sigkill(signal: &Generated, group: Option<&str>, main: Option<bool>) -> Sigkill {
    Sigkill {
        at_us: signal.at_us,
        code: signal.code,
        whole_process: signal.whole_process,
        result: signal.result,
        receiver: Process {
            pid: signal.receiver,
            comm: signal.receiver_comm.clone(),
            cgroup: group.map(str::to_owned),
            ..Process::default()
        },
        receiver_is_main: main,
        sender: Process {
            pid: signal.sender,
            comm: signal.sender_comm.clone(),
            ..Process::default()
        },
        ancestors: Vec::new(),
        oom_mark: None,
    }
}

fn noon() -> Timestamp {
    "2026-01-02T12:00:00Z".parse().unwrap()
}

fn finding(id: FindingId, about: Option<FindingId>, source: Source, body: FindingBody) -> Finding {
    Finding {
        id,
        node: "node".to_owned(),
        boot_id: "boot".to_owned(),
        time: noon(),
        time_uncertainty_us: None,
        source,
        about,
        body,
    }
}

/// One verdict for each incident, with nothing missed around it.
fn judge_all(findings: Vec<Finding>) -> Vec<Incident> {
    let ids: BTreeSet<_> = findings.iter().filter_map(incident_of).collect();
    let hour = SignedDuration::from_hours(1);
    let coverage: Vec<CoverageSpan> = [Source::KernelLog, Source::Cgroup, Source::SignalTrace]
        .map(|source| CoverageSpan { source, from: noon() - hour, to: noon() + hour })
        .to_vec();
    ids.into_iter()
        .filter_map(|id| {
            let mine = |f: &&Finding| incident_of(f).as_ref() == Some(&id);
            let findings = findings.iter().filter(mine).cloned().collect();
            verdict::judge(&verdict::Case {
                findings,
                coverage: coverage.clone(),
                ..Default::default()
            })
        })
        .collect()
}
