//! `syslog(2)`, for where the device is not allowed: it takes CAP_SYSLOG alone.
//!
//! The kernel promises the ring's text (`<prio>[seconds] message` lines), oldest first, cut to the newest that fit the
//! buffer, and no numbers and no event to wait for: so it is read again and again, and what is new is what follows
//! the end of the last read. When that end is no longer in the ring, lines were lost, and nobody can know how many.
//! The call itself is rmesg's (`klogctl::safely_wrapped_klogctl`); its stream drops lines of the same microsecond and
//! fails for good at one byte that is not UTF-8.

use rmesg::klogctl::{KLogType, safely_wrapped_klogctl};

use crate::position::Mark;

/// This much of the end of a read is looked for in the next: a few dozen lines, so that repeated lines do not
/// mislead where the kernel prints no stamps.
const TAIL: usize = 4096;

/// A ring larger than this (`log_buf_len=`) is read only as far as fits.
const RING_MAX: usize = 16 << 20;

/// The call is not allowed, or fails.
#[derive(Debug, thiserror::Error)]
#[error("syslog(2) fails: {reason} (it takes CAP_SYSLOG)")]
pub(crate) struct SyslogError {
    reason: String,
}

/// Reads the whole ring into `buffer`.
///
/// # Errors
/// When the privilege is missing.
pub(crate) fn read_ring(buffer: &mut Vec<u8>) -> Result<(), SyslogError> {
    let failed = |e: rmesg::error::RMesgError| SyslogError { reason: e.to_string() };
    let size = safely_wrapped_klogctl(KLogType::SyslogActionSizeBuffer, &mut []).map_err(failed)?;
    // The text has prefixes that the ring stores in binary: twice its size holds both.
    buffer.resize(size.saturating_mul(2).clamp(4096, RING_MAX), 0);
    let read = safely_wrapped_klogctl(KLogType::SyslogActionReadAll, buffer).map_err(failed)?;
    buffer.truncate(read);
    Ok(())
}

/// What is new in a read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct News<'a> {
    /// The lines.
    pub lines: &'a [u8],
    /// Lines are missing before them.
    pub lost: bool,
}

/// The end of the last read.
#[derive(Debug, Default)]
pub(crate) struct Follow {
    tail: Vec<u8>,
}

impl Follow {
    /// Finds what is new, and remembers the end.
    pub(crate) fn news<'a>(&mut self, ring: &'a [u8]) -> News<'a> {
        let (start, lost) = match self.end_of_known(ring) {
            Some(end) => (end, false),
            // An empty ring was cleared (`dmesg -C`); what follows is still behind what is known.
            None => (0, !ring.is_empty()),
        };
        let lines = &ring[start..];
        if !lines.is_empty() {
            let from = ring.len().saturating_sub(TAIL);
            let from = if from == 0 {
                0
            } else {
                from + memchr::memchr(b'\n', &ring[from..]).map_or(0, |at| at + 1)
            };
            self.tail.clear();
            self.tail.extend_from_slice(&ring[from..]);
        }
        News { lines, lost }
    }

    /// Where in the ring what is known ends.
    fn end_of_known(&self, ring: &[u8]) -> Option<usize> {
        if self.tail.is_empty() {
            return Some(0);
        }
        if let Some(at) = memchr::memmem::rfind(ring, &self.tail) {
            return Some(at + self.tail.len());
        }
        // The ring may have overwritten the beginning of the tail: its longest part that the ring begins with.
        let starts = memchr::memchr_iter(b'\n', &self.tail).map(|at| at + 1);
        starts
            .map(|at| &self.tail[at..])
            .find(|part| !part.is_empty() && ring.starts_with(part))
            .map(<[u8]>::len)
    }
}

/// The stamp of a `<prio>[seconds.micros] message` line.
pub(crate) fn stamp(line: &[u8]) -> Option<Mark> {
    let open = memchr::memchr(b'[', line)?;
    let (prio, rest) = line.split_at(open);
    let shaped = prio.first() == Some(&b'<') && prio.last() == Some(&b'>');
    let close = memchr::memchr(b']', rest)?;
    let text = std::str::from_utf8(&rest[1..close]).ok()?.trim_start();
    let (seconds, micros) = text.split_once('.')?;
    if !shaped || micros.len() != 6 {
        return None;
    }
    let us =
        seconds.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(micros.parse().ok()?)?;
    Some(Mark { seq: None, monotonic_us: Some(us) })
}

/// The stamps of the first and the last line that have one.
pub(crate) fn stamps(lines: &[u8]) -> (Option<Mark>, Option<Mark>) {
    let mut all = lines.split(|&b| b == b'\n').filter_map(stamp);
    let first = all.next();
    (first, all.next_back().or(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn news(follow: &mut Follow, ring: &str) -> (String, bool) {
        let news = follow.news(ring.as_bytes());
        (String::from_utf8(news.lines.to_vec()).unwrap(), news.lost)
    }

    #[test]
    fn what_is_new_follows_what_is_known() {
        let mut follow = Follow::default();
        assert_eq!(news(&mut follow, "a\nb\n"), ("a\nb\n".into(), false));
        assert_eq!(news(&mut follow, "a\nb\n"), (String::new(), false));
        assert_eq!(news(&mut follow, "a\nb\nc\n"), ("c\n".into(), false));
        // The ring has overwritten "a" and "b".
        assert_eq!(news(&mut follow, "c\nd\n"), ("d\n".into(), false));
        // Nothing known is left.
        assert_eq!(news(&mut follow, "x\ny\n"), ("x\ny\n".into(), true));
        // Cleared, and then something new.
        assert_eq!(news(&mut follow, ""), (String::new(), false));
        assert_eq!(news(&mut follow, "z\n"), ("z\n".into(), true));
    }

    #[test]
    fn lines_of_the_same_microsecond_are_all_given() {
        let mut follow = Follow::default();
        news(&mut follow, "<6>[    1.000001] a\n");
        let ring = "<6>[    1.000001] a\n<6>[    1.000001] b\n";
        assert_eq!(news(&mut follow, ring), ("<6>[    1.000001] b\n".into(), false));
    }

    #[test]
    fn a_long_ring_is_followed_by_its_end_alone() {
        let mut follow = Follow::default();
        let line = |n: u32| format!("<6>[{n:5}.000000] line\n");
        let mut ring: String = (0..1000).map(line).collect();
        assert!(!news(&mut follow, &ring).1);
        assert!(follow.tail.len() <= TAIL && follow.tail.starts_with(b"<6>["));
        ring = (900..1010).map(line).collect();
        assert_eq!(news(&mut follow, &ring), ((1000..1010).map(line).collect(), false));
    }

    #[rstest]
    #[case("<6>[    1.308064] x", Some(1_308_064))]
    #[case("<134>[12345.000001] [T12] x", Some(12_345_000_001))]
    #[case("<6>x [1.000000]", None)]
    #[case("<6>no stamp", None)]
    #[case("[    1.308064] x", None)]
    #[case("<6>[99999999999999999999.000000] x", None)]
    fn stamps_of_lines(#[case] line: &str, #[case] us: Option<u64>) {
        assert_eq!(stamp(line.as_bytes()).and_then(|m| m.monotonic_us), us);
    }

    #[test]
    fn the_real_ring_has_lines_with_stamps() {
        let mut ring = Vec::new();
        read_ring(&mut ring).expect("this test needs CAP_SYSLOG");
        let (first, last) = stamps(&ring);
        assert!(first.unwrap() <= last.unwrap());
    }
}
