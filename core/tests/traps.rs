//! Ways of the kernel log that have misled other readers, those that no recording shows: `docs/testing.md` lists all.

#![allow(clippy::expect_used, reason = "a test may fail")]

use coroner_core::cgroup::identify;
use coroner_core::kernel::{KernelEvent, OomReport, Scope};
use coroner_core::kernel_log::{Options, Parser};
use rstest::rstest;

const ID: &str = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945";

fn read(records: &[String], page_size: u64) -> Vec<KernelEvent> {
    let mut parser = Parser::new(Options { page_size });
    let mut events = Vec::new();
    for (n, record) in records.iter().enumerate() {
        let raw = format!("6,{},{},-;{record}\n", 100 + n, 5_000_000 + n);
        parser.record(raw.as_bytes(), &mut |event| events.push(event));
    }
    parser.finish(&mut |event| events.push(event));
    events
}

fn only_report(events: &[KernelEvent]) -> &OomReport {
    let mut reports = events.iter().filter_map(|event| match event {
        KernelEvent::Oom(report) => Some(report),
        _ => None,
    });
    let report = reports.next().expect("a report");
    assert!(reports.next().is_none());
    report
}

fn group() -> String {
    format!("/kubepods/burstable/pod1a2b3c4d-0000-4000-8000-000000000001/{ID}")
}

fn summary(constraint: &str) -> String {
    let group = group();
    format!(
        "oom-kill:constraint={constraint},nodemask=(null),cpuset={ID},mems_allowed=0,oom_memcg={group},task_memcg={group},task=hog,pid=4121,uid=0"
    )
}

const TRIGGER: &str =
    "hog invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0";

fn killed(kb: u64) -> String {
    format!(
        "Memory cgroup out of memory: Killed process 4121 (hog) total-vm:{kb}kB, anon-rss:9984kB, file-rss:1724kB, shmem-rss:0kB, UID:0 pgtables:68kB oom_score_adj:0"
    )
}

/// Constraints are no closed list: a kernel to come may have others, and what it says besides is read all the same.
#[rstest]
#[case("CONSTRAINT_BPF_PSI_MEM")]
#[case("CONSTRAINT_")]
#[case("")]
fn a_constraint_that_nobody_knows_yet_hides_nothing(#[case] constraint: &str) {
    let events = read(&[TRIGGER.to_owned(), summary(constraint), killed(13_320)], 4096);
    let report = only_report(&events);
    assert_eq!(report.constraint.as_deref(), Some(constraint));
    assert_eq!(report.scope, Scope::Cgroup, "the kill line says so");
    let victim = &report.victims[0];
    assert_eq!((victim.pid, victim.cgroup.as_deref()), (4121, Some(group().as_str())));
}

/// The table counts in pages, whose size the log does not say.
#[rstest]
#[case(4096)]
#[case(16_384)]
#[case(65_536)]
fn the_table_counts_in_pages_of_any_size(#[case] page: u64) {
    let records = [
        TRIGGER.to_owned(),
        "Tasks state (memory values in pages):".to_owned(),
        "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name"
            .to_owned(),
        "[   4121]     0  4121      832      157      128       29         0    69632        0             0 hog"
            .to_owned(),
        summary("CONSTRAINT_MEMCG"),
        killed(832 * page / 1024),
    ];
    // On the machine itself, and from a log of another machine: the kill line is in kB and tells.
    for known in [page, 4096] {
        let events = read(&records, known);
        let task = &only_report(&events).tasks[0];
        assert_eq!((task.total_vm, task.rss), (Some(832 * page), Some(157 * page)), "{known}");
    }
}

/// printk cuts a record at about a kilobyte: deep paths lose what stands behind them.
#[test]
fn a_summary_that_was_cut_anywhere_still_has_its_kill() {
    let whole = summary("CONSTRAINT_MEMCG");
    for end in "oom-kill:constraint=".len()..whole.len() {
        let cut = whole[..end].to_owned();
        let events = read(&[TRIGGER.to_owned(), cut.clone(), killed(13_320)], 4096);
        let report = only_report(&events);
        assert_eq!(report.victims.len(), 1, "{cut}");
        assert_eq!(report.victims[0].pid, 4121, "{cut}");
        assert_eq!(report.incomplete, ["the oom-kill line is cut off"], "{cut}");
        // What is left of a path is kept, with what may belong to its name, and names no other container.
        if let Some(path) = report.victims[0].cgroup.as_deref() {
            assert!(!path.is_empty(), "{cut}");
            let container = identify(path).pod_container_id;
            assert!(container.is_none_or(|id| id == ID), "{cut}: {path:?}");
        }
    }
}

/// Early 5.0 kernels print the summary in two records: only where the end of the second is missing something is cut.
#[rstest]
#[case(0, false)]
#[case(5, true)]
#[case(60, true)]
fn a_summary_in_two_records_is_whole(#[case] missing: usize, #[case] cut: bool) {
    let whole = summary("CONSTRAINT_MEMCG");
    let (first, second) = whole.split_at(whole.find(",oom_memcg=").expect("it is there"));
    let second = &second[..second.len() - missing];
    let records = [TRIGGER.to_owned(), first.to_owned(), second.to_owned(), killed(13_320)];
    let events = read(&records, 4096);
    let report = only_report(&events);
    assert_eq!(report.victims[0].pid, 4121);
    assert_eq!(!report.incomplete.is_empty(), cut, "{:?}", report.incomplete);
}

/// Whoever may write to /dev/kmsg may write what reads like the kernel, but not as facility 0.
#[rstest]
#[case(0, true)]
#[case(6, true)]
#[case(8 + 3, false)]
#[case(3 * 8 + 6, false)]
#[case(4095 * 8, false)]
fn only_facility_0_is_the_kernels_word(#[case] priority: u32, #[case] kernel: bool) {
    let mut parser = Parser::new(Options::default());
    let mut events = Vec::new();
    let raw = format!("{priority},7,5000000,-;{}\n", killed(13_320));
    parser.record(raw.as_bytes(), &mut |event| events.push(event));
    parser.finish(&mut |event| events.push(event));
    let told = events.iter().any(|event| matches!(event, KernelEvent::Oom(_)));
    let unverified = events.iter().any(|event| matches!(event, KernelEvent::Unverified(_)));
    assert_eq!((told, unverified), (kernel, !kernel), "{events:?}");
}
