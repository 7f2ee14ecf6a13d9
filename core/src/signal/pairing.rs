//! The OOM killer's mark and the signal it belongs to.
//!
//! `__oom_kill_process` (mm/oom_kill.c) sends SIGKILL and then marks the victim, in the context of the task that asked
//! for memory: the mark was measured to follow by 0.03 to 4 ms, and by a quarter of a second where the machine had no time
//! for that task. So a signal by the kernel waits a moment for a mark of
//! the same victim by the same task. A process that is exiting anyway is marked without a signal: a mark that finds no
//! partner is nobody's kill. Known ids may come twice and be used again; each signal takes one mark, oldest first.

use std::collections::VecDeque;

use super::event::{Generated, Marked};
use crate::finding::OomMark;

/// `SI_KERNEL`.
const BY_KERNEL: i32 = 128;

/// How long a mark may follow, in microseconds. Far more than was measured: a task can be held up between the two on a busy
/// machine, and only a signal by the kernel that is no OOM kill has to wait for so long.
const FOLLOWS_US: u64 = 1_000_000;

/// Signals that wait at most; the oldest goes without a mark then.
const WAITING_MAX: usize = 1024;

/// A signal with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paired<T> {
    /// The signal.
    pub signal: Generated,
    /// What was put to it.
    pub with: T,
    /// The mark, if there was one.
    pub mark: Option<OomMark>,
}

/// Signals that wait for a mark. `T` is whatever the caller read about a signal when it came.
#[derive(Debug)]
pub struct Pairing<T> {
    waiting: VecDeque<(Generated, T)>,
    lone_marks: u64,
}

impl<T> Default for Pairing<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), lone_marks: 0 }
    }
}

impl<T> Pairing<T> {
    /// A signal was made. Gives what need not or cannot wait.
    pub fn generated(&mut self, signal: Generated, with: T) -> Option<Paired<T>> {
        if signal.code != BY_KERNEL {
            return Some(Paired { signal, with, mark: None });
        }
        self.waiting.push_back((signal, with));
        let full = self.waiting.len() > WAITING_MAX;
        full.then(|| self.waiting.pop_front()).flatten().map(alone)
    }

    /// A victim was marked. Gives the signal that it was, unless there was none.
    pub fn marked(&mut self, marked: Marked) -> Option<Paired<T>> {
        let Marked { by, victim, mark } = marked;
        let at = self.waiting.iter().position(|(signal, _)| {
            signal.receiver == victim
                && signal.sender == by
                && signal.at_us <= mark.at_us
                && mark.at_us - signal.at_us <= FOLLOWS_US
        });
        let Some((signal, with)) = at.and_then(|at| self.waiting.remove(at)) else {
            self.lone_marks += 1;
            return None;
        };
        Some(Paired { signal, with, mark: Some(mark) })
    }

    /// The next signal that no mark can follow any more. Only to be asked when everything traced up to `now_us` was
    /// read.
    pub fn expired(&mut self, now_us: u64) -> Option<Paired<T>> {
        let due = self.due_us().is_some_and(|due| due <= now_us);
        due.then(|| self.waiting.pop_front()).flatten().map(alone)
    }

    /// When [`Pairing::expired`] will have something, in microseconds of the trace's clock.
    #[must_use]
    pub fn due_us(&self) -> Option<u64> {
        self.waiting.front().map(|(signal, _)| signal.at_us.saturating_add(FOLLOWS_US))
    }

    /// Marks without a signal since the last call: chosen victims that were exiting anyway.
    pub fn take_lone_marks(&mut self) -> u64 {
        std::mem::take(&mut self.lone_marks)
    }
}

fn alone<T>((signal, with): (Generated, T)) -> Paired<T> {
    Paired { signal, with, mark: None }
}
