//! Any mix of findings of all witnesses, with any names, in any order: never a panic, always the same verdict, never surer
//! than its witnesses.

use std::collections::BTreeSet;

use proptest::prelude::{
    Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};

use super::sightings::{
    SSHD, all_watched, count, counted, death, end, ended, process, rise, sigkill, span, the_report,
    traced,
};
use super::*;
use crate::finding::{CountedLimit, CoverageSpan, OomMark, Process, Sigkill};
use crate::kernel::Fault;

fn path() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        any::<String>().prop_map(Some),
        prop::sample::select(vec![
            POD.to_owned(),
            container(),
            sibling(),
            "/kubepods.slice".to_owned(),
            SSHD.to_owned(),
            "/".to_owned(),
        ])
        .prop_map(Some),
    ]
}

fn someone() -> impl Strategy<Value = Process> {
    let name = prop_oneof![
        any::<String>(),
        prop::sample::select(vec!["runc", "kill", "systemd-oomd", "containerd-shim"])
            .prop_map(str::to_owned),
    ];
    let namespace_pid = prop::sample::select(vec![None, Some(1), Some(7)]);
    (prop::sample::select(vec![41_u32, 42, 812]), name, path(), namespace_pid).prop_map(
        |(pid, comm, cgroup, namespace_pid)| Process {
            pid,
            comm,
            cgroup,
            namespace_pid,
            ..Process::default()
        },
    )
}

fn about() -> impl Strategy<Value = Option<FindingId>> {
    prop::sample::select(vec![None, Some(the_report()), Some(death())])
}

fn any_signal() -> impl Strategy<Value = Finding> {
    let main = prop::sample::select(vec![None, Some(true), Some(false)]);
    let code = prop::sample::select(vec![128, 0, -6, -1, 7]);
    let result = prop::sample::select(vec![
        SignalResult::Delivered,
        SignalResult::Ignored,
        SignalResult::AlreadyPending,
        SignalResult::Other,
    ]);
    let ancestors = prop::collection::vec(someone(), 0..3);
    (someone(), someone(), ancestors, code, main, result, any::<(bool, u8)>(), about()).prop_map(
        |(receiver, sender, ancestors, code, main, result, (marked, at), about)| {
            let signal = Sigkill {
                at_us: 140_000 + u64::from(at),
                result,
                receiver,
                ancestors,
                oom_mark: marked.then(OomMark::default),
                ..sigkill(code, sender, main)
            };
            traced(signal, about)
        },
    )
}

fn any_count() -> impl Strategy<Value = Finding> {
    let limit = (path(), any::<bool>()).prop_map(|(path, node)| match path {
        Some(path) => CountedLimit::Group(path),
        None if node => CountedLimit::WholeNode,
        None => CountedLimit::Unknown,
    });
    (path(), limit, any::<(u64, u64)>(), 0_u64..3, about()).prop_map(
        |(group, limit, (oom_kill, bytes), to, about)| {
            let group = group.unwrap_or_default();
            let lineage = vec![rise(&group, Some(Limit::from_bytes(bytes)), bytes, oom_kill)];
            let mut kill = count(&group, limit, lineage);
            (kill.oom_kill, kill.to_us) = (oom_kill, to);
            counted(kill, about)
        },
    )
}

fn any_end() -> impl Strategy<Value = Finding> {
    let main = prop::sample::select(vec![None, Some(true), Some(false)]);
    let kills = prop::sample::select(vec![None, Some(0), Some(2)]);
    (main, kills, path(), about()).prop_map(|(main, kills, group, about)| {
        let mut end = end(main, kills);
        end.group = group.unwrap_or_default();
        ended(end, about)
    })
}

fn any_line() -> impl Strategy<Value = Finding> {
    prop_oneof![
        Just(oom(report(&container(), &container()))),
        Just(oom(report(POD, &container()))),
        Just(oom(bare(Scope::System))),
        Just(further(141, 42)),
        (any::<u32>(), any::<String>()).prop_map(|(pid, comm)| Finding {
            about: Some(death()),
            ..finding(KernelEvent::Fault(Fault {
                position: at(100),
                pid: Some(pid),
                comm,
                ..Fault::default()
            }))
        }),
        Just(attributed(&container(), None)),
    ]
}

fn any_finding() -> impl Strategy<Value = Finding> {
    prop_oneof![any_signal(), any_count(), any_end(), any_line()]
}

fn any_coverage() -> impl Strategy<Value = Vec<CoverageSpan>> {
    let span = (prop::sample::select(Source::ALL.to_vec()), 0..3_usize).prop_map(|(source, at)| {
        let (from, to) =
            [("11:00:00", "12:00:01"), ("11:30:00", "12:00:05"), ("12:00:06", "12:00:08")][at];
        span(source, from, to)
    });
    prop_oneof![Just(all_watched()), prop::collection::vec(span, 0..5)]
}

proptest! {
    #[test]
    fn any_mix_has_one_verdict(
        findings in prop::collection::vec(any_finding(), 1..8),
        coverage in any_coverage(),
        turn in any::<prop::sample::Index>(),
    ) {
        // A case never holds two findings of one id.
        let mut seen = BTreeSet::new();
        let findings: Vec<Finding> =
            findings.into_iter().filter(|finding| seen.insert(finding.id.clone())).collect();
        let case = Case { findings, coverage, ..Case::default() };
        let incident = judge(&case);
        if let Some(told) = &incident {
            prop_assert!(!told.summary.is_empty() && !told.explanation.is_empty());
            prop_assert!(!told.remedies.is_empty() && !told.evidence.is_empty());
            prop_assert_eq!(told.cause == Cause::Unknown, told.confidence == Confidence::Unknown);
            let mine = |f: &&Finding| incident_of(f).as_ref() == Some(&told.id);
            let sources: BTreeSet<String> =
                case.findings.iter().filter(mine).map(|f| f.source.to_string()).collect();
            prop_assert!(told.confidence < Confidence::Confirmed || sources.len() > 1);
        }
        let mut turned = case;
        let by = turn.index(turned.findings.len());
        turned.findings.rotate_left(by);
        prop_assert_eq!(&judge(&turned), &incident);
        turned.findings.reverse();
        let twice = turned.findings.clone();
        turned.findings.extend(twice);
        prop_assert_eq!(&judge(&turned), &incident);
    }

    /// What is taken away makes a death less sure, never another one.
    #[test]
    fn a_death_with_less_evidence_is_no_other_death(
        kill in prop::sample::select(vec![0_usize, 1, 2]),
        (signal, end_seen, watched) in any::<(bool, bool, bool)>(),
    ) {
        let service = Some("/system.slice/containerd.service");
        let (sent, cause) = match kill {
            0 => (sigkill(0, process(812, "kill", Some(SSHD)), Some(true)), Cause::ExternalKill),
            1 => (sigkill(0, process(812, "runc", service), Some(true)), Cause::Unknown),
            _ => (sigkill(128, process(41, "java", Some(&container())), Some(true)), Cause::Crash),
        };
        let mut findings = Vec::new();
        if signal {
            findings.push(traced(sent, Some(death())));
        }
        if end_seen {
            // The trace that was not running cannot say that nobody was killed.
            findings.push(ended(end(signal.then_some(true), Some(0)), Some(death())));
        }
        let coverage = if watched { all_watched() } else { Vec::new() };
        if let Some(told) = judge(&Case { findings, coverage, ..Case::default() }) {
            prop_assert!(told.cause == cause || told.cause == Cause::Unknown, "{:?}", told);
        }
    }
}
