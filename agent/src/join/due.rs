//! What has waited long enough: handed on, about the incident it belongs to or as one of its own.

use std::time::{Duration, Instant};

use coroner_core::finding::Source;

use super::Publication;
use super::kill::Kill;
use super::kills::Kills;

/// A count that may be of a kill whose group is not known yet waits so long for that: the group of a bare line is worked
/// out when the counters were read, and a storm keeps a slow machine from both.
pub(super) const HOME_PATIENCE: Duration = Duration::from_secs(10);

/// Meanwhile it is looked at again so often.
const AGAIN: Duration = Duration::from_millis(500);

impl Kills {
    /// What has waited long enough opens an incident of its own.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<Publication> {
        let mut out = Vec::new();
        if self.due().is_some_and(|due| due <= now) {
            out.extend(self.settle());
            out.extend(self.claim_late(now));
            out.extend(self.share_out(now));
        }
        for at in 0..self.kills.len() {
            let Some(kill) = self.kills.get(at) else { break };
            if kill.anchor.is_some() || kill.until > now || kill.waiting.is_empty() {
                continue;
            }
            let homeless = kill.is_mere_count() && self.may_be_homeless(kill);
            let soon = kill.is_mere_count() && self.may_be_counted_soon(kill, now);
            let again = self
                .with_the_whole(kill)
                .or_else(|| kill.is_mere_count().then(|| self.counted_again(kill)).flatten());
            let Some(kill) = self.kills.get_mut(at) else { break };
            if again.is_some() {
                kill.anchor = again;
                out.extend(kill.release());
                continue;
            }
            if (homeless || soon) && now < kill.arrived + HOME_PATIENCE {
                kill.until = now + AGAIN;
                continue;
            }
            if homeless {
                self.ambiguous += 1;
                kill.waiting.clear();
                continue;
            }
            // The trace knows more than the counter.
            kill.waiting.sort_by_key(|publication| publication.source != Source::SignalTrace);
            kill.anchor = kill.waiting.first().map(|first| first.id.clone());
            let mut released = kill.release();
            if let Some(first) = released.first_mut() {
                first.about = None;
            }
            out.extend(released);
        }
        self.forget(now);
        out
    }

    /// Kills that wait for a witness.
    pub(super) fn waiting(&self) -> usize {
        self.kills.iter().filter(|kill| kill.anchor.is_none() && !kill.waiting.is_empty()).count()
    }

    /// When [`Kills::overdue`] has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        let waiting = |kill: &&Kill| kill.anchor.is_none() && !kill.waiting.is_empty();
        self.kills.iter().filter(waiting).map(|kill| kill.until).min()
    }
}
