//! Counts that nobody claimed in time: of whom else can they be?
//!
//! A count has no process id. Before one opens an incident of its own, three things are tried, in the order of how sure
//! they are: just as many processes were seen whose group nobody could read; a kill in the group stands close beside
//! it; a whole group was killed, of which the kernel counts who is dying already once more.

use std::collections::VecDeque;
use std::time::Instant;

use coroner_core::finding::FindingId;

use super::Publication;
use super::kill::Kill;
use super::kills::Kills;

/// The same on a machine that has no time for its kernel, where nothing else fits.
const WIDE_SLACK_US: u64 = 100_000;

impl Kills {
    /// Kills whose group could not be read, because the process was gone by then, and counts that nobody claims: where
    /// all those counts are of one group, and there are just as many such kills, each count is of one of them.
    pub(super) fn settle(&mut self) -> Vec<Publication> {
        let counts: Vec<&Kill> = self.kills.iter().filter(|kill| kill.is_mere_count()).collect();
        let Some(first) = counts.first() else { return Vec::new() };
        let group = first.group.clone();
        let fits =
            |kill: &Kill| kill.is_homeless() && counts.iter().any(|count| count.overlaps(kill));
        let homeless = self.kills.iter().filter(|kill| fits(kill)).count();
        if homeless != counts.len() || counts.iter().any(|count| count.group != group) {
            return Vec::new();
        }
        let (counts, mut kills): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.kills).into_iter().partition(Kill::is_mere_count);
        let mut out = Vec::new();
        let mut claimed = counts;
        for kill in &mut kills {
            if kill.is_gone_unseen()
                && let Some(at) = claimed.iter().position(|count| count.overlaps(kill))
                && let Some(count) = claimed.remove(at)
            {
                kill.group.clone_from(&group);
                kill.counted = true;
                for publication in count.waiting {
                    out.extend(kill.witness(publication));
                }
            }
        }
        kills.extend(claimed);
        self.kills = kills;
        out
    }

    /// Counts that are due and stand a little too far beside a kill in their group.
    pub(super) fn claim_late(&mut self, now: Instant) -> Vec<Publication> {
        let mut out = Vec::new();
        let mut at = 0;
        while let Some(count) = self.kills.get(at) {
            let due = count.is_mere_count() && count.until <= now && !count.waiting.is_empty();
            let span = count.span_us.filter(|_| due).map(|(from, to)| {
                (from.saturating_sub(WIDE_SLACK_US), to.saturating_add(WIDE_SLACK_US))
            });
            let group = count.group.clone();
            let beside = |kill: &Kill| {
                !kill.counted && kill.is_at(span) && group.is_some() && kill.group == group
            };
            if span.is_some()
                && let Some(mut other) = self.kills.iter().position(beside)
                && let Some(count) = self.kills.remove(at)
            {
                other -= usize::from(other > at);
                if let Some(kill) = self.kills.get_mut(other) {
                    kill.counted = true;
                    for publication in count.waiting {
                        out.extend(kill.witness(publication));
                    }
                }
            } else {
                at += 1;
            }
        }
        out
    }

    /// The incident of a kill that a count in the same group may repeat: the kernel counts, and marks, a process again
    /// that is dying already, as when a whole group is killed. That every other kill there was traced excludes that it
    /// was one more.
    pub(super) fn counted_again(&self, count: &Kill) -> Option<FindingId> {
        if !count.is_of_whole_group() {
            return None;
        }
        let same = self.kills.iter().filter(|kill| {
            kill.anchor.is_some()
                && kill.counted
                && kill.group.is_some()
                && kill.group == count.group
                && kill.overlaps(count)
        });
        let mut traced = same.filter(|kill| kill.marked);
        traced.next_back().and_then(|kill| kill.anchor.clone())
    }
}
