//! Whose a process was that `/proc` has forgotten, or shows no more than that it exits.
//!
//! The recorder of forks says so for sure, where it can. Else what somebody saw a short while ago is taken, unless the recorder
//! knows that the id was another process's then.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use coroner_core::forks::Sighting;

use super::recorder::Recorder;
use super::task;
use crate::clock::{Clocks, monotonic_us};
use crate::homes::{FRESH, Homes};
use crate::process::{TOLERANCE_US, start_us};

/// Start times have steps of 10 ms.
const TICK_US: u64 = 10_000;

/// What is remembered of processes.
#[derive(Debug)]
pub(super) struct Past {
    pub proc_root: PathBuf,
    pub homes: Arc<Homes>,
    pub recorder: Option<Recorder>,
}

impl Past {
    /// The group of the task with this id, of process `pid`, at `at_us`, in microseconds of `CLOCK_MONOTONIC`.
    pub(super) fn home(&mut self, id: u32, pid: u32, at_us: u64, now: Instant) -> Option<String> {
        self.recorded(id, at_us).or_else(|| self.seen(pid, at_us, now))
    }

    /// The group by the recorder alone.
    pub(super) fn recorded(&mut self, id: u32, at_us: u64) -> Option<String> {
        let Self { proc_root, homes, recorder } = self;
        let mut seen = |id| {
            let noted = homes.sighting(id);
            noted.into_iter().chain(alive(proc_root, id)).collect::<Vec<_>>()
        };
        recorder.as_mut()?.home(id, at_us, &mut seen).map(|group| group.to_string())
    }

    /// The group that a process was seen in before it began to exit, if it is still the same process.
    fn seen(&self, pid: u32, at_us: u64, now: Instant) -> Option<String> {
        let (group, age) = self.homes.group_of(pid, now)?;
        let born_us = self.recorder.as_ref().and_then(|recorder| recorder.began_us(pid, u64::MAX));
        if let (Some(born_us), Some(note)) = (born_us, self.homes.sighting(pid)) {
            let before = note.from_us < born_us;
            let of_another = if born_us <= at_us { before } else { note.to_us >= born_us };
            if of_another {
                return None;
            }
        }
        if age >= FRESH {
            let (_, ticks) = task::stat(&self.proc_root, pid)?;
            let up = Clocks::now().boottime_us.saturating_sub(start_us(ticks));
            if u128::from(up + TOLERANCE_US) < age.as_micros() {
                return None;
            }
        }
        Some(group.to_string())
    }

    /// Lets go of a recorder that somebody switched off.
    pub(super) fn check(&mut self) {
        if let Some(error) = self.recorder.as_ref().and_then(|recorder| recorder.check().err()) {
            tracing::warn!("forks are not recorded any more: {error}");
            self.recorder = None;
        }
    }
}

/// A task that lives, and where it is now.
fn alive(proc_root: &std::path::Path, id: u32) -> Option<Sighting> {
    let from_us = monotonic_us();
    let (_, before) = task::stat(proc_root, id).filter(|(exits, _)| !exits)?;
    let process = task::status(proc_root, id)?.process;
    let group = task::group(proc_root, id)?;
    // It was one and the same that was read, if it still is.
    let (_, after) = task::stat(proc_root, id)?;
    // With suspend in between it began earlier than this by our clock.
    let began_by_us = Some(start_us(before).saturating_add(TICK_US));
    let to_us = monotonic_us();
    (before == after).then(|| Sighting {
        process,
        group: group.into(),
        from_us,
        to_us,
        began_by_us,
    })
}
