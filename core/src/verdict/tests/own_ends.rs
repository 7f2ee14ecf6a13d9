//! Ends that nobody brought about, and ends that nobody can explain.

use super::sightings::{death, end, ended, process, sigkill, span, traced, watched};
use super::*;
use crate::finding::Sigkill;
use crate::incident::Outcome;
use crate::kernel::Fault;

#[test]
fn nobody_killed_it() {
    let incident = watched(vec![ended(end(Some(false), Some(0)), Some(death()))]);
    is(&incident, Cause::ApplicationExit, Confidence::Likely);
    assert_eq!(incident.outcome, Some(Outcome::ContainerExited));
    says(
        &incident,
        "Not an OOM kill: the kernel log is complete for that time, no OOM counter moved and no SIGKILL reached its \
         main process.",
    );
    says(&incident, "Kubernetes knows it");
    assert!(incident.evidence.iter().any(|e| e.detail.ends_with(
        "main process 41 got no SIGKILL; oom_kill rose by 0 while it was watched, CPU throttled for 12 s in 40 of 100 periods"
    )));

    // T16: a shell passes on the 137 of a child that something inside killed.
    let child = Sigkill {
        receiver: process(77, "worker", Some(&container())),
        ..sigkill(0, process(812, "sh", Some(&container())), Some(false))
    };
    let incident = watched(vec![
        traced(child, Some(death())),
        ended(end(Some(false), Some(0)), Some(death())),
    ]);
    is(&incident, Cause::ApplicationExit, Confidence::Likely);
    says(&incident, "pid 77 (worker) by pid 812 (sh)");

    // Earlier kills of children are other incidents; Kubernetes calls this one OOMKilled all the same.
    let incident = watched(vec![ended(end(Some(false), Some(2)), Some(death()))]);
    is(&incident, Cause::ApplicationExit, Confidence::Likely);
    says(&incident, "counter rose by 2 while it was watched");
    assert!(!incident.explanation.iter().any(|s| s.contains("no OOM counter moved")));
}

/// A "no" needs somebody who watched.
#[test]
fn ends_that_nobody_can_explain() {
    let incident = watched(vec![ended(end(None, Some(0)), Some(death()))]);
    is(&incident, Cause::Unknown, Confidence::Unknown);
    says(
        &incident,
        "Not an OOM kill: the kernel log is complete for that time and no OOM counter moved.",
    );
    says(&incident, "needs /sys/kernel/tracing");

    let incident = verdict(vec![ended(end(None, Some(0)), None)]);
    is(&incident, Cause::Unknown, Confidence::Unknown);
    says(
        &incident,
        "Nothing shows an OOM kill (no OOM counter moved), but one cannot be excluded.",
    );

    let incident = watched(vec![ended(end(Some(true), Some(0)), Some(death()))]);
    is(&incident, Cause::Unknown, Confidence::Unknown);
    assert!(incident.summary.ends_with("ended by SIGKILL; who sent it is not known"));

    // The trace had a hole after all: what it did not see proves nothing.
    let coverage = vec![
        span(Source::SignalTrace, "11:00:00", "12:00:01"),
        span(Source::SignalTrace, "12:00:06", "12:00:08"),
    ];
    let findings = vec![ended(end(Some(false), None), Some(death()))];
    let incident = judge(&Case { findings, coverage, ..Case::default() }).expect("an incident");
    is(&incident, Cause::ApplicationExit, Confidence::Possible);
}

/// A container may live for long after one of its processes crashed or was killed.
#[test]
fn what_happened_long_before_the_end_did_not_end_it() {
    let earlier = time().checked_sub(jiff::SignedDuration::from_hours(3)).expect("a time");
    let child = Sigkill {
        receiver: process(77, "worker", Some(&container())),
        ..sigkill(0, process(812, "kill", Some("/system.slice/ssh.service")), None)
    };
    let kill = Finding { time: earlier, ..traced(child, Some(death())) };
    let crash = Finding {
        about: Some(death()),
        time: earlier,
        ..finding(KernelEvent::Fault(Fault { position: at(50), pid: Some(78), ..Fault::default() }))
    };
    for old in [kill, crash] {
        let incident = watched(vec![old, ended(end(Some(false), Some(0)), Some(death()))]);
        is(&incident, Cause::ApplicationExit, Confidence::Likely);
    }
}
