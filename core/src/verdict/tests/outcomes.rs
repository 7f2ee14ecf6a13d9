//! What became of a container, by what was seen when.

use rstest::rstest;

use super::sightings::end;
use super::*;
use crate::finding::ContainerEnd;
use crate::incident::Outcome;
use crate::kernel::{Scope, TaskRow};

/// A log that was read late has groups looked at late: nobody left then says nothing of the kill, somebody does.
#[rstest]
#[case::at_once(100, Some(0), Some(Outcome::ContainerExited))]
#[case::long_after(1_600, Some(0), None)]
#[case::gone_long_after(1_600, None, None)]
#[case::left_long_after(1_600, Some(2), Some(Outcome::ContainerSurvived))]
fn what_is_seen_long_after_the_kill(
    #[case] after_ms: i64,
    #[case] left: Option<u64>,
    #[case] outcome: Option<Outcome>,
) {
    let mut seen = observed(Phase::Aftermath, |o| {
        let state = state(&container(), None);
        o.limit = Some(CgroupState { exists: left.is_some(), processes_left: left, ..state });
    });
    let kill = oom(not_alone(&container(), &container()));
    seen.time = kill.time + jiff::SignedDuration::from_millis(after_ms);
    assert_eq!(seconded(vec![kill, seen]).outcome, outcome);
}

/// The same for the end of the container, unless it is its main process that was killed.
#[rstest]
#[case::at_once(100, None, Some(Outcome::ContainerExited))]
#[case::long_after(2_200, None, None)]
#[case::the_victim_long_after(2_200, Some(41), Some(Outcome::ContainerExited))]
#[case::another_long_after(2_200, Some(40), None)]
fn an_end_long_after_the_kill(
    #[case] after_ms: i64,
    #[case] main_pid: Option<u32>,
    #[case] outcome: Option<Outcome>,
) {
    let kill = oom(not_alone(&container(), &container()));
    let body = FindingBody::ContainerEnd(Box::new(ContainerEnd { main_pid, ..end(None, None) }));
    let mut end = Finding { id: FindingId("end".into()), body, ..kill.clone() };
    end.about = Some(kill.id.clone());
    end.time = kill.time + jiff::SignedDuration::from_millis(after_ms);
    assert_eq!(seconded(vec![kill, end]).outcome, outcome);
}

/// Whom the kernel lists beside the victim tells what became of the container where nobody looked in time.
#[rstest]
#[case::alone(&[41], 0, Scope::Cgroup, Some(Outcome::ContainerExited))]
#[case::with_another(&[40, 41], 0, Scope::Cgroup, None)]
#[case::nobody_listed(&[], 0, Scope::Cgroup, None)]
#[case::rows_not_kept(&[41], 1, Scope::Cgroup, None)]
#[case::the_whole_node(&[41], 0, Scope::System, None)]
fn whom_the_kernel_lists(
    #[case] pids: &[u32],
    #[case] dropped: u64,
    #[case] scope: Scope,
    #[case] outcome: Option<Outcome>,
) {
    let row = |pid: &u32| TaskRow { pid: *pid, ..TaskRow::default() };
    let mut report = report(&container(), &container());
    (report.tasks, report.tasks_dropped) = (pids.iter().map(row).collect(), dropped);
    report.scope = scope;
    assert_eq!(seconded(vec![oom(report)]).outcome, outcome);
}
