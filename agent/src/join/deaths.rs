//! Deaths of containers that no OOM kill explains: who sent SIGKILL, and that a container ended.
//!
//! All that is known of one death has the same anchor ([`FindingId::death`]), which the container's id alone makes: so
//! signal and end may come in any order, from two runs of the agent too. Most SIGKILLs say nothing of a container's
//! death: those between the processes inside of one, what follows from the end of a pid namespace, and all among the
//! host's processes. They are counted and not reported, so that a busy build node does not drown the rest.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use coroner_core::cgroup::identify;
use coroner_core::finding::{ContainerEnd, FindingBody, FindingId, Sigkill, SignalResult, Source};
use coroner_core::signal::{Way, way};

use super::Publication;
use super::kills::Kills;
use crate::clock::monotonic_us;

/// Who got SIGKILL is remembered for so long: uninterruptible sleep can put an end off.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Receivers remembered at most.
const RECEIVERS_MAX: usize = 4096;

/// Ends that wait at most; more are handed on at once.
const ENDS_MAX: usize = 4096;

/// `SI_KERNEL`.
const BY_KERNEL: i32 = 128;

/// Signals reported within [`WINDOW`] at most.
const REPORTED_MAX: usize = 600;
const WINDOW: Duration = Duration::from_secs(60);

/// A process that got SIGKILL.
#[derive(Debug)]
struct Receiver {
    pid: u32,
    at_us: u64,
    arrived: Instant,
    /// Whether it was in a container, and in which; `None` where its group could not be read.
    home: Option<Option<Box<str>>>,
    /// The sender where it was the receiver's child.
    child: Option<u32>,
}

/// A container that ended.
#[derive(Debug)]
struct Ended {
    end: ContainerEnd,
    /// Between these times nobody had seen its first process.
    unseen_us: Option<(u64, u64)>,
    at_us: u64,
    /// When it is handed on.
    until: Instant,
}

/// What waits and what is remembered.
#[derive(Debug, Default)]
pub(super) struct Deaths {
    receivers: VecDeque<Receiver>,
    ends: VecDeque<Ended>,
    /// When signals were reported.
    reported: VecDeque<Instant>,
    not_reported: u64,
}

impl Deaths {
    /// Remembers who got a SIGKILL.
    pub(super) fn killed(&mut self, sigkill: &Sigkill, now: Instant) {
        // Ignored means that it was dying already.
        if sigkill.result != SignalResult::Ignored {
            let parent = sigkill.ancestors.first().map(|parent| parent.pid);
            let pid = sigkill.receiver.pid;
            let known = sigkill.receiver.cgroup.is_some();
            self.receivers.push_back(Receiver {
                pid,
                at_us: sigkill.at_us,
                arrived: now,
                home: known.then(|| container(sigkill).map(String::into_boxed_str)),
                child: (parent == Some(pid)).then_some(sigkill.sender.pid),
            });
        }
        let old = |receiver: &Receiver| now.duration_since(receiver.arrived) > REMEMBERED;
        while self.receivers.len() > RECEIVERS_MAX || self.receivers.front().is_some_and(old) {
            self.receivers.pop_front();
        }
    }

    /// A SIGKILL without the OOM killer's mark.
    pub(super) fn sigkill(
        &mut self,
        boot_id: &str,
        sigkill: Sigkill,
        now: Instant,
    ) -> Vec<Publication> {
        let repeated = self.is_repeated(&sigkill);
        self.killed(&sigkill, now);
        let container = container(&sigkill).filter(|_| tells(&sigkill) && !repeated);
        let Some(container) = container.filter(|_| self.may_report(now)) else {
            self.not_reported += 1;
            return Vec::new();
        };
        // What hits another process than the first does not end the container; cgroup.kill hits them all.
        let all = way(&sigkill) == Way::CgroupKill;
        let about = (all || sigkill.receiver_is_main != Some(false))
            .then(|| FindingId::death(boot_id, &container));
        vec![Publication {
            id: FindingId::sigkill(boot_id, &sigkill),
            about,
            at_us: sigkill.at_us,
            uncertainty_us: 0,
            source: Source::SignalTrace,
            body: FindingBody::Sigkill(Box::new(sigkill)),
        }]
    }

    /// Whether it decided nothing because the same process has been sent one before: the kernel sends a second to the
    /// first victim of a group that it kills whole, and marks only one of the two.
    fn is_repeated(&self, sigkill: &Sigkill) -> bool {
        sigkill.result == SignalResult::AlreadyPending
            && self.receivers.iter().any(|receiver| receiver.pid == sigkill.receiver.pid)
    }

    fn may_report(&mut self, now: Instant) -> bool {
        while self.reported.front().is_some_and(|at| now.duration_since(*at) > WINDOW) {
            self.reported.pop_front();
        }
        let room = self.reported.len() < REPORTED_MAX;
        if room {
            self.reported.push_back(now);
        }
        room
    }

    /// A container ended; it is handed on at `until`.
    pub(super) fn ended(
        &mut self,
        end: ContainerEnd,
        unseen_us: Option<(u64, u64)>,
        now: Instant,
        until: Instant,
    ) {
        let until = if self.ends.len() < ENDS_MAX { until } else { now };
        self.ends.push_back(Ended { end, unseen_us, at_us: monotonic_us(), until });
    }

    /// The first process of a container is the one that was seen first, unless somebody who may have been in it was
    /// killed before anybody was seen: then that may have been the first. It was, where the one that was seen is its
    /// child; else nobody knows.
    fn first(&self, ended: &Ended) -> Option<u32> {
        let seen = ended.end.main_pid?;
        let Some((from_us, to_us)) = ended.unseen_us else { return Some(seen) };
        let container = ended.end.container_id.as_str();
        let may_be = |receiver: &&Receiver| {
            receiver.pid != seen
                && (from_us..to_us).contains(&receiver.at_us)
                && receiver.home.as_ref().is_none_or(|home| home.as_deref() == Some(container))
        };
        let mut killed = self.receivers.iter().filter(may_be).peekable();
        if killed.peek().is_none() {
            return Some(seen);
        }
        killed.find(|receiver| receiver.child == Some(seen)).map(|receiver| receiver.pid)
    }

    /// Ends that have waited long enough. `traced` says whether the trace missed nothing between two times.
    pub(super) fn overdue(
        &mut self,
        boot_id: &str,
        now: Instant,
        kills: &Kills,
        traced: &dyn Fn(u64, u64) -> bool,
    ) -> Vec<Publication> {
        let mut out = Vec::new();
        while self.ends.front().is_some_and(|ended| ended.until <= now)
            && let Some(ended) = self.ends.pop_front()
        {
            let first = self.first(&ended);
            let Ended { mut end, at_us, .. } = ended;
            end.main_pid = first;
            if end.main_sigkilled.is_none()
                && let Some(main) = end.main_pid
            {
                let seen = self.receivers.iter().any(|receiver| receiver.pid == main);
                // The signal came at most so long before the end as is remembered.
                let since = at_us.saturating_sub(5_000_000);
                end.main_sigkilled = (seen || traced(since, at_us)).then_some(seen);
            }
            let killed = kills.anchor_of(&end, at_us).cloned();
            let about = killed.unwrap_or_else(|| FindingId::death(boot_id, &end.container_id));
            out.push(Publication {
                id: FindingId::container_end(boot_id, &end.container_id),
                about: Some(about),
                at_us,
                uncertainty_us: 0,
                source: Source::Cgroup,
                body: FindingBody::ContainerEnd(Box::new(end)),
            });
        }
        out
    }

    /// Ends that wait.
    pub(super) fn waiting(&self) -> usize {
        self.ends.len()
    }

    /// When [`Deaths::overdue`] has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        self.ends.front().map(|ended| ended.until)
    }

    /// Signals not reported since the last call.
    pub(super) fn take_not_reported(&mut self) -> u64 {
        std::mem::take(&mut self.not_reported)
    }
}

/// The container of the receiver.
fn container(sigkill: &Sigkill) -> Option<String> {
    let identity = identify(sigkill.receiver.cgroup.as_deref()?);
    identity.pod_container_id.or(identity.container_id)
}

/// Whether a signal can say something about the death of its container.
fn tells(sigkill: &Sigkill) -> bool {
    if sigkill.result == SignalResult::Ignored {
        return false;
    }
    let themselves = sigkill.sender.pid == sigkill.receiver.pid;
    if sigkill.code == BY_KERNEL {
        // The end of a pid namespace follows from the death of another process, which has a cause of its own.
        return themselves;
    }
    let inside =
        sigkill.sender.cgroup.is_some() && sigkill.sender.cgroup == sigkill.receiver.cgroup;
    !inside || sigkill.receiver_is_main != Some(false)
}

#[cfg(test)]
mod tests {
    use coroner_core::finding::Process;

    use super::*;

    /// Fifty processes of a container that `cgroup.kill` takes are one death.
    #[test]
    fn what_cgroup_kill_takes_is_one_death() {
        let id = "a".repeat(64);
        let child = |pid, whole_process| Sigkill {
            at_us: 1,
            code: 0,
            whole_process: Some(whole_process),
            result: SignalResult::Delivered,
            receiver: Process {
                pid,
                cgroup: Some(format!("/kubepods/pod00000000-0000-0000-0000-000000000001/{id}")),
                ..Process::default()
            },
            receiver_is_main: Some(false),
            sender: Process { pid: 7, ..Process::default() },
            ancestors: Vec::new(),
            oom_mark: None,
        };
        let mut deaths = Deaths::default();
        let mut about = |sigkill| {
            let out = deaths.sigkill("b", sigkill, Instant::now());
            out.into_iter().next().and_then(|publication| publication.about)
        };
        assert_eq!(about(child(42, false)), Some(FindingId::death("b", &id)));
        assert_eq!(about(child(43, false)), Some(FindingId::death("b", &id)));
        assert_eq!(about(child(44, true)), None, "kill(2) to one child");
    }
}
