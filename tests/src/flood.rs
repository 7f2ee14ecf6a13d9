//! Floods of the kernel log: so many records a second, written as user space may.
//!
//! The kernel limits each writer unless `kernel.printk_devkmsg` is `on`; a [`Flood`] sets that and puts back what was
//! there. How many records there were nobody has to believe us: the kernel numbers them all.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, SeekFrom};
use rustix::io::Errno;

const LIMIT: &str = "/proc/sys/kernel/printk_devkmsg";

/// Records are written in gusts this far apart.
const GUST: Duration = Duration::from_millis(2);

/// May write as much as it likes.
pub struct Flood {
    device: File,
    before: String,
}

impl Flood {
    /// Lifts the limit.
    ///
    /// # Panics
    ///
    /// When that is not allowed.
    #[must_use]
    pub fn prepare() -> Self {
        let before = std::fs::read_to_string(LIMIT).expect("the limit can be read");
        std::fs::write(LIMIT, "on\n").expect("the limit can be lifted");
        // The limit is that of the descriptor, taken when it is opened.
        let device = OpenOptions::new().write(true).open("/dev/kmsg").expect("/dev/kmsg opens");
        Self { device, before }
    }

    /// Writes `rate` records a second for `time`, and gives how many it wrote. `written` counts along.
    ///
    /// # Panics
    ///
    /// When a record cannot be written.
    #[must_use]
    pub fn run(&mut self, rate: u64, time: Duration, written: &AtomicU64) -> u64 {
        let start = Instant::now();
        let mut count = 0;
        while start.elapsed() < time {
            let passed = u64::try_from(start.elapsed().as_micros()).expect("a short flood");
            let due = passed * rate / 1_000_000;
            while count < due {
                let record =
                    format!("<14>flood: record {count} of a driver that says the same again\n");
                self.device.write_all(record.as_bytes()).expect("a record is written");
                count += 1;
            }
            written.store(count, Relaxed);
            std::thread::sleep(GUST);
        }
        count
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        let _ = std::fs::write(LIMIT, &self.before);
    }
}

/// The number of the next record that the kernel will write.
///
/// # Panics
///
/// When the device cannot be read.
#[must_use]
pub fn next_sequence() -> u64 {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let device = rustix::fs::open("/dev/kmsg", flags, Mode::empty()).expect("/dev/kmsg opens");
    rustix::fs::seek(&device, SeekFrom::End(0)).expect("/dev/kmsg seeks");
    let mut note = OpenOptions::new().write(true).open("/dev/kmsg").expect("/dev/kmsg opens");
    note.write_all(b"<15>flood: where are we\n").expect("a record is written");
    let mut buffer = vec![0; 8192];
    let patience = Instant::now() + Duration::from_secs(10);
    loop {
        match rustix::io::read(device.as_fd(), &mut buffer[..]) {
            Ok(length) => {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                let sequence = text.split(',').nth(1).and_then(|n| n.parse::<u64>().ok());
                return sequence.expect("records are numbered") + 1;
            }
            Err(Errno::AGAIN | Errno::PIPE | Errno::INTR) => {
                assert!(Instant::now() < patience, "the record that was written did not come back");
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) => panic!("/dev/kmsg: {error}"),
        }
    }
}
