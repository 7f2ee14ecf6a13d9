//! A trace instance of our own: made, or taken over from an agent that was killed, set up, and removed at the end.
//!
//! Documentation/trace/ftrace.rst, "Instances": a directory made in `instances/` is a buffer with settings of its own,
//! which outlives whoever made it. Whose it is, is told by a lock (flock(2)) on the directory, which the kernel takes away
//! from the dead: process ids would not do, since agents in containers do not see each other's. So a second agent on
//! the node takes the next name, and a restarted one the name that is free, with what was traced in between.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use coroner_core::escape::terminal;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, mkdir, stat};
use rustix::io::Errno;

use super::tracefs::{TraceError, read, write};

/// Agents on one node at most.
const NAMES: usize = 64;

/// What an instance is made for.
#[derive(Debug)]
pub(super) struct Setup {
    /// All buffers together, in KiB.
    pub total_kb: usize,
    /// The buffer of one CPU, in KiB: at least and at most.
    pub per_cpu_kb: (usize, usize),
    /// Whether the kernel is to remember the names of tasks that make events.
    pub names: bool,
    /// The events, with a filter where not all of them are wanted. The first one tells whether it traces.
    pub events: Vec<(&'static str, Option<String>)>,
}

/// What is printed, and how: an instance begins with what somebody set for the whole machine. Kernels refuse options
/// they do not have, which then are as we want them.
const OPTIONS: [&str; 14] = [
    "context-info",
    "irq-info",
    "overwrite",
    "norecord-tgid",
    "noraw",
    "nohex",
    "nobin",
    "noblock",
    "nofields",
    "noverbose",
    "nolatency-format",
    "nostacktrace",
    "nouserstacktrace",
    "nopause-on-trace",
];

/// An instance that is ours.
#[derive(Debug)]
pub(super) struct Instance {
    pub path: PathBuf,
    /// Size of each CPU's buffer, in KiB.
    pub buffer_kb: usize,
    /// It was running already, left by an agent that is gone.
    pub adopted: bool,
    /// The event that tells whether it traces.
    first: &'static str,
    /// Keeps the lock.
    _lock: OwnedFd,
}

impl Instance {
    /// Makes or takes over an instance named `name`, or that with a number, and sets it up.
    pub(super) fn open(tracefs: &Path, name: &str, setup: &Setup) -> Result<Self, TraceError> {
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0', '\n']) {
            return Err(TraceError::Name { name: terminal(name).to_string() });
        }
        let (path, lock, made) = claim(&tracefs.join("instances"), name)?;
        let first = setup.events.first().map_or("", |(event, _)| *event);
        match set_up(&path, setup) {
            Ok((buffer_kb, running)) => {
                Ok(Self { path, buffer_kb, adopted: running && !made, first, _lock: lock })
            }
            Err(error) => {
                // Nothing half-made stays behind.
                let _ = std::fs::remove_dir(&path);
                Err(error)
            }
        }
    }

    /// Whether it still traces what it should.
    pub(super) fn check(&self) -> Result<(), TraceError> {
        let on = |file: &Path| read(file).map(|text| is_on(&text));
        let enabled = self.path.join("events").join(self.first).join("enable");
        if on(&self.path.join("tracing_on"))? && on(&enabled)? {
            return Ok(());
        }
        Err(TraceError::SwitchedOff { path: self.path.clone() })
    }

    /// Removes it. Whoever else reads it keeps it from being removed; then the next agent takes it over.
    pub(super) fn remove(self) {
        let _ = write(&self.path.join("events/enable"), "0");
        if let Err(error) = std::fs::remove_dir(&self.path) {
            tracing::warn!(instance = %self.path.display(), "the trace instance stays: {error}");
        }
    }
}

/// Whether a file says that something is on. An event with a trigger says `1*`.
fn is_on(text: &str) -> bool {
    matches!(text.trim(), "1" | "1*")
}

/// The first directory of that name, or that name with a number, that nobody alive holds; with its lock, and whether it
/// is new.
fn claim(instances: &Path, name: &str) -> Result<(PathBuf, OwnedFd, bool), TraceError> {
    let mut number = 1;
    // Whoever removes an instance while we look at it lets us try once more.
    for _ in 0..4 * NAMES {
        let path = match number {
            1 => instances.join(name),
            n => instances.join(format!("{name}-{n}")),
        };
        let made = match mkdir(&path, Mode::from_raw_mode(0o750)) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(TraceError::denied("make the trace instance", &path, errno)),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = match rustix::fs::open(&path, flags, Mode::empty()) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => continue,
            Err(errno) => return Err(TraceError::denied("open the trace instance", &path, errno)),
        };
        match flock(&dir, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) if number < NAMES => {
                number += 1;
                continue;
            }
            Err(Errno::WOULDBLOCK) => break,
            Err(errno) => return Err(TraceError::denied("lock the trace instance", &path, errno)),
        }
        // It may have been removed, and made anew by somebody else, before we had the lock.
        let same = fstat(&dir).ok().zip(stat(&path).ok());
        if same
            .is_some_and(|(ours, there)| ours.st_ino == there.st_ino && ours.st_dev == there.st_dev)
        {
            return Ok((path, dir, made));
        }
    }
    Err(TraceError::AllInUse { tried: NAMES, path: instances.join(name) })
}

/// Sets everything as it must be, and touches nothing that is so already: some settings empty the buffer. Gives the size
/// of a CPU's buffer in KiB, and whether it was tracing already.
fn set_up(path: &Path, setup: &Setup) -> Result<(usize, bool), TraceError> {
    let events = path.join("events");
    let is = |file: &Path, value: &str| read(file).is_ok_and(|text| text.trim() == value);
    let running = setup.events.first().is_some_and(|(event, filter)| {
        let event = events.join(event);
        read(&event.join("enable")).is_ok_and(|text| is_on(&text))
            && filter.as_ref().is_none_or(|filter| is(&event.join("filter"), filter))
    });

    let names = if setup.names { "record-cmd" } else { "norecord-cmd" };
    for option in OPTIONS.into_iter().chain([names]) {
        let _ = write(&path.join("trace_options"), option);
    }
    let clock = path.join("trace_clock");
    if !read(&clock)?.contains("[mono]") {
        write(&clock, "mono")?;
    }
    let cpus = std::fs::read_dir(path.join("per_cpu")).map_or(1, Iterator::count).max(1);
    let (least, most) = setup.per_cpu_kb;
    let buffer_kb = (setup.total_kb / cpus).clamp(least, most);
    let size = path.join("buffer_size_kb");
    if !is(&size, &buffer_kb.to_string()) {
        write(&size, &buffer_kb.to_string())?;
    }
    // Readers are woken by the first event, not by a page of them.
    let _ = write(&path.join("buffer_percent"), "0");
    for (event, filter) in setup.events.iter().rev() {
        let event = events.join(event);
        if let Some(filter) = filter {
            write(&event.join("filter"), filter)?;
        }
        write(&event.join("enable"), "1")?;
    }
    write(&path.join("tracing_on"), "1")?;
    Ok((buffer_kb, running))
}

#[cfg(test)]
mod tests {
    use super::is_on;

    #[test]
    fn on_with_and_without_a_trigger() {
        for (text, on) in [
            ("1\n", true),
            ("1*\n", true),
            ("0\n", false),
            ("0*\n", false),
            ("X\n", false),
            ("", false),
        ] {
            assert_eq!(is_on(text), on, "{text:?}");
        }
    }
}
