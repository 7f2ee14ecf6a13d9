//! Kills in a storm of which nobody knows who was where: several groups counted one, and there are lines for just as many
//! processes, whose group nobody saw. Each group's kill is told once, as of one of these processes.
//!
//! The line names a process and no group, the counter a group and no process. That a kill was in this container is
//! sure; which of the processes it took is not, and is not said: a count is joined with one of the lines, so that no kill is
//! told twice, and carries the ids of all that it can have been ([`CountedKill::one_of`]). Where it can have been only one, and
//! the trace, which misses none, saw that one, it was that one. Where there are more
//! counts than lines it is not known which of them are kills of their own, and nothing is joined.
//!
//! [`CountedKill::one_of`]: coroner_core::finding::CountedKill::one_of

use std::time::Instant;

use coroner_core::finding::{FindingBody, FindingId};

use super::Publication;
use super::due::HOME_PATIENCE;
use super::kill::{Kill, Witness};
use super::kills::Kills;
use super::leftovers::Spans;

/// More are not named.
const NAMED_MAX: usize = 32;

impl Kills {
    /// Nobody can tell the group of a kill that the log printed.
    pub(super) fn unattributed(&mut self, anchor: &FindingId, pid: u32) {
        let printed = |kill: &&mut Kill| {
            kill.printed && kill.pid == Some(pid) && kill.anchor.as_ref() == Some(anchor)
        };
        if let Some(kill) = self.kills.iter_mut().find(printed) {
            kill.given_up = true;
        }
    }

    /// Joins counts that waited for long enough with kills that were given up.
    pub(super) fn share_out(&mut self, now: Instant) -> Vec<Publication> {
        let given_up = |kill: &Kill| {
            kill.given_up || now.saturating_duration_since(kill.arrived) >= HOME_PATIENCE
        };
        let homeless = |kill: &&Kill| kill.is_homeless() && given_up(kill);
        let due =
            |count: &Kill| count.is_mere_count() && !count.waiting.is_empty() && count.until <= now;
        let undecided = |spans: &Spans| {
            self.kills.iter().any(|kill| kill.is_homeless() && !given_up(kill) && spans.hold(kill))
        };
        let counts: Vec<(usize, Spans, Vec<u32>)> = self
            .kills
            .iter()
            .enumerate()
            .filter(|(_, count)| due(count))
            .map(|(at, count)| (at, self.spans_of(count)))
            .filter(|(_, spans)| !undecided(spans))
            .map(|(at, spans)| {
                let may_be = |kill: &&Kill| (homeless(kill) || kill.shared) && spans.hold(kill);
                let pids = self.kills.iter().filter(may_be).filter_map(|kill| kill.pid).collect();
                (at, spans, pids)
            })
            .filter(|(.., pids): &(_, _, Vec<u32>)| !pids.is_empty())
            .collect();
        if counts.is_empty() || counts.len() > self.kills.iter().filter(homeless).count() {
            return Vec::new();
        }
        let mut pairs = Vec::new();
        for (at, spans, pids) in counts {
            let free = |(other, kill): &(usize, &Kill)| {
                homeless(kill)
                    && spans.hold(kill)
                    && pairs.iter().all(|(_, taken, _)| taken != other)
            };
            let found = self.kills.iter().enumerate().find(free).map(|(other, _)| other);
            pairs.extend(found.map(|other| (at, other, pids)));
        }
        let mut out = Vec::new();
        for (at, other, pids) in &pairs {
            out.extend(self.share(*at, *other, pids));
        }
        // What was given away is no kill of its own.
        for (at, ..) in pairs.iter().rev() {
            self.kills.remove(*at);
        }
        out
    }

    /// The count at `at` is of one of `pids`, and told with the kill at `other`.
    fn share(&mut self, at: usize, other: usize, pids: &[u32]) -> Vec<Publication> {
        let Some(count) = self.kills.get_mut(at) else { return Vec::new() };
        let mut count =
            std::mem::replace(count, Kill::new(Witness::new(None, None), count.arrived));
        let Some(kill) = self.kills.get_mut(other) else { return Vec::new() };
        kill.group.clone_from(&count.group);
        kill.shared = !kill.marked || pids.len() > 1;
        for publication in count.waiting.iter_mut().filter(|_| kill.shared) {
            if let FindingBody::CountedKill(counted) = &mut publication.body {
                counted.one_of = pids.iter().take(NAMED_MAX).copied().collect();
            }
        }
        kill.take_count(count)
    }
}
