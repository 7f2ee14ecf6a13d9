//! `/dev/kmsg`: one `read(2)` is one record.
//!
//! Documentation/ABI/testing/dev-kmsg promises: the first read gives the oldest record; EAGAIN when there is no
//! more; EPIPE once when records were overwritten before they were read, after which reading goes on with the oldest
//! left; EINVAL when the buffer is too small for the record, which is then passed over. Opening takes CAP_SYSLOG
//! where `kernel.dmesg_restrict` is 1, and in a container leave to use the device.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, SeekFrom};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Larger than any record: the kernel formats one into at most 8 KiB (`CONSOLE_EXT_LOG_MAX`, later
/// `PRINTK_MESSAGE_MAX`).
pub(crate) const RECORD_MAX: usize = 8192;

/// The device cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeviceError {
    #[error("cannot open {path}: {errno} ({hint})")]
    Open { path: PathBuf, errno: Errno, hint: &'static str },
    #[error("cannot wait for {path}: {source}")]
    Watch { path: PathBuf, source: std::io::Error },
    #[error("cannot read {path}: {errno}")]
    Read { path: PathBuf, errno: Errno },
}

/// What one read gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A record of so many bytes stands in the buffer.
    Record(usize),
    /// Records were overwritten before they could be read; their numbers will tell how many.
    Overrun,
    /// A record did not fit into the buffer and was passed over.
    TooLarge,
    /// There is nothing more for now.
    Empty,
}

/// The open device.
#[derive(Debug)]
pub(crate) struct Device {
    fd: AsyncFd<OwnedFd>,
    path: PathBuf,
}

impl Device {
    /// Opens it, at the oldest record or behind the newest.
    ///
    /// # Errors
    /// When it is absent or not allowed; the error names what is missing. Needs a tokio runtime with I/O.
    pub(crate) fn open(path: &Path, from_now: bool) -> Result<Self, DeviceError> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open =
            |errno: Errno| DeviceError::Open { path: path.to_owned(), errno, hint: hint(errno) };
        let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(open)?;
        if from_now {
            rustix::fs::seek(&fd, SeekFrom::End(0)).map_err(open)?;
        }
        #[allow(
            deprecated,
            reason = "its successor is unsafe; an OwnedFd that is never replaced keeps that contract"
        )]
        let fd = AsyncFd::with_interest(fd, Interest::READABLE)
            .map_err(|source| DeviceError::Watch { path: path.to_owned(), source })?;
        Ok(Self { fd, path: path.to_owned() })
    }

    /// Reads one record without waiting.
    ///
    /// # Errors
    /// When the kernel answers with anything the device does not promise.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Result<Step, DeviceError> {
        step(|| rustix::io::read(self.fd.as_fd(), &mut *buffer))
            .map_err(|errno| DeviceError::Read { path: self.path.clone(), errno })
    }

    /// Waits until there may be something to read. `printk` wakes readers lazily, now and then not at all, so this
    /// must never be the only thing that is waited for.
    ///
    /// # Errors
    /// When the event loop is gone.
    pub(crate) async fn readable(&self) -> Result<(), DeviceError> {
        let mut ready = self
            .fd
            .readable()
            .await
            .map_err(|source| DeviceError::Watch { path: self.path.clone(), source })?;
        // Cleared before the log is read to its end, so that what is written meanwhile sets it again.
        ready.clear_ready();
        Ok(())
    }
}

/// What an errno of the device means.
fn step(mut read: impl FnMut() -> Result<usize, Errno>) -> Result<Step, Errno> {
    loop {
        return match read() {
            // The device never ends; a file in its place does.
            Ok(0) | Err(Errno::AGAIN) => Ok(Step::Empty),
            Ok(len) => Ok(Step::Record(len)),
            Err(Errno::INTR) => continue,
            Err(Errno::PIPE) => Ok(Step::Overrun),
            Err(Errno::INVAL) => Ok(Step::TooLarge),
            Err(errno) => Err(errno),
        };
    }
}

/// Which privilege is missing, in words.
fn hint(errno: Errno) -> &'static str {
    match errno {
        Errno::PERM => {
            "CAP_SYSLOG is missing, or the container's device cgroup denies the device: only a privileged container may use it"
        }
        Errno::ACCESS => "the file's mode, or a security module, denies it to this user",
        Errno::NOENT => "the device is not in this mount namespace: mount the host's /dev/kmsg",
        Errno::NXIO | Errno::NODEV => "the kernel has no log device",
        _ => "unexpected",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Ok(5), Ok(Step::Record(5)))]
    #[case(Ok(0), Ok(Step::Empty))]
    #[case(Err(Errno::AGAIN), Ok(Step::Empty))]
    #[case(Err(Errno::PIPE), Ok(Step::Overrun))]
    #[case(Err(Errno::INVAL), Ok(Step::TooLarge))]
    #[case(Err(Errno::IO), Err(Errno::IO))]
    fn errnos_of_the_device(
        #[case] given: Result<usize, Errno>,
        #[case] expected: Result<Step, Errno>,
    ) {
        assert_eq!(step(|| given), expected);
    }

    #[test]
    fn an_interrupted_read_is_repeated() {
        let mut answers = [Ok(3), Err(Errno::INTR), Err(Errno::INTR)].to_vec();
        assert_eq!(step(|| answers.pop().unwrap()), Ok(Step::Record(3)));
    }

    #[tokio::test]
    async fn an_absent_device_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let error = Device::open(&dir.path().join("kmsg"), false).unwrap_err().to_string();
        assert!(error.contains("mount the host's /dev/kmsg"), "{error}");
    }

    /// The real device: a record written by us comes back with the next number, and marked as user space's.
    #[tokio::test]
    async fn the_real_device_gives_back_what_was_written() {
        use super::super::record::head;
        let path = Path::new("/dev/kmsg");
        let device = Device::open(path, true).expect("this test needs root and /dev/kmsg");
        let text = format!("coroner device test {}", std::process::id());
        std::fs::write(path, format!("<14>{text}\n")).unwrap();
        let mut buffer = [0; RECORD_MAX];
        let found = tokio::time::timeout(std::time::Duration::from_secs(5), async {
            loop {
                match device.read(&mut buffer).unwrap() {
                    Step::Record(len) => {
                        let raw = &buffer[..len];
                        if memchr::memmem::find(raw, text.as_bytes()).is_some() {
                            return raw.to_vec();
                        }
                    }
                    Step::Empty => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
                    Step::Overrun | Step::TooLarge => {}
                }
            }
        })
        .await
        .expect("the record comes back");
        let head = head(&found).unwrap();
        assert!(head.seq > 0);
        assert!(
            found.starts_with(b"14,"),
            "facility 1, level 6: {}",
            String::from_utf8_lossy(&found)
        );
    }
}
