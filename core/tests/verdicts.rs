//! Kills that real kernels were made to do: what their log, their trace and their counters together decide, and what is
//! left of it when one of them is missing. The causes come from what was done in each case, never from the rules.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests may fail")]

mod recorded;

use coroner_core::incident::{Cause, Confidence, Incident};
use recorded::{Limit, Seen};

/// What was done in each case, and whose limit the counters then tell.
const CASES: [(&str, Cause, Limit); 8] = [
    ("a", Cause::ContainerMemoryLimit, Limit::Printed),
    ("b", Cause::PodMemoryLimit, Limit::Printed),
    ("c", Cause::NodeAllocatable, Limit::Printed),
    ("d", Cause::SystemOutOfMemory, Limit::WholeNode),
    ("e", Cause::SystemOutOfMemory, Limit::WholeNode),
    ("f", Cause::ContainerMemoryLimit, Limit::Printed),
    ("f2", Cause::PodMemoryLimit, Limit::Printed),
    ("g", Cause::ContainerMemoryLimit, Limit::Printed),
];

fn seen(log: bool, trace: bool, counters: bool) -> Seen {
    Seen { log, trace, counters }
}

#[test]
fn what_each_witness_of_a_recorded_kill_is_worth() {
    let mut judged = 0;
    for (name, cause, limit) in CASES {
        for case in recorded::cases(name) {
            let verdicts = |seen| -> Vec<Incident> { case.judge(limit, seen) };
            let all = verdicts(seen(true, true, true));
            assert_eq!(all.len(), case.reports(), "{}: one incident a report", case.name);
            for (told, confidences) in [
                (all, [Confidence::Confirmed; 2]),
                (verdicts(seen(true, false, true)), [Confidence::Confirmed; 2]),
                // Whether a pod's limit is its one container's, only the groups tell.
                (verdicts(seen(true, true, false)), [Confidence::Confirmed, Confidence::Possible]),
                (verdicts(seen(true, false, false)), [Confidence::Likely, Confidence::Possible]),
            ] {
                let weak = cause == Cause::PodMemoryLimit;
                for incident in told {
                    let want = (cause, confidences[usize::from(weak)]);
                    assert_eq!(
                        (incident.cause, incident.confidence),
                        want,
                        "{}: {incident:#?}",
                        case.name
                    );
                    judged += 1;
                }
            }
            for incident in verdicts(seen(false, true, true)) {
                // Without the log the whole node and a part of its memory look alike, and nothing that was recorded says
                // how many memory nodes there were.
                let node = cause == Cause::SystemOutOfMemory;
                let want = if node { Confidence::Possible } else { Confidence::Confirmed };
                let told = (incident.cause, incident.confidence);
                assert_eq!(told, (cause, want), "{}: {incident:#?}", case.name);
                assert_eq!(incident.alternatives == [Cause::NumaOutOfMemory], node);
                judged += 1;
            }
            for incident in verdicts(seen(false, true, false)) {
                assert_eq!(incident.cause, Cause::Unknown, "{}: {incident:#?}", case.name);
            }
            for incident in verdicts(seen(false, false, true)) {
                assert!(incident.cause == cause && incident.confidence < Confidence::Confirmed);
            }
        }
    }
    assert!(judged > 200, "{judged} verdicts: some recordings were not read");
}

/// Three processes give four kill lines, one of them under a thread's id, which the trace shows to be dying already.
#[test]
fn a_thread_is_no_victim_where_the_trace_knows_it() {
    for case in recorded::cases("f") {
        let victims = |seen| {
            let incidents = case.judge(Limit::Printed, seen);
            incidents[0].kernel.as_ref().expect("the kernel spoke").victims.len()
        };
        let printed = victims(seen(true, false, false));
        assert_eq!(victims(seen(true, true, true)), 3, "{}: {printed} printed", case.name);
    }
}

/// 25 kills in two seconds, ten reports: with the counters every one is known, without them nobody claims to know.
#[test]
fn a_storm() {
    for case in recorded::cases("l") {
        let told = case.judge(Limit::OwnGroup, seen(true, true, true));
        assert_eq!(told.len(), 25, "{}", case.name);
        for incident in told {
            assert_eq!(incident.cause, Cause::ContainerMemoryLimit, "{}: {incident:#?}", case.name);
            assert_eq!(incident.confidence, Confidence::Confirmed, "{}: {incident:#?}", case.name);
        }
        let unknown = case
            .judge(Limit::OwnGroup, seen(true, true, false))
            .iter()
            .filter(|incident| incident.cause == Cause::Unknown)
            .count();
        assert_eq!(unknown, 25 - case.whole_reports(), "{}", case.name);
    }
}

/// Every way to send SIGKILL, as the trace of four kernels shows it. All of it happens in one container.
#[test]
fn every_way_to_be_killed() {
    for case in recorded::cases("u") {
        let told: Vec<(String, Incident)> = case.judge_signals();
        let verdict =
            |name: &str| told.iter().find(|(comm, _)| comm == name).map(|(_, incident)| incident);
        for (name, words) in [
            ("v-kill", "through kill(2)"),
            ("v-tgkill", "through tgkill(2)"),
            ("v-pidfd", "through kill(2)"),
            ("v-sigqueue", "through sigqueue(3)"),
            ("v-group1", "through kill(2)"),
            ("v-group2", "through kill(2)"),
            ("ns-init2", "through kill(2)"),
        ] {
            let incident = verdict(name).unwrap_or_else(|| panic!("{}: {name}", case.name));
            assert_eq!(incident.cause, Cause::ExternalKill, "{}: {name}", case.name);
            assert!(incident.explanation[0].contains(words), "{name}: {:#?}", incident.explanation);
        }
        // Before 5.14 there is no such file, and the recorder sent it through kill(2).
        if let Some(incident) = verdict("v-cgkill").filter(|_| !case.name.contains("5.10")) {
            assert!(incident.explanation[0].contains("through cgroup.kill"), "{incident:#?}");
        }
        assert_eq!(verdict("v-rlimcpu").map(|i| i.cause), Some(Cause::Crash), "{}", case.name);
        // What dies with its pid namespace.
        for name in ["v-nszap", "v-nschild2"] {
            assert!(verdict(name).is_none(), "{}: {name}", case.name);
        }
        // A zombie that is killed again. 5.10 traces that like any other signal.
        if !case.name.contains("5.10") {
            assert!(verdict("killer").is_none(), "{}", case.name);
        }
    }
}

/// `kill -9`: no line, no counter, only the trace.
#[test]
fn a_kill_from_outside() {
    for case in recorded::cases("j") {
        assert_eq!(case.reports(), 0, "{}: the kernel log has no word of it", case.name);
        let told = case.judge_signals();
        let [(comm, incident)] = told.as_slice() else { panic!("{}: {told:#?}", case.name) };
        assert_eq!((comm.as_str(), incident.cause), ("victimapp", Cause::ExternalKill));
        assert!(incident.summary.contains("(kill) in the host's service ssh.service"));
        assert_eq!(incident.confidence, Confidence::Confirmed, "{incident:#?}");
    }
}
