//! One kill, seen by some of those who could see it: every subset of the log, the trace and the counters. A witness that
//! is missing makes a verdict less sure, never another one.

use super::sightings::{count, counted, mark, rise, the_report, traced, watched};
use super::*;
use crate::finding::{CountedKill, CountedLimit, GroupRise};
use crate::incident::Outcome;

/// What really happened, and what each witness says of it.
struct Truth {
    cause: Cause,
    log: OomReport,
    group: String,
    limit: CountedLimit,
    lineage: Vec<GroupRise>,
}

const HOST: &str = "/system.slice/cron.service";

fn truths() -> Vec<Truth> {
    let bytes = |mib: u64| Some(Limit::Bytes(mib * MIB));
    let of = |path: &str| CountedLimit::Group(path.to_owned());
    let own = |limit: Option<Limit>| rise(&container(), limit, 0, 1);
    let shared = |cause, path: &str, group: &str| Truth {
        cause,
        log: report(path, group),
        group: group.to_owned(),
        limit: of(path),
        lineage: vec![rise(group, bytes(512), 0, 1), rise(path, bytes(64), 1, 1)],
    };
    let mut numa = report("/", &container());
    numa.scope = Scope::Cpuset;
    numa.limit_cgroup = None;
    let node = |group: &str| OomReport {
        scope: Scope::System,
        limit_cgroup: None,
        memory: None,
        ..report("/", group)
    };
    vec![
        Truth {
            cause: Cause::ContainerMemoryLimit,
            log: report(&container(), &container()),
            group: container(),
            limit: of(&container()),
            lineage: vec![rise(&container(), bytes(64), 1, 1)],
        },
        // T6: the pod's limit is the container's under another name.
        Truth {
            cause: Cause::ContainerMemoryLimit,
            log: report(POD, &container()),
            group: container(),
            limit: of(POD),
            lineage: vec![own(bytes(64)), rise(POD, bytes(64), 1, 1)],
        },
        Truth {
            cause: Cause::PodMemoryLimit,
            log: report(POD, &container()),
            group: container(),
            limit: of(POD),
            lineage: vec![own(bytes(48)), rise(POD, bytes(64), 1, 1)],
        },
        shared(Cause::QosMemoryLimit, "/kubepods.slice/kubepods-burstable.slice", &container()),
        shared(Cause::NodeAllocatable, "/kubepods.slice", &container()),
        shared(Cause::ReservedMemoryLimit, "/system.slice", HOST),
        shared(Cause::OtherCgroupLimit, HOST, HOST),
        Truth {
            cause: Cause::SystemOutOfMemory,
            log: node(&container()),
            group: container(),
            limit: CountedLimit::WholeNode,
            lineage: vec![own(bytes(512))],
        },
        Truth {
            cause: Cause::SystemOutOfMemory,
            log: node(HOST),
            group: HOST.to_owned(),
            limit: CountedLimit::WholeNode,
            lineage: vec![rise(HOST, None, 0, 1)],
        },
        Truth {
            cause: Cause::NumaOutOfMemory,
            log: numa,
            group: container(),
            limit: CountedLimit::WholeNode,
            lineage: vec![own(bytes(512))],
        },
    ]
}

impl Truth {
    /// The log in whole, as a bare line, or not at all; trace and counters or not.
    fn seen(&self, log: Option<bool>, trace: bool, counters: bool) -> Vec<Finding> {
        let about = Some(the_report());
        let mut findings = Vec::new();
        match log {
            Some(true) => findings.push(oom(self.log.clone())),
            // Cpuset and memory policy read like the whole node on a bare line.
            Some(false) => findings.push(oom(bare(match self.log.scope {
                Scope::Cgroup => Scope::Cgroup,
                _ => Scope::System,
            }))),
            None => {}
        }
        if trace {
            findings.push(traced(mark(Some(&self.group), None), about.clone()));
        }
        if counters {
            let kill = count(&self.group, self.limit.clone(), self.lineage.clone());
            findings.push(counted(kill, about));
        }
        findings
    }
}

#[test]
fn fewer_witnesses_are_less_sure_and_never_wrong() {
    for truth in truths() {
        for log in [Some(true), Some(false), None] {
            for (trace, counters) in [(true, true), (true, false), (false, true), (false, false)] {
                let findings = truth.seen(log, trace, counters);
                if findings.is_empty() {
                    continue;
                }
                let sources = findings.iter().map(|f| f.source).collect::<Vec<_>>();
                let incident = watched(findings);
                let told = (incident.cause, incident.confidence);
                let why = format!("{log:?} of {sources:?}, really {}: {incident:#?}", truth.cause);
                let numa = truth.cause == Cause::NumaOutOfMemory && log != Some(true);
                if numa && incident.cause == Cause::SystemOutOfMemory {
                    // Only the log's report tells some memory nodes from all: never confirmed, and said.
                    assert!(incident.confidence < Confidence::Confirmed, "{why}");
                    says(&incident, "(NUMA)");
                } else if incident.confidence > Confidence::Possible {
                    assert_eq!(incident.cause, truth.cause, "{why}");
                }
                if sources.len() < 2 {
                    assert!(incident.confidence <= Confidence::Likely, "{why}");
                }
                // Only the log tells one memory node from all, and whose limit T6 is without counters.
                let whole = log == Some(true);
                let telling = match truth.cause {
                    Cause::SystemOutOfMemory | Cause::NumaOutOfMemory => whole,
                    Cause::ContainerMemoryLimit | Cause::PodMemoryLimit => counters,
                    _ => whole || counters,
                };
                if telling && (trace || whole && counters) {
                    assert_eq!(told, (truth.cause, Confidence::Confirmed), "{why}");
                } else if telling {
                    assert_eq!(told, (truth.cause, Confidence::Likely), "{why}");
                }
            }
        }
    }
}

/// T3: a process that was exiting already is killed without a line; T2: and in a storm the line names no group.
#[test]
fn counters_and_trace_say_what_the_log_does_not() {
    let truth = &truths()[0];
    let incident = watched(truth.seen(None, true, true));
    is(&incident, Cause::ContainerMemoryLimit, Confidence::Confirmed);
    says(&incident, "The kernel killed pid 41 (java) at 12:00:03.412Z; it held 60 MiB");
    says(&incident, "the memory limit is 64 MiB");
    says(&incident, "It has used 64 MiB at most.");
    says(&incident, "The kernel log is complete for that time and has no line of this kill");
    let details: Vec<&str> = incident.evidence.iter().map(|e| e.detail.as_str()).collect();
    assert!(details.contains(&"SIGKILL (code 128, OOM mark) for pid 41 java"), "{details:#?}");
    let line =
        format!("{}  oom_kill 0 -> 1, oom +1, max +1, peak 64 MiB, limit 64 MiB", container());
    assert!(details.contains(&line.as_str()), "{details:#?}");
    for source in ["kernel log", "cgroup", "signal trace"] {
        let line =
            format!("{source} read without a gap from 11:02:00.000Z until after it happened");
        assert!(details.contains(&line.as_str()), "{details:#?}");
    }

    let alone = watched(truth.seen(None, false, true));
    is(&alone, Cause::ContainerMemoryLimit, Confidence::Likely);
    assert!(alone.summary.starts_with("a process was killed because its container hit"));
    says(&alone, "Who that was, nobody saw.");
    assert_eq!(alone.container.and_then(|c| c.id).as_deref(), Some(ID));

    let trace = watched(truth.seen(None, true, false));
    is(&trace, Cause::Unknown, Confidence::Unknown);
    assert_eq!(trace.container.and_then(|c| c.id).as_deref(), Some(ID));
}

/// T5 and T15: a group kill counts for every process, the first victim is printed twice, and a thread under its own id.
#[test]
fn a_group_kill_seen_by_all_is_one_incident() {
    let mut report = report(&container(), &container());
    report.oom_group = Some(container());
    let about = Some(the_report());
    let kill = |n: u64| {
        let mut kill = count(
            &container(),
            CountedLimit::Group(container()),
            vec![rise(&container(), Some(Limit::Bytes(64 * MIB)), 1, 4)],
        );
        (kill.oom_kill, kill.of) = (n, 4);
        counted(kill, about.clone())
    };
    let signal = |pid: u32, result| {
        let mut signal = mark(Some(&container()), Some(pid == 41));
        (signal.receiver.pid, signal.result) = (pid, result);
        traced(signal, about.clone())
    };
    let mut findings = vec![oom(report), further(141, 41), further(142, 42), further(143, 48)];
    findings.extend((1..=4).map(kill));
    findings.extend([signal(41, SignalResult::Delivered), signal(42, SignalResult::Delivered)]);
    findings.push(signal(48, SignalResult::Ignored));
    assert!(findings.iter().all(|f| incident_of(f) == incident_of(&findings[0])));
    let incident = watched(findings);
    is(&incident, Cause::ContainerMemoryLimit, Confidence::Confirmed);
    assert_eq!(incident.outcome, Some(Outcome::ContainerExited), "its main process was hit");
    let pids: Vec<u32> = incident.kernel.iter().flat_map(|k| &k.victims).map(|v| v.pid).collect();
    assert_eq!(pids, [41, 42], "pid 48 is a thread of one that was dying already");
}

#[test]
fn witnesses_that_contradict_each_other_are_both_told() {
    let about = Some(the_report());
    let node = count(&container(), CountedLimit::WholeNode, Vec::new());
    let incident = watched(vec![
        oom(report(&container(), &container())),
        counted(node, about.clone()),
        traced(mark(None, None), about.clone()),
    ]);
    assert_eq!(incident.confidence, Confidence::Possible);
    says(&incident, "by the counters no group was at its limit");

    let kubepods = CountedLimit::Group("/kubepods.slice".to_owned());
    let incident = watched(vec![
        oom(report(&container(), &container())),
        counted(count(&container(), kubepods, Vec::new()), about.clone()),
    ]);
    assert_eq!(incident.confidence, Confidence::Possible);
    says(&incident, "by the counters it was that of /kubepods.slice");

    let incident = watched(vec![
        oom(report(&container(), &container())),
        traced(mark(Some(&sibling()), None), about.clone()),
    ]);
    assert_eq!(incident.confidence, Confidence::Possible);
    says(&incident, "The kernel log and the signal trace name different groups.");

    let mut other = mark(Some(&container()), None);
    other.receiver.pid = 99;
    let incident = watched(vec![oom(report(&container(), &container())), traced(other, about)]);
    assert_eq!(incident.confidence, Confidence::Possible);
    says(&incident, "The kernel log names pid 41, the signal trace pid 99 (java).");
}

/// Groups are written in several ways, and are the same.
#[test]
fn paths_that_differ_and_mean_the_same() {
    let about = Some(the_report());
    for path in [
        format!("{} (deleted)", container()),
        format!("/../..{}", container()),
        // The container's group was gone: its pod counted.
        POD.to_owned(),
    ] {
        let limit = CountedLimit::Group(container());
        let incident = watched(vec![
            oom(report(&container(), &container())),
            counted(count(&path, limit, Vec::new()), about.clone()),
        ]);
        is(&incident, Cause::ContainerMemoryLimit, Confidence::Confirmed);
    }
    // The pod was gone too: who counted stands above both, and is neither a second witness nor another's.
    let slice = POD.rsplit_once('/').expect("a parent").0;
    let gone = || counted(count(slice, CountedLimit::Unknown, Vec::new()), about.clone());
    let log = || oom(report(&container(), &container()));
    is(&watched(vec![log(), gone()]), Cause::ContainerMemoryLimit, Confidence::Likely);
    let trace = traced(mark(Some(&container()), None), about.clone());
    let incident = watched(vec![log(), gone(), trace]);
    is(&incident, Cause::ContainerMemoryLimit, Confidence::Confirmed);
    // A zombie stands in the root: that says nothing, and contradicts nobody.
    let incident = watched(vec![
        oom(report(&container(), &container())),
        traced(mark(Some("/"), None), about),
    ]);
    is(&incident, Cause::ContainerMemoryLimit, Confidence::Confirmed);
}

/// A storm: the line names a process and no group, the group counted a kill, and several such lines are left.
#[test]
fn of_several_processes_one_was_killed_here() {
    let kill = |one_of: Vec<u32>| {
        let limit = CountedLimit::Group(container());
        let lineage = vec![rise(&container(), Some(Limit::Bytes(64 * MIB)), 1, 1)];
        CountedKill { one_of, ..count(&container(), limit, lineage) }
    };
    let told = |one_of: Vec<u32>| {
        watched(vec![oom(bare(Scope::Cgroup)), counted(kill(one_of), Some(the_report()))])
    };
    let incident = told(vec![41, 42, 43]);
    is(&incident, Cause::ContainerMemoryLimit, Confidence::Likely);
    assert_eq!(incident.container.as_ref().and_then(|c| c.id.as_deref()), Some(ID));
    assert_eq!(incident.kernel.as_ref().unwrap().victims, [], "it may have been another");
    assert!(
        incident
            .summary
            .starts_with("one of pid 41, 42 and 43 was killed because its container hit"),
        "{}",
        incident.summary
    );
    says(&incident, "which of them was in this group, nobody saw");
    let only = told(vec![41]);
    assert!(only.summary.starts_with("a process, perhaps pid 41, was killed"), "{}", only.summary);
    let many = told((41..81).collect());
    assert!(many.summary.contains(", 48 and 32 others was killed"), "{}", many.summary);
}
