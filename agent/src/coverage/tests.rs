//! Spans begin, grow, end and are told.

use super::*;

const LOG: Source = Source::KernelLog;

/// A wall clock that is ten seconds ahead of the monotonic one, plus `step_us`.
fn at(monotonic_us: u64, step_us: i64) -> Clocks {
    let realtime_us = i64::try_from(monotonic_us).unwrap() + 10_000_000 + step_us;
    Clocks { realtime_us, monotonic_us, boottime_us: monotonic_us }
}

/// Begin and end in microseconds of the wall clock.
fn us(spans: &[CoverageSpan]) -> Vec<(i64, i64)> {
    spans.iter().map(|s| (s.from.as_microsecond(), s.to.as_microsecond())).collect()
}

#[test]
fn a_span_grows_and_keeps_its_begin() {
    let coverage = Coverage::default();
    coverage.covered_at(LOG, 5, at(5, 0));
    assert!(coverage.take(1).is_empty(), "nothing was begun");
    coverage.begin_at(LOG, 10, at(10, 0));
    coverage.covered_at(LOG, 30, at(30, 0));
    // An older word takes nothing back.
    coverage.covered_at(LOG, 20, at(31, 0));
    assert_eq!(us(&coverage.take(1)), [(10_000_010, 10_000_030)]);
    assert!(!coverage.has_news());
    assert!(coverage.take(2).is_empty());
    coverage.covered_at(LOG, 40, at(40, 0));
    coverage.begin_at(LOG, 35, at(40, 0));
    assert_eq!(us(&coverage.take(2)), [(10_000_010, 10_000_040)]);
    assert!(coverage.complete(LOG, 10, 40));
    assert!(!coverage.complete(LOG, 9, 40) && !coverage.complete(LOG, 10, 41));
    assert!(!coverage.complete(Source::Cgroup, 10, 40));
}

#[test]
fn a_hole_ends_a_span_and_begins_another() {
    let coverage = Coverage::default();
    coverage.begin_at(LOG, 10, at(10, 0));
    coverage.covered_at(LOG, 50, at(50, 0));
    coverage.hole_at(LOG, Some(40), Some(60), at(60, 0));
    coverage.covered_at(LOG, 70, at(70, 0));
    let spans = [(10_000_010, 10_000_040), (10_000_060, 10_000_070)];
    assert_eq!(us(&coverage.take(1)), spans);
    // Not acknowledged: told again on the next stream, and forgotten once it is durable.
    coverage.rewind();
    assert_eq!(us(&coverage.take(7)), spans);
    coverage.acknowledge(6);
    coverage.rewind();
    assert_eq!(us(&coverage.take(8)), spans);
    coverage.acknowledge(8);
    coverage.rewind();
    assert_eq!(us(&coverage.take(9)), [(10_000_060, 10_000_070)]);
}

#[test]
fn a_hole_without_an_end_leaves_nothing_open() {
    let coverage = Coverage::default();
    coverage.begin_at(LOG, 10, at(10, 0));
    coverage.covered_at(LOG, 50, at(50, 0));
    coverage.hole_at(LOG, None, None, at(60, 0));
    coverage.covered_at(LOG, 70, at(70, 0));
    assert_eq!(us(&coverage.take(1)), [(10_000_010, 10_000_050)]);
    // A hole that began before the span leaves nothing of it.
    coverage.begin_at(LOG, 80, at(80, 0));
    coverage.covered_at(LOG, 90, at(90, 0));
    coverage.hole_at(LOG, Some(75), None, at(95, 0));
    assert!(coverage.take(2).is_empty());
}

#[test]
fn a_step_of_the_clock_ends_a_span() {
    for step in [3_600_000_000, -3_600_000_000] {
        let coverage = Coverage::default();
        coverage.begin_at(LOG, 10, at(10, 0));
        coverage.covered_at(LOG, 50, at(50, 0));
        coverage.covered_at(LOG, 60, at(60, step));
        coverage.covered_at(LOG, 70, at(70, step));
        let expected = [(10_000_010, 10_000_050), (10_000_060 + step, 10_000_070 + step)];
        assert_eq!(us(&coverage.take(1)), expected);
    }
    // What NTP slews in a while is no step.
    let coverage = Coverage::default();
    coverage.begin_at(LOG, 10, at(10, 0));
    coverage.covered_at(LOG, 1_000_000, at(1_000_000, 500));
    assert_eq!(us(&coverage.take(1)), [(10_000_010, 11_000_000)]);
}

#[test]
fn what_cannot_be_kept_is_not_claimed() {
    let coverage = Coverage::default();
    for n in 0..1000 {
        coverage.begin_at(LOG, n * 10, at(n * 10, 0));
        coverage.covered_at(LOG, n * 10 + 5, at(n * 10 + 5, 0));
        coverage.hole_at(LOG, None, None, at(n * 10 + 6, 0));
    }
    let spans = coverage.take(1);
    assert_eq!(spans.len(), ENDED_MAX);
    assert_eq!(us(&spans[255..]), [(10_009_990, 10_009_995)]);
}

#[test]
fn a_source_that_is_woken_has_seen_everything_until_it_tells_of_a_hole() {
    let coverage = Coverage::default();
    let now = Clocks::now();
    let (begin, second) = (now.monotonic_us - 3_000_000, 1_000_000);
    coverage.begin_woken(LOG, begin);
    assert!(coverage.has_news());
    assert!(coverage.complete(LOG, begin, begin + 2 * second));
    assert!(!coverage.complete(LOG, begin, Clocks::now().monotonic_us), "not what is just now");
    coverage.hole(LOG, Some(begin + second), Some(begin + 2 * second));
    let spans = coverage.take(1);
    let extent = |span: &CoverageSpan| span.to.duration_since(span.from).as_secs_f64();
    assert_eq!(spans.len(), 2);
    assert!((extent(&spans[0]) - 1.0).abs() < 0.001, "{spans:?}");
    assert!(extent(&spans[1]) > 0.8, "it goes on being woken: {spans:?}");
}
