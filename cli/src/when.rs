//! Times on the command line: one that is written out, or how long ago.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// What is expected of a time.
const EXPECTED: &str =
    "expected a time like 2026-01-02T12:00:00Z or how long ago, like 30m, 1h or 2d";

/// A time, or a span back from now.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let span: Span = text.parse().map_err(|_| EXPECTED.to_owned())?;
    // Days need a calendar; UTC's are all of 24 hours.
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    let then =
        now.checked_sub(span.abs()).map_err(|_| format!("that is too long ago; {EXPECTED}"))?;
    Ok(then.timestamp())
}

/// A window of time.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Window {
    /// Only since then: a time (2026-01-02T12:00:00Z) or how long ago (30m, 1h, 2d).
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Only until then: a time or how long ago, like --since.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
}

impl Window {
    /// Whether it begins before it ends.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub(crate) fn check(&self) -> Result<(), crate::Error> {
        match (self.since, self.until) {
            (Some(since), Some(until)) if since > until => {
                Err(crate::Error::Window { since, until })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_out_or_how_long_ago_and_says_what_it_expects() {
        assert_eq!(
            time("2026-01-02T12:00:00Z").map(|t| t.to_string()),
            Ok("2026-01-02T12:00:00Z".to_owned())
        );
        assert_eq!(
            time("2026-01-02T14:00:00+02:00").map(|t| t.to_string()),
            Ok("2026-01-02T12:00:00Z".to_owned())
        );
        for (text, seconds) in [("1h", 3600), ("10m", 600), ("2d", 172_800)] {
            let ago = Timestamp::now().as_second() - time(text).unwrap().as_second();
            assert!((seconds - 1..=seconds + 1).contains(&ago), "{text}: {ago}");
        }
        assert!(time("yesterday").unwrap_err().starts_with("expected a time like"));
        assert!(time("").is_err());
        assert!(time("90000y").is_err());
    }
}
