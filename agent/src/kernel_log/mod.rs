//! The kernel log: what is read, how, and what else is tried where that is not allowed.
//!
//! First choice is the device, which numbers its records and wakes its readers. Where it cannot be opened that is said
//! at once, with what is missing, and `syslog(2)` stands in. Where neither works the agent goes on and says so, and
//! tries again now and then.

mod device;
mod intake;
mod pace;
mod record;
mod replay;
mod reporter;
mod sequence;
mod sweep;
mod syslog;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::join::Joiner;
use crate::position::Mark;
use crate::stop::Stop;
use crate::witness::Witness;
use device::{Device, DeviceError, RECORD_MAX, Step};
pub(crate) use intake::Intake;
use pace::Pace;
pub(crate) use replay::Recording;
pub use replay::ReplayError;
pub(crate) use reporter::Reporter;
pub(crate) use sweep::Sweep;
use syslog::{Follow, read_ring, stamps};

/// `printk` wakes readers from a lazy interrupt, which was seen to come seconds late or not at all. A look costs a
/// microsecond; a little more than a second keeps the idle agent below one wake-up a second.
const SWEEP: Duration = Duration::from_millis(1100);

/// After an error, the log is opened again.
const POLL: Duration = Duration::from_secs(1);

/// When no way of reading works, it is tried again so often.
const RETRY: Duration = Duration::from_secs(60);

/// Other work gets its turn after so many records (some 100 microseconds).
const TURN: usize = 256;

/// More wake-ups than this in [`PACE_WINDOW`] are a flood: then records are let gather for [`PACE_PAUSE`], which costs
/// a twentieth of the wake-ups at 20,000 records/s. When more than [`PACE_ENOUGH`] came at once they gather by
/// themselves, and the smallest ring (some 1,000 records) has no room for a pause.
const PACE_WAKES: u32 = 100;
const PACE_WINDOW: Duration = Duration::from_millis(100);
const PACE_PAUSE: Duration = Duration::from_millis(1);
const PACE_ENOUGH: usize = 64;

/// The source.
pub(crate) struct KernelLog {
    pub intake: Intake,
    pub from_now: bool,
    pub stop: Stop,
}

impl KernelLog {
    /// Reads until the agent ends.
    pub(crate) async fn run(mut self, path: PathBuf) {
        let mut complained = false;
        while !self.stop.is_set() {
            match Device::open(&path, self.from_now) {
                Ok(device) => {
                    complained = false;
                    self.intake.reporter.announce(format!("reads {}", path.display()));
                    if let Err(error) = self.follow_device(&device).await {
                        self.intake.reporter.status(
                            false,
                            format!("{error}; it is opened again"),
                            None,
                        );
                        self.from_now = false;
                        self.pause(POLL).await;
                    }
                }
                Err(error) => self.without_device(&error, &mut complained).await,
            }
        }
        self.intake.pass_on();
    }

    /// Plays a recording, then waits for the end of the agent.
    pub(crate) async fn replay(mut self, recording: Recording) {
        self.intake.reporter.announce("replays a recorded kernel log".to_owned());
        for (n, record) in recording.records().enumerate() {
            self.intake.record(record);
            if n % TURN == TURN - 1 {
                self.intake.pass_on();
                tokio::task::yield_now().await;
            }
        }
        self.intake.finish(true);
        self.intake.drained();
        let () = self.stop.wait().await;
    }

    async fn follow_device(&mut self, device: &Device) -> Result<(), DeviceError> {
        let mut buffer = vec![0; RECORD_MAX];
        let sweep = Sweep::every(SWEEP);
        let (mut window, mut wakes) = (Instant::now(), 0);
        loop {
            let came = self.drain(device, &mut buffer).await?;
            if self.stop.is_set() {
                return Ok(());
            }
            self.do_what_is_due().await;
            let now = Instant::now();
            if now - window > PACE_WINDOW {
                (window, wakes) = (now, 0);
            }
            wakes += 1;
            if wakes > PACE_WAKES && came < PACE_ENOUGH {
                tokio::time::sleep(PACE_PAUSE).await;
            }
            let due = self.deadline();
            tokio::select! {
                ready = device.readable() => ready?,
                () = sweep.tick() => {}
                () = tokio::time::sleep_until(due.unwrap_or(now).into()), if due.is_some() => {}
                () = self.stop.wait() => {}
            }
        }
    }

    /// Reads the device to its end, and settles whose the bare kills were. Gives how much came.
    async fn drain(&mut self, device: &Device, buffer: &mut [u8]) -> Result<usize, DeviceError> {
        let mut came = 0;
        loop {
            came += self.read_all(device, buffer).await?;
            if self.intake.is_catching_up() {
                // Kills that come while all groups are read may or may not be in their counts: read again.
                self.intake.begin_watching();
                continue;
            }
            if !self.intake.reporter.witness().is_some_and(Witness::count) {
                break;
            }
            // Counters decide only when the log still has nothing new.
            match device.read(buffer)? {
                Step::Record(len) => self.intake.record(&buffer[..len]),
                Step::Overrun => self.intake.overrun(),
                Step::TooLarge => self.intake.too_large(),
                Step::Empty => {
                    self.intake.reporter.witness().map(Witness::decide);
                    break;
                }
            }
        }
        self.intake.reporter.reads_from(None);
        self.intake.drained();
        Ok(came)
    }

    async fn read_all(&mut self, device: &Device, buffer: &mut [u8]) -> Result<usize, DeviceError> {
        let mut count = 0;
        loop {
            match device.read(buffer)? {
                Step::Record(len) => self.intake.record(&buffer[..len]),
                Step::Overrun => self.intake.overrun(),
                Step::TooLarge => self.intake.too_large(),
                Step::Empty => return Ok(count),
            }
            count += 1;
            if count % TURN == 0 {
                self.intake.pass_on();
                self.intake.reporter.witness().map(Witness::tick);
                tokio::task::yield_now().await;
                if self.stop.is_set() {
                    return Ok(count);
                }
            }
        }
    }

    /// Second looks at groups, and silent reports.
    async fn do_what_is_due(&mut self) {
        self.intake.finish(false);
        while self.intake.reporter.witness().is_some_and(Witness::tick) {
            tokio::task::yield_now().await;
        }
    }

    /// When there is something to do, if there is.
    fn deadline(&mut self) -> Option<Instant> {
        let witness = self.intake.reporter.witness().and_then(|w| w.deadline());
        [self.intake.silent_at(), witness].into_iter().flatten().min()
    }

    /// Says what is missing, and tries `syslog(2)`.
    async fn without_device(&mut self, device: &DeviceError, complained: &mut bool) {
        let mut ring = Vec::new();
        if let Err(syslog) = read_ring(&mut ring) {
            if !std::mem::replace(complained, true) {
                let detail = format!("no kernel log can be read: {device}; {syslog}");
                self.intake.reporter.status(false, detail, None);
            }
            self.pause(RETRY).await;
            return;
        }
        tracing::warn!("{device}; syslog(2) is read instead, without record numbers");
        self.intake.reporter.announce(format!(
            "reads syslog(2), when another source sees a kill and once a second, or in five while others watch; without \
             record numbers, because it {device}"
        ));
        let error = self.follow_syslog(ring).await;
        if let Some(error) = error {
            self.intake.reporter.status(false, error, None);
            self.pause(POLL).await;
        }
    }

    /// Reads the ring again and again; gives the reason when that no longer works.
    async fn follow_syslog(&mut self, mut ring: Vec<u8>) -> Option<String> {
        let mut follow = Follow::default();
        let mut pace = Pace::new(Instant::now());
        if self.from_now {
            follow.news(&ring);
        } else {
            self.check_resume(&ring);
        }
        loop {
            let news = follow.news(&ring);
            let (first, last) = stamps(news.lines);
            if news.lost {
                self.intake.unknown_loss(first);
            }
            if !news.lines.is_empty() {
                self.intake.text(news.lines, first, last);
            }
            self.intake.reporter.reads_from(None);
            if self.intake.is_catching_up() {
                self.intake.begin_watching();
            }
            if let Some(witness) = self.intake.reporter.witness()
                && witness.count()
            {
                witness.decide();
            }
            self.intake.drained();
            self.until_next_read(&mut pace).await;
            if self.stop.is_set() {
                return None;
            }
            let begun = Instant::now();
            if let Err(error) = read_ring(&mut ring) {
                return Some(error.to_string());
            }
            pace.read(begun, Instant::now());
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

    async fn pause(&mut self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.stop.wait() => {}
        }
    }
}

/// Waits until another source has seen a kill that the log should tell of.
async fn wanted(joiner: Option<&Joiner>) {
    match joiner {
        Some(joiner) => joiner.log_wanted.notified().await,
        None => std::future::pending().await,
    }
}
