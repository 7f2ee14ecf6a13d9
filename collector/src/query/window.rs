//! The window of time that a question about nodes is about.

use coroner_core::spans::Span;
use jiff::{SignedDuration, Timestamp};
use prost_types::Timestamp as Wire;
use tonic::Status;

/// How long the window is when the question does not say.
const DEFAULT: SignedDuration = SignedDuration::from_hours(1);

/// The time in a field, if it holds one.
pub(super) fn time(field: &str, time: Option<Wire>) -> Result<Option<Timestamp>, Status> {
    let Some(time) = time else { return Ok(None) };
    Timestamp::new(time.seconds, time.nanos).map(Some).map_err(|_| {
        Status::invalid_argument(format!(
            "field `{field}` is {} s and {} ns, which is no time",
            time.seconds, time.nanos
        ))
    })
}

/// The window between two times. What has not happened yet is in none.
pub(super) fn window(
    since: Option<Wire>,
    until: Option<Wire>,
    now: Timestamp,
) -> Result<Span, Status> {
    let until = time("until", until)?.map_or(now, |until| until.min(now));
    let default = until.checked_sub(DEFAULT).unwrap_or(Timestamp::MIN);
    let since = time("since", since)?.unwrap_or(default);
    Span::new(since, until).ok_or_else(|| {
        Status::invalid_argument(format!(
            "field `since` is {since}, expected a time before the end of the window, {until}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_now_at_the_latest_and_begins_before() {
        let now = Timestamp::from_second(10_000).unwrap();
        let wire = |seconds| Some(Wire { seconds, nanos: 0 });
        let seconds = |since, until| {
            window(since, until, now).map(|span| (span.from.as_second(), span.to.as_second()))
        };
        assert_eq!(seconds(None, None).unwrap(), (6400, 10_000));
        assert_eq!(seconds(wire(1), wire(2)).unwrap(), (1, 2));
        assert_eq!(seconds(wire(1), wire(20_000)).unwrap(), (1, 10_000));
        assert_eq!(seconds(None, wire(5000)).unwrap(), (1400, 5000));
        for (since, until, expected) in [
            (
                wire(3),
                wire(2),
                "field `since` is 1970-01-01T00:00:03Z, expected a time before the end of the window, 1970-01-01T00:00:02Z",
            ),
            (
                wire(20_000),
                None,
                "field `since` is 1970-01-01T05:33:20Z, expected a time before the end of the window, 1970-01-01T02:46:40Z",
            ),
            (
                wire(i64::MAX),
                None,
                "field `since` is 9223372036854775807 s and 0 ns, which is no time",
            ),
            (
                None,
                wire(i64::MIN),
                "field `until` is -9223372036854775808 s and 0 ns, which is no time",
            ),
        ] {
            assert_eq!(seconds(since, until).unwrap_err().message(), expected);
        }
    }
}
