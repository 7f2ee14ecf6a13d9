//! Deaths that were not the OOM killer's: who sent SIGKILL, and ends that nobody killed. Senders are those of real traces.

use super::sightings::{SSHD, all_watched, death, end, ended, process, sigkill, traced, watched};
use super::*;
use crate::finding::{ContainerEnd, Process, Sigkill};
use crate::incident::Outcome;
use crate::kernel::{Fault, UserspaceKill, UserspaceKiller};

/// `kill -9` typed into a shell on the node.
fn by_ssh(main: Option<bool>) -> Sigkill {
    Sigkill {
        ancestors: vec![process(800, "bash", Some(SSHD)), process(790, "sshd", Some(SSHD))],
        ..sigkill(0, process(812, "kill", Some(SSHD)), main)
    }
}

fn by(code: i32, comm: &str, cgroup: &str, main: Option<bool>) -> Sigkill {
    sigkill(code, process(812, comm, Some(cgroup)), main)
}

/// What `runc kill`, started by the shim, looks like.
fn by_runtime() -> Sigkill {
    let service = Some("/system.slice/containerd.service");
    Sigkill {
        ancestors: vec![process(700, "containerd-shim", service)],
        ..sigkill(0, process(812, "runc", service), Some(true))
    }
}

#[test]
fn a_person_on_the_host() {
    let kill = traced(by_ssh(Some(true)), Some(death()));
    let incident = watched(vec![kill.clone(), ended(end(Some(true), Some(0)), Some(death()))]);
    is(&incident, Cause::ExternalKill, Confidence::Confirmed);
    assert_eq!(incident.outcome, Some(Outcome::ContainerExited));
    assert_eq!(incident.container.as_ref().and_then(|c| c.id.as_deref()), Some(ID));
    assert_eq!(
        incident.summary,
        "pid 41 (java) was killed by pid 812 (kill) in the host's service ssh.service"
    );
    says(
        &incident,
        "got SIGKILL through kill(2) from kill[812] <- bash[800] <- sshd[790] in /system.slice/ssh.service.",
    );
    says(
        &incident,
        "Not an OOM kill: the kernel log is complete for that time and no OOM counter moved.",
    );
    assert!(incident.evidence.iter().any(|e| e.source == "signal trace"
        && e.detail.starts_with(
            "SIGKILL (code 0) for pid 41 java, the container's main process from kill[812]"
        )));

    says(
        &incident,
        "Find out who or what started pid 812 (kill), a descendant of pid 790 (sshd). Kubernetes had no part in it.",
    );

    // Before the end was seen, and where it never is.
    let alone = watched(vec![kill.clone()]);
    is(&alone, Cause::ExternalKill, Confidence::Likely);
    assert_eq!(alone.outcome, Some(Outcome::ContainerExited), "its main process was hit");
    assert_eq!(alone.id, incident.id);
    // Nobody watched: then nothing is excluded, and that is said.
    let unwatched = verdict(vec![kill]);
    is(&unwatched, Cause::ExternalKill, Confidence::Likely);
    says(&unwatched, "An OOM kill cannot be excluded: no source was complete at that time.");
}

#[test]
fn who_it_was() {
    let end = || ended(end(Some(true), Some(0)), Some(death()));
    for (kill, confidence, words) in [
        (
            by(0, "sh", &container(), Some(true)),
            Confidence::Confirmed,
            "a process of the same container",
        ),
        (
            by(0, "spy", &sibling(), Some(true)),
            Confidence::Confirmed,
            "pid 812 (spy) in container fedcba987654 of pod",
        ),
        (by(-6, "kill", SSHD, Some(true)), Confidence::Confirmed, "through tgkill(2)"),
        (by(-1, "kill", SSHD, Some(true)), Confidence::Confirmed, "through sigqueue(3)"),
        (
            Sigkill { whole_process: Some(false), ..by(0, "bash", SSHD, Some(true)) },
            Confidence::Confirmed,
            "through cgroup.kill",
        ),
        // Gone at once: its name and pid are known, where it ran is not.
        (
            sigkill(0, process(812, "kill", None), Some(true)),
            Confidence::Confirmed,
            "pid 812 (kill), which was gone before its group could be read",
        ),
        // A child from outside, and the container ended without a SIGKILL to its first process.
        (
            Sigkill { receiver: process(77, "worker", Some(&container())), ..by_ssh(Some(false)) },
            Confidence::Possible,
            "its main process got no SIGKILL that was traced",
        ),
    ] {
        let incident = watched(vec![traced(kill, Some(death())), end()]);
        is(&incident, Cause::ExternalKill, confidence);
        let mut all = incident.explanation.clone();
        all.extend([incident.summary.clone()]);
        all.extend(incident.gaps.clone());
        assert!(all.iter().any(|s| s.contains(words)), "{words}: {incident:#?}");
    }
}

/// What a container does to its own children, the end of a pid namespace, what hits the dead: nobody's incident.
#[test]
fn signals_that_open_nothing() {
    let inner = by(0, "sh", &container(), Some(false));
    let zap = Sigkill {
        sender: Process { namespace_pid: Some(1), ..process(40, "init", Some(&container())) },
        ..sigkill(128, Process::default(), Some(false))
    };
    let brief = sigkill(0, process(812, "timeout", None), Some(false));
    let zombie = Sigkill { result: SignalResult::Ignored, ..by_ssh(Some(true)) };
    let host = Sigkill {
        receiver: process(9, "cron", Some("/system.slice/cron.service")),
        ..by_ssh(None)
    };
    for kill in [inner, zap, zombie, brief, host, by_runtime()] {
        let finding = traced(kill, None);
        assert!(incident_of(&finding).is_none(), "{finding:?}");
        assert!(judge(&Case { findings: vec![finding], ..Case::default() }).is_none());
    }
    // A child that somebody outside kills is an incident of its own; a main process is its container's death.
    let child = traced(by_ssh(Some(false)), None);
    is(&watched(vec![child.clone()]), Cause::ExternalKill, Confidence::Likely);
    let main = traced(by_ssh(Some(true)), None);
    assert_eq!(incident_of(&main), incident_of(&ended(end(None, None), None)));
    assert_ne!(incident_of(&child), incident_of(&main));
}

/// The kill that Kubernetes never shows: a child, and the container goes on.
#[test]
fn a_child_and_the_container_lives() {
    let incident = watched(vec![traced(by_ssh(Some(false)), None)]);
    assert_eq!(incident.outcome, Some(Outcome::ContainerSurvived));
    let unwatched = verdict(vec![traced(by_ssh(Some(false)), None)]);
    assert_eq!(unwatched.outcome, None, "nobody watched the group afterwards");
}

#[test]
fn the_runtime_kills_for_the_kubelet() {
    let findings =
        vec![traced(by_runtime(), Some(death())), ended(end(Some(true), Some(0)), Some(death()))];
    let incident = watched(findings);
    is(&incident, Cause::Unknown, Confidence::Unknown);
    assert_eq!(incident.outcome, Some(Outcome::ContainerExited));
    assert_eq!(
        incident.summary,
        "the container runtime sent pid 41 (java) SIGKILL on the kubelet's behalf; the reason is Kubernetes' to tell"
    );
    says(&incident, "Not an OOM kill: the kernel log is complete");
    assert!(incident.kernel.is_none(), "it is no victim of the kernel's");
    // What the runtime sends to the dead afterwards changes nothing.
    let after = Sigkill { at_us: 150_000, ..by_runtime() };
    let incident = watched(vec![
        traced(by_ssh(Some(true)), Some(death())),
        traced(after, Some(death())),
        ended(end(Some(true), Some(0)), Some(death())),
    ]);
    is(&incident, Cause::ExternalKill, Confidence::Confirmed);
}

#[test]
fn crashes() {
    let limit = Sigkill {
        sender: process(41, "java", Some(&container())),
        ..sigkill(128, Process::default(), Some(true))
    };
    let incident = watched(vec![
        traced(limit.clone(), Some(death())),
        ended(end(Some(true), Some(0)), Some(death())),
    ]);
    is(&incident, Cause::Crash, Confidence::Likely);
    says(&incident, "RLIMIT_CPU");
    let own = Sigkill { sender: process(41, "java", Some(&container())), ..by_ssh(Some(true)) };
    let incident =
        watched(vec![traced(own, Some(death())), ended(end(Some(true), Some(0)), Some(death()))]);
    is(&incident, Cause::Crash, Confidence::Confirmed);
    assert_eq!(incident.summary, "pid 41 (java) sent SIGKILL to itself");
    // A lost mark would look the same.
    let unwatched = verdict(vec![traced(limit, Some(death()))]);
    is(&unwatched, Cause::Crash, Confidence::Possible);

    let segfault = |pid| Finding {
        about: Some(death()),
        ..finding(KernelEvent::Fault(Fault {
            position: at(100),
            pid: Some(pid),
            comm: "java".to_owned(),
            fault: "segfault".to_owned(),
            message: format!("java[{pid}]: segfault at 0 ip 0 sp 0 error 4 in java"),
        }))
    };
    let incident = watched(vec![segfault(41), ended(end(Some(false), Some(0)), Some(death()))]);
    is(&incident, Cause::Crash, Confidence::Likely);
    assert!(incident.summary.starts_with("pid 41 (java) crashed (segfault) and container"));
    let child = watched(vec![segfault(50), ended(end(Some(false), Some(0)), Some(death()))]);
    is(&child, Cause::Crash, Confidence::Possible);
    says(&child, "That pid 50 (java) was the container's main process");
}

/// systemd-oomd seen by the trace, by its own line, and by both.
#[test]
fn killers_in_user_space_are_traced_too() {
    let oomd = "/system.slice/systemd-oomd.service";
    let kill = |about| traced(by(0, "systemd-oomd", oomd, Some(true)), about);
    let incident = watched(vec![kill(Some(death()))]);
    is(&incident, Cause::UserspaceOomKiller, Confidence::Likely);
    assert!(incident.summary.starts_with("systemd-oomd killed pid 41 (java)"), "{incident:#?}");
    let line = Finding {
        about: Some(death()),
        ..finding(KernelEvent::UserspaceKill(UserspaceKill {
            position: at(100),
            killer: UserspaceKiller::SystemdOomd,
            pid: None,
            comm: None,
            cgroup: Some(container()),
            message: "Killed ... due to memory pressure".to_owned(),
        }))
    };
    let incident = watched(vec![line, kill(Some(death()))]);
    is(&incident, Cause::UserspaceOomKiller, Confidence::Confirmed);
    // A process in a container may call itself so.
    let incident = watched(vec![traced(by(0, "systemd-oomd", &sibling(), Some(true)), None)]);
    is(&incident, Cause::ExternalKill, Confidence::Likely);
}

/// The main process of a container dies by the OOM killer, and its end is joined with that kill.
#[test]
fn the_end_after_an_oom_kill() {
    let about = Some(sightings::the_report());
    let incident = watched(vec![
        oom(report(&container(), &container())),
        ended(end(Some(true), Some(1)), about),
    ]);
    is(&incident, Cause::ContainerMemoryLimit, Confidence::Likely);
    assert_eq!(incident.outcome, Some(Outcome::ContainerExited));
    says(&incident, "The container ended: nobody is left in its group.");
}

/// Names are the container's to choose.
#[test]
fn names_that_lie() {
    let runc = by(0, "runc", &container(), Some(true));
    is(&watched(vec![traced(runc, Some(death()))]), Cause::ExternalKill, Confidence::Likely);
    let shell = Sigkill {
        ancestors: vec![process(700, "containerd-shim", Some("/system.slice/containerd.service"))],
        ..by(0, "sh", &container(), Some(true))
    };
    let incident = watched(vec![traced(shell, Some(death()))]);
    is(&incident, Cause::ExternalKill, Confidence::Likely);
    assert!(incident.summary.contains("a process of the same container"));
}

/// As every pod of containerd ends: the runtime kills the sandbox, often gone before anybody could see who it was.
#[test]
fn a_sandbox_goes_with_its_pod() {
    let pause = |kill: Sigkill| Sigkill {
        receiver: process(41, "pause", Some(&container())),
        receiver_is_main: Some(true),
        ..kill
    };
    let sandbox =
        || ended(ContainerEnd { sandbox: true, ..end(Some(true), Some(0)) }, Some(death()));
    let nobody = sigkill(0, process(812, "<...>", None), Some(true));
    for kill in [by_runtime(), nobody] {
        let findings = vec![traced(pause(kill), Some(death())), sandbox()];
        assert!(judge(&Case { findings, coverage: all_watched(), ..Case::default() }).is_none());
    }
    // What a person does to it is told: all containers of the pod go with it.
    let incident = watched(vec![traced(pause(by_ssh(None)), Some(death())), sandbox()]);
    is(&incident, Cause::ExternalKill, Confidence::Confirmed);
}

/// The trace knew nothing of the sender: neither that it was Kubernetes nor that it was not.
#[test]
fn a_sender_that_nothing_is_known_of() {
    let kill = sigkill(0, process(812, "<...>", None), Some(true));
    let incident =
        watched(vec![traced(kill, Some(death())), ended(end(Some(true), Some(0)), Some(death()))]);
    is(&incident, Cause::ExternalKill, Confidence::Possible);
    assert!(
        incident.gaps.iter().any(|gap| gap.starts_with("Whether it was the container runtime"))
    );
}
