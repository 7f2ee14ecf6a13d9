//! One kill, with the witnesses that came for it so far.

use std::time::Instant;

use coroner_core::counters::Whole;
use coroner_core::finding::FindingId;

use super::Publication;

/// What a witness says of the victim.
#[derive(Clone, Copy, Debug)]
pub(super) struct Witness<'a> {
    pub(super) pid: Option<u32>,
    pub(super) group: Option<&'a str>,
    /// The group that was killed whole with it, where the log says so.
    pub(super) whole: Option<&'a str>,
    /// Between which times it lies, in microseconds of `CLOCK_MONOTONIC`; `None` where that is not known.
    pub(super) span_us: Option<(u64, u64)>,
}

impl<'a> Witness<'a> {
    pub(super) fn new(pid: Option<u32>, group: Option<&'a str>) -> Self {
        Self { pid, group, whole: None, span_us: None }
    }

    pub(super) fn killed_with(self, whole: Option<&'a str>) -> Self {
        Self { whole, ..self }
    }

    /// What it says of a whole group.
    pub(super) fn whole(&self) -> Whole {
        self.whole.map_or(Whole::Untold, |path| Whole::Group { path: path.to_owned(), nth: None })
    }

    pub(super) fn between(self, from_us: u64, to_us: u64) -> Self {
        Self { span_us: Some((from_us, to_us)), ..self }
    }
}

/// One kill.
#[derive(Debug)]
pub(super) struct Kill {
    pub(super) pid: Option<u32>,
    pub(super) group: Option<String>,
    /// Which whole group was killed with it.
    pub(super) whole: Whole,
    /// Between which times it lies, in microseconds of `CLOCK_MONOTONIC`, as its witnesses tell.
    pub(super) span_us: Option<(u64, u64)>,
    /// When its first witness arrived.
    pub(super) arrived: Instant,
    pub(super) printed: bool,
    /// The log's record of it.
    pub(super) record: Option<FindingId>,
    pub(super) marked: bool,
    pub(super) counted: bool,
    /// Between which times the count lies that it was joined with.
    pub(super) counted_us: Option<(u64, u64)>,
    /// Nobody can tell its group.
    pub(super) given_up: bool,
    /// It is told with the count of a group that it may have been in, or another of its time.
    pub(super) shared: bool,
    /// The fact that opened its incident, once one is published.
    pub(super) anchor: Option<FindingId>,
    /// Witnesses that wait for the log's line, and until when.
    pub(super) waiting: Vec<Publication>,
    pub(super) until: Instant,
}

impl Kill {
    pub(super) fn new(victim: Witness<'_>, now: Instant) -> Self {
        Self {
            pid: victim.pid,
            group: victim.group.map(str::to_owned),
            whole: victim.whole(),
            span_us: victim.span_us,
            arrived: now,
            printed: false,
            record: None,
            marked: false,
            counted: false,
            counted_us: None,
            given_up: false,
            shared: false,
            anchor: None,
            waiting: Vec::new(),
            until: now,
        }
    }

    /// A further witness: published about the incident if there is one, else it waits.
    pub(super) fn witness(&mut self, mut publication: Publication) -> Vec<Publication> {
        match &self.anchor {
            Some(anchor) => {
                publication.about = Some(anchor.clone());
                vec![publication]
            }
            None => {
                self.waiting.push(publication);
                Vec::new()
            }
        }
    }

    /// A group counted it: what waited with the count is a further witness.
    pub(super) fn take_count(&mut self, count: Self) -> Vec<Publication> {
        self.counted = true;
        self.counted_us = count.counted_us;
        self.learn(count.whole);
        count.waiting.into_iter().flat_map(|publication| self.witness(publication)).collect()
    }

    /// Trace and counter both spoke: only the log could add to it.
    pub(super) fn hurry(&mut self, without_log: bool, now: Instant) {
        if without_log && self.marked && self.counted {
            self.until = self.until.min(now);
        }
    }

    /// All that waits, about the incident.
    pub(super) fn release(&mut self) -> Vec<Publication> {
        let mut out = std::mem::take(&mut self.waiting);
        for publication in &mut out {
            publication.about.clone_from(&self.anchor);
        }
        out
    }

    /// Only a counter told of it so far, and nobody was told.
    pub(super) fn is_mere_count(&self) -> bool {
        self.counted && !self.printed && !self.marked && self.anchor.is_none()
    }

    /// Only a counter told of it so far, although others were waited for: it is published, and whose death it was
    /// nobody knows yet.
    pub(super) fn is_lone_count(&self) -> bool {
        self.counted && !self.printed && !self.marked && self.anchor.is_some()
    }

    /// Somebody saw it, and nobody knows in which group.
    pub(super) fn is_homeless(&self) -> bool {
        (self.printed || self.marked)
            && !self.counted
            && self.group.is_none()
            && self.whole_group().is_none()
    }

    /// The trace saw it, so its time is known well, but the process was gone when its group was looked up.
    pub(super) fn is_gone_unseen(&self) -> bool {
        self.is_homeless() && self.marked
    }

    /// Whether both can be the same by when they happened.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.is_at(other.span_us)
    }

    /// Whether it can have happened between these times.
    pub(super) fn is_at(&self, span_us: Option<(u64, u64)>) -> bool {
        match (self.span_us, span_us) {
            (Some((from, to)), Some((begin, end))) => from <= end && begin <= to,
            _ => true,
        }
    }

    /// Whether it is the process that a witness saw.
    pub(super) fn is_of(&self, witness: Witness<'_>) -> bool {
        self.pid.is_some() && self.pid == witness.pid && self.is_at(witness.span_us)
    }

    /// Whether a victim in `group` is counted by this kill's group.
    pub(super) fn counts_in(&self, group: Option<&str>) -> bool {
        matches!((&self.group, group), (Some(ours), Some(group)) if within(group, ours))
    }

    /// Whether `group` may have counted this kill, whose victim was somewhere in a group that was killed whole.
    pub(super) fn may_be_counted_in(&self, group: &str) -> bool {
        self.group.is_none() && self.whole_group().is_some_and(|whole| within(group, whole))
    }

    /// Whether this kill's victim is below `group`.
    pub(super) fn counts_below(&self, group: &str) -> bool {
        self.group.as_deref().is_some_and(|ours| within(ours, group))
    }
}

/// Whether `path` is `group` or below it.
pub(super) fn within(path: &str, group: &str) -> bool {
    path.strip_prefix(group.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
