//! What is excluded, what is not, and the words for both.

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use rstest::rstest;

use super::*;
use crate::incident::{ContainerRef, IncidentId, KernelFacts, VictimFacts};

const KMSG: Source = Source::KernelLog;
const CGROUP: Source = Source::Cgroup;
const TRACE: Source = Source::SignalTrace;

const CONTAINER: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Milliseconds after noon.
fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_763_726_400_000 + ms).unwrap()
}

fn span(from: i64, to: i64) -> Span {
    Span { from: at(from * 1000), to: at(to * 1000) }
}

fn covered_by(list: &[(Source, i64, i64)]) -> Vec<CoverageSpan> {
    let span =
        |&(source, from, to)| CoverageSpan { source, from: at(from * 1000), to: at(to * 1000) };
    list.iter().map(span).collect()
}

fn ask(known: &Known, from: i64, to: i64) -> Absence {
    let question = Question { node: "node-2", container: None, window: span(from, to) };
    absence(&question, known)
}

fn kill(second: i64, whose: Whose) -> Kill {
    Kill { time: at(second * 1000), whose }
}

#[rstest]
#[case::nobody(&[], Verdict::Open, Confidence::Unknown)]
#[case::the_log_alone(&[(KMSG, 0, 1000)], Verdict::Excluded, Confidence::Likely)]
#[case::the_trace_alone(&[(TRACE, 0, 1000)], Verdict::Excluded, Confidence::Likely)]
#[case::two(&[(KMSG, 0, 1000), (TRACE, -5, 2000)], Verdict::Excluded, Confidence::Confirmed)]
#[case::two_and_a_half(&[(KMSG, 0, 1000), (TRACE, 0, 1000), (CGROUP, 0, 500)], Verdict::Excluded, Confidence::Confirmed)]
#[case::one_and_a_half(&[(KMSG, 0, 1000), (TRACE, 0, 500)], Verdict::Excluded, Confidence::Likely)]
#[case::one_takes_over(&[(KMSG, 0, 501), (TRACE, 500, 1000)], Verdict::Excluded, Confidence::Likely)]
#[case::one_takes_over_too_late(&[(KMSG, 0, 500), (TRACE, 500, 1000)], Verdict::Open, Confidence::Unknown)]
#[case::a_hole_in_each_at_another_time(
    &[(KMSG, 0, 200), (KMSG, 300, 1000), (TRACE, 0, 600), (TRACE, 700, 1000)], Verdict::Excluded, Confidence::Likely)]
#[case::a_hole_in_both(
    &[(KMSG, 0, 200), (KMSG, 300, 1000), (TRACE, 0, 250), (TRACE, 260, 1000)], Verdict::Open, Confidence::Unknown)]
#[case::those_that_see_no_kills(
    &[(Source::Pressure, 0, 1000), (Source::Headroom, 0, 1000), (Source::Fragmentation, 0, 1000)], Verdict::Open, Confidence::Unknown)]
#[case::a_span_the_wrong_way_round(&[(KMSG, 1000, 0)], Verdict::Open, Confidence::Unknown)]
fn coverage_decides(
    #[case] coverage: &[(Source, i64, i64)],
    #[case] verdict: Verdict,
    #[case] confidence: Confidence,
) {
    let known = Known { coverage: covered_by(coverage), ..Known::default() };
    let answer = ask(&known, 0, 1000);
    assert_eq!((answer.verdict, answer.confidence), (verdict, confidence), "{}", answer.sentence);
}

#[test]
fn the_last_word_of_the_agent_ends_the_answer_and_nothing_older_does() {
    let coverage = [(KMSG, 0, 996), (TRACE, 0, 990), (CGROUP, 0, 400)];
    let known = Known { coverage: covered_by(&coverage), ..Known::default() };
    let answer = ask(&known, 0, 1000);
    assert_eq!((answer.verdict, answer.confidence), (Verdict::Excluded, Confidence::Confirmed));
    assert_eq!((answer.from, answer.to), (at(0), at(990_000)));
    // A minute later it is silence.
    let late = ask(&known, 0, 1100);
    assert_eq!((late.verdict, late.to), (Verdict::Open, at(1_100_000)));
    // A kill after that word is known all the same.
    let kills = vec![kill(999, Whose::Host)];
    let killed = ask(&Known { kills, ..known }, 0, 1000);
    assert_eq!((killed.verdict, killed.kills, killed.to), (Verdict::Happened, 1, at(1_000_000)));
}

#[test]
fn what_was_lost_is_no_coverage() {
    let gap = |source, from: Option<i64>, to: Option<i64>| Gap {
        source,
        first_lost: None,
        lost: None,
        from: from.map(at),
        to: to.map(at),
        reason: String::new(),
    };
    let all = covered_by(&[(KMSG, 0, 10), (TRACE, 0, 10)]);
    let left = |gaps: &[Gap]| covered(&all, gaps);
    assert_eq!(left(&[]), all);
    let ms = |source, from, to| CoverageSpan { source, from: at(from), to: at(to) };
    // Also a gap of one moment, and one whose ends the clock has turned round.
    for (from, to) in [(5000, 5000), (5000, 4999)] {
        let (from, to) = (Some(from), Some(to));
        let cut = left(&[gap(KMSG, from, to)]);
        assert_eq!(cut.len(), 3, "{cut:?}");
        assert!(cut.iter().all(|s| s.source == TRACE || s.to < at(5000) || s.from >= at(5000)));
    }
    assert_eq!(
        left(&[gap(KMSG, None, Some(5000))]),
        [ms(KMSG, 5100, 10_000), ms(TRACE, 0, 10_000)]
    );
    assert_eq!(left(&[gap(TRACE, Some(5000), None)]), [ms(KMSG, 0, 10_000), ms(TRACE, 0, 4900)]);
    assert_eq!(left(&[gap(KMSG, None, None)]), [ms(TRACE, 0, 10_000)]);
}

#[test]
fn the_sentences() {
    let say = |coverage: &[(Source, i64, i64)], kills: Vec<Kill>| {
        ask(&Known { coverage: covered_by(coverage), kills, container: None }, 0, 1000).sentence
    };
    let between = "on node-2 between 2025-11-21T12:00:00Z and 2025-11-21T12:16:40Z";
    let all = [(KMSG, 0, 1000), (CGROUP, 0, 1000), (TRACE, 0, 1000)];
    assert_eq!(
        say(&all, vec![]),
        format!(
            "No kernel OOM kill happened {between}: the kernel log was read without a hole, no OOM counter rose, the \
             trace of signals saw no mark."
        )
    );
    assert_eq!(
        say(&[(KMSG, 0, 1000), (CGROUP, 0, 400)], vec![]),
        format!(
            "No kernel OOM kill is likely to have happened {between}: the kernel log was read without a hole. Nobody \
             confirms it: the OOM counters have a hole from 2025-11-21T12:06:40.000Z to 2025-11-21T12:16:40.000Z; the trace of signals is not known to have run."
        )
    );
    assert_eq!(
        say(&[(KMSG, 0, 1), (KMSG, 2, 3), (KMSG, 4, 5), (KMSG, 6, 7), (KMSG, 8, 1000)], vec![]),
        format!(
            "A kernel OOM kill {between} cannot be excluded: the kernel log has 4 holes, the first from \
             2025-11-21T12:00:01.000Z to 2025-11-21T12:00:02.000Z, from 2025-11-21T12:00:03.000Z to \
             2025-11-21T12:00:04.000Z, from 2025-11-21T12:00:05.000Z to 2025-11-21T12:00:06.000Z; the OOM counters are \
             not known to have been watched; the trace of signals is not known to have run."
        )
    );
    assert_eq!(
        say(&[], vec![kill(5, Whose::Host), kill(6, Whose::Unknown)]),
        format!("2 kernel OOM kills are known {between}.")
    );
    assert_eq!(
        say(&[(KMSG, 0, 600), (TRACE, 500, 1000)], vec![]),
        format!(
            "No kernel OOM kill is likely to have happened {between}: at every moment one of the kernel log, the OOM \
             counters and the trace of signals was watched. Nobody confirms it: the kernel log has a hole from \
             2025-11-21T12:10:00.000Z to 2025-11-21T12:16:40.000Z; the OOM counters are not known to have been watched; the trace of signals \
             has a hole from 2025-11-21T12:00:00.000Z to 2025-11-21T12:08:20.000Z."
        )
    );
}

#[rstest]
#[case(Cause::ContainerMemoryLimit, Some(0), true)]
#[case(Cause::SystemOutOfMemory, Some(1), true)]
#[case(Cause::MemoryFragmentation, Some(0), false)]
#[case(Cause::MemoryFragmentation, Some(1), true)]
#[case(Cause::Unknown, Some(0), true)]
#[case(Cause::Unknown, None, false)]
#[case(Cause::ExternalKill, Some(1), false)]
#[case(Cause::ApplicationExit, None, false)]
#[case(Cause::HardwareMemoryError, Some(1), false)]
#[case(Cause::UserspaceOomKiller, Some(1), false)]
fn an_incident_is_a_kernel_oom_kill_or_not(
    #[case] cause: Cause,
    #[case] victims: Option<u32>,
    #[case] expected: bool,
) {
    let victim = |pid| VictimFacts { pid, comm: String::new(), anon_rss_kb: None };
    let kernel = victims
        .map(|n| KernelFacts { victims: (0..n).map(victim).collect(), ..KernelFacts::default() });
    let incident = |container, outcome| Incident {
        id: IncidentId(String::new()),
        time: at(0),
        node: "node-2".to_owned(),
        cause,
        outcome,
        confidence: Confidence::Unknown,
        summary: String::new(),
        explanation: Vec::new(),
        remedies: Vec::new(),
        pod: None,
        container,
        termination: None,
        kubernetes: None,
        alternatives: Vec::new(),
        sigkill: None,
        previous: Vec::new(),
        revised_from: None,
        orderly: false,
        kernel: kernel.clone(),
        evidence: Vec::new(),
        gaps: Vec::new(),
    };
    let whose = |container, outcome| kill_of(&incident(container, outcome)).map(|kill| kill.whose);
    let container = ContainerRef { name: None, id: Some(CONTAINER.to_owned()) };
    let is = |whose| expected.then_some(whose);
    assert_eq!(whose(Some(container), None), is(Whose::Container(CONTAINER.to_owned())));
    assert_eq!(whose(None, Some(Outcome::HostProcessKilled)), is(Whose::Host));
    assert_eq!(whose(Some(ContainerRef::default()), None), is(Whose::Unknown));
}

/// Asks about the container.
fn ask_container(known: &Known) -> Absence {
    let window = span(0, 1000);
    absence(&Question { node: "node-2", container: Some(CONTAINER), window }, known)
}

#[rstest]
// Watched all the time, and it counted nothing.
#[case(Some((0, 1000, false, Some(0))), Verdict::Excluded, Confidence::Likely)]
// It ended, and nobody is killed in it afterwards.
#[case(Some((0, 400, true, Some(0))), Verdict::Excluded, Confidence::Likely)]
// It ended before.
#[case(Some((-500, -100, true, None)), Verdict::Excluded, Confidence::Confirmed)]
#[case(Some((0, 400, false, Some(0))), Verdict::Open, Confidence::Unknown)]
#[case(Some((100, 1000, false, Some(0))), Verdict::Open, Confidence::Unknown)]
#[case(Some((0, 1000, false, None)), Verdict::Open, Confidence::Unknown)]
#[case(Some((0, 1000, true, Some(2))), Verdict::Happened, Confidence::Confirmed)]
// Those two may have been before.
#[case(Some((-10, 1000, true, Some(2))), Verdict::Open, Confidence::Unknown)]
#[case(None, Verdict::Open, Confidence::Unknown)]
fn a_containers_own_group_is_a_witness(
    #[case] watched: Option<(i64, i64, bool, Option<u64>)>,
    #[case] verdict: Verdict,
    #[case] confidence: Confidence,
) {
    let container = watched.map(|(from, to, ended, oom_kills)| Watched {
        span: span(from, to),
        ended,
        oom_kills,
    });
    let answer = ask_container(&Known { container, ..Known::default() });
    assert_eq!((answer.verdict, answer.confidence), (verdict, confidence), "{}", answer.sentence);
    assert!(answer.sentence.contains("in container 0123456789ab on node-2"), "{}", answer.sentence);
}

#[test]
fn a_kill_of_nobody_knows_whom_may_be_this_containers() {
    let coverage = covered_by(&[(KMSG, 0, 1000), (TRACE, 0, 1000)]);
    let with = |whose| {
        ask_container(&Known {
            coverage: coverage.clone(),
            kills: vec![kill(500, whose)],
            container: None,
        })
    };
    assert_eq!(with(Whose::Host).verdict, Verdict::Excluded);
    assert_eq!(with(Whose::Container("f".repeat(64))).verdict, Verdict::Excluded);
    assert_eq!(with(Whose::Container(CONTAINER.to_owned())).verdict, Verdict::Happened);
    let open = with(Whose::Unknown);
    assert_eq!(open.verdict, Verdict::Open);
    let expected = "cannot be excluded: of 1 kill on the node nobody knows whose it was";
    assert!(open.sentence.contains(expected), "{}", open.sentence);
}

proptest! {
    /// The one promise: where no witness watched for longer than the slack, nothing is ever excluded.
    #[test]
    fn nothing_is_excluded_over_a_hole_of_all(
        list in proptest::collection::vec((0_usize..6, 0_i64..100, 0_i64..100), 0..12),
        lost in proptest::collection::vec((0_usize..6, 0_i64..100, 0_i64..100), 0..4),
        (from, to) in (0_i64..100, 0_i64..100),
    ) {
        let list: Vec<_> = list.iter().map(|(s, from, to)| (Source::ALL[*s], *from, *to)).collect();
        let gap = |&(s, from, to): &(usize, i64, i64)| Gap {
            source: Source::ALL[s],
            first_lost: None,
            lost: None,
            from: (from > 3).then(|| at(from * 1000)),
            to: (to < 97).then(|| at(to * 1000)),
            reason: String::new(),
        };
        let gaps: Vec<Gap> = lost.iter().map(gap).collect();
        let coverage = covered(&covered_by(&list), &gaps);
        let (from, to) = (from.min(to), from.max(to));
        let answer = ask(&Known { coverage: coverage.clone(), ..Known::default() }, from, to);
        prop_assert!(answer.to <= at(to * 1000));
        if answer.verdict == Verdict::Excluded {
            for ms in ((answer.from.as_millisecond() - at(0).as_millisecond())
                ..(answer.to.as_millisecond() - at(0).as_millisecond())).step_by(500) {
                let watching = |source: &&Source| {
                    coverage.iter().any(|s| s.source == **source && s.from <= at(ms) && at(ms) <= s.to)
                };
                let deep = WITNESSES.iter().filter(watching).count();
                prop_assert!(deep > usize::from(answer.confidence == Confidence::Confirmed));
            }
        }
        // More coverage never takes an answer back, as long as it ends where it ended.
        let mut more = coverage;
        more.extend(covered_by(&[(KMSG, from, to), (TRACE, from, to)]));
        let more = ask(&Known { coverage: more, ..Known::default() }, from, to);
        prop_assert_eq!(more.verdict == Verdict::Excluded, from < to);
    }
}
