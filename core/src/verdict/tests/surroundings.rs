//! What the agent read around an incident, and what it makes of it.

use super::sightings::{self, counted, mark, rise, the_report, traced, watched};
use super::*;
use crate::finding::{
    BlockShortage, CompactionCounters, CountedLimit, EarlierCounters, Fragmentation, GroupPressure,
    GroupUse, Headroom, HugePages, KernelMemory, MemoryVolume, MemoryVolumes, MostOutside,
    Occasion, Pressure, Reservation, ResourcePressure, Stall, StallBefore,
};
use crate::kernel::{AllocationFailure, FreeArea, MemInfo};
use crate::population::count;

const GIB: u64 = 1 << 30;

fn about(body: FindingBody, source: Source, what: &str) -> Finding {
    let anchor = FindingId::at("boot", &at(100), 0);
    Finding {
        id: FindingId::surrounding(&anchor, what),
        source,
        about: Some(anchor),
        body,
        ..oom(bare(Scope::System))
    }
}

fn global() -> OomReport {
    OomReport {
        scope: Scope::System,
        limit_cgroup: None,
        memory: None,
        stats: Vec::new(),
        mem_info: Some(MemInfo { ram: Some(16 * GIB), swap_total: Some(0), ..MemInfo::default() }),
        tasks: vec![task(41, "java", 410 * MIB, 1000), task(7, "dockerd", 1946 * MIB, -999)],
        victims: vec![victim(140, 41, "java", Some(&container()))],
        ..report("/", "/")
    }
}

fn home(pid: u32) -> Option<String> {
    match pid {
        7 => Some("/system.slice/docker.service".to_owned()),
        _ => Some(container()),
    }
}

fn headroom(limit: Limit, declared: Option<u64>) -> Headroom {
    Headroom {
        occasion: Occasion::Incident,
        capacity: Some(16 * GIB),
        available: Some(GIB / 10),
        pods: Some(GroupUse {
            group: "/kubepods.slice".to_owned(),
            usage: Some(13 * GIB),
            held: Some(12 * GIB),
            limit: Some(limit),
        }),
        reservation: Reservation {
            kube: declared,
            system: None,
            enforced: limit.bytes().map(|limit| 16 * GIB - limit),
        },
        outside: Some(3200 * MIB),
        kernel: KernelMemory { slab_unreclaimable: Some(GIB / 2), ..KernelMemory::default() },
        shmem: None,
        groups: Vec::new(),
        processes: Vec::new(),
        most: Some(MostOutside { bytes: 3500 * MIB, seconds: 7200 }),
        concerns: Vec::new(),
    }
}

fn with_headroom(report: OomReport, headroom: Headroom) -> Incident {
    let population = count(&report, home);
    verdict(vec![
        oom(report),
        about(FindingBody::Headroom(Box::new(headroom)), Source::Headroom, "headroom"),
        about(FindingBody::Population(Box::new(population)), Source::Cgroup, "population"),
    ])
}

/// The example that the documentation opens with.
#[test]
fn a_host_that_used_more_than_was_reserved_for_it() {
    let incident = with_headroom(global(), headroom(Limit::Unlimited, Some(1536 * MIB)));
    assert_eq!(incident.cause, Cause::SystemOutOfMemory);
    says(
        &incident,
        "Processes outside pods and the kernel used 3.1 GiB; kube-reserved + system-reserved is 1.5 GiB.",
    );
    says(
        &incident,
        "Raise system-reserved by at least 1.6 GiB on nodes of this kind, or find out why dockerd grew.",
    );
    says(
        &incident,
        "Processes outside pods held 1.9 GiB. Largest: /system.slice/docker.service (dockerd) 1.9 GiB.",
    );
    says(
        &incident,
        &format!("Processes in pods held 410 MiB. Largest pods: {UID} (java) 410 MiB."),
    );
    says(
        &incident,
        "pid 41 (java) scored 16.4 GiB, of which 16 GiB for its oom_score_adj of 1000, a BestEffort pod;",
    );
    says(&incident, "In the last 2 h the most that was used outside pods was 3.4 GiB.");
    let evidence: Vec<_> = incident.evidence.iter().map(|e| e.detail.as_str()).collect();
    for words in [
        "outside pods 3.1 GiB, 1.5 GiB reserved; /kubepods.slice 13 GiB of no limit",
        "processes in pods held 410 MiB, those outside 1.9 GiB",
        "/system.slice/docker.service  1.9 GiB in 1 process, the largest dockerd",
    ] {
        assert!(evidence.contains(&words), "`{words}` is not in {evidence:#?}");
    }
}

#[test]
fn pods_without_any_limit_together() {
    let incident = with_headroom(global(), headroom(Limit::Unlimited, None));
    says(
        &incident,
        "Nothing is kept for them: the pods together have no memory limit. They held 12 GiB.",
    );
    says(&incident, "enforceNodeAllocatable: [pods]");
    // A limit for all pods says nothing of who grew.
    says(&incident, "Find out why dockerd grew");
    let within = with_headroom(global(), headroom(Limit::Bytes(12 * GIB), None));
    says(&within, "the limit of all pods leaves them 4 GiB.");
    // The reservation was kept to, so whoever grew is the reason.
    says(&within, "Find out why dockerd grew");
}

#[test]
fn volumes_in_memory_are_named() {
    let volume = |name: &str, size, used| MemoryVolume {
        name: name.to_owned(),
        path: format!("/var/lib/kubelet/pods/{UID}/volumes/kubernetes.io~empty-dir/{name}"),
        size,
        used,
    };
    let volumes = MemoryVolumes {
        pod_uid: UID.to_owned(),
        volumes: vec![
            volume("cache", Some(64 * MIB), Some(60 * MIB)),
            volume("tmp", Some(MIB), None),
            volume("shm", None, None),
        ],
    };
    let incident = verdict(vec![
        oom(report(&container(), &container())),
        about(FindingBody::MemoryVolumes(Box::new(volumes)), Source::Cgroup, "volumes"),
    ]);
    says(
        &incident,
        "The pod keeps volumes in memory: emptyDir cache holds 60 MiB of the 64 MiB it may, emptyDir tmp may hold 1 MiB, \
         emptyDir shm has no sizeLimit.",
    );
}

/// What a victim outside of pods held is gone when the agent reads; the kernel's table still has it.
#[test]
fn a_victim_outside_of_pods_counts_as_it_was() {
    let mut report = global();
    report.victims = vec![victim(140, 7, "dockerd", Some("/system.slice/docker.service"))];
    report.tasks[1] = task(7, "dockerd", 6 * 1024 * MIB, 0);
    let incident = with_headroom(report, headroom(Limit::Bytes(14 * GIB), None));
    says(&incident, "used 6.5 GiB; the limit of all pods leaves them 2 GiB.");
    says(&incident, "Raise system-reserved by at least 4.5 GiB");
}

#[test]
fn stalls_are_evidence_of_every_kill() {
    let stall = Stall { avg60: 4217, total_us: 3_200_000, ..Stall::default() };
    let before =
        StallBefore { window_us: 67_000_000, some_us: Some(12_345_678), full_us: Some(7_000_000) };
    let of = |group: &str, before| GroupPressure {
        group: group.to_owned(),
        memory: Some(ResourcePressure { some: Some(stall), full: None, before }),
        ..GroupPressure::default()
    };
    let pressure = Pressure {
        occasion: Occasion::Incident,
        groups: vec![of("/", Some(before)), of(POD, None)],
    };
    let incident = verdict(vec![
        oom(report(&container(), &container())),
        about(FindingBody::Pressure(Box::new(pressure)), Source::Pressure, "pressure"),
    ]);
    let evidence: Vec<_> = incident.evidence.iter().map(|e| e.detail.clone()).collect();
    for words in [
        "node  in the 67 s before, tasks waited for memory 12.3 s, all of them at once 7.0 s"
            .to_owned(),
        format!("{POD}  tasks waited for memory 3.2 s in all, 42.1 % of the last minute"),
    ] {
        assert!(evidence.contains(&words), "`{words}` is not in {evidence:#?}");
    }
}

#[test]
fn a_failed_request_says_what_the_kernel_did_before() {
    let failure = AllocationFailure {
        position: at(100),
        comm: "eth0".to_owned(),
        order: Some(4),
        free_areas: vec![FreeArea {
            node: 0,
            zone: "Normal".to_owned(),
            blocks: vec![(4096, 100_000), (8192, 0), (16_384, 0), (32_768, 0), (65_536, 0)],
        }],
        ..AllocationFailure::default()
    };
    let counters = |stalls, failed| CompactionCounters {
        stalls: Some(stalls),
        failed: Some(failed),
        ..CompactionCounters::default()
    };
    let seen = Fragmentation {
        occasion: Occasion::Incident,
        areas: failure.free_areas.clone(),
        shortage: Some(BlockShortage {
            zone: "Normal".to_owned(),
            order: 4,
            block: 65_536,
            free: 3_328_599_655,
            unusable_permille: 1000,
            ..BlockShortage::default()
        }),
        counters: counters(112, 111),
        earlier: Some(EarlierCounters { seconds: 80, counters: counters(100, 100) }),
        huge_pages: HugePages::default(),
    };
    let incident = verdict(vec![
        finding(KernelEvent::AllocationFailure(Box::new(failure))),
        about(FindingBody::Fragmentation(Box::new(seen)), Source::Fragmentation, "fragmentation"),
    ]);
    assert_eq!(incident.cause, Cause::MemoryFragmentation);
    says(
        &incident,
        "3.1 GiB free, but no block of 64 KiB (order 4) in zone Normal; network and fork",
    );
    says(
        &incident,
        "In the 80 s before, requests waited 12 times while memory was moved together, 11 in vain.",
    );
}

/// Counters and trace do not see a constraint: where the machine has one memory node there can be none.
#[test]
fn some_memory_nodes_or_all_of_them() {
    let area = |node| FreeArea { node, zone: "Normal".to_owned(), blocks: vec![(4096, 10)] };
    let kill = || {
        let lineage = vec![rise(&container(), None, 0, 1)];
        let kill = sightings::count(&container(), CountedLimit::WholeNode, lineage);
        let mark = traced(mark(Some(&container()), None), Some(the_report()));
        vec![mark, counted(kill, Some(the_report()))]
    };
    for (nodes, confidence, said) in [
        (vec![], Confidence::Possible, "memory nodes (NUMA)."),
        (vec![0, 0], Confidence::Likely, ""),
        (vec![3], Confidence::Likely, ""),
        (vec![0, 1, 1], Confidence::Possible, "memory nodes (NUMA), and it has 2."),
    ] {
        let seen = Fragmentation {
            occasion: Occasion::Incident,
            areas: nodes.iter().map(|node| area(*node)).collect(),
            shortage: None,
            counters: CompactionCounters::default(),
            earlier: None,
            huge_pages: HugePages::default(),
        };
        let body = FindingBody::Fragmentation(Box::new(seen));
        let mut findings = kill();
        findings.push(about(body, Source::Fragmentation, "fragmentation"));
        let incident = watched(findings);
        is(&incident, Cause::SystemOutOfMemory, confidence);
        let named = incident.alternatives == [Cause::NumaOutOfMemory];
        assert_eq!(named, confidence == Confidence::Possible, "{nodes:?}: {incident:#?}");
        says(&incident, said);
        // The kernel's own report needs nothing of this.
        let mut findings = kill();
        findings.push(oom(global()));
        is(&watched(findings), Cause::SystemOutOfMemory, Confidence::Confirmed);
    }
}
