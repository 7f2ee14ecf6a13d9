//! Whose limit was hit, from how the counters of the victim's group and those above it moved.

use super::reading::rise;
use super::{Counted, Reading};
use crate::finding::CountedLimit;

/// A group at or above the victim's.
#[derive(Clone, Debug, Default)]
pub struct Ancestor<'a> {
    /// Its path.
    pub path: &'a str,
    /// Before the kill.
    pub before: Reading,
    /// After it; `None` where it could not be read.
    pub after: Option<Reading>,
    /// Whether it has a limit that its use has come close to. Version 1.
    pub near: Option<bool>,
    /// Whether the kernel told its listeners of an OOM in it or above; `None` where nobody listened. Version 1.
    pub notified: Option<bool>,
    /// Its `memory.oom.group`; `None` where that cannot be read. Version 2.
    pub whole: Option<bool>,
}

/// Whose limit the kills in `counted` were for. `lineage` begins with the group that counted them and ends below the
/// root; `gone` is the only group below it that can have been meant, if there is just one.
#[must_use]
pub fn whose_limit(
    version: u32,
    counted: &Counted,
    lineage: &[Ancestor<'_>],
    gone: Option<&str>,
) -> CountedLimit {
    match version {
        1 => v1(lineage),
        2 => v2(counted, lineage, gone),
        _ => CountedLimit::Unknown,
    }
}

fn v2(counted: &Counted, lineage: &[Ancestor<'_>], gone: Option<&str>) -> CountedLimit {
    let (Some(first), own) = (lineage.first(), own_hits(lineage)) else {
        return CountedLimit::Unknown;
    };
    let own_first = first.after.and_then(|after| rise(first.before.ooms, after.ooms));
    let tree_first = first.after.and_then(|after| rise(first.before.tree_ooms, after.tree_ooms));
    let Some(own) = own else {
        // Without own counts (before 5.2) only the innermost group speaks for itself.
        return match tree_first {
            Some(1..) => CountedLimit::Group(first.path.to_owned()),
            Some(0) if tree_hits(lineage) == Some(0) => CountedLimit::WholeNode,
            _ => CountedLimit::Unknown,
        };
    };
    // A victim that is gone may have hit a limit that went with it.
    let hit_below = counted.below > 0
        && match (tree_first, own_first) {
            (Some(tree), Some(own)) => tree > own,
            _ => true,
        };
    match (own.as_slice(), hit_below) {
        ([], false) => CountedLimit::WholeNode,
        ([path], false) => CountedLimit::Group((*path).to_owned()),
        ([], true) if counted.below == counted.kills => {
            gone.map_or(CountedLimit::Unknown, |gone| CountedLimit::Group(gone.to_owned()))
        }
        _ => CountedLimit::Unknown,
    }
}

/// Groups whose own `oom` rose; `None` where one of them cannot be read.
fn own_hits<'a>(lineage: &[Ancestor<'a>]) -> Option<Vec<&'a str>> {
    let mut hits = Vec::new();
    for group in lineage {
        if rise(group.before.ooms, group.after?.ooms)? > 0 {
            hits.push(group.path);
        }
    }
    Some(hits)
}

/// The highest rise of `oom` anywhere; `None` where one cannot be read.
fn tree_hits(lineage: &[Ancestor<'_>]) -> Option<u64> {
    lineage.iter().try_fold(0, |most, group| {
        Some(most.max(rise(group.before.tree_ooms, group.after?.tree_ooms)?))
    })
}

fn v1(lineage: &[Ancestor<'_>]) -> CountedLimit {
    // A kernel whose failcnt does not count shows 0 in a group that was at its limit.
    let counts = lineage
        .iter()
        .any(|group| group.after.and_then(|after| after.limit_hits).is_some_and(|hits| hits > 0));
    let mut candidates = Vec::new();
    for group in lineage {
        let Some(near) = group.near else { return CountedLimit::Unknown };
        let refused = group.after.and_then(|after| rise(group.before.limit_hits, after.limit_hits));
        let refused = !counts || refused.is_none_or(|hits| hits > 0);
        if near && refused && group.notified != Some(false) {
            candidates.push(group.path);
        }
    }
    match candidates.as_slice() {
        // Told of an OOM, but of whose limit cannot be seen: somebody reset what is measured.
        [] if lineage.first().is_some_and(|group| group.notified == Some(true)) => {
            CountedLimit::Unknown
        }
        [] => CountedLimit::WholeNode,
        [path] => CountedLimit::Group((*path).to_owned()),
        // Listeners at and below the limited group are told, those above are not.
        all if lineage.iter().all(|group| group.notified.is_some()) => {
            let told = lineage.iter().take_while(|group| group.notified == Some(true)).last();
            told.filter(|group| all.contains(&group.path))
                .map_or(CountedLimit::Unknown, |group| CountedLimit::Group(group.path.to_owned()))
        }
        _ => CountedLimit::Unknown,
    }
}
