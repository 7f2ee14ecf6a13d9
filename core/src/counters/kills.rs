//! Whose process died: which group counted each kill.
//!
//! From the bottom up: a group's own rise is its own. What a group counts together with all below it, beyond what
//! those that are there account for, was in a group that is gone; then the group above it is all that can be named.

use super::Reading;
use super::reading::rise;

/// A group that is watched, before and after.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watched {
    /// Place of the group above in the same list, where that is watched too. It stands before this one.
    pub parent: Option<usize>,
    /// The earlier reading. Its `tree_kills` are those that were accounted for, here or below.
    pub before: Reading,
    /// The later one; `None` for a group that is gone or cannot be read.
    pub after: Option<Reading>,
}

/// Kills in one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Place of the group in the list.
    pub group: usize,
    /// How many.
    pub kills: u64,
    /// How many of them were in groups below that are gone.
    pub below: u64,
}

/// Kills counted between the two readings, at most one entry a group, the innermost groups first.
///
/// The readings of a list are best taken from the outermost group inwards: a kill in between is then counted by the
/// inner group and missing in the outer one, which does no harm.
#[must_use]
pub fn counted(groups: &[Watched]) -> Vec<Counted> {
    let mut below = vec![0_u64; groups.len()];
    let mut out = Vec::new();
    for (group, watched) in groups.iter().enumerate().rev() {
        let inner = below.get(group).copied().unwrap_or(0);
        let (own, gone) = match &watched.after {
            None => (0, 0),
            Some(after) => {
                let own = rise(watched.before.kills, after.kills);
                let tree = rise(watched.before.tree_kills, after.tree_kills);
                let here = tree.map_or(0, |tree| tree.saturating_sub(inner));
                match own {
                    Some(own) => (own, here.saturating_sub(own)),
                    // Without an own count nobody knows; most groups that have processes have no groups below.
                    None => (here, 0),
                }
            }
        };
        let kills = own.saturating_add(gone);
        if kills > 0 {
            out.push(Counted { group, kills, below: gone });
        }
        let sum = inner.saturating_add(kills);
        if let Some(above) = watched.parent.and_then(|parent| below.get_mut(parent)) {
            *above = above.saturating_add(sum);
        }
    }
    out
}
