//! The recorder of forks: whose a process was that nobody saw.
//!
//! A victim can be gone before anybody looks: on a machine that leaves the agent without a processor for 20 ms that is the rule.
//! So a second instance of ours records every birth of a task and every move between groups, into small buffers that the
//! kernel overwrites. Nobody waits for it and nothing wakes us: it is read only when a signal's process cannot be read
//! from `/proc` any more. What was overwritten by then makes a process unknown, never another's ([`Forks`]). Kernels without
//! one of the two events, or no room for the buffers, leave it out; all else goes on.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coroner_core::forks::{Forks, Sighting};
use coroner_core::signal::{Forked, Moved, Reader, TraceEvent};

use super::instance::Instance;
use super::tracefs::TraceError;
use super::{pipe, setups};
use crate::clock::monotonic_us;

/// A read gives at most a page or two.
const BUFFER: usize = 16 * 1024;

/// Reads in one go at most: more than the buffers of sixty-four processors hold. What is left is read the next time.
const READS_MAX: usize = 1024;

/// The kernel cuts longer paths off (`TRACE_CGROUP_PATH_LEN`).
const PATH_MAX: usize = 1000;

/// An instance that records forks.
#[derive(Debug)]
pub(super) struct Recorder {
    instance: Instance,
    pipe: OwnedFd,
    path: PathBuf,
    reader: Reader,
    forks: Forks,
    /// Events before the next one were lost.
    lost: bool,
    /// All there was is read.
    emptied: bool,
    buffer: Vec<u8>,
}

impl Recorder {
    /// Makes or takes over an instance beside the one named `name`.
    pub(super) fn open(tracefs: &Path, name: &str, proc_root: &Path) -> Result<Self, TraceError> {
        let table = std::fs::read_to_string(proc_root.join("cgroups")).unwrap_or_default();
        let (layouts, setup) = setups::forks(tracefs, memory_hierarchy(&table))?;
        let instance = Instance::open(tracefs, &format!("{name}-forks"), &setup)?;
        let (pipe, path) = pipe::open(&instance.path)?;
        // Before the first event that an earlier agent left there may have been others.
        let lost = instance.adopted;
        let forks = Forks::new(if lost { 0 } else { monotonic_us() });
        let reader = Reader::new(layouts);
        let buffer = vec![0; BUFFER];
        Ok(Self { instance, pipe, path, reader, forks, lost, emptied: false, buffer })
    }

    /// The buffer of one CPU, in KiB.
    pub(super) fn buffer_kb(&self) -> usize {
        self.instance.buffer_kb
    }

    /// Whether it still records.
    pub(super) fn check(&self) -> Result<(), TraceError> {
        self.instance.check()
    }

    /// Removes the instance.
    pub(super) fn remove(self) {
        let Self { instance, pipe, .. } = self;
        drop(pipe);
        instance.remove();
    }

    /// The group of the task that had this id at `at_us`, while it lived. `seen` gives what else is known of a task.
    pub(super) fn home(
        &mut self,
        id: u32,
        at_us: u64,
        seen: &mut dyn FnMut(u32) -> Vec<Sighting>,
    ) -> Option<Arc<str>> {
        self.read();
        if self.emptied { self.forks.home(id, at_us, seen) } else { None }
    }

    /// When the task that had this id at `at_us` began, where that was recorded. Says what was read last.
    pub(super) fn began_us(&self, id: u32, at_us: u64) -> Option<u64> {
        self.forks.began_us(id, at_us)
    }

    /// Reads what there is, without waiting.
    fn read(&mut self) {
        let begun_us = monotonic_us();
        self.emptied = false;
        for _ in 0..READS_MAX {
            match pipe::read(self.pipe.as_fd(), &self.path, &mut self.buffer) {
                Ok(0) => {
                    self.emptied = true;
                    break;
                }
                Ok(len) => self.take(len),
                Err(error) => {
                    tracing::debug!("{error}");
                    self.forks.lost_before(monotonic_us());
                    return;
                }
            }
        }
        if !self.emptied {
            return;
        }
        if std::mem::take(&mut self.lost) {
            self.forks.lost_before(begun_us);
        }
        // What made no sense may have been a birth.
        if self.reader.take_not_understood() > 0 || self.reader.is_within_a_line() {
            self.forks.lost_before(monotonic_us());
        }
    }

    fn take(&mut self, len: usize) {
        let Self { reader, forks, lost, buffer, .. } = self;
        reader.feed(buffer.get(..len).unwrap_or_default(), |event| {
            let at_us = match &event {
                TraceEvent::Forked(forked) => forked.at_us,
                TraceEvent::Moved(moved) => moved.at_us,
                TraceEvent::Lost { .. } => {
                    *lost = true;
                    return;
                }
                TraceEvent::Generated(_) | TraceEvent::Marked(_) => return,
            };
            if std::mem::take(lost) {
                forks.lost_before(at_us);
            }
            match event {
                TraceEvent::Forked(Forked { maker, child, flags, .. }) => {
                    forks.born(at_us, maker, child, flags);
                }
                TraceEvent::Moved(Moved { readings, .. }) => {
                    let sure = readings.len() == 1;
                    for (id, path) in &readings {
                        let group = Some(path.as_str()).filter(|_| sure && path.len() < PATH_MAX);
                        forks.moved(at_us, *id, group);
                    }
                }
                _ => {}
            }
        });
    }
}

/// The number of the hierarchy with the memory controller, of a table like `/proc/cgroups`: 0 is version 2, of which
/// newer kernels say nothing there.
fn memory_hierarchy(table: &str) -> u32 {
    let memory = table.lines().find_map(|line| line.strip_prefix("memory\t"));
    memory.and_then(|rest| rest.split('\t').next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::memory_hierarchy;
    use rstest::rstest;

    #[rstest]
    #[case("#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t2\t9\t1\nmemory\t4\t71\t1\n", 4)]
    #[case("memory\t0\t71\t1\n", 0)]
    #[case("cpu\t2\t9\t1\n", 0)]
    #[case("memory\tx\n", 0)]
    #[case("", 0)]
    fn the_hierarchy_of_memory(#[case] table: &str, #[case] number: u32) {
        assert_eq!(memory_hierarchy(table), number);
    }
}
