//! The slow look beside the event loop, on a timer of the kernel's own.
//!
//! timerfd_create(2) promises one expiry an interval. The runtime's timers would wake the process twice for each: once
//! when a far timer moves to a finer wheel, and once when it is due. Where there is no such timer, they do instead.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use rustix::time::{timerfd_create, timerfd_settime};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A timer that goes off again and again.
#[derive(Debug)]
pub(crate) struct Sweep {
    timer: Option<AsyncFd<OwnedFd>>,
    interval: Duration,
}

impl Sweep {
    /// Starts it. Needs a tokio runtime with I/O and time.
    pub(crate) fn every(interval: Duration) -> Self {
        Self { timer: start(interval).ok(), interval }
    }

    /// Waits until it goes off. May be dropped and called again.
    pub(crate) async fn tick(&self) {
        let Some(timer) = &self.timer else {
            return tokio::time::sleep(self.interval).await;
        };
        match timer.readable().await {
            Ok(mut ready) => {
                ready.clear_ready();
                // The count of expiries, which nobody needs; read so that the next one is seen.
                let _ = rustix::io::read(timer.as_fd(), &mut [0; 8]);
            }
            Err(_) => tokio::time::sleep(self.interval).await,
        }
    }
}

fn start(interval: Duration) -> std::io::Result<AsyncFd<OwnedFd>> {
    let timer =
        timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let time = Timespec {
        tv_sec: i64::try_from(interval.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(interval.subsec_nanos()),
    };
    let spec = Itimerspec { it_interval: time, it_value: time };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &spec)?;
    #[allow(
        deprecated,
        reason = "its successor is unsafe; an OwnedFd that is never replaced keeps that contract"
    )]
    AsyncFd::with_interest(timer, Interest::READABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_goes_off_again_and_again() {
        let interval = Duration::from_millis(20);
        let fallback = Sweep { timer: None, interval };
        for sweep in [Sweep::every(interval), fallback] {
            let begun = std::time::Instant::now();
            for _ in 0..3 {
                sweep.tick().await;
            }
            let took = begun.elapsed();
            assert!(took >= interval * 3 && took < Duration::from_secs(5), "{took:?}");
        }
    }
}
