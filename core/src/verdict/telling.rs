//! The sentences that do not depend on the cause: who was killed, what the memory was, who asked, who held the most.
//!
//! Trigger, victim and hog are three roles and often three processes. What a report does not say is not said here.

use super::facts::{Event, Facts};
use super::words::{clock, group, process, size};
use crate::bytes::Bytes;
use crate::finding::{AttributionMethod, Gap, Source};
use crate::kernel::{OomReport, ReportEnd, TaskRow, Victim};

/// Most processes named in one sentence.
const NAMED: usize = 5;

/// What the kernel did, and when.
pub(super) fn killing(facts: &Facts<'_>) -> Vec<String> {
    let Event::Oom(report) = facts.event else { return Vec::new() };
    let at = clock(facts.at);
    let mut said = Vec::new();
    match facts.victims.as_slice() {
        [] if facts.somebody_died() => said.push(format!(
            "The kernel's OOM killer struck {} at {at}: {}. {}",
            facts.victim.as_ref().map_or_else(
                || "a group".to_owned(),
                |victim| group(victim.path, &victim.identity)
            ),
            facts.fate(),
            match facts.witnesses.one_of().len() {
                0 => "Who that was, nobody saw.",
                _ => "The kernel log names the processes that were killed, and not where they were; which of \
                      them was in this group, nobody saw.",
            }
        )),
        [] => {}
        [victim] => said.push(format!(
            "The kernel killed {} at {at}{}.",
            process(victim.pid, &victim.comm),
            held(victim).map(|held| format!("; it held {held}")).unwrap_or_default()
        )),
        victims => {
            let mut named: Vec<String> =
                victims.iter().take(NAMED).map(|v| process(v.pid, &v.comm)).collect();
            if victims.len() > NAMED {
                named.push(format!("{} more", victims.len() - NAMED));
            }
            said.push(format!(
                "The kernel killed {} processes at {at}: {}.",
                victims.len(),
                named.join(", ")
            ));
        }
    }
    if let Some(group) = &report.oom_group {
        said.push(format!(
            "memory.oom.group is set on {group}, so everything in it was killed together."
        ));
    }
    match &report.end {
        ReportEnd::Panic(why) => {
            said.push(format!("The kernel panicked at {at} instead of killing: {why}."));
        }
        ReportEnd::NoKillableProcess => said.push(format!(
            "The kernel found nobody to kill at {at}: every process it could have chosen is exempt \
             (oom_score_adj -1000) or already gone."
        )),
        ReportEnd::AlreadyExiting { pid, comm } => {
            said.push(format!(
                "The kernel first chose {}, which was already exiting.",
                process(*pid, comm)
            ));
        }
        ReportEnd::Killed | ReportEnd::Unfinished => {}
    }
    if report.sysrq {
        said.push(
            "A person or a program asked for this kill with SysRq-f (a key, or `f` written to \
             /proc/sysrq-trigger); memory need not have been short."
                .to_owned(),
        );
    }
    said
}

/// `63.6 MiB of anonymous memory and 700 KiB of shared memory`; a share below a sixteenth is not worth a word.
fn held(victim: &Victim) -> Option<String> {
    let parts = [
        (victim.anon_rss, "anonymous memory"),
        (victim.shmem_rss, "shared memory"),
        (victim.file_rss, "mapped files"),
    ];
    let total: u64 = parts.iter().filter_map(|(bytes, _)| *bytes).fold(0, u64::saturating_add);
    let said: Vec<String> = parts
        .iter()
        .filter_map(|(bytes, what)| bytes.map(|bytes| (bytes, what)))
        .filter(|(bytes, _)| *bytes > 0 && *bytes >= total / 16)
        .map(|(bytes, what)| format!("{} of {what}", Bytes(bytes)))
        .collect();
    (!said.is_empty()).then(|| said.join(" and "))
}

/// Who asked and who held the most, where that is somebody else than the victim.
pub(super) fn roles(facts: &Facts<'_>) -> Vec<String> {
    let Event::Oom(report) = facts.event else { return Vec::new() };
    let mut said = Vec::new();
    if let Some(trigger) = report.trigger.as_ref().filter(|_| !report.sysrq)
        && !facts.victims.is_empty()
        && !facts.victims.iter().any(|v| Some(v.pid) == trigger.pid || v.comm == trigger.comm)
    {
        let who =
            trigger.pid.map_or_else(|| trigger.comm.clone(), |pid| process(pid, &trigger.comm));
        // The pid is a thread's: only one that stands in the list by itself is surely another process.
        let another = report.tasks.iter().any(|task| Some(task.pid) == trigger.pid);
        let another = if another { "; it is not the one that was killed" } else { "" };
        said.push(format!("{who} asked for the memory that was not there{another}."));
    }
    if let (Some(hog), Some(victim)) = (hog(report), facts.victims.first())
        && !facts.victims.iter().any(|victim| victim.pid == hog.pid)
    {
        let why = match hog.oom_score_adj {
            Some(adj) if adj < victim.oom_score_adj.unwrap_or(0) => {
                format!("its oom_score_adj of {adj} protects it")
            }
            _ => "the kernel's score chose another".to_owned(),
        };
        said.push(format!(
            "{} held the most, {}, and was not killed: {why}.",
            process(hog.pid, &hog.comm),
            size(hog.rss)
        ));
    }
    said
}

/// The task with the most resident memory.
pub(super) fn hog(report: &OomReport) -> Option<&TaskRow> {
    report
        .tasks
        .iter()
        .filter(|task| task.rss.is_some_and(|rss| rss > 0))
        .max_by_key(|task| (task.rss, std::cmp::Reverse(task.pid)))
}

/// `dockerd 1.9 GiB, journald 400 MiB`: the largest tasks.
pub(super) fn largest(report: &OomReport) -> Option<String> {
    let mut tasks: Vec<&TaskRow> =
        report.tasks.iter().filter(|task| task.rss.is_some_and(|rss| rss > 0)).collect();
    tasks.sort_by_key(|task| (std::cmp::Reverse(task.rss), task.pid));
    let named: Vec<String> = tasks
        .iter()
        .take(NAMED)
        .map(|task| format!("{} {}", process(task.pid, &task.comm), size(task.rss)))
        .collect();
    (!named.is_empty()).then(|| named.join(", "))
}

/// A hole in the log, in words.
pub(super) fn gap(gap: &Gap) -> String {
    let lost = match gap.lost {
        Some(1) => "1 record".to_owned(),
        Some(lost) => format!("{lost} records"),
        None => "an unknown number of records".to_owned(),
    };
    let span = match (gap.from, gap.to) {
        (Some(from), Some(to)) => format!(" between {} and {}", clock(from), clock(to)),
        (Some(from), None) => format!(" after {}", clock(from)),
        (None, Some(to)) => format!(" before {}", clock(to)),
        (None, None) => String::new(),
    };
    format!("The {} lost {lost}{span}: {}.", gap.source, gap.reason.trim_end_matches('.'))
}

/// What the report itself lacks.
pub(super) fn missing(facts: &Facts<'_>) -> Vec<String> {
    if !matches!(facts.event, Event::Oom(_)) {
        return Vec::new();
    }
    let mut said = Vec::new();
    let Some((_, report)) = facts.witnesses.log else {
        said.push(
            if facts.watch.complete(Source::KernelLog, facts.at) {
                "The kernel log is complete for that time and has no line of this kill: the kernel prints none for a \
                 process that is exiting already."
            } else {
                "The kernel log's report is missing; it would name who asked for the memory, how full the group was \
                 and the processes."
            }
            .to_owned(),
        );
        return said;
    };
    if report.bare {
        said.push(
            "The kernel printed only the kill line (it prints ten whole reports in five seconds), so who asked, \
             how full the group was and the list of processes are missing."
                .to_owned(),
        );
    } else {
        said.extend(report.incomplete.iter().map(|what| format!("The kernel's report: {what}.")));
    }
    let method =
        [&facts.limit, &facts.victim].into_iter().flatten().find_map(|group| group.worked_out);
    if let Some(method) = method {
        let how = match method {
            AttributionMethod::ProcCgroup => "read from /proc while the process was dying",
            AttributionMethod::SeenBefore => "the process had been seen in it shortly before",
            AttributionMethod::OomKillCounter => "its oom_kill counter rose by just this kill",
        };
        said.push(format!("The victim's group is not the kernel's word: {how}."));
    }
    said
}
