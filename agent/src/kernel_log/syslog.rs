//! `syslog(2)`, for where the device is not allowed: it takes CAP_SYSLOG alone.
//!
//! The kernel promises the ring's text (`<prio>[seconds] message` lines), oldest first, cut at a record to the newest
//! that fit the buffer (kernel/printk/printk.c, `syslog_print_all`), and no numbers. So only the newest part is asked
//! for, in which what is known is nearly always found; where it is not, everything is read. After `dmesg -C` the kernel
//! gives what came since.
//!
//! The call itself is rmesg's (`klogctl::safely_wrapped_klogctl`); its stream drops lines of the same microsecond and
//! fails for good at one byte that is not UTF-8.

use rmesg::klogctl::{KLogType, safely_wrapped_klogctl};

use super::news::{Follow, News};
use crate::position::Mark;

/// The newest part: larger than what comes between two readings, an OOM report of a hundred tasks included.
pub(crate) const RECENT: usize = 32 * 1024;

/// A ring larger than this (`log_buf_len=`) is read only as far as fits.
const RING_MAX: usize = 16 << 20;

/// The call is not allowed, or fails.
#[derive(Debug, thiserror::Error)]
#[error("syslog(2) fails: {reason} (it takes CAP_SYSLOG)")]
pub(crate) struct SyslogError {
    reason: String,
}

/// What gives the ring's text.
pub(crate) trait Source {
    /// The ring's size in bytes, as the kernel stores it.
    ///
    /// # Errors
    /// When the privilege is missing.
    fn size(&mut self) -> Result<usize, SyslogError>;

    /// Copies the newest records that fit into `buffer`, and gives how many bytes these are.
    ///
    /// # Errors
    /// When the privilege is missing.
    fn newest(&mut self, buffer: &mut [u8]) -> Result<usize, SyslogError>;
}

/// The kernel.
#[derive(Debug)]
pub(crate) struct Klogctl;

impl Source for Klogctl {
    fn size(&mut self) -> Result<usize, SyslogError> {
        call(KLogType::SyslogActionSizeBuffer, &mut [])
    }

    fn newest(&mut self, buffer: &mut [u8]) -> Result<usize, SyslogError> {
        call(KLogType::SyslogActionReadAll, buffer)
    }
}

fn call(action: KLogType, buffer: &mut [u8]) -> Result<usize, SyslogError> {
    safely_wrapped_klogctl(action, buffer).map_err(|e| SyslogError { reason: e.to_string() })
}

/// The ring, of which every line is given once.
#[derive(Debug)]
pub(crate) struct Ring<S> {
    source: S,
    follow: Follow,
    recent: Vec<u8>,
}

impl<S: Source> Ring<S> {
    /// Nothing is known yet: the first reading gives all that is there.
    pub(crate) fn new(source: S) -> Self {
        Self { source, follow: Follow::default(), recent: vec![0; RECENT] }
    }

    /// What is new.
    ///
    /// # Errors
    /// When the privilege is missing.
    pub(crate) fn read(&mut self) -> Result<News, SyslogError> {
        if self.follow.may_ask_for_less() {
            let read = self.source.newest(&mut self.recent)?;
            let part = &self.recent[..read.min(self.recent.len())];
            if let Some(news) = self.follow.recent(part) {
                return Ok(news);
            }
        }
        // The text has prefixes that the ring stores in binary: twice its size holds both. It is not kept: a buffer that
        // is made anew is no memory until the kernel writes into it.
        let size = self.source.size()?.saturating_mul(2).clamp(4096, RING_MAX);
        let mut ring = vec![0; size];
        let read = self.source.newest(&mut ring)?;
        Ok(self.follow.whole(&ring[..read.min(size)]))
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
    let all = || lines.split(|&b| b == b'\n');
    (all().find_map(stamp), all().rev().find_map(stamp))
}

#[cfg(test)]
#[path = "syslog/tests.rs"]
mod tests;
