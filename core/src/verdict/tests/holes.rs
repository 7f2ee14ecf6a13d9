//! What was missed: holes of each witness around a kill.

use super::sightings::{all_watched, count, counted, mark, rise, span, the_report, traced};
use super::*;
use crate::finding::CountedLimit;

/// One kill as log, trace and counters show it.
fn all_three() -> Vec<Finding> {
    let about = Some(the_report());
    let lineage = vec![rise(&container(), Some(Limit::Bytes(64 * MIB)), 1, 1)];
    let kill = count(&container(), CountedLimit::Group(container()), lineage);
    vec![
        oom(report(&container(), &container())),
        traced(mark(Some(&container()), None), about.clone()),
        counted(kill, about),
    ]
}

/// A verdict is never confirmed across a hole of any witness.
#[test]
fn holes_in_the_coverage() {
    for (hole, expected) in [
        (Some(Source::KernelLog), Confidence::Likely),
        (Some(Source::SignalTrace), Confidence::Likely),
        (Some(Source::Cgroup), Confidence::Likely),
        (Some(Source::Pressure), Confidence::Confirmed),
        (None, Confidence::Confirmed),
    ] {
        let mut coverage: Vec<_> =
            all_watched().into_iter().filter(|span| Some(span.source) != hole).collect();
        if let Some(source) = hole {
            coverage.push(span(source, "11:00:00", "12:00:01"));
            coverage.push(span(source, "12:00:06", "12:00:08"));
        }
        let findings = all_three();
        let case = Case { findings, coverage, ..Case::default() };
        let incident = judge(&case).expect("an incident");
        is(&incident, Cause::ContainerMemoryLimit, expected);
        if expected == Confidence::Likely {
            says(&incident, "was not being read without a gap at that time");
        }
    }
    // The only witness was not watching all the time.
    let coverage = vec![
        span(Source::KernelLog, "11:00:00", "12:00:01"),
        span(Source::KernelLog, "12:00:06", "12:00:08"),
    ];
    let findings = vec![oom(report(&container(), &container()))];
    let incident = judge(&Case { findings, coverage, ..Case::default() }).expect("an incident");
    is(&incident, Cause::ContainerMemoryLimit, Confidence::Possible);
    // A span that has not grown to there yet is no hole.
    let coverage = vec![span(Source::KernelLog, "11:00:00", "12:00:01")];
    let findings = vec![oom(report(&container(), &container()))];
    let incident = judge(&Case { findings, coverage, ..Case::default() }).expect("an incident");
    is(&incident, Cause::ContainerMemoryLimit, Confidence::Likely);
}
