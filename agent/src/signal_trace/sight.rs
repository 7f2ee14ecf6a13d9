//! Who sent a SIGKILL and who got it, looked up while both can still be read.
//!
//! The receiver first: it is dying. What `/proc` has forgotten, [`Past`] may remember. A storm of SIGKILLs between the
//! processes of the host (a build that is stopped) must not cost more than it is worth: what is known to be in no
//! container is not looked into further, and the number of looks a second is bounded; those not taken are counted.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coroner_core::cgroup::identify;
use coroner_core::finding::{Process, SignalResult};
use coroner_core::signal::{Generated, Seen, was_exiting};

use super::names::Names;
use super::past::Past;
use super::recorder::Recorder;
use super::task::{self, Task};
use crate::clock::Clocks;
use crate::homes::{FRESH, Homes};
use crate::process::{since_boot, start_us};

/// Parents of a sender that are read at most.
const ANCESTORS_MAX: usize = 8;

/// Signals a second that are looked into for long, and how many at once. A look takes some 0.1 ms.
const LOOKS_PER_SECOND: u32 = 500;
const LOOKS_AT_ONCE: u32 = 1000;

/// So long a sender is taken for the same: ids do not come round so soon.
const SAME_SENDER: Duration = Duration::from_millis(100);

/// From this age on, in microseconds, an event is late.
const LATE_US: u64 = 1_000_000;

/// `SI_KERNEL`.
const BY_KERNEL: i32 = 128;

/// What was read about a signal.
#[derive(Clone, Debug, Default)]
pub(super) struct Sighting {
    pub receiver: Process,
    pub receiver_is_main: Option<bool>,
    pub sender: Process,
    pub ancestors: Vec<Process>,
}

/// Looks up processes.
#[derive(Debug)]
pub(super) struct Looks {
    proc_root: PathBuf,
    homes: Arc<Homes>,
    past: Past,
    names: Option<Names>,
    last: Option<(u32, Instant, Sender)>,
    left: u32,
    refilled: Instant,
    not_taken: u64,
}

#[derive(Clone, Debug, Default)]
struct Sender {
    process: Process,
    exits: Option<bool>,
    ancestors: Vec<Process>,
}

impl Looks {
    pub(super) fn new(
        proc_root: PathBuf,
        homes: Arc<Homes>,
        names: Option<Names>,
        recorder: Option<Recorder>,
        now: Instant,
    ) -> Self {
        let past = Past { proc_root: proc_root.clone(), homes: Arc::clone(&homes), recorder };
        let (last, not_taken) = (None, 0);
        Self { proc_root, homes, past, names, last, left: LOOKS_AT_ONCE, refilled: now, not_taken }
    }

    /// What is remembered of processes that are gone.
    pub(super) fn past(&mut self) -> &mut Past {
        &mut self.past
    }

    /// Looks up both sides of a signal.
    pub(super) fn look(&mut self, signal: &Generated, now: Instant) -> Sighting {
        let bare = |pid, comm: &str| Process { pid, comm: comm.to_owned(), ..Process::default() };
        let mut sighting = Sighting {
            receiver: bare(signal.receiver, &signal.receiver_comm),
            sender: bare(signal.sender, &signal.sender_comm),
            ..Sighting::default()
        };
        if !self.may_look(now) {
            let home = self.homes.group_of(signal.receiver, now);
            sighting.receiver.cgroup =
                home.filter(|(_, age)| *age < FRESH).map(|(group, _)| group.to_string());
            return sighting;
        }
        if is_late(signal) && self.is_another(signal.receiver, signal.at_us) {
            sighting.receiver.cgroup = self.past.recorded(signal.receiver, signal.at_us);
            return sighting;
        }
        let task = task::status(&self.proc_root, signal.receiver);
        self.receiver(signal, task.as_ref(), &mut sighting, now);
        let in_container = sighting.receiver.cgroup.as_deref().map(is_container);
        if in_container == Some(true) {
            sighting.receiver_is_main = self.is_main(&sighting.receiver, task.as_ref());
        }
        // What the host's processes do to each other is nobody's incident, unless it is the OOM killer.
        let matters = in_container != Some(false) || signal.code == BY_KERNEL;
        if matters && signal.result != SignalResult::Ignored {
            let sender = self.sender(signal, now);
            let seen = Seen {
                depth: signal.depth,
                sender_exits: sender.exits,
                receiver_parent: task.and_then(|task| task.parent),
                sender_ancestors: &sender.ancestors.iter().map(|a| a.pid).collect::<Vec<_>>(),
            };
            sighting.sender = Process { exiting: was_exiting(seen), ..sender.process };
            sighting.ancestors = sender.ancestors;
        }
        sighting
    }

    fn receiver(
        &mut self,
        signal: &Generated,
        task: Option<&Task>,
        sighting: &mut Sighting,
        now: Instant,
    ) {
        let receiver = &mut sighting.receiver;
        if let Some(task) = task {
            receiver.pid = task.process;
            receiver.thread = (task.process != signal.receiver).then_some(signal.receiver);
            receiver.namespace_pid = task.namespace_pid;
        }
        receiver.cgroup = task::group(&self.proc_root, signal.receiver);
        match &receiver.cgroup {
            Some(group) => self.homes.note(receiver.pid, group, now),
            None => {
                // A container's processes are its first one's children, which stay where they were born.
                let parent = || task::group(&self.proc_root, task?.parent?);
                let home = self.past.home(signal.receiver, receiver.pid, signal.at_us, now);
                receiver.cgroup = home.or_else(|| parent().filter(|group| is_container(group)));
            }
        }
    }

    /// Whether the process that has this id now began after `at_us`, or nobody has it.
    fn is_another(&self, id: u32, at_us: u64) -> bool {
        let at_us = since_boot(at_us, Clocks::now());
        task::stat(&self.proc_root, id).is_none_or(|(_, ticks)| start_us(ticks) > at_us)
    }

    /// The first process of a container has id 1 in a pid namespace that it did not make within the container, so its
    /// parent is outside. Containers that share a pid namespace have no such mark, and a process that is gone already
    /// tells nothing: then who watches the group may know which is the first. Where that is another, was there before
    /// this one and lives, it was not this one. Was this one there before, the first was gone when it was looked for.
    fn is_main(&self, receiver: &Process, task: Option<&Task>) -> Option<bool> {
        let own = container(receiver.cgroup.as_deref()?)?;
        let parent = task.and_then(|task| task::group(&self.proc_root, task.parent?));
        let inside = parent.as_deref().map(|group| container(group).as_ref() == Some(&own));
        match (task.and_then(|task| task.namespace_pid), inside) {
            (_, Some(true)) => return Some(false),
            (Some(1), _) => return Some(true),
            _ => {}
        }
        let main = self.homes.main_of(&own)?;
        let lives = || task::stat(&self.proc_root, main).is_some_and(|(exits, _)| !exits);
        match main == receiver.pid {
            true => Some(true),
            // Ids are given in order; where they begin anew, less is said.
            false if main < receiver.pid && lives() => Some(false),
            false => None,
        }
    }

    fn sender(&mut self, signal: &Generated, now: Instant) -> Sender {
        if let Some((id, at, sender)) = &self.last
            && *id == signal.sender
            && now.duration_since(*at) < SAME_SENDER
        {
            return sender.clone();
        }
        let root = &self.proc_root;
        let by_process = self.names.as_ref().filter(|_| signal.code != BY_KERNEL);
        let then = by_process.and_then(|names| names.of(signal.sender, signal.receiver));
        let comm = then.unwrap_or_else(|| signal.sender_comm.clone());
        let mut process = Process { pid: signal.sender, comm, ..Process::default() };
        let known = !is_late(signal) || !self.is_another(signal.sender, signal.at_us);
        let task = known.then(|| task::status(root, signal.sender)).flatten();
        let Some(task) = task else {
            process.cgroup = self.past.recorded(signal.sender, signal.at_us);
            return Sender { process, exits: Some(true), ancestors: Vec::new() };
        };
        process.pid = task.process;
        process.thread = (task.process != signal.sender).then_some(signal.sender);
        process.namespace_pid = task.namespace_pid;
        if process.comm.is_empty() || process.comm == "<...>" {
            process.comm = task.name;
        }
        process.cgroup = task::group(root, signal.sender);
        let mut sender = Sender { process, ..Sender::default() };
        if signal.code != BY_KERNEL {
            sender.exits = task::stat(root, signal.sender).map(|(exits, _)| exits).or(Some(true));
            sender.ancestors = self.ancestors(task.parent);
            let (pid, at_us) = (sender.process.pid, signal.at_us);
            let group = sender.process.cgroup.take();
            sender.process.cgroup =
                group.or_else(|| self.past.home(signal.sender, pid, at_us, now));
        }
        self.last = Some((signal.sender, now, sender.clone()));
        sender
    }

    fn ancestors(&self, mut next: Option<u32>) -> Vec<Process> {
        let mut out = Vec::new();
        while let Some(pid) = next.filter(|_| out.len() < ANCESTORS_MAX) {
            let Some(task) = task::status(&self.proc_root, pid) else { break };
            next = task.parent;
            out.push(Process {
                pid,
                comm: task.name,
                cgroup: task::group(&self.proc_root, pid),
                namespace_pid: task.namespace_pid,
                ..Process::default()
            });
        }
        out
    }

    fn may_look(&mut self, now: Instant) -> bool {
        let since = now.duration_since(self.refilled).as_millis();
        let more = u32::try_from(since).unwrap_or(u32::MAX).saturating_mul(LOOKS_PER_SECOND) / 1000;
        if more > 0 {
            self.left = self.left.saturating_add(more).min(LOOKS_AT_ONCE);
            self.refilled = now;
        }
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => self.not_taken += 1,
        }
        self.left > 0
    }

    /// Signals since the last call that were not looked into.
    pub(super) fn take_not_taken(&mut self) -> u64 {
        std::mem::take(&mut self.not_taken)
    }
}

/// Whether an event waited for so long that ids may be of others by now: an earlier agent was to read it.
fn is_late(signal: &Generated) -> bool {
    Clocks::now().age_us(signal.at_us) > LATE_US
}

fn container(group: &str) -> Option<String> {
    let identity = identify(group);
    identity.pod_container_id.or(identity.container_id)
}

fn is_container(group: &str) -> bool {
    container(group).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The victim is gone before it is looked at.
    #[test]
    fn who_watches_the_group_knows_the_first_process() {
        let proc = tempfile::tempdir().unwrap();
        let live = |pid: u32, flags: u32| {
            let dir = proc.path().join(pid.to_string());
            std::fs::create_dir_all(&dir).unwrap();
            let zeros = "0 ".repeat(12);
            let stat = format!("{pid} (tini) S 1 1 1 0 -1 {flags} {zeros}777 0\n");
            std::fs::write(dir.join("stat"), stat).unwrap();
        };
        let homes = Arc::new(Homes::new());
        let looks =
            Looks::new(proc.path().to_owned(), Arc::clone(&homes), None, None, Instant::now());
        let id = "a".repeat(64);
        let group = format!("/kubepods/pod00000000-0000-0000-0000-000000000001/{id}");
        let is_main = |pid, group: &str| {
            let cgroup = Some(group.to_owned());
            looks.is_main(&Process { pid, cgroup, ..Process::default() }, None)
        };
        live(40, 0);
        assert_eq!(is_main(41, &group), None, "nobody knows");
        homes.note_main(&id, Some(40));
        assert_eq!((is_main(40, &group), is_main(41, &group)), (Some(true), Some(false)));
        assert_eq!(is_main(41, &format!("{group}/leaf")), Some(false));
        assert_eq!(is_main(39, &group), None, "a child of it may have been taken for the first");
        live(40, 4);
        assert_eq!(is_main(41, &group), None, "it goes too: which was the first is not sure");
        assert_eq!(is_main(41, "/system.slice/a.service"), None);
    }
}
