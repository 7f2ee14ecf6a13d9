//! Limits of groups: whose it was, what was in it, what became of the container.

use super::sightings::{count, counted, watched};
use super::*;
use crate::finding::CountedLimit;
use crate::incident::Outcome;
use crate::kernel::Level;

#[test]
fn a_container_at_its_own_limit() {
    let incident = seconded(vec![
        oom(report(&container(), &container())),
        observed(Phase::Aftermath, |o| {
            o.limit = Some(CgroupState { processes_left: Some(0), ..state(&container(), None) });
        }),
    ]);
    is(&incident, Cause::ContainerMemoryLimit, Confidence::Confirmed);
    assert_eq!(incident.outcome, Some(Outcome::ContainerExited));
    assert_eq!(incident.pod.as_ref().and_then(|pod| pod.uid.as_deref()), Some(UID));
    assert_eq!(incident.container.as_ref().and_then(|c| c.id.as_deref()), Some(ID));
    let kernel = incident.kernel.as_ref().expect("the kernel spoke");
    assert_eq!((kernel.level, kernel.limit_bytes), (Level::Container, Some(64 * MIB)));
    assert_eq!(kernel.victims[0].anon_rss_kb, Some(60 << 10));
    says(
        &incident,
        "The kernel killed pid 41 (java) at 12:00:03.412Z; it held 60 MiB of anonymous memory.",
    );
    says(
        &incident,
        "Raise the container's memory limit above 64 MiB, or find out why java grew: it held 60 MiB of anonymous memory.",
    );
    assert!(incident.evidence[0].detail.starts_with("seq 100-140  Memory cgroup out of memory"));
}

/// T6: the kernel names the pod although the limit is the one container's.
#[test]
fn a_pod_with_one_container_is_a_container_limit_only_if_somebody_saw_it() {
    let limits = |own: Option<Limit>, others: Vec<CgroupState>| {
        seconded(vec![
            oom(report(POD, &container())),
            observed(Phase::AtKill, |o| {
                o.limit = Some(state(POD, Some(Limit::Bytes(64 * MIB))));
                o.victim = Some(state(&container(), own));
                o.siblings = others;
            }),
        ])
    };
    let same = Some(Limit::Bytes(64 * MIB));
    let sandbox = CgroupState { usage: Some(MIB), ..state(&sibling(), Some(Limit::Unlimited)) };
    let incident = limits(same, vec![sandbox]);
    is(&incident, Cause::ContainerMemoryLimit, Confidence::Confirmed);
    assert_eq!(incident.kernel.as_ref().map(|kernel| kernel.level), Some(Level::Pod));
    says(&incident, "the pod's limit is just that of its one container");

    let second = state(&sibling(), Some(Limit::Bytes(32 * MIB)));
    is(&limits(same, vec![second]), Cause::PodMemoryLimit, Confidence::Confirmed);
    let unlimited =
        CgroupState { usage: Some(40 * MIB), ..state(&sibling(), Some(Limit::Unlimited)) };
    is(&limits(same, vec![unlimited]), Cause::PodMemoryLimit, Confidence::Confirmed);
    let incident = limits(Some(Limit::Bytes(32 * MIB)), vec![]);
    is(&incident, Cause::PodMemoryLimit, Confidence::Confirmed);
    says(
        &incident,
        "The container's own limit is 32 MiB; the limit of 64 MiB that was hit is the pod's.",
    );
    is(&limits(Some(Limit::Unlimited), vec![]), Cause::PodMemoryLimit, Confidence::Confirmed);
    is(&limits(None, vec![]), Cause::PodMemoryLimit, Confidence::Possible);

    let incident = seconded(vec![oom(report(POD, &container()))]);
    is(&incident, Cause::PodMemoryLimit, Confidence::Possible);
    says(&incident, "Nobody read the pod's groups at that time");
}

#[test]
fn limits_that_many_share() {
    for (limit, cause, words) in [
        ("/kubepods.slice", Cause::NodeAllocatable, "All pods of the node together"),
        (
            "/kubepods.slice/kubepods-burstable.slice",
            Cause::QosMemoryLimit,
            "All pods of class Burstable",
        ),
    ] {
        let incident = seconded(vec![oom(report(limit, &container()))]);
        is(&incident, cause, Confidence::Confirmed);
        says(&incident, words);
        assert_eq!(incident.pod.and_then(|pod| pod.uid).as_deref(), Some(UID));
    }
    let incident = seconded(vec![oom(report("/system.slice", "/system.slice/sshd.service"))]);
    is(&incident, Cause::ReservedMemoryLimit, Confidence::Confirmed);
    assert_eq!(incident.outcome, Some(Outcome::HostProcessKilled));
}

#[test]
fn limits_of_other_groups() {
    let unit = "/system.slice/nginx.service";
    let incident = seconded(vec![oom(report(unit, unit))]);
    is(&incident, Cause::OtherCgroupLimit, Confidence::Confirmed);
    assert!(
        incident.summary.ends_with("because the systemd unit nginx.service hit its memory limit")
    );

    let nested = format!("{}/worker", container());
    let incident = seconded(vec![oom(report(&nested, &nested))]);
    is(&incident, Cause::OtherCgroupLimit, Confidence::Confirmed);
    assert_eq!(incident.container.as_ref().and_then(|c| c.id.as_deref()), Some(ID));
    says(&incident, "A group made inside container 0123456789ab");

    // kind: the node's own container is full, and a pod inside pays.
    let inner = format!("/docker/{SIBLING}/kubelet/kubepods/burstable/pod{UID}/{ID}");
    let incident = seconded(vec![oom(report(&format!("/docker/{SIBLING}"), &inner))]);
    is(&incident, Cause::OtherCgroupLimit, Confidence::Confirmed);
    assert_eq!(incident.container.and_then(|c| c.id).as_deref(), Some(ID));
    let plain = format!("/docker/{ID}");
    is(
        &seconded(vec![oom(report(&plain, &plain))]),
        Cause::ContainerMemoryLimit,
        Confidence::Confirmed,
    );

    let cut = "burst/kubepods-pod11111111_2222";
    is(&seconded(vec![oom(report(cut, cut))]), Cause::OtherCgroupLimit, Confidence::Likely);
}

/// The kill that Kubernetes never shows, and what nobody looked at.
#[test]
fn what_became_of_the_container() {
    let look_after = |seconds, path: String, exists, left| {
        let mut look = observed(Phase::Aftermath, |o| {
            o.limit = Some(CgroupState { exists, processes_left: left, ..state(&path, None) });
        });
        look.time += jiff::SignedDuration::from_secs(seconds);
        seconded(vec![oom(not_alone(&container(), &container())), look]).outcome
    };
    let look = |path, exists, left| look_after(0, path, exists, left);
    assert_eq!(look(container(), true, Some(3)), Some(Outcome::ContainerSurvived));
    assert_eq!(look(container(), true, Some(0)), Some(Outcome::ContainerExited));
    assert_eq!(look(container(), false, None), Some(Outcome::ContainerExited));
    assert_eq!(look(container(), true, None), None);
    // Somebody looked long after: who lives then has survived, who is gone may have ended of something else.
    assert_eq!(look_after(9, container(), true, Some(1)), Some(Outcome::ContainerSurvived));
    assert_eq!(look_after(9, container(), true, Some(0)), None);
    assert_eq!(look_after(9, container(), false, None), None);
    assert_eq!(
        look(format!("{}/worker", container()), false, None),
        None,
        "a group inside says nothing"
    );
    assert_eq!(look(sibling(), false, None), None, "another container says nothing");
    assert_eq!(seconded(vec![oom(not_alone(&container(), &container()))]).outcome, None);
}

/// The kernel tries again while its victim is dying and finds nobody left: what it says then explains nothing. The report
/// with the victim does, whichever of the two has the number that sorts first as text.
#[test]
fn a_second_report_without_a_victim_takes_nothing_from_the_first() {
    for (first, second) in [(100, 154), (980, 1034)] {
        let whole = OomReport { position: at(first), ..report(&container(), &container()) };
        let nobody = OomReport {
            position: at(second),
            victims: Vec::new(),
            end: ReportEnd::NoKillableProcess,
            ..whole.clone()
        };
        let opening = oom(whole);
        let about = || Some(opening.id.clone());
        let mut nobody = Finding { about: about(), ..oom(nobody) };
        nobody.time += jiff::SignedDuration::from_millis(30);
        let limit = CountedLimit::Group(container());
        let counted = counted(count(&container(), limit, Vec::new()), about());
        let incident = watched(vec![nobody, counted, opening]);
        is(&incident, Cause::ContainerMemoryLimit, Confidence::Confirmed);
        assert!(!incident.explanation.iter().any(|said| said.contains("nobody to kill")));
    }
}

/// T7: memory that belongs to no process, and three roles that are three processes.
#[test]
fn what_the_memory_was_and_who_held_it() {
    let mut tmpfs = report(&container(), &container());
    tmpfs.stats = vec![
        ("anon".to_owned(), MIB),
        ("file".to_owned(), 62 * MIB),
        ("shmem".to_owned(), 62 * MIB),
    ];
    tmpfs.tasks = vec![task(41, "dd", 2 * MIB, 0)];
    let incident = seconded(vec![oom(tmpfs)]);
    says(
        &incident,
        "62 MiB of it is files in memory (tmpfs, such as an emptyDir of medium Memory or /dev/shm)",
    );
    says(&incident, "keep less in tmpfs: 62 MiB");

    let mut kernel = report(&container(), &container());
    kernel.stats = vec![("anon".to_owned(), MIB), ("kernel".to_owned(), 60 * MIB)];
    says(&seconded(vec![oom(kernel)]), "60 MiB of it is kernel memory");

    // Version 1: the pod's own share is nothing, its containers hold it.
    let mut v1 = report(POD, &container());
    v1.stats =
        [("cache", 0), ("rss", 0), ("shmem", 0), ("total_rss", 60 * MIB), ("total_shmem", 0)]
            .map(|(key, bytes)| (key.to_owned(), bytes))
            .to_vec();
    says(&seconded(vec![oom(v1)]), "60 MiB of it is anonymous memory");

    let mut unseen = report(&container(), &container());
    unseen.stats = Vec::new();
    unseen.tasks = vec![task(41, "dd", 2 * MIB, 0)];
    says(&seconded(vec![oom(unseen)]), "The processes together hold only 2 MiB of 64 MiB");

    let mut roles = report(&container(), &container());
    roles.trigger = Some(Trigger { comm: "ls".to_owned(), pid: Some(77), ..Trigger::default() });
    roles.tasks = vec![
        task(41, "java", 8 * MIB, 900),
        task(77, "ls", MIB, 0),
        task(50, "db", 50 * MIB, -997),
    ];
    let incident = seconded(vec![oom(roles)]);
    says(
        &incident,
        "pid 77 (ls) asked for the memory that was not there; it is not the one that was killed.",
    );
    says(
        &incident,
        "pid 50 (db) held the most, 50 MiB, and was not killed: its oom_score_adj of -997 protects it.",
    );
    says(&incident, "find out why db grew: it held 50 MiB");
}

/// cgroup v1 has two more limits, and a limit can be written below what is in use.
#[test]
fn which_of_the_limits_and_lowered_ones() {
    let mut swap = report(&container(), &container());
    swap.memory = Some(usage(40 * MIB, 64 * MIB));
    swap.memory_swap = Some(usage(80 * MIB, 80 * MIB));
    let incident = seconded(vec![oom(swap)]);
    says(&incident, "the memory-and-swap limit is 80 MiB");
    assert_eq!(incident.kernel.and_then(|kernel| kernel.limit_bytes), Some(80 * MIB));

    let mut lowered = report(&container(), &container());
    lowered.memory = Some(usage(64 * MIB, 16 * MIB));
    says(
        &seconded(vec![oom(lowered)]),
        "was lowered below what was in use: 64 MiB in use, the limit is 16 MiB",
    );
}

/// T5: the whole group dies, and the first victim is printed again.
#[test]
fn a_group_kill_is_one_incident() {
    let mut report = report(&container(), &container());
    report.oom_group = Some(container());
    let (first, again, second) = (oom(report), further(141, 41), further(142, 42));
    assert_eq!(incident_of(&first), incident_of(&second));
    assert_eq!(incident_of(&first), incident_of(&observed(Phase::Aftermath, |_| ())));
    let incident = seconded(vec![second.clone(), again, first]);
    let pids: Vec<u32> = incident.kernel.iter().flat_map(|k| &k.victims).map(|v| v.pid).collect();
    assert_eq!(pids, [41, 42]);
    says(&incident, "The kernel killed 2 processes");
    says(&incident, "memory.oom.group is set on");
    assert!(
        judge(&Case { findings: vec![second], ..Case::default() }).is_none(),
        "the report has not come yet"
    );
}
