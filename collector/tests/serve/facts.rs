//! Findings to send, and rules to judge them by that are simple enough to predict.

use coroner_collector::Rules;
use coroner_core::finding::{
    CgroupObservation, CoverageSpan, Finding, FindingBody, FindingId, Gap, Phase, Source,
    SourceStatus,
};
use coroner_core::incident::{
    Cause, Confidence, ContainerRef, Incident, IncidentId, KernelFacts, PodRef, VictimFacts,
};
use coroner_core::kernel::{KernelEvent, OomReport, Victim};
use coroner_core::verdict::Case;
use jiff::Timestamp;

pub(crate) const BOOT: &str = "6f1c6a0e-64f5-4fd1-9a5e-000000000001";

/// Seconds since 1970 of all times here.
pub(crate) const NOON: i64 = 1_763_726_400;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(NOON + second).unwrap()
}

fn finding(node: &str, id: FindingId, second: i64, body: FindingBody) -> Finding {
    Finding {
        id,
        node: node.to_owned(),
        boot_id: BOOT.to_owned(),
        time: at(second),
        time_uncertainty_us: Some(1000),
        source: Source::KernelLog,
        about: None,
        body,
    }
}

/// Id of the kill that `node` logged as record `seq`.
pub(crate) fn kill_id(node: &str, seq: u64) -> FindingId {
    FindingId(format!("kmsg:{BOOT}:{node}:{seq}"))
}

/// A kill, logged by `node` as record `seq`, `second`s after noon, of a process whose id is `seq` too.
pub(crate) fn kill(node: &str, seq: u64, second: i64) -> Finding {
    let victim =
        Victim { pid: u32::try_from(seq).unwrap(), comm: "java".to_owned(), ..Victim::default() };
    let report = OomReport { victims: vec![victim], ..OomReport::default() };
    let event = KernelEvent::Oom(Box::new(report));
    finding(node, kill_id(node, seq), second, FindingBody::Kernel(Box::new(event)))
}

/// What was read of control groups because of that kill.
pub(crate) fn observation(node: &str, seq: u64, second: i64) -> Finding {
    let (about, phase) = (kill_id(node, seq), Phase::AtKill);
    let id = FindingId::observation(&about, phase);
    let body = CgroupObservation {
        about,
        phase,
        attribution: None,
        limit: None,
        victim: None,
        siblings: Vec::new(),
    };
    finding(node, id, second, FindingBody::Cgroups(body))
}

/// Records lost between two seconds after noon.
pub(crate) fn gap(node: &str, first_lost: u64, from: i64, to: i64) -> Finding {
    let gap = Gap {
        source: Source::KernelLog,
        first_lost: Some(first_lost),
        lost: Some(7),
        from: Some(at(from)),
        to: Some(at(to)),
        reason: "the ring was full".to_owned(),
    };
    let id = FindingId::gap(Source::KernelLog, BOOT, first_lost);
    finding(node, id, to, FindingBody::Gap(gap))
}

/// A source says how it is doing.
pub(crate) fn status(node: &str, second: i64, detail: &str) -> Finding {
    let status = SourceStatus {
        source: Source::KernelLog,
        reading: true,
        detail: detail.to_owned(),
        since: Some(at(second)),
    };
    finding(
        node,
        FindingId(format!("status:{BOOT}:{second}")),
        second,
        FindingBody::SourceStatus(status),
    )
}

/// A source missed nothing between two times in milliseconds after noon.
pub(crate) fn covered(source: Source, from: i64, to: i64) -> CoverageSpan {
    let at = |ms| Timestamp::from_millisecond(NOON * 1000 + ms).unwrap();
    CoverageSpan { source, from: at(from), to: at(to) }
}

/// The container whose id goes with a process id: 64 hex digits.
pub(crate) fn container_id(pid: u32) -> String {
    format!("{pid:012x}").repeat(6)[..64].to_owned()
}

/// Rules that any test can predict: odd process ids hit their container's limit, even ones the node's; the summary
/// counts what is known, the remedies tell of coverage.
pub(crate) const RULES: Rules = Rules { incident_of, judge };

fn incident_of(finding: &Finding) -> Option<IncidentId> {
    if let Some(about) = &finding.about {
        return Some(IncidentId::of(about));
    }
    match &finding.body {
        FindingBody::Kernel(_) => Some(IncidentId::of(&finding.id)),
        FindingBody::Cgroups(observation) => Some(IncidentId::of(&observation.about)),
        _ => None,
    }
}

/// `kernel log 0..1500`, in milliseconds after noon.
fn span(span: &CoverageSpan) -> String {
    let ms = |time: Timestamp| time.as_millisecond() - NOON * 1000;
    format!("{} {}..{}", span.source, ms(span.from), ms(span.to))
}

fn judge(case: &Case) -> Option<Incident> {
    let (kill, victim) = case.findings.iter().find_map(|f| match &f.body {
        FindingBody::Kernel(event) => match &**event {
            KernelEvent::Oom(report) => Some((f, &report.victims[0])),
            _ => None,
        },
        _ => None,
    })?;
    let cause =
        if victim.pid % 2 == 1 { Cause::ContainerMemoryLimit } else { Cause::SystemOutOfMemory };
    Some(Incident {
        id: IncidentId::of(&kill.id),
        time: kill.time,
        node: kill.node.clone(),
        cause,
        outcome: None,
        confidence: if case.gaps.is_empty() { Confidence::Confirmed } else { Confidence::Possible },
        summary: format!("{} findings, {} gaps", case.findings.len(), case.gaps.len()),
        explanation: case.sources.iter().map(|s| s.detail.clone()).collect(),
        remedies: case.coverage.iter().map(span).collect(),
        pod: Some(PodRef::default()),
        container: Some(ContainerRef { name: None, id: Some(container_id(victim.pid)) }),
        termination: None,
        kubernetes: None,
        alternatives: Vec::new(),
        sigkill: None,
        previous: Vec::new(),
        revised_from: None,
        orderly: false,
        kernel: Some(KernelFacts {
            victims: vec![VictimFacts {
                pid: victim.pid,
                comm: victim.comm.clone(),
                anon_rss_kb: None,
            }],
            ..KernelFacts::default()
        }),
        evidence: Vec::new(),
        gaps: Vec::new(),
    })
}
