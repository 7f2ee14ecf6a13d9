//! What Kubernetes says of one end, put so that rules can ask for it.
//!
//! `finishedAt` and the kubelet's events are cut to whole seconds and taken from one clock, the node's; what other components date
//! (deletion, scheduler) is compared by what is known of their clocks ([`super::clocks`]). An event names pod and container, not the
//! run: it belongs to the run in which it falls. Events expire after an hour: that there is none says nothing unless some
//! event of that run is there. A final deletion with grace 0 is the kubelet's own, after all is over.

use jiff::{SignedDuration, Timestamp};

use super::Case;
use super::clocks::{Dated, Whose, node_to_api};
use crate::incident::Outcome;
use crate::kubelet::killing::{Killing, killing};
use crate::kubelet::probe::{Failure, ProbeKind, failure};
use crate::kubernetes::{
    ApiPart, ClockDifference, ClusterEvent, ContainerRecord, ContainerRole, ContainerState,
    KubernetesCase, PodRecord, Terminated, Termination, Waiting, WaitingKind,
};

/// What a cut to whole seconds may hide.
const CUT: SignedDuration = SignedDuration::from_secs(1);

/// How far two clocks may lie apart that are taken for one.
const CLOCKS: SignedDuration = SignedDuration::from_secs(2);

/// A difference of clocks that is known as well as this decides an order that is as narrow.
const NARROW: SignedDuration = SignedDuration::from_secs(3);

/// How much longer than its grace period a container may take to be gone: the runtime has to see it too.
const LATE: SignedDuration = SignedDuration::from_secs(10);

/// A container that a kill ended is shown as ended within this time; one whose first process only passed it on too.
const LATER: SignedDuration = SignedDuration::from_secs(2);

/// The order of events, the oldest first, the same however they came.
pub(super) fn order(event: &ClusterEvent) -> impl Ord + use<'_> {
    (event.first, event.last, event.count, &event.message, &event.uid, &event.regarding.container)
}

/// Whether a container ended before or after something was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Before,
    After,
    /// The clocks may lie further apart than the two.
    Open,
}

/// What Kubernetes says.
#[derive(Clone, Copy)]
pub(super) struct Api<'a> {
    pub case: &'a KubernetesCase,
}

impl<'a> Api<'a> {
    pub(super) fn of(case: &'a Case) -> Option<Self> {
        case.kubernetes.as_ref().map(|case| Self { case })
    }

    /// When what it tells of happened; `None` where it tells of nothing that could be an incident.
    pub(super) fn time(self) -> Option<Timestamp> {
        if let Some(termination) = self.termination() {
            let seen = || self.by_node(termination.first_seen?);
            let started = || self.pod().and_then(|pod| pod.started);
            return termination.ended.finished_at.or_else(seen).or_else(started);
        }
        // A back-off is no news of its own: what it died of is the end before.
        if let Some(waiting) = self.waiting().filter(|w| w.kind() != WaitingKind::BackOff) {
            return waiting.first_seen.or(self.pod().and_then(|pod| pod.created));
        }
        self.vanished().then(|| self.by_node(self.case.pod_gone?)).flatten()
    }

    /// A time of the collector's clock by the node's, as well as that is known.
    fn by_node(self, at: Timestamp) -> Option<Timestamp> {
        let ahead = self.case.clocks.node.and_then(ClockDifference::middle);
        at.checked_add(ahead.unwrap_or_default()).ok()
    }

    pub(super) fn termination(self) -> Option<&'a Termination> {
        self.case.termination.as_deref()
    }

    pub(super) fn ended(self) -> Option<&'a Terminated> {
        self.termination().map(|termination| &termination.ended)
    }

    pub(super) fn waiting(self) -> Option<&'a Waiting> {
        self.case.waiting.as_deref()
    }

    pub(super) fn pod(self) -> Option<&'a PodRecord> {
        self.case.pod.as_deref()
    }

    pub(super) fn container(self) -> Option<&'a ContainerRecord> {
        self.case.container()
    }

    /// Whether the kubelet made the end up, exit code and all, since it saw none.
    pub(super) fn unseen(self) -> bool {
        self.reason() == Some("ContainerStatusUnknown")
    }

    /// Whether the pod's object went while its container still ran: its end will never be shown.
    pub(super) fn vanished(self) -> bool {
        self.termination().is_none()
            && self.case.pod_gone.is_some()
            && self
                .container()
                .is_some_and(|container| matches!(container.state, ContainerState::Running { .. }))
    }

    /// What became of the container that ended: one that never ran did not exit.
    pub(super) fn outcome(self) -> Outcome {
        match self.reason() {
            Some("StartError" | "ContainerCannotRun") => Outcome::NeverStarted,
            _ => Outcome::ContainerExited,
        }
    }

    /// The exit code of that container, where it ended, but not of what happened at that time.
    pub(super) fn ended_later(self, id: &str, at: Timestamp) -> Option<i32> {
        let record = self.container();
        let shown = record
            .iter()
            .flat_map(|record| record.ended().into_iter().chain(record.last.as_deref()));
        let earlier = self.case.previous.iter().map(|termination| &termination.ended);
        shown
            .chain(earlier)
            .filter(|ended| ended.container_id.as_deref() == Some(id))
            .find(|ended| {
                let later = ended.finished_at.is_some_and(|finished| finished > at + LATER);
                later
                    || ended.exit_code.is_some_and(|code| code != 137)
                        && ended.finished_at.is_some()
            })
            .and_then(|ended| ended.exit_code)
    }

    pub(super) fn code(self) -> Option<i64> {
        self.ended()?.exit_code.map(i64::from)
    }

    pub(super) fn reason(self) -> Option<&'a str> {
        self.ended()?.reason.as_deref()
    }

    /// `container c of pod ns/name`, `init container c of pod ns/name`.
    pub(super) fn who(self) -> String {
        let (namespace, pod, container) = match (self.termination(), self.waiting(), self.pod()) {
            (Some(t), _, _) => (&t.namespace, &t.pod, Some(&t.container)),
            (_, Some(w), _) => (&w.namespace, &w.pod, Some(&w.container)),
            (_, _, Some(pod)) => (&pod.namespace, &pod.name, self.case.container.as_ref()),
            _ => return "a container".to_owned(),
        };
        let role = match self.termination().map(|t| t.role).or(self.waiting().map(|w| w.role)) {
            Some(ContainerRole::Init) => "init container",
            Some(ContainerRole::Sidecar) => "sidecar",
            Some(ContainerRole::Ephemeral) => "ephemeral container",
            Some(ContainerRole::App) | None => "container",
        };
        match container.filter(|name| !name.is_empty()) {
            Some(container) => format!("{role} {container} of pod {namespace}/{pod}"),
            None => format!("pod {namespace}/{pod}"),
        }
    }

    /// When the run ended, or was seen for the last time.
    pub(super) fn finished(self) -> Option<Timestamp> {
        match self.ended() {
            Some(ended) => ended.finished_at,
            None => self.case.pod_gone,
        }
    }

    pub(super) fn started(self) -> Option<Timestamp> {
        match self.ended() {
            Some(ended) => ended.started_at,
            None => match &self.container()?.state {
                ContainerState::Running { started_at } => *started_at,
                _ => None,
            },
        }
    }

    /// Seconds that the run lasted.
    pub(super) fn lasted_s(self) -> Option<i64> {
        Some(self.started()?.duration_until(self.finished()?).as_secs()).filter(|s| *s >= 0)
    }

    /// Seconds that the container is given to end.
    pub(super) fn grace_s(self) -> Option<u64> {
        self.pod()?.termination_grace_s
    }

    /// The events of that reason that fall into the run that ended, about this container or the whole pod.
    pub(super) fn during(self, reason: &'a str) -> impl Iterator<Item = &'a ClusterEvent> {
        self.case.events_with(reason).filter(move |event| self.in_run(event))
    }

    fn in_run(self, event: &ClusterEvent) -> bool {
        let before_end = self
            .finished()
            .is_none_or(|finished| event.first.is_none_or(|first| first <= finished));
        let after_start = self.started().is_none_or(|started| {
            event.last.or(event.first).is_none_or(|last| last + CUT >= started)
        });
        before_end && after_start
    }

    /// What the kubelet said when it killed this run. Its first moment must not be later than the end, and the end not much
    /// later than the grace period after one of its moments.
    pub(super) fn killing(self) -> Option<(&'a ClusterEvent, Killing)> {
        let mut all: Vec<_> =
            self.during("Killing").map(|event| (event, killing(&event.message))).collect();
        // The text that says more than that it is stopped comes first.
        all.sort_by_key(|(event, why)| (*why == Killing::Stopping, order(event)));
        all.into_iter().next()
    }

    /// Whether an end at that time fits a kill that began with this event.
    pub(super) fn fits(self, event: &ClusterEvent) -> bool {
        let grace = i64::try_from(self.grace_s().unwrap_or(30)).unwrap_or(i64::MAX / 4);
        let within = |begun: Option<Timestamp>| {
            let (Some(begun), Some(finished)) = (begun, self.finished()) else { return false };
            let took = begun.duration_until(finished);
            !took.is_negative() && took <= SignedDuration::from_secs(grace) + LATE
        };
        // Of three or more only the first and the last are dated: one of the others may be this run's.
        let between = event.count > 2
            && event
                .first
                .zip(event.last)
                .zip(self.finished())
                .is_some_and(|((first, last), finished)| first <= finished && finished <= last);
        within(event.first) || within(event.last) || between
    }

    /// Failed probes of that kind in the run, the last one's symptom with them.
    pub(super) fn failures(self, probe: ProbeKind) -> Option<(&'a ClusterEvent, Failure)> {
        self.during("Unhealthy")
            .filter_map(|event| Some((event, failure(&event.message)?)))
            .filter(|(_, failure)| failure.probe == probe)
            .max_by_key(|(event, _)| (event.last, order(event)))
    }

    /// Whether events of that time are known: some event of the kubelet about the run is there, and nothing says that
    /// events could not be read.
    pub(super) fn events_known(self) -> bool {
        let about_run = |event: &ClusterEvent| {
            matches!(event.reason.as_str(), "Started" | "Created" | "Killing" | "Pulled")
                && event.regarding.container == self.case.container
                && self.in_run(event)
        };
        !self.gap(ApiPart::Events) && self.case.events.iter().any(about_run)
    }

    /// Whether that part of the API could not be read around the end.
    pub(super) fn gap(self, part: ApiPart) -> bool {
        let at = self.finished().or(self.time());
        let seen = self.termination().and_then(|termination| termination.first_seen);
        let ahead = self.case.clocks.node.unwrap_or_default();
        self.case.gaps.iter().filter(|gap| gap.part == part).any(|gap| {
            // A gap is by the collector's clock, as is when an end was seen: what came in a gap is seen right after it.
            let from = ahead.when(gap.from).0.unwrap_or(gap.from);
            let to = gap.to.map(|to| ahead.when(to).1.unwrap_or(to));
            at.is_none_or(|at| at + CLOCKS >= from && to.is_none_or(|to| at - CLOCKS <= to))
                || seen.is_some_and(|seen| {
                    seen >= gap.from && gap.to.is_none_or(|to| seen - CLOCKS <= to)
                })
        })
    }

    /// Whether it ended before or after something was decided, as far as their clocks let that be known.
    pub(super) fn order(self, decided: Dated) -> Order {
        let Some(finished) = self.finished().filter(|_| !self.vanished()) else {
            return Order::After;
        };
        if decided.by == Whose::Node {
            let before = finished + CUT + CLOCKS < decided.at;
            return if before { Order::Before } else { Order::After };
        }
        let difference = node_to_api(self);
        let (earliest, latest) = difference.when(decided.at);
        if earliest.is_some_and(|earliest| finished + CUT < earliest) {
            return Order::Before;
        }
        // That the kubelet stopped it before it ended is by one clock.
        let stopped =
            self.killing().is_some_and(|(event, why)| why == Killing::Stopping && self.fits(event));
        let narrow = difference.uncertainty().is_some_and(|uncertainty| uncertainty <= NARROW);
        let after = latest.is_some_and(|latest| finished + CUT >= latest);
        if after || narrow || stopped { Order::After } else { Order::Open }
    }

    /// Whether something else than the process itself may have ended it of which only an event would tell.
    pub(super) fn may_be_killed_unseen(self) -> bool {
        !self.events_known()
            && self.container().is_none_or(|container| {
                container.probes.liveness.is_some()
                    || container.probes.startup.is_some()
                    || container.hooks.post_start.is_some()
            })
    }
}
