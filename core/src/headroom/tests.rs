//! Nodes with and without reservations, of both cgroup versions; quantities as people write them.

use rstest::rstest;

use super::*;
use crate::finding::{Concern, Headroom, KernelMemory, Occasion, ProcessUse};

const GIB: u64 = 1 << 30;

fn memory(total: u64, available: u64) -> Meminfo {
    Meminfo { total: Some(total), available: Some(available), ..Meminfo::default() }
}

fn pods(held: u64, limit: Limit) -> GroupUse {
    GroupUse {
        group: "/kubepods.slice".to_owned(),
        usage: Some(held + GIB),
        held: Some(held),
        limit: Some(limit),
    }
}

#[test]
fn what_is_outside_is_what_is_neither_available_nor_the_pods() {
    let node = memory(16 * GIB, 6 * GIB);
    let group = pods(7 * GIB, Limit::Bytes(14 * GIB));
    assert_eq!(outside(&node, Some(&group)), Some(3 * GIB));
    assert_eq!(outside(&node, None), Some(10 * GIB));
    // Sampled a moment apart the pods may seem to hold more than is gone.
    assert_eq!(outside(&node, Some(&pods(11 * GIB, Limit::Unlimited))), Some(0));
    assert_eq!(outside(&Meminfo::default(), Some(&group)), None);
    assert_eq!(outside(&node, Some(&GroupUse { held: None, ..group.clone() })), None);
    assert_eq!(enforced(Some(16 * GIB), Some(&group)), Some(2 * GIB));
    assert_eq!(enforced(Some(GIB), Some(&group)), None, "a limit above capacity reserves nothing");
    assert_eq!(enforced(Some(16 * GIB), Some(&pods(0, Limit::Unlimited))), None);
}

#[test]
fn the_kubelets_own_numbers_go_before_what_follows_from_the_limit() {
    let group = pods(0, Limit::Bytes(14 * GIB));
    let of = |declared| reservation(Some(16 * GIB), Some(&group), declared).bytes();
    assert_eq!(of((None, None)), Some(2 * GIB));
    assert_eq!(of((Some(GIB), None)), Some(GIB));
    assert_eq!(of((Some(GIB), Some(GIB / 2))), Some(GIB + GIB / 2));
}

/// Concerns after each sample of the use outside of pods, in tenths of the 2 GiB reserved.
fn concerns(
    tenths: &[u64],
    limit: Limit,
    declared: Option<u64>,
) -> Vec<(Option<Change>, Vec<Concern>)> {
    let mut alarms = Alarms::default();
    let group = pods(0, limit);
    let reservation = reservation(Some(16 * GIB), Some(&group), (declared, None));
    tenths
        .iter()
        .map(|tenths| {
            let outside = Some(2 * GIB * tenths / 10);
            let change = alarms.sample(Some(16 * GIB), Some(&group), &reservation, outside);
            (change, alarms.concerns())
        })
        .collect()
}

#[test]
fn near_then_over_then_well_again() {
    use Concern::{NearReservation as Near, OverReservation as Over};
    let limit = Limit::Bytes(14 * GIB);
    let seen = concerns(&[5, 10, 10, 11, 11, 9, 9, 9, 8, 8, 8, 8], limit, None);
    let changes: Vec<_> =
        seen.iter().enumerate().filter_map(|(n, (c, _))| c.map(|c| (n, c))).collect();
    assert_eq!(
        changes,
        [(2, Change::Raised), (4, Change::Raised), (7, Change::Cleared), (10, Change::Cleared)]
    );
    assert_eq!(
        (seen[2].1.as_slice(), seen[4].1.as_slice()),
        ([Near].as_slice(), [Over].as_slice())
    );
    assert_eq!((seen[7].1.as_slice(), seen[10].1.len()), ([Near].as_slice(), 0));
    let dance = concerns(&[10, 8, 10, 8, 10, 8], limit, None);
    assert!(dance.iter().all(|(change, _)| change.is_none()), "{dance:?}");
}

#[test]
fn a_group_without_a_limit_is_a_concern_at_once_and_only_once() {
    for limit in [Limit::Unlimited, Limit::Bytes(16 * GIB)] {
        let seen = concerns(&[5, 50, 5], limit, None);
        assert_eq!(seen[0], (Some(Change::Raised), vec![Concern::NoPodsLimit]));
        assert_eq!((seen[1].0, seen[2].0), (None, None));
    }
}

#[test]
fn a_limit_that_leaves_less_than_was_promised_is_overcommitted() {
    // 4 GiB are promised to the host, but the pods may take all but 2.
    let seen = concerns(&[12, 12], Limit::Bytes(14 * GIB), Some(4 * GIB));
    assert_eq!(seen[1].1, [Concern::Overcommitted]);
}

#[test]
fn the_most_is_kept_for_a_week_and_says_how_long_was_watched() {
    let mut most = Most::default();
    assert_eq!(most.at(5), None);
    most.add(100, 7);
    most.add(200, 3);
    assert_eq!(most.at(200).map(|m| (m.bytes, m.seconds)), Some((7, 100)));
    for hour in 1..=7 * 24 {
        most.add(hour * 3600, 5);
    }
    let now = 7 * 24 * 3600;
    assert_eq!(
        most.at(now).map(|m| (m.bytes, m.seconds)),
        Some((5, now - 3600)),
        "the peak is over a week old"
    );
}

#[rstest]
#[case("512Mi", Some(512 << 20))]
#[case("1.5Gi", Some(3 << 29))]
#[case(" 1Gi ", Some(1 << 30))]
#[case("1e9", Some(1_000_000_000))]
#[case("1E3", Some(1000))]
#[case("2E", Some(2_000_000_000_000_000_000))]
#[case("128974848", Some(128_974_848))]
#[case("100M", Some(100_000_000))]
#[case("1500m", Some(2))]
#[case(".5Ki", Some(512))]
#[case("0", Some(0))]
#[case("15Ei", Some(15 << 60))]
#[case("16Ei", None)]
#[case("", None)]
#[case("Mi", None)]
#[case("1.2.3Gi", None)]
#[case("-1Gi", None)]
#[case("1GiB", None)]
#[case("1 Gi", None)]
#[case("1e99", None)]
#[case("123456789012345678901", None)]
#[case("\u{1b}[2J", None)]
fn quantities(#[case] text: &str, #[case] bytes: Option<u64>) {
    match quantity(text) {
        Ok(read) => assert_eq!(Some(read), bytes),
        Err(error) => {
            assert_eq!(bytes, None);
            assert!(!error.to_string().contains('\u{1b}'), "{error}");
        }
    }
}

#[rstest]
#[case("500m", Some(500))]
#[case("0.5", Some(500))]
#[case("2", Some(2000))]
#[case("+1", Some(1000))]
#[case("100u", Some(1))]
#[case("1500000n", Some(2))]
#[case("1e-1", Some(100))]
#[case("1k", Some(1_000_000))]
#[case("1e-19", None)]
#[case("20E", None)]
#[case("-1", None)]
#[case("+", None)]
fn thousandths(#[case] text: &str, #[case] wanted: Option<u64>) {
    assert_eq!(quantity_in_thousandths(text).ok(), wanted);
}

/// The `memory.stat` of a version 2 group on 7.2 and 5.10, and of a version 1 group on 6.1 (shortened).
#[rstest]
#[case::with_kernel(
    "anon 1000\nfile 5000\nkernel 300\nsock 7\nshmem 200\nslab_reclaimable 100\nslab_unreclaimable 50\n",
    Some(1407)
)]
#[case::in_parts(
    "anon 1000\nfile 5000\nkernel_stack 10\nshmem 200\nslab_reclaimable 100\nslab_unreclaimable 50\npercpu 1\nsock 7\n",
    Some(1268)
)]
#[case::other("cache 5\nrss 3\n", None)]
#[case::nothing("", None)]
fn held_of_version_2(#[case] stat: &str, #[case] held: Option<u64>) {
    assert_eq!(held_v2(stat), held);
}

#[test]
fn held_of_version_1() {
    let stat = "cache 9\nrss 1\nshmem 1\ntotal_cache 900\ntotal_rss 100\ntotal_shmem 30\n";
    assert_eq!((held_v1(stat, Some(5)), held_v1(stat, None)), (Some(135), Some(130)));
    assert_eq!(held_v1("anon 5\n", None), None);
}

#[test]
fn meminfo_of_old_and_new_kernels() {
    let new = "MemTotal: 449648 kB\nMemAvailable: 405968 kB\nShmem: 2740 kB\nSUnreclaim: 8320 kB\nKernelStack: 848 kB\n\
               PageTables: 400 kB\nSecPageTables: 8 kB\nPercpu: 284 kB\nHugePages_Total: 3\nHugePages_Free: 2\n\
               HugePages_Rsvd: 1\nHugepagesize: 2048 kB\nHugetlb: 1054720 kB\n";
    let read = Meminfo::read(new);
    assert_eq!((read.total, read.kernel.page_tables), (Some(449_648 << 10), Some(408 << 10)));
    assert_eq!(
        (read.huge_pages.total, read.huge_pages.free),
        (Some(1_054_720 << 10), Some(4 << 20))
    );
    assert_eq!(read.kernel.sum(), Some((8320 + 848 + 408 + 284 + 1_054_720) << 10));
    let old = Meminfo::read("HugePages_Total: 3\nHugepagesize: 2048 kB\n");
    assert_eq!((old.huge_pages.total, old.available), (Some(6 << 20), None));
    assert_eq!(Meminfo::read("\0\u{fffd}garbage"), Meminfo::default());
}

#[test]
fn a_node_whose_host_grew_in_words() {
    let headroom = Headroom {
        occasion: Occasion::Incident,
        capacity: Some(16 * GIB),
        available: Some(GIB),
        pods: Some(pods(10 * GIB, Limit::Bytes(29 * GIB / 2))),
        reservation: Reservation {
            kube: Some(GIB),
            system: Some(GIB / 2),
            enforced: Some(3 * GIB / 2),
        },
        outside: Some(31 * GIB / 10),
        kernel: KernelMemory { slab_unreclaimable: Some(GIB), ..KernelMemory::default() },
        shmem: None,
        groups: Vec::new(),
        processes: vec![
            ProcessUse {
                pid: 7,
                comm: "dockerd".to_owned(),
                group: None,
                rss: Some(19 * GIB / 10),
            },
            ProcessUse {
                pid: 9,
                comm: "journald".to_owned(),
                group: None,
                rss: Some(4 * GIB / 10),
            },
        ],
        most: Some(crate::finding::MostOutside { bytes: 31 * GIB / 10, seconds: 7300 }),
        concerns: vec![Concern::OverReservation],
    };
    let said = sentences(&headroom).join("\n");
    for words in [
        "Processes outside pods and the kernel hold 3 GiB; kube-reserved + system-reserved is 1.5 GiB.",
        "Largest: dockerd 1.8 GiB, journald 409 MiB.",
        "In the 2 h that were watched, the smallest kube-reserved + system-reserved that would have been enough is 3 GiB.",
        "Use outside of pods has passed what is reserved for it (3 GiB of 1.5 GiB): pods within",
    ] {
        assert!(said.contains(words), "`{words}` is not in\n{said}");
    }
}
