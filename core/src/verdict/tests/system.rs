//! The whole node, a part of its memory, and kills that miss their report.

use super::kubernetes::{ended, event, judged, of_pod, status, with};
use super::*;
use crate::incident::Outcome;
use crate::kernel::{FreeArea, Level, MemInfo};

fn global(group: Option<&str>) -> OomReport {
    OomReport {
        scope: Scope::System,
        limit_cgroup: None,
        memory: None,
        stats: Vec::new(),
        mem_info: Some(MemInfo {
            ram: Some(4096 * MIB),
            free: Some(40 * MIB),
            swap_total: Some(0),
            ..MemInfo::default()
        }),
        tasks: vec![task(41, "java", 400 * MIB, 900), task(7, "dockerd", 1900 * MIB, -999)],
        victims: vec![victim(140, 41, "java", group)],
        ..report("/", "/")
    }
}

#[test]
fn the_whole_node() {
    let incident = seconded(vec![
        oom(global(Some(&container()))),
        observed(Phase::AtKill, |o| {
            o.victim = Some(CgroupState {
                peak: Some(410 * MIB),
                ..state(&container(), Some(Limit::Bytes(512 * MIB)))
            });
        }),
    ]);
    is(&incident, Cause::SystemOutOfMemory, Confidence::Confirmed);
    assert_eq!(incident.kernel.as_ref().map(|k| k.level), Some(Level::None));
    says(&incident, "The whole node ran out of memory; it has 4 GiB.");
    says(&incident, "Its container had used at most 410 MiB of its 512 MiB limit.");
    says(&incident, "Largest: pid 7 (dockerd) 1.8 GiB, pid 41 (java) 400 MiB.");
    says(&incident, "The node has no swap.");
    says(&incident, "Find out why dockerd grew: it held 1.8 GiB.");

    let outside = seconded(vec![oom(global(Some("/system.slice/cron.service")))]);
    assert_eq!(outside.outcome, Some(Outcome::HostProcessKilled));
    // Before 5.0 the kernel did not say which group the victim was in.
    let old = seconded(vec![oom(global(None))]);
    is(&old, Cause::SystemOutOfMemory, Confidence::Likely);
    assert_eq!(old.outcome, None);
}

#[test]
fn which_of_the_reasons() {
    let with = |change: fn(&mut OomReport)| {
        let mut report = global(Some(&container()));
        change(&mut report);
        seconded(vec![oom(report)])
    };
    let scattered = with(|report| {
        report.trigger =
            Some(Trigger { comm: "eth0".to_owned(), order: Some(3), ..Trigger::default() });
        report.free_areas = vec![FreeArea {
            node: 0,
            zone: "Normal".to_owned(),
            blocks: vec![(4096, 10_000), (32_768, 0)],
        }];
    });
    says(
        &scattered,
        "eth0 asked for one block of 32 KiB (order 3); 40 MiB was free, but in smaller pieces",
    );
    says(&scattered, "No zone had one left.");
    says(
        &with(|report| {
            report.mem_info = Some(MemInfo {
                ram: Some(4096 * MIB),
                hugepages_total: Some(2048 * MIB),
                hugepages_free: Some(1024 * MIB),
                ..MemInfo::default()
            });
        }),
        "2 GiB is set aside as huge pages, of which 1 GiB is not even in use.",
    );
    says(
        &with(|report| {
            report.mem_info = Some(MemInfo {
                ram: Some(4096 * MIB),
                slab_unreclaimable: Some(2048 * MIB),
                ..MemInfo::default()
            });
        }),
        "The kernel itself holds 2 GiB of slab",
    );
    let asked = with(|report| {
        report.sysrq = true;
        report.trigger =
            Some(Trigger { comm: "kworker/0:1".to_owned(), order: Some(-1), ..Trigger::default() });
    });
    says(&asked, "asked for this kill with SysRq-f");
    assert!(asked.summary.contains("somebody asked the kernel"));
}

/// T4: constraints other than the whole node say `Out of memory` too.
#[test]
fn memory_nodes_that_ran_out() {
    for scope in [Scope::Cpuset, Scope::Mempolicy] {
        let mut report = global(Some(&container()));
        report.scope = scope;
        report.mems_allowed = Some("1".to_owned());
        let incident = seconded(vec![oom(report)]);
        is(&incident, Cause::NumaOutOfMemory, Confidence::Confirmed);
        says(&incident, "(memory nodes 1)");
    }
}

#[test]
fn kernels_that_panic_or_find_nobody() {
    let mut panic = global(None);
    panic.victims.clear();
    panic.end = ReportEnd::Panic("Out of memory: system-wide panic_on_oom is enabled".to_owned());
    let incident = verdict(vec![oom(panic.clone())]);
    is(&incident, Cause::SystemOutOfMemory, Confidence::Confirmed);
    says(&incident, "The kernel panicked at 12:00:03.412Z instead of killing");
    assert_eq!(incident.outcome, None);

    let mut nobody = report(&container(), &container());
    nobody.victims.clear();
    nobody.end = ReportEnd::NoKillableProcess;
    let incident = verdict(vec![oom(nobody.clone())]);
    is(&incident, Cause::ContainerMemoryLimit, Confidence::Confirmed);
    says(&incident, "found nobody to kill");
    assert!(
        incident.summary.starts_with("the kernel found nobody to kill because a container hit")
    );

    let mut exiting = report(&container(), &container());
    exiting.end = ReportEnd::AlreadyExiting { pid: 9, comm: "sh".to_owned() };
    says(&verdict(vec![oom(exiting.clone())]), "first chose pid 9 (sh), which was already exiting");
    exiting.victims.clear();
    assert!(incident_of(&oom(exiting)).is_none(), "nobody's death");
    panic.end = ReportEnd::Unfinished;
    assert!(incident_of(&oom(panic)).is_none(), "nobody is known to have died");
}

/// T2: in a storm only the kill lines are printed.
#[test]
fn kills_without_a_report() {
    let incident = verdict(vec![oom(bare(Scope::Cgroup))]);
    is(&incident, Cause::Unknown, Confidence::Unknown);
    says(&incident, "the kernel did not print whose");
    says(&incident, "it prints ten whole reports in five seconds");

    is(&verdict(vec![oom(bare(Scope::System))]), Cause::SystemOutOfMemory, Confidence::Possible);
    is(&verdict(vec![oom(bare(Scope::Unknown))]), Cause::Unknown, Confidence::Unknown);

    let incident =
        verdict(vec![oom(bare(Scope::Cgroup)), attributed(&container(), Some(&container()))]);
    is(&incident, Cause::ContainerMemoryLimit, Confidence::Possible);
    assert_eq!(incident.container.as_ref().and_then(|c| c.id.as_deref()), Some(ID));
    says(&incident, "not the kernel's word: the process had been seen in it shortly before");

    // The victim's group alone does not say whose limit it was.
    let incident = verdict(vec![oom(bare(Scope::Cgroup)), attributed(&container(), None)]);
    is(&incident, Cause::Unknown, Confidence::Unknown);
    assert_eq!(incident.container.as_ref().and_then(|c| c.id.as_deref()), Some(ID));
    let mut counted = attributed(&container(), None);
    if let FindingBody::Cgroups(observation) = &mut counted.body {
        observation.victim =
            Some(CgroupState { oom: Some(3), ..state(&container(), Some(Limit::Bytes(MIB))) });
    }
    is(
        &verdict(vec![oom(bare(Scope::Cgroup)), counted]),
        Cause::ContainerMemoryLimit,
        Confidence::Possible,
    );

    // What was worked out for another process is not this one's.
    let mut other = attributed(&container(), Some(&container()));
    if let FindingBody::Cgroups(CgroupObservation { attribution: Some(attribution), .. }) =
        &mut other.body
    {
        attribution.pid = 99;
    }
    is(&verdict(vec![oom(bare(Scope::Cgroup)), other]), Cause::Unknown, Confidence::Unknown);
    // A node that ran out has no limit that was hit, whatever was worked out.
    let incident =
        verdict(vec![oom(bare(Scope::System)), attributed(&container(), Some(&container()))]);
    is(&incident, Cause::SystemOutOfMemory, Confidence::Possible);
    assert_eq!(incident.kernel.and_then(|kernel| kernel.limit_cgroup), None);
}

/// A verdict is never confirmed across a gap; a gap elsewhere does not matter.
#[test]
fn gaps() {
    for (first, lost, confidence) in [
        (120, 5, Confidence::Likely),
        (90, 11, Confidence::Likely),
        (140, 1, Confidence::Likely),
        (90, 10, Confidence::Confirmed),
        (141, 50, Confidence::Confirmed),
    ] {
        let case = Case {
            findings: vec![oom(report(&container(), &container())), marked()],
            gaps: vec![gap(first, lost)],
            ..Case::default()
        };
        let incident = judge(&case).expect("an incident");
        is(&incident, Cause::ContainerMemoryLimit, confidence);
        assert_eq!(incident.gaps.is_empty(), confidence == Confidence::Confirmed);
    }
    let mut headless = report(&container(), &container());
    headless.trigger = None;
    is(&seconded(vec![oom(headless)]), Cause::ContainerMemoryLimit, Confidence::Likely);
}

/// T21: the kubelet evicts and the kernel kills, in one pod; both are told, in order.
#[test]
fn an_eviction_beside_the_kill() {
    const LOW: &str = "The node was low on resource: memory. ";
    let evicted = || of_pod(ended(137, "Error"), status("Evicted", LOW));
    for (time, said) in [
        ("12:00:01", "was evicting the pod since 12:00:01.000Z"),
        ("12:00:03", "in the same second, 12:00:03.000Z"),
        ("12:00:09", "at 12:00:09.000Z, after the kernel had killed"),
    ] {
        let kubernetes = with(evicted(), vec![event("Evicted", LOW, time)]);
        let incident = judged(kubernetes, vec![oom(global(Some(&container())))]);
        assert_eq!(incident.cause, Cause::SystemOutOfMemory, "{incident:#?}");
        says(&incident, said);
    }
    let incident = judged(evicted(), vec![oom(global(Some(&container())))]);
    says(&incident, "evicted the pod as well; no event says when");
    // Hours later it is another story, and so is a pod that was never evicted.
    let later = vec![event("Evicted", LOW, "15:00:00")];
    for kubernetes in [with(evicted(), later), ended(137, "OOMKilled")] {
        let incident = judged(kubernetes, vec![oom(global(Some(&container())))]);
        let told = incident.explanation.iter().any(|sentence| sentence.contains("evict"));
        assert!(!told, "{incident:#?}");
    }
}
