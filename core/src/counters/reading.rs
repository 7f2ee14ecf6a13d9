//! What the memory files of one group say at one moment.
//!
//! `memory.events` and `memory.oom_control` are lines of `key value`; kernels add keys (`oom_kill` in v1 since 4.13,
//! `oom_group_kill` since 5.17, others later), so unknown ones are passed over and absent ones are `None`.

use crate::finding::GroupRise;

/// One reading of a group's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// `oom_kill`: processes of this group alone.
    pub kills: Option<u64>,
    /// `oom_kill` of this group and all below it, those that are gone too. Version 2 without `memory_localevents`.
    pub tree_kills: Option<u64>,
    /// `oom` of this group's own limit. Version 2.
    pub ooms: Option<u64>,
    /// `oom` of the limits of this group and all below it. Version 2 without `memory_localevents`.
    pub tree_ooms: Option<u64>,
    /// How often this group's own limit refused memory: `max`, or `failcnt` (with swap or without).
    pub limit_hits: Option<u64>,
    /// `oom_group_kill` of this group.
    pub group_kills: Option<u64>,
    /// `oom_group_kill` of this group and all below it. Version 2 without `memory_localevents`.
    pub tree_group_kills: Option<u64>,
}

impl Reading {
    /// From `memory.events` and `memory.events.local`. `hierarchical` is false for a mount with `memory_localevents`.
    #[must_use]
    pub fn v2(events: Option<&str>, local: Option<&str>, hierarchical: bool) -> Self {
        let own = if hierarchical { local } else { local.or(events) };
        let own = |key| own.and_then(|text| value(text, key));
        let tree = |key| events.filter(|_| hierarchical).and_then(|text| value(text, key));
        Self {
            kills: own("oom_kill"),
            tree_kills: tree("oom_kill"),
            ooms: own("oom"),
            tree_ooms: tree("oom"),
            limit_hits: own("max"),
            group_kills: own("oom_group_kill"),
            tree_group_kills: tree("oom_group_kill"),
        }
    }

    /// From `memory.oom_control`, `memory.failcnt` and `memory.memsw.failcnt`: where memory and swap have the same
    /// limit, the sum of both is what is hit.
    #[must_use]
    pub fn v1(control: Option<&str>, failcnt: Option<u64>, with_swap: Option<u64>) -> Self {
        Self {
            kills: control.and_then(|text| value(text, "oom_kill")),
            limit_hits: [failcnt, with_swap].into_iter().flatten().reduce(u64::saturating_add),
            ..Self::default()
        }
    }

    /// What a group begins with that has the same files as this one.
    #[must_use]
    pub fn at_birth(&self) -> Self {
        let zero = |count: Option<u64>| count.map(|_| 0);
        Self {
            kills: zero(self.kills),
            tree_kills: zero(self.tree_kills),
            ooms: zero(self.ooms),
            tree_ooms: zero(self.tree_ooms),
            limit_hits: zero(self.limit_hits),
            group_kills: zero(self.group_kills),
            tree_group_kills: zero(self.tree_group_kills),
        }
    }

    /// Whether `after` belongs to another group of the same name: what only grows has become less.
    #[must_use]
    pub fn is_remade(&self, after: &Self) -> bool {
        let less = |before, after| matches!((before, after), (Some(b), Some(a)) if a < b);
        less(self.kills, after.kills) || less(self.ooms, after.ooms)
    }

    /// How the counters moved from this reading to `after`; everything else is left empty.
    #[must_use]
    pub fn rise(&self, after: &Self, group: String) -> GroupRise {
        GroupRise {
            group,
            oom: rise(self.ooms, after.ooms),
            limit_hits: rise(self.limit_hits, after.limit_hits),
            oom_kill: rise(self.kills, after.kills),
            oom_group_kill: rise(self.group_kills, after.group_kills),
            ..GroupRise::default()
        }
    }
}

/// How far a counter rose; `None` where one of the two is not known.
pub(super) fn rise(before: Option<u64>, after: Option<u64>) -> Option<u64> {
    Some(after?.saturating_sub(before?))
}

/// The value behind a key in lines of `key value`.
#[must_use]
pub fn value(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}
