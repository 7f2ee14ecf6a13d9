//! Which events are to be written, and when.
//!
//! A verdict is often revised in its first seconds, when the counter, the trace and Kubernetes' own word come in one after the other;
//! so each incident settles before it is told. One incident and cause is told once; the same happening again to the same
//! container soon after is counted up in the event that is there (`series`), as a storm would fill `kubectl describe pod`. The API
//! may be away, full or closed to us: what could not be written in time is given up, and every one of these is counted.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::Rate;
use super::event::{VerdictEvent, micro_time};
use super::write::{Answer, Loss, Whose, Write};
use crate::incident::{Cause, Incident, IncidentId};

/// How often and how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a verdict must stand before it is told. One that is revised all the time is told after four times as long.
    pub settle: SignedDuration,
    /// What happened longer ago than this is not told any more.
    pub newest: SignedDuration,
    /// Requests in a minute at most.
    pub per_minute: u32,
    /// Incidents that wait at most. The oldest is given up for a new one.
    pub most_waiting: usize,
    /// How often one event is counted up at most.
    pub count_every: SignedDuration,
    /// How long nothing is asked of a namespace that refused.
    pub refused: SignedDuration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            settle: SignedDuration::from_secs(5),
            newest: SignedDuration::from_mins(10),
            per_minute: 60,
            most_waiting: 2048,
            count_every: SignedDuration::from_secs(10),
            refused: SignedDuration::from_mins(10),
        }
    }
}

/// Incidents of which is remembered what was told.
const REMEMBERED: usize = 4096;

#[derive(Clone, Debug)]
struct Waiting {
    since: Timestamp,
    due: Timestamp,
    time: Timestamp,
    /// `None` while nobody can be named.
    event: Option<VerdictEvent>,
}

#[derive(Clone, Debug)]
struct Series {
    namespace: String,
    name: String,
    count: u32,
    last: Timestamp,
    /// When it was written last.
    written: Timestamp,
    /// Something was counted since.
    more: bool,
}

/// What waits, and what was told.
#[derive(Clone, Debug)]
pub struct Ledger {
    limits: Limits,
    rate: Rate,
    waiting: HashMap<IncidentId, Waiting>,
    /// The causes that were told of an incident, in order.
    told: HashMap<IncidentId, Vec<Cause>>,
    order: VecDeque<IncidentId>,
    series: HashMap<Whose, Series>,
    closed: HashMap<String, Timestamp>,
    lost: BTreeMap<Loss, u64>,
}

impl Ledger {
    /// Nothing waits, nothing was told.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            rate: Rate::per_minute(limits.per_minute),
            limits,
            waiting: HashMap::new(),
            told: HashMap::new(),
            order: VecDeque::new(),
            series: HashMap::new(),
            closed: HashMap::new(),
            lost: BTreeMap::new(),
        }
    }

    /// An incident was judged, or judged anew.
    pub fn judged(&mut self, incident: &Incident, now: Timestamp) {
        let waited = self.waiting.remove(&incident.id);
        if incident.orderly || self.told_last(&incident.id) == Some(incident.cause) {
            return;
        }
        if self.is_old(incident.time, now) {
            return self.lose_one(&incident.id, incident.cause, Loss::Old);
        }
        if self.waiting.len() >= self.limits.most_waiting.max(1) {
            self.give_up_oldest();
        }
        let since = waited.map_or(now, |waited| waited.since);
        let latest = plus(since, self.limits.settle.saturating_mul(4));
        let due = plus(now, self.limits.settle).min(latest);
        let event = VerdictEvent::of(incident);
        let waiting = Waiting { since, due, time: incident.time, event };
        self.waiting.insert(incident.id.clone(), waiting);
    }

    /// An incident turned out to be part of another: what was told of it was told of that.
    pub fn merged(&mut self, from: &IncidentId, into: &IncidentId) {
        self.waiting.remove(from);
        let Some(causes) = self.told.get(from).cloned() else { return };
        if self.told_last(into).is_none() {
            for cause in causes {
                self.tell(into, cause);
            }
        }
        let known = self.waiting.get(into).and_then(|waiting| waiting.event.as_ref());
        if known.is_some_and(|event| self.told_last(into) == Some(event.cause)) {
            self.waiting.remove(into);
        }
    }

    /// The next request to be made now; what it led to must be told by [`Self::answered`] before the next is asked for.
    pub fn next(&mut self, now: Timestamp) -> Option<Write> {
        self.give_up_what_is_old(now);
        while let Some((id, event)) = self.first_due(now) {
            if self.is_closed(event.about.namespace(), now) {
                self.waiting.remove(&id);
                self.lose_one(&id, event.cause, Loss::Refused);
                continue;
            }
            let whose = Whose::of(&event);
            // What comes back to a cause is news; the same cause of another incident is not.
            if let Some(series) =
                self.series.get_mut(&whose).filter(|_| !self.told.contains_key(&id))
            {
                series.count = series.count.saturating_add(1);
                series.last = series.last.max(event.time);
                series.more = true;
                self.waiting.remove(&id);
                self.tell(&id, event.cause);
                continue;
            }
            if !self.rate.take(now) {
                return None;
            }
            let before = self.told.get(&id).map_or(&[][..], Vec::as_slice);
            let nth = before.iter().filter(|cause| **cause == event.cause).count() + 1;
            return Some(Write::Create { name: event.name(nth), event: Box::new(event) });
        }
        self.next_count(now)
    }

    /// What became of a request.
    pub fn answered(&mut self, write: &Write, answer: Answer, now: Timestamp) {
        match write {
            Write::Create { name, event } => self.created(name, event, answer, now),
            Write::Count { whose, count, .. } => self.counted(whose, *count, answer, now),
        }
        if answer == Answer::Refused {
            let until = plus(now, self.limits.refused);
            self.closed.retain(|_, until| *until > now);
            self.closed.insert(write.namespace().to_owned(), until);
        }
    }

    /// What was given up since this was asked last.
    pub fn take_lost(&mut self) -> BTreeMap<Loss, u64> {
        std::mem::take(&mut self.lost)
    }

    /// Whether there is nothing to do until an incident is judged.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !self.series.values().any(|series| series.more)
    }

    /// How many incidents wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn created(&mut self, name: &str, event: &VerdictEvent, answer: Answer, now: Timestamp) {
        match answer {
            Answer::Failed => return,
            Answer::Done | Answer::There => {
                if answer == Answer::There {
                    // Nothing was written. After a restart all recent ones are there.
                    self.rate.give_back();
                }
                let series = Series {
                    namespace: event.about.namespace().to_owned(),
                    name: name.to_owned(),
                    count: 1,
                    last: event.time,
                    written: now,
                    more: false,
                };
                self.series.insert(Whose::of(event), series);
                self.tell(&event.incident, event.cause);
            }
            Answer::Refused => self.lose_one(&event.incident, event.cause, Loss::Refused),
            // Nor will it be taken the next time.
            Answer::Gone | Answer::Invalid => {
                self.lose_one(&event.incident, event.cause, Loss::Invalid);
            }
        }
        self.waiting.remove(&event.incident);
    }

    fn counted(&mut self, whose: &Whose, count: u32, answer: Answer, now: Timestamp) {
        let Some(series) = self.series.get_mut(whose) else { return };
        series.written = now;
        match answer {
            Answer::Failed => {}
            Answer::Done | Answer::There => series.more = series.count > count,
            Answer::Gone | Answer::Refused | Answer::Invalid => {
                self.series.remove(whose);
                let loss = if answer == Answer::Refused { Loss::Refused } else { Loss::Invalid };
                self.lose(loss, 1);
            }
        }
    }

    /// The event to be counted up that waits longest.
    fn next_count(&mut self, now: Timestamp) -> Option<Write> {
        let (newest, every) = (self.limits.newest, self.limits.count_every);
        let is_due = |s: &Series| s.more && now.duration_since(s.written) >= every;
        // An event that happened no more for so long is left as it is.
        self.series.retain(|_, s| s.more || now.duration_since(s.written) < newest);
        let due = self.series.iter().filter(|(_, s)| is_due(s)).min_by_key(|(_, s)| s.written);
        let (whose, series) = due?;
        let write = Write::Count {
            namespace: series.namespace.clone(),
            name: series.name.clone(),
            count: series.count,
            last: micro_time(series.last),
            whose: Box::new(whose.clone()),
        };
        self.rate.take(now).then_some(write)
    }

    fn first_due(&self, now: Timestamp) -> Option<(IncidentId, VerdictEvent)> {
        let due = self.waiting.iter().filter(|(_, waiting)| waiting.due <= now);
        let named = due.filter_map(|(id, waiting)| Some((waiting, id, waiting.event.as_ref()?)));
        // The oldest first, also after a restart: so the same one stands for the rest.
        let first = named.min_by_key(|(waiting, id, _)| (waiting.time, *id));
        first.map(|(_, id, event)| (id.clone(), event.clone()))
    }

    fn give_up_what_is_old(&mut self, now: Timestamp) {
        let newest = self.limits.newest;
        let mut gone = [(Loss::Unnamed, 0), (Loss::Old, 0)];
        self.waiting.retain(|_, waiting| {
            let keep = now.duration_since(waiting.time) <= newest;
            gone[usize::from(waiting.event.is_some())].1 += u64::from(!keep);
            keep
        });
        for (loss, n) in gone {
            self.lose(loss, n);
        }
    }

    fn give_up_oldest(&mut self) {
        let oldest = self.waiting.iter().min_by_key(|(id, waiting)| (waiting.time, *id));
        if let Some(id) = oldest.map(|(id, _)| id.clone()) {
            self.waiting.remove(&id);
            self.lose(Loss::Full, 1);
        }
    }

    fn is_old(&self, time: Timestamp, now: Timestamp) -> bool {
        now.duration_since(time) > self.limits.newest
    }

    fn is_closed(&self, namespace: &str, now: Timestamp) -> bool {
        self.closed.get(namespace).is_some_and(|until| *until > now)
    }

    fn told_last(&self, id: &IncidentId) -> Option<Cause> {
        self.told.get(id)?.last().copied()
    }

    fn tell(&mut self, id: &IncidentId, cause: Cause) {
        let causes = self.told.entry(id.clone()).or_insert_with(|| {
            self.order.push_back(id.clone());
            Vec::new()
        });
        causes.push(cause);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.told.remove(&oldest);
        }
    }

    /// Given up, and once: a later word of the same is not given up again.
    fn lose_one(&mut self, id: &IncidentId, cause: Cause, loss: Loss) {
        self.tell(id, cause);
        self.lose(loss, 1);
    }

    fn lose(&mut self, loss: Loss, n: u64) {
        if n > 0 {
            *self.lost.entry(loss).or_default() += n;
        }
    }
}

fn plus(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.saturating_add(span).unwrap_or(Timestamp::MAX)
}
