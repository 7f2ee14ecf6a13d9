//! Hand-made cases for every cause and every known trap. Sizes and lines are those of real captures.

mod clocks;
mod deaths;
mod holes;
mod kubernetes;
mod kubernetes_properties;
mod kubernetes_words;
mod limits;
mod meant;
mod mix;
mod others;
mod outcomes;
mod own_ends;
mod properties;
mod settings;
mod sightings;
mod surroundings;
mod system;
mod unscheduled;
mod witnesses;

use jiff::Timestamp;

use super::{Case, incident_of, judge};
use crate::finding::{
    Attribution, AttributionMethod, CgroupObservation, CgroupState, Finding, FindingBody,
    FindingId, Gap, Phase, SignalResult, Source,
};
use crate::incident::{Cause, Confidence, Incident};
use crate::kernel::{
    KernelEvent, Limit, OomReport, OomVictim, Position, ReportEnd, Scope, TaskRow, Trigger, Usage,
    Victim,
};

const MIB: u64 = 1 << 20;
const POD: &str = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod11111111_2222_3333_4444_555555555555.slice";
const UID: &str = "11111111-2222-3333-4444-555555555555";
const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const SIBLING: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

fn container() -> String {
    format!("{POD}/cri-containerd-{ID}.scope")
}

fn sibling() -> String {
    format!("{POD}/cri-containerd-{SIBLING}.scope")
}

fn at(seq: u64) -> Position {
    Position { seq: Some(seq), monotonic_us: Some(seq * 1000), ..Position::default() }
}

fn time() -> Timestamp {
    "2026-01-02T12:00:03.412Z".parse().expect("a time")
}

fn usage(used: u64, limit: u64) -> Usage {
    Usage { usage: Some(used), limit: Some(Limit::Bytes(limit)), failcnt: Some(7) }
}

fn victim(seq: u64, pid: u32, comm: &str, cgroup: Option<&str>) -> Victim {
    Victim {
        position: at(seq),
        pid,
        comm: comm.to_owned(),
        anon_rss: Some(60 * MIB),
        file_rss: Some(4096),
        shmem_rss: Some(0),
        cgroup: cgroup.map(str::to_owned),
        ..Victim::default()
    }
}

fn task(pid: u32, comm: &str, rss: u64, adj: i32) -> TaskRow {
    TaskRow {
        pid,
        rss: Some(rss),
        comm: comm.to_owned(),
        oom_score_adj: Some(adj),
        ..TaskRow::default()
    }
}

/// A whole report of `java` hitting the limit of `limit`, itself in `group`.
fn report(limit: &str, group: &str) -> OomReport {
    OomReport {
        position: at(100),
        trigger: Some(Trigger {
            comm: "java".to_owned(),
            pid: Some(41),
            order: Some(0),
            ..Trigger::default()
        }),
        scope: Scope::Cgroup,
        limit_cgroup: Some(limit.to_owned()),
        memory: Some(usage(64 * MIB, 64 * MIB)),
        stats: vec![("anon".to_owned(), 60 * MIB), ("file".to_owned(), 0), ("shmem".to_owned(), 0)],
        tasks: vec![task(41, "java", 61 * MIB, 0)],
        victims: vec![victim(140, 41, "java", Some(group))],
        end: ReportEnd::Killed,
        excerpt: vec!["Memory cgroup out of memory: Killed process 41 (java)".to_owned()],
        ..OomReport::default()
    }
}

/// The same where another process was in the container too, so that its end does not follow.
fn not_alone(limit: &str, group: &str) -> OomReport {
    let mut report = report(limit, group);
    report.tasks.push(task(40, "sh", MIB, 0));
    report
}

/// A kill line without a header.
fn bare(scope: Scope) -> OomReport {
    OomReport {
        position: at(100),
        scope,
        victims: vec![victim(100, 41, "java", None)],
        end: ReportEnd::Killed,
        bare: true,
        ..OomReport::default()
    }
}

fn finding(event: KernelEvent) -> Finding {
    Finding {
        id: FindingId::at("boot", event.position(), 0),
        node: "node-2".to_owned(),
        boot_id: "boot".to_owned(),
        time: time(),
        time_uncertainty_us: None,
        source: Source::KernelLog,
        about: None,
        body: FindingBody::Kernel(Box::new(event)),
    }
}

fn oom(report: OomReport) -> Finding {
    finding(KernelEvent::Oom(Box::new(report)))
}

fn further(seq: u64, pid: u32) -> Finding {
    finding(KernelEvent::OomVictim(Box::new(OomVictim {
        report: at(100),
        scope: Scope::Cgroup,
        oom_group: Some(container()),
        victim: victim(seq, pid, "child", Some(&container())),
    })))
}

fn state(path: &str, limit: Option<Limit>) -> CgroupState {
    CgroupState { path: path.to_owned(), version: 2, exists: true, limit, ..CgroupState::default() }
}

fn observed(phase: Phase, fill: impl FnOnce(&mut CgroupObservation)) -> Finding {
    let about = FindingId::at("boot", &at(100), 0);
    let mut observation = CgroupObservation {
        about: about.clone(),
        phase,
        attribution: None,
        limit: None,
        victim: None,
        siblings: Vec::new(),
    };
    fill(&mut observation);
    Finding {
        id: FindingId::observation(&about, phase),
        source: Source::Cgroup,
        about: None,
        body: FindingBody::Cgroups(observation),
        ..oom(bare(Scope::Cgroup))
    }
}

fn attributed(group: &str, limit: Option<&str>) -> Finding {
    observed(Phase::AtKill, |observation| {
        observation.attribution = Some(Attribution {
            pid: 41,
            cgroup: group.to_owned(),
            limit_cgroup: limit.map(str::to_owned),
            method: AttributionMethod::SeenBefore,
        });
    })
}

fn gap(first: u64, lost: u64) -> Finding {
    Finding {
        id: FindingId::gap(Source::KernelLog, "boot", first),
        body: FindingBody::Gap(Gap {
            source: Source::KernelLog,
            first_lost: Some(first),
            lost: Some(lost),
            from: None,
            to: None,
            reason: "the ring was overwritten".to_owned(),
        }),
        ..oom(bare(Scope::Cgroup))
    }
}

/// The trace's word about the kill, without the group.
fn marked() -> Finding {
    sightings::traced(sightings::mark(None, None), Some(sightings::the_report()))
}

/// The verdict where the trace saw the kill of pid 41 too: what the findings allow to be confirmed, is.
#[track_caller]
fn seconded(mut findings: Vec<Finding>) -> Incident {
    findings.push(marked());
    verdict(findings)
}

#[track_caller]
fn verdict(findings: Vec<Finding>) -> Incident {
    let incident = judge(&Case { findings, ..Case::default() }).expect("an incident");
    assert!(
        !incident.summary.is_empty()
            && !incident.explanation.is_empty()
            && !incident.remedies.is_empty()
    );
    incident
}

/// Whether any sentence holds the words.
#[track_caller]
fn says(incident: &Incident, words: &str) {
    let all = [&incident.explanation, &incident.remedies, &incident.gaps].into_iter().flatten();
    assert!(
        all.clone().any(|s| s.contains(words)),
        "`{words}` is not in {:#?}",
        all.collect::<Vec<_>>()
    );
}

#[track_caller]
fn is(incident: &Incident, cause: Cause, confidence: Confidence) {
    assert_eq!((incident.cause, incident.confidence), (cause, confidence), "{incident:#?}");
}
