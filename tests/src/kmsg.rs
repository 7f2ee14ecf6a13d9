//! A bare reader of `/dev/kmsg`: the floor under every latency. It waits, reads, notes the time, and understands
//! nothing but `Killed process N`.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags, SeekFrom};
use rustix::io::Errno;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// `CLOCK_MONOTONIC` in microseconds.
#[must_use]
pub fn monotonic_us() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1000
}

/// When a kill line was printed, by the kernel's own stamp, and when it was read, both in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The record's stamp.
    pub stamp_us: i64,
    /// `CLOCK_MONOTONIC` when `read(2)` had given it.
    pub read_us: i64,
}

/// Reads from now on, in a thread of its own that lives as long as the process.
#[derive(Clone, Default)]
pub struct BareReader {
    kills: Arc<Mutex<HashMap<u32, Seen>>>,
    marks: Arc<Mutex<HashMap<String, Seen>>>,
    /// The reading thread's id, once it runs.
    thread: Arc<AtomicI32>,
}

impl BareReader {
    /// Starts reading.
    ///
    /// # Panics
    ///
    /// When the device cannot be opened.
    #[must_use]
    pub fn start() -> Self {
        let reader = Self::default();
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let device = rustix::fs::open("/dev/kmsg", flags, Mode::empty()).expect("/dev/kmsg opens");
        rustix::fs::seek(&device, SeekFrom::End(0)).expect("/dev/kmsg seeks");
        let own = reader.clone();
        std::thread::spawn(move || {
            own.thread.store(rustix::thread::gettid().as_raw_nonzero().get(), Relaxed);
            let mut buffer = vec![0; 8192];
            loop {
                match rustix::io::read(device.as_fd(), &mut buffer[..]) {
                    Ok(length) => own.note(&buffer[..length], monotonic_us()),
                    Err(Errno::AGAIN) => {
                        let wait = Timespec { tv_sec: 1, tv_nsec: 0 };
                        let _ = poll(&mut [PollFd::new(&device, PollFlags::IN)], Some(&wait));
                    }
                    Err(Errno::PIPE | Errno::INTR) => {}
                    Err(error) => panic!("/dev/kmsg: {error}"),
                }
            }
        });
        reader
    }

    fn note(&self, record: &[u8], read_us: i64) {
        let Ok(text) = std::str::from_utf8(record) else { return };
        let Some(stamp_us) = text.split(',').nth(2).and_then(|us| us.parse().ok()) else { return };
        let seen = Seen { stamp_us, read_us };
        if let Some((_, rest)) = text.split_once("Killed process ")
            && let Some(pid) = rest.split(' ').next().and_then(|pid| pid.parse().ok())
        {
            self.kills.lock().unwrap_or_else(PoisonError::into_inner).insert(pid, seen);
        } else if let Some((_, mark)) = text.split_once(";coroner measures ") {
            let mark = mark.lines().next().unwrap_or_default().to_owned();
            self.marks.lock().unwrap_or_else(PoisonError::into_inner).insert(mark, seen);
        }
    }

    /// When the kill of a process was seen.
    #[must_use]
    pub fn kill(&self, pid: u32) -> Option<Seen> {
        self.kills.lock().unwrap_or_else(PoisonError::into_inner).get(&pid).copied()
    }

    /// Processor time that the reading took so far, in nanoseconds.
    ///
    /// # Panics
    ///
    /// When the kernel does not say.
    #[must_use]
    pub fn cpu_ns(&self) -> u64 {
        let path = format!("/proc/self/task/{}/schedstat", self.thread.load(Relaxed));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        let ns = text.split(' ').next().and_then(|ns| ns.parse().ok());
        ns.unwrap_or_else(|| panic!("{path}: {text}"))
    }

    /// How far the kernel's stamps run ahead of `CLOCK_MONOTONIC`, in microseconds: the difference drifts, so it is
    /// taken by a record of our own just before it is needed.
    ///
    /// # Panics
    ///
    /// When a record that was written does not come back.
    #[must_use]
    pub fn clock_offset_us(&self) -> i64 {
        let mark = monotonic_us().to_string();
        let mut device = OpenOptions::new().write(true).open("/dev/kmsg").expect("/dev/kmsg opens");
        let before = monotonic_us();
        device
            .write_all(format!("<15>coroner measures {mark}\n").as_bytes())
            .expect("a record is written");
        let after = monotonic_us();
        for _ in 0..400 {
            if let Some(seen) =
                self.marks.lock().unwrap_or_else(PoisonError::into_inner).remove(&mark)
            {
                return seen.stamp_us - (before + after) / 2;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the record that was written did not come back");
    }
}
