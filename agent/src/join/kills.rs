//! Kills by the kernel, each with the witnesses that came for it so far.
//!
//! A kill is found again by the victim's process id, or by the group that counted it: never by a time alone, since the
//! log's clock runs apart from the others. Arrival only bounds which witnesses can belong together: a process id may be
//! used again, and a group may see two kills in one millisecond, so each witness is taken once, oldest first. A count
//! says no process id; where several kills could be the one it counted, it counts for none.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use coroner_core::counters::Whole;
use coroner_core::finding::{ContainerEnd, CountedKill, FindingBody, FindingId, Sigkill, Source};

use super::Publication;
use super::kill::{Kill, Witness};

/// Kills are remembered for so long: a group that counts without waking anybody is read this late at most.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How far a count may lie beside a kill: the kernel counts a moment before it sends the signal.
const SLACK_US: u64 = 5_000;

/// A victim takes this long to die at most, as a rule: some 30 ms were measured until its memory is free.
const DYING: Duration = Duration::from_secs(1);

/// A container whose first process is killed is empty after this long at most.
const ENDS_WITHIN_US: u64 = 2_000_000;

/// Kills that are remembered at most: a minute of a storm of seventy a second.
const KILLS_MAX: usize = 4096;

/// All kills of the last seconds.
#[derive(Debug, Default)]
pub(super) struct Kills {
    pub(super) kills: VecDeque<Kill>,
    /// Counts that could have been of several kills.
    pub(super) ambiguous: u64,
    /// No log is read, so there is nobody to wait for once trace and counter have spoken.
    pub(super) without_log: bool,
}

impl Kills {
    /// The log printed a kill. `report` is the report it belongs to where that is another record. Gives the fact to be
    /// about, if it is not the one that the record names by itself, and what is now to be published.
    pub(super) fn printed(
        &mut self,
        victim: Witness<'_>,
        id: &FindingId,
        report: Option<&FindingId>,
        now: Instant,
    ) -> (Option<FindingId>, Vec<Publication>) {
        self.forget(now);
        let opens = report.unwrap_or(id);
        let of_report = report.and_then(|report| {
            self.kills
                .iter()
                .find(|kill| kill.record.as_ref() == Some(report))
                .and_then(|kill| kill.anchor.clone())
        });
        let found = self.kills.iter().position(|kill| !kill.printed && kill.is_of(victim));
        let alone = of_report.is_none();
        let found = found.or_else(|| self.published_count(victim).filter(|_| alone));
        let mut kill = match found.and_then(|at| self.kills.remove(at)) {
            Some(kill) => kill,
            None => Kill { anchor: of_report, ..Kill::new(victim, now) },
        };
        kill.printed = true;
        kill.pid = victim.pid;
        kill.learn(victim.whole());
        if kill.group.is_none() {
            kill.group = victim.group.map(str::to_owned);
        }
        // Another witness may have had to be published without the log.
        let about = kill.anchor.clone().filter(|anchor| found.is_some() || anchor != opens);
        kill.record = Some(id.clone());
        let anchor = kill.anchor.take().unwrap_or_else(|| opens.clone());
        kill.anchor = Some(anchor);
        let mut out = kill.release();
        self.kills.push_back(kill);
        out.extend(self.counts_for_last());
        (about, out)
    }

    /// The OOM killer marked a process.
    pub(super) fn marked(
        &mut self,
        boot_id: &str,
        sigkill: Sigkill,
        now: Instant,
        until: Instant,
    ) -> Vec<Publication> {
        self.forget(now);
        // The log prints the id that is traced.
        let at_us = sigkill.at_us;
        let victim = Witness::new(Some(sigkill.receiver.traced_id()), None).between(at_us, at_us);
        let group = sigkill.receiver.cgroup.clone();
        let publication = Publication {
            id: FindingId::sigkill(boot_id, &sigkill),
            about: None,
            at_us: sigkill.at_us,
            uncertainty_us: 0,
            source: Source::SignalTrace,
            body: FindingBody::Sigkill(Box::new(sigkill)),
        };
        let found = self.kills.iter().position(|kill| !kill.marked && kill.is_of(victim));
        let found = found.or_else(|| self.count_for(group.as_deref(), at_us));
        let found = found.or_else(|| {
            let victim = Witness::new(None, group.as_deref()).between(at_us, at_us);
            self.published_count(victim)
        });
        let kill = match found.and_then(|at| self.kills.get_mut(at)) {
            Some(kill) => kill,
            None => {
                self.kills.push_back(Kill::new(victim, now));
                let Some(kill) = self.kills.back_mut() else { return Vec::new() };
                kill.until = until;
                kill
            }
        };
        kill.marked = true;
        kill.pid = victim.pid;
        kill.span_us = Some((publication.at_us, publication.at_us));
        if kill.group.is_none() || kill.counted {
            kill.group = group.or(kill.group.take());
        }
        let out = kill.witness(publication);
        kill.hurry(self.without_log, now);
        out
    }

    /// A group counted a kill.
    pub(super) fn counted(
        &mut self,
        boot_id: &str,
        counted: CountedKill,
        whole: Whole,
        now: Instant,
        until: Instant,
    ) -> Vec<Publication> {
        self.forget(now);
        let group = counted.group.clone();
        let publication = Publication {
            id: FindingId::counted(boot_id, &counted),
            about: None,
            at_us: counted.to_us,
            uncertainty_us: counted.to_us.saturating_sub(counted.from_us),
            source: Source::Cgroup,
            body: FindingBody::CountedKill(Box::new(counted)),
        };
        let from_us = publication.at_us.saturating_sub(publication.uncertainty_us);
        let span_us =
            (from_us.saturating_sub(SLACK_US), publication.at_us.saturating_add(SLACK_US));
        let without_log = self.without_log;
        let mut count = Kill::new(Witness::new(None, Some(&group)), now);
        count.whole = whole;
        count.span_us = Some(span_us);
        count.counted = true;
        count.counted_us = Some(span_us);
        count.until = until;
        count.waiting.push(publication);
        if let Some(kill) = self.uncounted_in(&group, span_us) {
            let out = kill.take_count(count);
            kill.hurry(without_log, now);
            return out;
        }
        self.kills.push_back(count);
        Vec::new()
    }

    /// The group of a kill that the log printed without one is known now.
    pub(super) fn attributed(
        &mut self,
        anchor: &FindingId,
        pid: u32,
        group: &str,
    ) -> Vec<Publication> {
        let Some(at) = self.kills.iter().position(|kill| {
            kill.printed && kill.pid == Some(pid) && kill.anchor.as_ref() == Some(anchor)
        }) else {
            return Vec::new();
        };
        let Some(mut kill) = self.kills.remove(at) else { return Vec::new() };
        kill.group = Some(group.to_owned());
        self.kills.push_back(kill);
        self.counts_for_last()
    }

    /// A count that waits may be of the kill that is last in the list.
    fn counts_for_last(&mut self) -> Vec<Publication> {
        let Some(mut kill) = self.kills.pop_back() else { return Vec::new() };
        let mut out = Vec::new();
        let counts = |count: &Kill| {
            count.counts_in(kill.group.as_deref())
                || count.group.as_deref().is_some_and(|group| kill.may_be_counted_in(group))
        };
        if !kill.counted
            && let Some(at) = self
                .kills
                .iter()
                .position(|count| count.is_mere_count() && counts(count) && count.overlaps(&kill))
            && let Some(count) = self.kills.remove(at)
        {
            out.extend(kill.take_count(count));
        }
        self.kills.push_back(kill);
        out
    }

    /// The oldest kill in `group` that no count came for: in the group itself first, then somewhere in a group that was
    /// killed whole, then in one below it. A group that counts more than its own can only mean a kill of its own if no
    /// other could be meant.
    fn uncounted_in(&mut self, group: &str, span_us: (u64, u64)) -> Option<&mut Kill> {
        let free = |kill: &Kill| !kill.counted && kill.is_at(Some(span_us));
        let at = self
            .kills
            .iter()
            .position(|kill| free(kill) && kill.group.as_deref() == Some(group))
            .or_else(|| {
                self.kills.iter().position(|kill| free(kill) && kill.may_be_counted_in(group))
            })
            .or_else(|| {
                self.kills.iter().position(|kill| free(kill) && kill.counts_below(group))
            })?;
        self.kills.get_mut(at)
    }

    /// The count that waits for a kill in `group`: the oldest of the group's own, else the only one above it.
    fn count_for(&self, group: Option<&str>, at_us: u64) -> Option<usize> {
        let fits = |kill: &Kill| {
            kill.is_mere_count() && kill.counts_in(group) && kill.is_at(Some((at_us, at_us)))
        };
        let own = |kill: &Kill| fits(kill) && kill.group.as_deref() == group;
        self.kills.iter().position(own).or_else(|| {
            let above = self.kills.iter().enumerate().filter(|(_, kill)| fits(kill));
            only(above.map(|(at, _)| at))
        })
    }

    /// The oldest count of the victim's own group that was published alone: its other witnesses come late, where the
    /// machine has no time for the agent.
    fn published_count(&self, victim: Witness<'_>) -> Option<usize> {
        let group = victim.group?;
        self.kills.iter().position(|kill| {
            kill.is_lone_count()
                && kill.group.as_deref() == Some(group)
                && kill.is_at(victim.span_us)
        })
    }

    /// Counts given up since the last call because several kills could have been meant.
    pub(super) fn take_ambiguous(&mut self) -> u64 {
        std::mem::take(&mut self.ambiguous)
    }

    /// The incident of the kill that a container ended by, at `at_us`: of the one that took its first process. Where that
    /// process is not known, or a kill's victim is not, and the trace does not exclude it, of the last one in the
    /// container just before.
    pub(super) fn anchor_of(&self, end: &ContainerEnd, at_us: u64) -> Option<&FindingId> {
        let main =
            |kill: &&Kill| end.main_pid.is_some() && kill.pid == end.main_pid && !kill.shared;
        let may_be = |kill: &&Kill| {
            (end.main_pid.is_none() || kill.pid.is_none() || kill.shared)
                && end.main_sigkilled != Some(false)
                && kill.counts_below(&end.group)
                && kill.span_us.is_none_or(|(_, to)| at_us <= to.saturating_add(ENDS_WITHIN_US))
        };
        let kills = || self.kills.iter().rev();
        let sure = kills().filter(main).find_map(|kill| kill.anchor.as_ref());
        sure.or_else(|| kills().filter(may_be).find_map(|kill| kill.anchor.as_ref()))
    }

    /// The incident of a kill in `group` so recent that its victim may still be dying.
    pub(super) fn dying_in(&self, group: &str, now: Instant) -> Option<&FindingId> {
        let recent = |kill: &&Kill| now.saturating_duration_since(kill.arrived) < DYING;
        let kills = self.kills.iter().rev().take_while(recent);
        kills.filter(|kill| kill.counts_below(group)).find_map(|kill| kill.anchor.as_ref())
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.kills.len()
    }

    pub(super) fn forget(&mut self, now: Instant) {
        while self.kills.front().is_some_and(|kill| {
            kill.waiting.is_empty() && now.saturating_duration_since(kill.arrived) > REMEMBERED
        }) || self.kills.len() > KILLS_MAX
        {
            self.kills.pop_front();
        }
    }
}

/// The only element, if there is just one.
fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.next().is_none().then_some(first)
}
