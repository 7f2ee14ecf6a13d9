//! Reading a recorded experiment.

use std::fs;
use std::path::{Path, PathBuf};

use coroner_core::finding::{
    CgroupObservation, CgroupState, CoverageSpan, Finding, FindingBody, FindingId, Phase, Source,
};
use coroner_core::kernel::{KernelEvent, ReportEnd};
use coroner_core::kernel_log::{Options, Parser};
use coroner_core::kubernetes::decode::{self, WatchLine};
use coroner_core::kubernetes::{ApiChange, ContainerState, PodRecord, Seen};
use jiff::{SignedDuration, Timestamp};

/// One recorded experiment.
#[derive(Clone, Debug)]
pub(crate) struct Experiment {
    pub(crate) name: String,
    /// What the API showed, pods in the order of the watch, then events.
    pub(crate) api: Vec<Seen>,
    /// What an agent that reads the kernel log finds in the recorded one, and what was read of a group afterwards.
    pub(crate) findings: Vec<Finding>,
    /// The log was recorded whole for the time of the experiment.
    pub(crate) coverage: Vec<CoverageSpan>,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/kubernetes")
}

/// `cgroup-v1/e1-oom`.
pub(crate) fn experiment(name: &str) -> Experiment {
    let folder = root().join(name);
    let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
    let mut api = Vec::new();
    let mut clock = Timestamp::UNIX_EPOCH;
    for line in text("watch.json").lines() {
        let (object, gone) = match decode::watch_line(line.as_bytes()).expect(line) {
            WatchLine::Is(object) => (object, false),
            WatchLine::Gone(object) => (object, true),
            _ => continue,
        };
        let pod = decode::pod(object).expect("a pod");
        assert!(pod.problems.is_empty(), "{name}: {:?}", pod.problems);
        clock = clock.max(latest(&pod.record));
        let pod = Box::new(pod.record);
        let change = if gone { ApiChange::PodGone(pod) } else { ApiChange::Pod(pod) };
        api.push(Seen { at: clock + SignedDuration::from_millis(600), change });
    }
    for line in text("events.json").lines().chain(text("node-events.json").lines()) {
        let event = decode::event(line.as_bytes()).expect("an event");
        assert!(event.problems.is_empty(), "{name}: {:?}", event.problems);
        let at = event.record.last.unwrap_or(clock);
        api.push(Seen { at, change: ApiChange::Event(Box::new(event.record)) });
    }
    let findings = findings(&text("kernel.log"), text("boot-time").trim(), &text("aftermath.json"));
    let times = || api.iter().map(|seen| seen.at).chain(findings.iter().map(|f| f.time));
    let minute = SignedDuration::from_mins(1);
    let coverage = times().min().zip(times().max()).map(|(first, last)| CoverageSpan {
        source: Source::KernelLog,
        from: first - minute * 10,
        to: last + minute,
    });
    let log = folder.join("kernel.log").is_file();
    Experiment {
        name: name.to_owned(),
        api,
        findings,
        coverage: coverage.filter(|_| log).into_iter().collect(),
    }
}

/// The latest time that the object tells of: it was seen after that.
fn latest(pod: &PodRecord) -> Timestamp {
    let states = pod.containers.iter().filter_map(|container| match &container.state {
        ContainerState::Running { started_at } => *started_at,
        ContainerState::Terminated(ended) => ended.finished_at,
        _ => None,
    });
    let requested = pod.deletion.map(|deletion| match deletion.grace_s {
        Some(grace) if grace > 0 => deletion.requested().unwrap_or(deletion.deadline),
        _ => deletion.deadline,
    });
    let conditions = pod.conditions.iter().filter_map(|condition| condition.since);
    states.chain(requested).chain(conditions).chain(pod.created).max().unwrap_or_default()
}

fn findings(log: &str, boot: &str, aftermath: &str) -> Vec<Finding> {
    let mut events = Vec::new();
    let mut parser = Parser::new(Options::default());
    parser.text(log.as_bytes(), &mut |event| events.push(event));
    parser.finish(&mut |event| events.push(event));
    let Ok(boot) = boot.parse::<Timestamp>() else {
        assert!(events.is_empty(), "kernel events, and no time of the boot");
        return Vec::new();
    };
    let mut found: Vec<Finding> = events
        .into_iter()
        .map(|event| {
            let us = event.position().monotonic_us.expect("a stamp");
            Finding {
                id: FindingId::at("boot", event.position(), 0),
                node: "node1".to_owned(),
                boot_id: "boot".to_owned(),
                time: boot + SignedDuration::from_micros(i64::try_from(us).expect("a short time")),
                time_uncertainty_us: None,
                source: Source::KernelLog,
                about: None,
                body: FindingBody::Kernel(Box::new(event)),
            }
        })
        .collect();
    if let Ok(state) = serde_json::from_str::<CgroupState>(aftermath) {
        let kill = found.iter().find(|finding| is_kill(finding)).expect("a kill").clone();
        let observation = CgroupObservation {
            about: kill.id.clone(),
            phase: Phase::Aftermath,
            attribution: None,
            limit: None,
            victim: Some(state),
            siblings: Vec::new(),
        };
        found.push(Finding {
            id: FindingId::observation(&kill.id, Phase::Aftermath),
            source: Source::Cgroup,
            body: FindingBody::Cgroups(observation),
            ..kill
        });
    }
    found
}

fn is_kill(finding: &Finding) -> bool {
    matches!(&finding.body, FindingBody::Kernel(event)
        if matches!(event.as_ref(), KernelEvent::Oom(report) if report.end == ReportEnd::Killed))
}
