//! A ledger of kill counters: which group's count rose by kills that have no other home.
//!
//! The kernel prints at most ten headers in five seconds, but counts every kill in the victim's own group, before it
//! prints the kill line: `oom_kill` of `memory.oom_control` (v1) and of `memory.events.local` (v2). So at any moment
//! the kills counted beyond those whose home is known belong to kill lines that came without a path, or that have
//! not been read yet. Numbers decide only where one answer is left; nothing is guessed.

use std::collections::{BTreeMap, BTreeSet};

use crate::cgroup::{Counters, lineage};

/// More groups than this are not kept; then counters decide nothing, since a group unknown may have been the one.
pub(crate) const GROUPS_MAX: usize = 16_384;

/// One group's account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Account {
    /// Kills counted when last read.
    counted: u64,
    /// Kills whose line was seen and is known to belong here, or that were before the ledger began.
    known: u64,
    /// Limit hits when the account was last settled, and when last read.
    hits: Option<(u64, u64)>,
    /// The kernel counts kills at all (v1 since 4.13).
    counts: bool,
    /// The kernel counts this group alone.
    own: bool,
    gone: bool,
}

/// What the numbers say about kills without a home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// All of them were in this group.
    One(String),
    /// Fewer kills are counted than have no home: a group is not in the ledger, or is gone.
    Missing,
    /// More are counted than lines were read: they will come.
    Ahead,
    /// The numbers fit, but to more than one group: nobody can tell which kill was where.
    Ambiguous,
}

/// All accounts.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    accounts: BTreeMap<String, Account>,
    /// Every group that was there at the beginning is in it.
    complete: bool,
}

impl Ledger {
    /// Begins, or begins anew: what is counted so far is settled. `complete` says that all groups were read.
    pub(crate) fn begin(&mut self, groups: Vec<(String, Counters)>, complete: bool) {
        self.accounts.clear();
        self.complete = complete;
        for (path, counters) in groups {
            let counted = counters.kills.unwrap_or(0);
            let hits = counters.limit_hits.map(|hits| (hits, hits));
            let (counts, own) = (counters.kills.is_some(), counters.own);
            self.accounts
                .insert(path, Account { counted, known: counted, hits, counts, own, gone: false });
        }
    }

    /// Notes what a group says now; `None` when it is gone. A group that is new began at 0.
    pub(crate) fn read(&mut self, path: &str, counters: Option<Counters>) {
        if !self.accounts.contains_key(path) {
            if counters.is_none() {
                return;
            }
            if self.accounts.len() >= GROUPS_MAX {
                self.accounts.retain(|_, account| !account.gone);
                if self.accounts.len() >= GROUPS_MAX {
                    self.complete = false;
                    return;
                }
            }
            let fresh = Account {
                hits: counters.and_then(|c| c.limit_hits).map(|_| (0, 0)),
                ..Account::default()
            };
            self.accounts.insert(path.to_owned(), fresh);
        }
        let Some(account) = self.accounts.get_mut(path) else { return };
        let Some(counters) = counters else {
            account.gone = true;
            return;
        };
        let counted = counters.kills.unwrap_or(0);
        if counted < account.counted || account.gone {
            // Removed and made again under the same name: it began at 0 again.
            *account = Account { hits: counters.limit_hits.map(|_| (0, 0)), ..Account::default() };
        }
        account.counted = counted;
        account.counts = counters.kills.is_some();
        account.own = counters.own;
        if let (Some((_, now)), Some(hits)) = (&mut account.hits, counters.limit_hits) {
            *now = hits;
        }
    }

    /// All groups were read: those not among them are gone.
    pub(crate) fn all_read(&mut self, there: &BTreeSet<String>) {
        for (path, account) in &mut self.accounts {
            account.gone |= !there.contains(path);
        }
    }

    /// A kill in this group was seen in the log.
    pub(crate) fn known(&mut self, path: &str) {
        if let Some(account) = self.accounts.get_mut(path) {
            account.known += 1;
        }
    }

    /// Whether the group is known.
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.accounts.contains_key(path)
    }

    /// Whether a kill may have been in this group, as far as numbers can say.
    pub(crate) fn allows(&self, path: &str) -> bool {
        self.accounts.get(path).is_none_or(|a| a.gone || !a.counts || a.counted > a.known)
    }

    /// Whose were `homeless` kills?
    pub(crate) fn whose(&self, homeless: u64) -> Answer {
        let surplus: Vec<(&String, u64)> = self.surplus().collect();
        let sum: u64 = surplus.iter().map(|(_, kills)| kills).sum();
        match surplus.as_slice() {
            _ if !self.complete || sum < homeless => Answer::Missing,
            _ if sum > homeless => Answer::Ahead,
            [(path, _)] => Answer::One((*path).clone()),
            _ => Answer::Ambiguous,
        }
    }

    /// Groups that count kills whose line was not seen, or not yet.
    pub(crate) fn unexplained(&self) -> Vec<String> {
        self.surplus().map(|(path, _)| path.clone()).collect()
    }

    /// Groups that count kills without a known line.
    fn surplus(&self) -> impl Iterator<Item = (&String, u64)> {
        self.accounts.iter().filter_map(|(path, account)| {
            let kills = account.counted.saturating_sub(account.known);
            let alone = account.own || !self.has_below(path);
            (kills > 0 && alone && !account.gone).then_some((path, kills))
        })
    }

    fn has_below(&self, path: &str) -> bool {
        let inner = format!("{}/", path.trim_end_matches('/'));
        self.accounts
            .range(inner.clone()..)
            .next()
            .is_some_and(|(next, _)| next.starts_with(&inner))
    }

    /// The one group, of this and those above it, whose limit was hit since it was last settled.
    pub(crate) fn limit_of<'a>(&self, path: &'a str) -> Option<&'a str> {
        let mut hit = None;
        for group in lineage(path) {
            // One that cannot be read may have been the one.
            let account = self.accounts.get(group)?;
            let (before, now) = account.hits?;
            if now > before {
                if hit.is_some() && account.own {
                    return None;
                }
                // Where a group is only counted with those below it, the innermost that rose is the one.
                hit = hit.or(Some(group));
            }
        }
        hit
    }

    /// Takes what is counted now as known: of everything, or of a group and those above it.
    pub(crate) fn settle(&mut self, path: Option<&str>) {
        let settle = |account: &mut Account| {
            account.known = account.counted;
            account.hits = account.hits.map(|(_, now)| (now, now));
        };
        match path {
            None => self.accounts.values_mut().for_each(settle),
            Some(path) => {
                for group in lineage(path) {
                    if let Some(account) = self.accounts.get_mut(group) {
                        account.hits = account.hits.map(|(_, now)| (now, now));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
