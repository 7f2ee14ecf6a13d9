//! Whether a whole group was killed at once, because of `memory.oom.group`.
//!
//! Since 4.19 (version 2 only) the kernel kills everybody in the outermost group that has the flag, at or below the
//! group whose limit was hit (`mem_cgroup_get_oom_group`, mm/memcontrol.c). Each process is counted in its own group,
//! whoever was chosen first once more if it is not gone by then. Since 5.17 the group with the flag counts
//! `oom_group_kill`, between the first victim and the others; before, only the flag tells. What cannot be told is
//! [`Whole::Untold`].

use super::reading::rise;
use super::{Ancestor, Counted};
use crate::finding::CountedLimit;

/// What the counters say of a whole group that was killed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Whole {
    /// None was: each kill stands for itself.
    #[default]
    No,
    /// This one.
    Group {
        /// Its path: hostile text.
        path: String,
        /// Its `oom_group_kill`, which names this kill among all of the group; `None` where the kernel does not count.
        nth: Option<u64>,
    },
    /// One that is gone, below the group that counted.
    Gone {
        /// The `oom_group_kill` of the group that counted and all below it.
        nth: Option<u64>,
    },
    /// Nobody can tell.
    Untold,
}

/// Which group was killed whole with the kills in `counted`. `lineage` is as for
/// [`whose_limit`](super::whose_limit), whose answer is `limit`.
#[must_use]
pub fn killed_whole(
    version: u32,
    counted: &Counted,
    lineage: &[Ancestor<'_>],
    limit: &CountedLimit,
) -> Whole {
    if version != 2 {
        return Whole::No;
    }
    let mut counts = true;
    for group in lineage.iter().rev() {
        let after = group.after.and_then(|after| after.group_kills);
        match rise(group.before.group_kills, after) {
            Some(1..) => return Whole::Group { path: group.path.to_owned(), nth: after },
            Some(0) => {}
            None => counts = false,
        }
    }
    let gone = counted.below > 0;
    if counts {
        let first = lineage.first().filter(|_| gone);
        let below = first.and_then(|group| {
            let after = group.after?.tree_group_kills;
            (rise(group.before.tree_group_kills, after)? > 0).then_some(after)
        });
        return below.map_or(Whole::No, |nth| Whole::Gone { nth });
    }
    by_flag(gone, lineage, limit)
}

/// By the flag alone: what would be killed with whom.
fn by_flag(gone: bool, lineage: &[Ancestor<'_>], limit: &CountedLimit) -> Whole {
    let limited = match limit {
        CountedLimit::Group(limit) => lineage.iter().position(|group| group.path == limit),
        CountedLimit::WholeNode | CountedLimit::Unknown => None,
    };
    let reach = limited.map_or(lineage.len(), |at| at.saturating_add(1));
    let within = || lineage.iter().take(reach);
    if let Some(group) = within().rfind(|group| group.whole == Some(true)) {
        return Whole::Group { path: group.path.to_owned(), nth: None };
    }
    if gone || within().any(|group| group.whole.is_none()) { Whole::Untold } else { Whole::No }
}
