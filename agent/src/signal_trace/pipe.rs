//! `trace_pipe`: the instance's events as text, each given once.
//!
//! Documentation/trace/ftrace.rst: reading consumes. Without anything to read a non-blocking read gives EAGAIN. Its poll
//! wakes on the first event of any CPU (`ring_buffer_poll_wait`, with `buffer_percent` 0), and costs nothing before.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::tracefs::TraceError;

/// The open pipe.
#[derive(Debug)]
pub(super) struct Pipe {
    fd: AsyncFd<OwnedFd>,
    path: PathBuf,
}

impl Pipe {
    /// Opens the pipe of an instance. Needs a tokio runtime with I/O.
    pub(super) fn open(instance: &Path) -> Result<Self, TraceError> {
        let (fd, path) = open(instance)?;
        #[allow(
            deprecated,
            reason = "its successor is unsafe; an OwnedFd that is never replaced keeps that contract"
        )]
        match AsyncFd::with_interest(fd, Interest::READABLE) {
            Ok(fd) => Ok(Self { fd, path }),
            Err(source) => Err(TraceError::Watch { path, source }),
        }
    }

    /// Reads what is there, without waiting; 0 bytes when there is nothing.
    pub(super) fn read(&self, buffer: &mut [u8]) -> Result<usize, TraceError> {
        read(self.fd.as_fd(), &self.path, buffer)
    }

    /// Waits until there may be something to read.
    pub(super) async fn readable(&self) -> Result<(), TraceError> {
        match self.fd.readable().await {
            Ok(mut ready) => {
                // Cleared before reading, so that what comes meanwhile sets it again.
                ready.clear_ready();
                Ok(())
            }
            Err(source) => Err(TraceError::Watch { path: self.path.clone(), source }),
        }
    }
}

/// Opens the pipe of an instance; nobody waits for it.
pub(super) fn open(instance: &Path) -> Result<(OwnedFd, PathBuf), TraceError> {
    let path = instance.join("trace_pipe");
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::open(&path, flags, Mode::empty()) {
        Ok(fd) => Ok((fd, path)),
        Err(errno) => Err(TraceError::denied("open", &path, errno)),
    }
}

/// Reads what is there, without waiting; 0 bytes when there is nothing.
pub(super) fn read(
    fd: BorrowedFd<'_>,
    path: &Path,
    buffer: &mut [u8],
) -> Result<usize, TraceError> {
    loop {
        return match rustix::io::read(fd, &mut *buffer) {
            Ok(len) => Ok(len),
            Err(Errno::AGAIN) => Ok(0),
            Err(Errno::INTR) => continue,
            Err(errno) => Err(TraceError::denied("read", path, errno)),
        };
    }
}
