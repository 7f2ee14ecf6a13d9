//! Counts that nobody claimed in time: of whom else can they be?
//!
//! A count has no process id. Before one opens an incident of its own, three things are tried, in the order of how sure
//! they are: just as many processes were seen whose group nobody could read; a kill in the group stands close beside
//! it; no more were counted in the group than were seen there, so that two counts only stand crosswise; a whole group
//! was killed, of which the kernel counts who is dying already once more.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use coroner_core::counters::Whole;
use coroner_core::finding::FindingId;

use super::kill::Kill;
use super::kills::Kills;
use super::{PATIENCE, Publication};

/// The same on a machine that has no time for its kernel, where nothing else fits.
const WIDE_SLACK_US: u64 = 100_000;

/// How far counts of one group may stand crosswise: a line that was read late takes the first count that waits, and so
/// leaves its own to the kill before it. An agent that had no processor for a second reads everything at once.
const CROSSWISE_US: u64 = 2_000_000;

/// Kills without a home and counts without a kill are held against each other for so long after they came.
const LATELY: Duration = Duration::from_secs(5);

impl Kills {
    /// Kills whose group could not be read, because the process was gone by then, and counts that nobody claims: where
    /// all those counts are of one group, and there are just as many such kills, each count is of one of them. Where a
    /// whole group was killed there may be one count more.
    pub(super) fn settle(&mut self) -> Vec<Publication> {
        let counts: Vec<&Kill> = self.kills.iter().filter(|kill| kill.is_mere_count()).collect();
        let Some(first) = counts.first() else { return Vec::new() };
        let (group, whole) = (first.group.clone(), first.whole.clone());
        let in_one_group = counts.iter().all(|count| count.group == group);
        let in_one_go =
            first.whole_group().is_some() && counts.iter().all(|count| count.whole == whole);
        let fits =
            |kill: &Kill| kill.is_homeless() && counts.iter().any(|count| count.overlaps(kill));
        let homeless = self.kills.iter().filter(|kill| fits(kill)).count();
        let once_more = in_one_go && homeless > 0 && homeless + 1 == counts.len();
        if !(in_one_group || in_one_go) || !(homeless == counts.len() || once_more) {
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
                if in_one_group {
                    kill.group.clone_from(&group);
                }
                out.extend(kill.take_count(count));
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
            let other =
                if due { self.beside(count).or_else(|| self.crosswise(count, now)) } else { None };
            if let Some(mut other) = other
                && let Some(count) = self.kills.remove(at)
            {
                other -= usize::from(other > at);
                if let Some(kill) = self.kills.get_mut(other) {
                    out.extend(kill.take_count(count));
                }
            } else {
                at += 1;
            }
        }
        out
    }

    /// A kill in the group of `count` that no count came for, a little beside it.
    fn beside(&self, count: &Kill) -> Option<usize> {
        let span = widened(count, WIDE_SLACK_US)?;
        self.kills.iter().position(|kill| is_uncounted(kill, count) && kill.is_at(Some(span)))
    }

    /// The same further away, where there are as many such kills as counts that wait, and their own counts had the time
    /// to come.
    fn crosswise(&self, count: &Kill, now: Instant) -> Option<usize> {
        let span = widened(count, CROSSWISE_US)?;
        let near = |kill: &&Kill| kill.is_at(Some(span));
        let waits = |kill: &&Kill| {
            kill.is_mere_count() && !kill.waiting.is_empty() && kill.group == count.group
        };
        let counts = self.kills.iter().filter(near).filter(waits).count();
        let seen = self.kills.iter().filter(near).filter(|kill| is_uncounted(kill, count)).count();
        if seen < counts || self.may_be_counted_soon(count, now) {
            return None;
        }
        self.kills.iter().position(|kill| is_uncounted(kill, count) && near(&kill))
    }

    /// Whether a kill near `count` in its group is so new that its own count may be on its way: whoever took this one for
    /// it would leave that one over, for the next to take.
    pub(super) fn may_be_counted_soon(&self, count: &Kill, now: Instant) -> bool {
        let Some(span) = widened(count, CROSSWISE_US) else { return false };
        let new = |kill: &&Kill| now.saturating_duration_since(kill.arrived) < PATIENCE;
        let mut new = self.kills.iter().filter(new);
        new.any(|kill| is_uncounted(kill, count) && kill.is_at(Some(span)))
    }

    /// Between which times the kill may lie that is left over when `count` is: it itself, or, where a kill of the group that
    /// it could have been of was joined with another count, that one; and so on.
    pub(super) fn spans_of(&self, count: &Kill) -> Spans {
        let counted = |kill: &&Kill| kill.counted && (kill.printed || kill.marked);
        let here =
            |kill: &&Kill| count.group.as_deref().is_some_and(|group| kill.counts_below(group));
        let mut others: Vec<&Kill> = self.kills.iter().filter(counted).filter(here).collect();
        let mut spans = vec![count.span_us];
        let mut at = 0;
        while let Some(span) = spans.get(at).copied() {
            others.retain(|kill| {
                let taken = kill.is_at(span);
                if taken {
                    spans.push(kill.counted_us);
                }
                !taken
            });
            at += 1;
        }
        Spans(spans)
    }

    /// Whether a kill whose group nobody knows may be the very one that was counted: one of its time, or one whose own
    /// count went to another kill of the group. Each such kill excuses one count.
    pub(super) fn may_be_homeless(&self, count: &Kill) -> bool {
        let homeless = |kill: &&Kill| kill.is_homeless();
        let spans = self.spans_of(count);
        if self.kills.iter().filter(homeless).any(|kill| spans.hold(kill)) {
            return true;
        }
        let lately =
            |kill: &&Kill, within| count.arrived.saturating_duration_since(kill.arrived) < within;
        let given_up = |kill: &&Kill| kill.is_mere_count() && kill.waiting.is_empty();
        let excused = self.kills.iter().filter(given_up).filter(|kill| lately(kill, LATELY));
        let homeless = self.kills.iter().filter(homeless).filter(|kill| lately(kill, 2 * LATELY));
        homeless.count() > excused.count()
    }

    /// The incident of a kill that a count in the same group may repeat: the kernel counts, and marks, a process again
    /// that is dying already, as when a whole group is killed, of which nothing can tell here. That every other kill
    /// there was traced excludes that it was one more.
    pub(super) fn counted_again(&self, count: &Kill) -> Option<FindingId> {
        if count.whole != Whole::Untold {
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

/// Between which times a kill may lie, as [`Kills::spans_of`] tells.
pub(super) struct Spans(Vec<Option<(u64, u64)>>);

impl Spans {
    pub(super) fn hold(&self, kill: &Kill) -> bool {
        self.0.iter().any(|span| kill.is_at(*span))
    }
}

fn is_uncounted(kill: &Kill, count: &Kill) -> bool {
    !kill.counted && kill.group.is_some() && kill.group == count.group
}

fn widened(count: &Kill, slack_us: u64) -> Option<(u64, u64)> {
    count.span_us.map(|(from, to)| (from.saturating_sub(slack_us), to.saturating_add(slack_us)))
}
