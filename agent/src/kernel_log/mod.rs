//! The kernel log: what is read, how, and what else is tried where that is not allowed.
//!
//! First choice is the device, which numbers its records and wakes its readers. Where it cannot be opened that is said
//! at once, with what is missing, and `syslog(2)` stands in. Where neither works the agent goes on and says so, and
//! tries again now and then.

mod device;
mod intake;
mod news;
mod pace;
mod record;
mod replay;
mod reporter;
mod reread;
mod sequence;
mod sweep;
mod syslog;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::stop::Stop;
use crate::witness::Witness;
use device::{Device, DeviceError, RECORD_MAX, Step};
pub(crate) use intake::Intake;
pub(crate) use replay::Recording;
pub use replay::ReplayError;
pub(crate) use reporter::Reporter;
pub(crate) use sweep::Sweep;

/// `printk` wakes readers from a lazy interrupt, which was seen to come seconds late or not at all. A look costs a
/// microsecond; a little more than a second keeps the idle agent below one wake-up a second.
const SWEEP: Duration = Duration::from_millis(1100);

/// After an error, the log is opened again.
const POLL: Duration = Duration::from_secs(1);

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
                self.intake.reporter.turned();
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
        self.intake.reporter.turned();
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

    async fn pause(&mut self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.stop.wait() => {}
        }
    }
}
