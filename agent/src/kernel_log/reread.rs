//! Following the log where it numbers nothing and wakes nobody: `syslog(2)`, read again and again.
//!
//! The call stands still for as long as the kernel walks over its whole ring, some milliseconds for a mebibyte, however
//! little is asked for. So it is made on a thread of its own, and the trace, the counters and the uplink go on meanwhile.
//! What came is taken in pieces, between which they have their turn too. Complete is the log only up to the moment at
//! which a reading began.

use std::time::{Duration, Instant};

use super::device::DeviceError;
use super::news::News;
use super::pace::Pace;
use super::syslog::{Klogctl, Ring, SyslogError, stamps};
use super::{KernelLog, POLL};
use crate::clock::monotonic_us;
use crate::join::Joiner;
use crate::position::Mark;
use crate::witness::Witness;

/// When no way of reading works, it is tried again so often.
const RETRY: Duration = Duration::from_secs(60);

/// So many bytes are parsed at a time: some 300 lines.
const PIECE: usize = 32 * 1024;

/// A reading.
struct Reading {
    ring: Ring<Klogctl>,
    news: Result<News, SyslogError>,
    /// When it began, on `CLOCK_MONOTONIC`.
    began_us: u64,
}

/// Reads on a thread of its own.
async fn read(mut ring: Ring<Klogctl>) -> Option<Reading> {
    let began_us = monotonic_us();
    let reading = tokio::task::spawn_blocking(move || {
        let news = ring.read();
        Reading { ring, news, began_us }
    });
    reading.await.ok()
}

impl KernelLog {
    /// Says what is missing, and tries `syslog(2)`.
    pub(super) async fn without_device(&mut self, device: &DeviceError, complained: &mut bool) {
        let Some(reading) = read(Ring::new(Klogctl)).await else { return };
        let news = match reading.news {
            Ok(news) => news,
            Err(syslog) => {
                if !std::mem::replace(complained, true) {
                    let detail = format!("no kernel log can be read: {device}; {syslog}");
                    self.intake.reporter.status(false, detail, None);
                }
                self.pause(RETRY).await;
                return;
            }
        };
        tracing::warn!("{device}; syslog(2) is read instead, without record numbers");
        self.intake.reporter.announce(format!(
            "reads syslog(2), when another source sees a kill and once a second, or in five while others watch; without \
             record numbers, because it {device}"
        ));
        let error = self.follow_syslog(reading.ring, news, reading.began_us).await;
        if let Some(error) = error {
            self.intake.reporter.status(false, error, None);
            self.pause(POLL).await;
        }
    }

    /// Reads the ring again and again; gives the reason when that no longer works.
    async fn follow_syslog(
        &mut self,
        mut ring: Ring<Klogctl>,
        mut news: News,
        mut began_us: u64,
    ) -> Option<String> {
        let mut pace = Pace::new(Instant::now());
        if self.from_now {
            news = News::default();
        } else {
            self.check_resume(&news.lines);
        }
        loop {
            self.take(&news).await;
            drop(std::mem::take(&mut news));
            self.intake.reporter.reads_from(None);
            if self.intake.is_catching_up() {
                self.intake.begin_watching();
            }
            if let Some(witness) = self.intake.reporter.witness()
                && witness.count()
            {
                witness.decide();
            }
            self.intake.drained_at(began_us);
            self.until_next_read(&mut pace).await;
            if self.stop.is_set() {
                return None;
            }
            let begun = Instant::now();
            let Some(reading) = read(ring).await else {
                return Some("syslog(2) was given up while it was read".to_owned());
            };
            pace.read(begun, Instant::now());
            (ring, began_us) = (reading.ring, reading.began_us);
            news = match reading.news {
                Ok(news) => news,
                Err(error) => return Some(error.to_string()),
            };
        }
    }

    /// Takes what is new, and lets others have their turn in between.
    async fn take(&mut self, news: &News) {
        if news.lost {
            let (first, _) = stamps(&news.lines);
            self.intake.unknown_loss(first);
        }
        for (n, piece) in pieces(&news.lines).enumerate() {
            if n > 0 {
                self.intake.pass_on();
                self.intake.reporter.witness().map(Witness::tick);
                tokio::task::yield_now().await;
            }
            let (first, last) = stamps(piece);
            self.intake.text(piece, first, last);
        }
    }

    /// Waits until the ring is to be read again, and does what is due meanwhile.
    async fn until_next_read(&mut self, pace: &mut Pace) {
        let joiner = self.intake.reporter.joiner();
        loop {
            self.do_what_is_due().await;
            let next = pace.next(self.intake.reporter.others_watch());
            if Instant::now() >= next || self.stop.is_set() {
                return;
            }
            let until = self.deadline().map_or(next, |due| due.min(next));
            tokio::select! {
                () = wanted(joiner.as_deref()) => pace.wanted(Instant::now()),
                () = tokio::time::sleep_until(until.into()) => {}
                () = self.stop.wait() => {}
            }
        }
    }

    /// What an earlier run acknowledged last is no longer in the ring: something behind it may be lost too.
    fn check_resume(&mut self, ring: &[u8]) {
        let (oldest, _) = stamps(ring);
        let done = self.intake.reporter.acknowledged().and_then(|mark| mark.monotonic_us);
        let done = done.map(|us| Mark { seq: None, monotonic_us: Some(us) });
        if let (Some(done), Some(oldest)) = (done, oldest)
            && !done.covers(oldest)
        {
            self.intake.unknown_loss(Some(oldest));
        }
    }
}

/// `lines` in pieces of about [`PIECE`] bytes, each of whole lines.
fn pieces(mut lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if lines.is_empty() {
            return None;
        }
        let least = PIECE.min(lines.len() - 1);
        let end = memchr::memchr(b'\n', &lines[least..]).map_or(lines.len(), |at| least + at + 1);
        let (piece, rest) = lines.split_at(end);
        lines = rest;
        Some(piece)
    })
}

/// Waits until another source has seen a kill that the log should tell of.
async fn wanted(joiner: Option<&Joiner>) {
    match joiner {
        Some(joiner) => joiner.log_wanted.notified().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_lines_and_together_everything() {
        for lines in ["", "a", "a\n", "a\nb"] {
            assert_eq!(pieces(lines.as_bytes()).collect::<Vec<_>>().concat(), lines.as_bytes());
        }
        let long: String = (0..10_000).map(|n| format!("<6>[    1.{n:06}] line\n")).collect();
        let all: Vec<&[u8]> = pieces(long.as_bytes()).collect();
        assert_eq!(all.concat(), long.as_bytes());
        assert!(all.len() > 5);
        assert!(all.iter().all(|piece| piece.ends_with(b"\n") && piece.len() < PIECE + 100));
        // One line without an end, longer than a piece.
        assert_eq!(pieces(&[b'x'; PIECE * 3]).map(<[u8]>::len).collect::<Vec<_>>(), [PIECE * 3]);
    }
}
