//! Gives events their identity and time, and hands them on as findings.
//!
//! A record's identity is boot id and number, so an event found twice has the same id twice. What an earlier run of
//! the agent had acknowledged is not reported again, although the parser reads it again to understand what follows.

use std::collections::BTreeMap;
use std::sync::Arc;

use coroner_core::finding::{FindingBody, FindingId, Gap, Source};
use coroner_core::kernel::{KernelEvent, Position as KernelPosition};

use crate::clock::{Clocks, Moment, monotonic_us};
use crate::findings::Findings;
use crate::join::Joiner;
use crate::metrics::Metrics;
use crate::position::{Mark, Position};
use crate::witness::Witness;

/// What a source has seen is known after so long, in microseconds.
const SETTLED_US: u64 = 1_000_000;

/// Places whose facts are counted, so that each gets its own part number. An open report spans some hundred records.
const PARTS_MAX: usize = 4096;

/// Records that are missing.
#[derive(Debug)]
pub(crate) struct Hole {
    /// First number and count, where numbers tell.
    pub lost: Option<(u64, u64)>,
    /// The last record before it.
    pub before: Option<Mark>,
    /// The first record behind it.
    pub after: Option<Mark>,
    /// Why, in words.
    pub reason: &'static str,
}

/// Makes findings of events.
#[derive(Debug)]
pub(crate) struct Reporter {
    findings: Findings,
    metrics: Arc<Metrics>,
    /// What looks at cgroups when somebody is killed; recordings have none.
    witness: Option<Witness>,
    /// Where kills meet their other witnesses; recordings have none.
    joiner: Option<Arc<Joiner>>,
    /// What an earlier run is done with.
    done: Position,
    parts: BTreeMap<Mark, u32>,
    /// Clocks of a recording stand still at its end.
    recording: Option<Clocks>,
    status: Option<String>,
    notes: Vec<String>,
    /// When the sources were started, on `CLOCK_MONOTONIC`.
    began_us: u64,
}

impl Reporter {
    pub(crate) fn new(
        findings: Findings,
        metrics: Arc<Metrics>,
        witness: Option<Witness>,
        joiner: Option<Arc<Joiner>>,
        recording: Option<Clocks>,
    ) -> Self {
        Self {
            done: findings.outbox.position(),
            findings,
            metrics,
            witness,
            joiner,
            parts: BTreeMap::new(),
            recording,
            status: None,
            notes: Vec::new(),
            began_us: monotonic_us(),
        }
    }

    /// What looks at cgroups, if anything does.
    pub(crate) fn witness(&mut self) -> Option<&mut Witness> {
        self.witness.as_mut()
    }

    /// The log's loop has come round.
    pub(crate) fn turned(&self) {
        self.metrics.standing.turned(Source::KernelLog);
    }

    /// How far an earlier run was done.
    pub(crate) fn acknowledged(&self) -> Option<Mark> {
        self.done.through
    }

    /// Announces, once the first record is seen, how the log is read and that it is complete from there on.
    pub(crate) fn announce(&mut self, detail: String) {
        self.status = Some(detail);
    }

    /// Adds a circumstance of the start that is worth knowing beside the findings.
    pub(crate) fn note(&mut self, note: String) {
        tracing::warn!("{note}");
        self.notes.push(note);
    }

    /// The first record was seen: `None` when there is no record at all.
    pub(crate) fn reads_from(&mut self, first: Option<Mark>) {
        if let Some(mut detail) = self.status.take() {
            for note in self.notes.drain(..) {
                detail.push_str("; ");
                detail.push_str(&note);
            }
            let since = first
                .map_or_else(|| self.now().timestamp(), |mark| self.moment(Some(mark), None).time);
            self.status(true, detail, Some(since));
            if self.recording.is_none() {
                let now = Clocks::now().monotonic_us;
                let from = first.and_then(|mark| mark.monotonic_us).map_or(now, |us| us.min(now));
                self.findings.outbox.coverage.begin(Source::KernelLog, from);
            }
        }
    }

    /// Says how the source is doing.
    pub(crate) fn status(&self, reading: bool, detail: String, since: Option<jiff::Timestamp>) {
        self.metrics.set_reading(reading);
        if !reading {
            self.findings.outbox.coverage.hole(Source::KernelLog, None, None);
        }
        self.findings.status(Source::KernelLog, reading, detail, since);
    }

    /// Reports an event. `since` is when the log was last seen empty before the event's first record.
    pub(crate) fn event(&mut self, event: KernelEvent, since: Option<u64>) {
        let place = event.position();
        let mark = Mark::of(place);
        let id = self.identity(place, mark);
        if self.done.through.is_some_and(|done| done.covers(mark)) {
            return;
        }
        self.metrics.event(&event);
        let moment = self.moment(Some(mark), since);
        let fresh = since.is_some() && self.recording.is_none();
        // A kill that came while the log's past was still being read has other witnesses too.
        let later = mark.monotonic_us.is_some_and(|us| us > self.began_us);
        let watched = since.filter(|_| fresh).or_else(|| later.then_some(self.began_us));
        let about = self.joiner.as_ref().and_then(|joiner| joiner.printed(&event, &id, watched));
        // Groups go within a millisecond of a kill, so they are read first.
        let anchor = about.as_ref().unwrap_or(&id);
        let seen = self.witness.as_mut().and_then(|w| w.event(&event, anchor, mark, fresh));
        if let Some(seen) = self.joiner.as_ref().and_then(|j| j.surroundings()).filter(|_| fresh) {
            seen.event(&event, anchor);
        }
        if !self.done.ahead.contains_key(&id) {
            let victim = victim(&event);
            let body = FindingBody::Kernel(Box::new(event));
            self.findings.push(id, about, Source::KernelLog, moment, body, Some(mark));
            if let Some(victim) = victim {
                tracing::debug!(victim, "found a kill");
            }
        }
        if let (Some(witness), Some(seen)) = (&self.witness, seen) {
            witness.push(seen, mark);
        }
    }

    /// Reports records that are missing.
    pub(crate) fn hole(&mut self, hole: &Hole, since: Option<u64>) {
        let moment = self.moment(hole.after, since);
        let from = hole.before.map(|mark| self.moment(Some(mark), None).time.min(moment.time));
        let first = hole.lost.map(|(first, _)| first);
        let key = first.or_else(|| hole.after.and_then(|mark| mark.monotonic_us)).unwrap_or(0);
        let body = FindingBody::Gap(Gap {
            source: Source::KernelLog,
            first_lost: first,
            lost: hole.lost.map(|(_, count)| count),
            from,
            to: Some(moment.time),
            reason: hole.reason.to_owned(),
        });
        if let Some((first, count)) = hole.lost {
            tracing::warn!(first, count, "kernel log records lost: {}", hole.reason);
        } else {
            tracing::warn!("kernel log records lost, nobody can know how many: {}", hole.reason);
        }
        let mark = match first {
            Some(first) => Some(Mark {
                seq: Some(first),
                monotonic_us: hole.before.and_then(|m| m.monotonic_us),
            }),
            None => hole.after,
        };
        let id = FindingId::gap(Source::KernelLog, &self.findings.boot_id, key);
        self.findings.push(id, None, Source::KernelLog, moment, body, mark);
        if self.recording.is_none() {
            let stamp = |mark: Option<Mark>| mark.and_then(|mark| mark.monotonic_us);
            let to = stamp(hole.after).unwrap_or_else(|| Clocks::now().monotonic_us);
            let coverage = &self.findings.outbox.coverage;
            coverage.hole(Source::KernelLog, stamp(hole.before), Some(to));
        }
        if let Some(witness) = &mut self.witness {
            witness.lost();
        }
    }

    /// The log was read to its end at `at_us` of `CLOCK_MONOTONIC`.
    pub(crate) fn read_to_end(&self, at_us: u64) {
        if self.recording.is_none() {
            self.findings.outbox.coverage.covered(Source::KernelLog, at_us);
        }
    }

    /// Where other witnesses of kills meet.
    pub(crate) fn joiner(&self) -> Option<Arc<Joiner>> {
        self.joiner.clone()
    }

    /// Whether another source tells of kills at this moment.
    pub(crate) fn others_watch(&self) -> bool {
        let (coverage, then) =
            (&self.findings.outbox.coverage, monotonic_us().saturating_sub(SETTLED_US));
        [Source::SignalTrace, Source::Cgroup]
            .into_iter()
            .any(|source| coverage.complete(source, then, then))
    }

    /// Everything up to `mark` was read and given.
    pub(crate) fn read(&self, mark: Mark) {
        self.findings.outbox.read(mark);
    }

    /// The event's id: several facts of one record are counted.
    fn identity(&mut self, place: &KernelPosition, mark: Mark) -> FindingId {
        let part = self.parts.entry(mark).or_default();
        let id = FindingId::at(&self.findings.boot_id, place, *part);
        *part += 1;
        if self.parts.len() > PARTS_MAX {
            self.parts.pop_first();
        }
        id
    }

    fn now(&self) -> Clocks {
        self.recording.unwrap_or_else(Clocks::now)
    }

    fn moment(&self, mark: Option<Mark>, since: Option<u64>) -> Moment {
        let now = self.now();
        match (mark.and_then(|m| m.monotonic_us), self.recording) {
            (None, _) => Moment { time: now.timestamp(), uncertainty_us: None },
            (Some(us), None) => now.of_record(us, since),
            // Nobody can know when a recording was made.
            (Some(us), Some(_)) => Moment { uncertainty_us: None, ..now.of_record(us, None) },
        }
    }
}

/// The process that an event says was killed.
fn victim(event: &KernelEvent) -> Option<u32> {
    match event {
        KernelEvent::Oom(report) => report.victims.first().map(|victim| victim.pid),
        KernelEvent::OomVictim(more) => Some(more.victim.pid),
        _ => None,
    }
}
