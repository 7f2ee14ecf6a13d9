//! Whether the task that was running when a signal was made was exiting: a child's `PR_SET_PDEATHSIG`.
//!
//! prctl(2): when a parent dies, each child that asked for it gets a signal, which looks like one from kill(2) (`code`
//! 0). A `kill` command that ends right after its work looks the same a moment later. What tells them apart: exit_notify
//! (kernel/exit.c) holds the list of tasks locked, so preemption is disabled twice, while kill(2) to one process
//! disables it once; and the child has been given to an ancestor of its parent, or the first process, before the signal.

/// What was seen a moment after the signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen<'a> {
    /// How deep preemption was disabled at the signal.
    pub depth: Option<u32>,
    /// Whether the sender was exiting, or gone.
    pub sender_exits: Option<bool>,
    /// The receiver's parent.
    pub receiver_parent: Option<u32>,
    /// The sender's parents, nearest first.
    pub sender_ancestors: &'a [u32],
}

/// Whether the sender was exiting at the moment of the signal; `None` where that cannot be told.
#[must_use]
pub fn was_exiting(seen: Seen<'_>) -> Option<bool> {
    match (seen.sender_exits, seen.depth) {
        (Some(false), _) | (_, Some(1)) => Some(false),
        (Some(true), Some(_)) => {
            let parent = seen.receiver_parent?;
            // A signal to a process group takes the same locks, but leaves the parents as they are.
            (parent == 1 || seen.sender_ancestors.contains(&parent)).then_some(true)
        }
        (Some(true), None) | (None, _) => None,
    }
}
