//! Tables with pods, services and processes nobody could place.

use rstest::rstest;

use super::*;
use crate::kernel::{MemInfo, Trigger, Victim};

const MIB: u64 = 1 << 20;
const UID: &str = "11111111-2222-3333-4444-555555555555";
const POD: &str = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod11111111_2222_3333_4444_555555555555.slice";
const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[rstest]
#[case("/system.slice/docker.service", "/system.slice/docker.service")]
#[case("/system.slice/docker.service/deep/er", "/system.slice/docker.service")]
#[case("/user.slice/user-0.slice/session-3.scope", "/user.slice/user-0.slice/session-3.scope")]
#[case(
    "/user.slice/user-0.slice/user@0.service/app.slice/x.service",
    "/user.slice/user-0.slice/user@0.service"
)]
#[case("/init.scope", "/init.scope")]
#[case("/", "/")]
#[case("", "")]
#[case("/podruntime/runtime/deep", "/podruntime/runtime")]
#[case("/a.slice/b.slice/c.slice/d.slice/e.slice", "/a.slice/b.slice/c.slice/d.slice")]
fn services_of_the_host(#[case] group: &str, #[case] service: &str) {
    assert_eq!(household(group), (service, None));
}

#[test]
fn a_pod_is_one_household_however_deep_its_processes_are() {
    for below in [
        "",
        &format!("/cri-containerd-{ID}.scope"),
        &format!("/cri-containerd-{ID}.scope/docker/x"),
    ] {
        let group = format!("{POD}{below}");
        assert_eq!(household(&group), (POD, Some(UID.to_owned())));
    }
    let other = format!("/kubepods/besteffort/pod{UID}/{ID}");
    assert_eq!(household(&other).0, format!("/kubepods/besteffort/pod{UID}"));
}

fn task(pid: u32, comm: &str, mib: u64, adj: i32) -> TaskRow {
    TaskRow {
        pid,
        comm: comm.to_owned(),
        rss: Some(mib * MIB),
        oom_score_adj: Some(adj),
        ..TaskRow::default()
    }
}

fn report() -> OomReport {
    OomReport {
        mem_info: Some(MemInfo { ram: Some(4000 * MIB), ..MemInfo::default() }),
        trigger: Some(Trigger { comm: "kworker".to_owned(), pid: Some(5), ..Trigger::default() }),
        tasks: vec![
            task(7, "dockerd", 1900, -999),
            task(8, "journald", 400, -250),
            task(41, "java", 400, 1000),
            task(42, "sh", 1, 1000),
            task(99, "gone", 30, 0),
        ],
        victims: vec![Victim { pid: 41, comm: "java".to_owned(), ..Victim::default() }],
        ..OomReport::default()
    }
}

fn home(pid: u32) -> Option<String> {
    match pid {
        7 => Some("/system.slice/docker.service".to_owned()),
        8 => Some("/system.slice/systemd-journald.service".to_owned()),
        41 | 42 => Some(format!("{POD}/cri-containerd-{ID}.scope")),
        _ => None,
    }
}

#[test]
fn memory_by_pod_and_by_service_and_three_roles() {
    let seen = count(&report(), home);
    let groups: Vec<_> =
        seen.groups.iter().map(|g| (g.group.as_str(), g.processes, g.rss / MIB)).collect();
    assert_eq!(
        groups,
        [
            ("/system.slice/docker.service", 1, 1900),
            (POD, 2, 401),
            ("/system.slice/systemd-journald.service", 1, 400),
        ]
    );
    assert_eq!((seen.pods / MIB, seen.host / MIB), (401, 2300));
    assert_eq!((seen.unplaced / MIB, seen.unplaced_processes), (30, 1));
    assert_eq!(seen.groups[1].largest.as_ref().map(|role| role.comm.as_str()), Some("java"));
    let role =
        |role: &Option<Role>| role.as_ref().map(|role| role.comm.clone()).unwrap_or_default();
    assert_eq!(
        [role(&seen.trigger), role(&seen.victim), role(&seen.hog)],
        ["kworker", "java", "dockerd"]
    );
}

#[test]
fn the_kernels_arithmetic_in_words() {
    let said = why(&count(&report(), home)).unwrap();
    assert_eq!(
        said,
        "The kernel kills whoever scores highest: pid 41 (java) scored 4.2 GiB, of which 3.9 GiB for its oom_score_adj \
         of 1000, a BestEffort pod; pid 7 (dockerd), which held the most, scored -2 GiB with its -999, a daemon of the \
         node."
    );
    let mut exempt = report();
    exempt.tasks[0].oom_score_adj = Some(-1000);
    let said = why(&count(&exempt, home)).unwrap();
    assert!(
        said.ends_with("dockerd), which held the most, is exempt (oom_score_adj -1000)."),
        "{said}"
    );
    let mut itself = report();
    itself.tasks.retain(|task| task.pid == 41);
    itself.tasks[0].oom_score_adj = Some(0);
    let said = why(&count(&itself, home)).unwrap();
    assert_eq!(said, "The kernel kills whoever scores highest: pid 41 (java) scored 400 MiB.");
    itself.tasks.clear();
    assert_eq!(why(&count(&itself, home)), None);
}

#[test]
fn scores_of_extremes_do_not_wrap() {
    let huge = TaskRow { rss: Some(u64::MAX), swap: Some(u64::MAX), ..TaskRow::default() };
    assert_eq!(badness(&huge, Some(u64::MAX)), None);
    assert_eq!(badness(&task(1, "a", 1, i32::MIN), Some(1)), None);
    assert_eq!(badness(&task(1, "a", 1, 5), None), None);
    assert_eq!(badness(&TaskRow::default(), Some(1)), None);
}

#[test]
fn only_so_many_groups_are_listed() {
    let mut report = report();
    report.tasks = (1..=100).map(|pid| task(pid, "a", u64::from(pid), 0)).collect();
    let seen = count(&report, |pid| Some(format!("/system.slice/s{pid}.service")));
    assert_eq!((seen.groups.len(), seen.groups_beyond), (LISTED, 76));
    assert_eq!((seen.groups[0].rss / MIB, seen.host / MIB), (100, 5050));
}
