//! Whatever is in a case, in whatever order: a verdict, always the same one, never surer than it may be.

use proptest::prelude::{
    Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};

use super::*;

fn path() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        any::<String>().prop_map(Some),
        Just(Some(POD.to_owned())),
        Just(Some(container())),
        Just(Some(sibling())),
        Just(Some("/kubepods".to_owned())),
        Just(Some("/system.slice".to_owned())),
    ]
}

fn number() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![Just(None), any::<u64>().prop_map(Some), Just(Some(0)), Just(Some(64 * MIB))]
}

fn limit() -> impl Strategy<Value = Option<Limit>> {
    number().prop_map(|bytes| bytes.map(Limit::from_bytes))
}

fn any_report() -> impl Strategy<Value = OomReport> {
    let scope = prop::sample::select(vec![
        Scope::System,
        Scope::Cgroup,
        Scope::Cpuset,
        Scope::Mempolicy,
        Scope::Unknown,
    ]);
    let order = any::<Option<i32>>();
    (
        scope,
        path(),
        path(),
        number(),
        limit(),
        order,
        any::<(bool, bool, bool)>(),
        any::<(String, u32)>(),
    )
        .prop_map(
            |(scope, whole, own, used, limit, order, (bare, sysrq, killed), (comm, pid))| {
                OomReport {
                    position: at(100),
                    trigger: (!bare).then(|| Trigger {
                        comm: comm.clone(),
                        pid: Some(pid),
                        order,
                        ..Trigger::default()
                    }),
                    scope,
                    limit_cgroup: whole,
                    memory: Some(Usage { usage: used, limit, failcnt: None }),
                    stats: used.map(|used| ("shmem".to_owned(), used)).into_iter().collect(),
                    tasks: used.map(|used| task(pid, &comm, used, i32::MIN)).into_iter().collect(),
                    victims: killed
                        .then(|| victim(140, pid, &comm, own.as_deref()))
                        .into_iter()
                        .collect(),
                    end: if killed { ReportEnd::Killed } else { ReportEnd::NoKillableProcess },
                    bare,
                    sysrq,
                    ..OomReport::default()
                }
            },
        )
}

fn any_observation() -> impl Strategy<Value = Finding> {
    let state =
        (path(), limit(), number(), any::<bool>()).prop_map(|(path, limit, left, exists)| {
            CgroupState {
                processes_left: left,
                oom: left,
                usage: left,
                exists,
                ..state(&path.unwrap_or_default(), limit)
            }
        });
    let states = prop::collection::vec(state, 0..4);
    (any::<bool>(), states, path(), any::<u32>()).prop_map(|(late, mut states, attributed, pid)| {
        observed(if late { Phase::Aftermath } else { Phase::AtKill }, |o| {
            o.limit = states.pop();
            o.victim = states.pop();
            o.siblings = states;
            o.attribution = attributed.map(|cgroup| Attribution {
                pid,
                limit_cgroup: Some(cgroup.clone()),
                cgroup,
                method: AttributionMethod::ProcCgroup,
            });
        })
    })
}

proptest! {
    #[test]
    fn any_case_has_one_verdict(
        report in any_report(),
        observations in prop::collection::vec(any_observation(), 0..3),
        later in prop::collection::vec((101_u64..200, any::<u32>()), 0..3),
        hole in any::<Option<(u64, u64)>>(),
        turn in any::<prop::sample::Index>(),
    ) {
        let mut findings = vec![oom(report)];
        // Two observations of one phase have one id, so a case never holds both.
        for observation in observations {
            if findings.iter().all(|finding| finding.id != observation.id) {
                findings.push(observation);
            }
        }
        for (seq, pid) in later {
            let next = further(seq, pid);
            if findings.iter().all(|finding| finding.id != next.id) {
                findings.push(next);
            }
        }
        let gaps: Vec<Finding> = hole.map(|(first, lost)| gap(first, lost)).into_iter().collect();
        let case = Case { findings, gaps, ..Case::default() };
        let incident = judge(&case);
        let Some(told) = &incident else { return Err(proptest::test_runner::TestCaseError::fail("no verdict")) };
        prop_assert!(!told.summary.is_empty() && !told.explanation.is_empty());
        prop_assert_eq!(told.cause == Cause::Unknown, told.confidence == Confidence::Unknown);
        let bare = case.findings.iter().any(|f| matches!(&f.body, FindingBody::Kernel(e) if matches!(e.as_ref(), KernelEvent::Oom(r) if r.bare)));
        prop_assert!(!bare || told.confidence < Confidence::Confirmed);

        let mut turned = case;
        let by = turn.index(turned.findings.len());
        turned.findings.rotate_left(by);
        prop_assert_eq!(&judge(&turned), &incident);
        turned.findings.reverse();
        let twice = turned.findings.clone();
        turned.findings.extend(twice);
        let again = judge(&turned);
        prop_assert_eq!(again.as_ref().map(|i| (i.cause, i.confidence, &i.explanation)),
            incident.as_ref().map(|i| (i.cause, i.confidence, &i.explanation)));
    }
}
