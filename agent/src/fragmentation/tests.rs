//! `/proc` of real guests, and files that are not what the kernel writes.

use std::path::PathBuf;

use rstest::rstest;

use super::*;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/node").join(name)
}

fn open(name: &str) -> FreeBlocks {
    FreeBlocks::open(&fixture(name), 4096).unwrap()
}

fn now(name: &str) -> Fragmentation {
    open(name).now(0, Occasion::Incident, HugePages::default()).unwrap()
}

#[rstest]
#[case("7.2-cut")]
#[case("7.2-after")]
fn a_guest_cut_to_pieces_is_short_of_large_blocks(#[case] name: &str) {
    let seen = now(name);
    let shortage = seen.shortage.unwrap();
    assert_eq!((shortage.zone.as_str(), shortage.order, shortage.blocks_left), ("DMA32", 4, 0));
    assert!(shortage.free > 180 << 20, "{shortage:?}");
    assert_eq!((seen.counters.stalls, seen.counters.failed), (Some(6), Some(6)));
    assert_eq!(seen.counters.huge_fallbacks, Some(0));
    assert!(seen.counters.reclaim_stalls > Some(10), "{:?}", seen.counters);
}

#[rstest]
#[case("7.2-whole")]
#[case("6.1-v1")]
#[case("5.10-v2")]
fn guests_with_whole_memory_are_not(#[case] name: &str) {
    let seen = now(name);
    assert_eq!(seen.shortage, None);
    let zones: Vec<_> = seen.areas.iter().map(|area| area.zone.as_str()).collect();
    assert_eq!(zones, ["DMA", "DMA32"]);
    assert!(seen.areas.iter().all(|area| area.blocks.len() == 11 && area.blocks[4].0 == 65_536));
}

#[test]
fn an_alarm_is_raised_once_with_where_it_came_from() {
    let dir = tempfile::tempdir().unwrap();
    let copy = |from: &str| {
        for file in ["buddyinfo", "zoneinfo", "vmstat"] {
            let text = std::fs::read(fixture(from).join(file)).unwrap();
            std::fs::write(dir.path().join(file), text).unwrap();
        }
    };
    copy("7.2-whole");
    let mut blocks = FreeBlocks::open(dir.path(), 4096).unwrap();
    let mut sample = |at| blocks.sample(at, HugePages::default()).unwrap();
    assert!((0..10).all(|n| sample(n * 20).is_none()));
    copy("7.2-cut");
    let raised: Vec<_> = (10..20).filter_map(|n| sample(n * 20)).collect();
    assert_eq!(raised.len(), 1);
    assert_eq!(raised[0].occasion, Occasion::Raised);
    let shortage = raised[0].shortage.as_ref().unwrap();
    assert_eq!(shortage.earlier.map(|earlier| earlier.unusable_permille), Some(0));
    assert!(
        raised[0].earlier.is_some_and(|e| (60..=120).contains(&e.seconds)),
        "{:?}",
        raised[0].earlier
    );
    copy("7.2-whole");
    let cleared: Vec<_> = (20..30).filter_map(|n| sample(n * 20)).collect();
    assert_eq!(cleared.iter().map(|c| c.occasion).collect::<Vec<_>>(), [Occasion::Cleared]);
}

#[test]
fn without_the_other_files_less_is_said() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(fixture("7.2-cut/buddyinfo"), dir.path().join("buddyinfo")).unwrap();
    let mut blocks = FreeBlocks::open(dir.path(), 4096).unwrap();
    assert!(blocks.detail().contains("without vmstat and zoneinfo"), "{}", blocks.detail());
    let seen = blocks.now(0, Occasion::Incident, HugePages::default()).unwrap();
    assert_eq!(seen.counters, CompactionCounters::default());
    assert!(seen.shortage.is_some());
}

#[rstest]
#[case::absent(None, "cannot open")]
#[case::empty(Some(""), "it holds no zone")]
#[case::other(Some("MemTotal: 1 kB\n"), "the line `MemTotal: 1 kB` is not what the kernel writes")]
#[case::no_counts(Some("Node 0, zone      DMA\n"), "the line `Node 0, zone      DMA` is not")]
#[case::cut(
    Some("Node 0, zone      DMA      1      0\nNode 0, zo"),
    "the line `Node 0, zo` is not"
)]
#[case::negative(Some("Node 0, zone DMA 1 -5\n"), "-5` is not")]
#[case::hostile(Some("Node 0, zone \u{1b}[2J 1 x\n"), "\\x1b[2J 1 x` is not")]
#[case::node(Some("Node 99999999999, zone DMA 1\n"), "is not what")]
#[case::zoneless(Some("Node 0, zone \n"), "is not what")]
fn a_broken_file_is_one_sentence(#[case] text: Option<&str>, #[case] words: &str) {
    let dir = tempfile::tempdir().unwrap();
    if let Some(text) = text {
        std::fs::write(dir.path().join("buddyinfo"), text).unwrap();
    }
    let error = FreeBlocks::open(dir.path(), 4096).unwrap_err().to_string();
    assert!(error.starts_with("free blocks are not watched: ") && error.contains(words), "{error}");
    assert!(error.contains("buddyinfo") && !error.contains('\n'), "{error}");
}

/// Many nodes, more orders than usual, sizes beyond 64 bits: nothing wraps, nothing panics.
#[test]
fn extreme_machines() {
    let line =
        |orders: usize| format!("Node 7, zone Normal{}\n", " 18446744073709551615".repeat(orders));
    let read = |text: &str| BuddyInfo::from_buf_read(text.as_bytes());
    assert!(read(&line(33)).is_err());
    let areas = read(&line(32)).unwrap().areas(1 << 62);
    assert_eq!(
        (areas[0].node, areas[0].blocks.len()),
        (7, 2),
        "orders beyond 64 bits are left out"
    );
    assert_eq!(judge(&areas, &[]).shortage, None);
    assert!(read(&"Node 0, zone Normal 1\n".repeat(5000)).is_err());
}

#[test]
fn zones_of_real_guests_and_of_none() {
    let text = std::fs::read_to_string(fixture("7.2-cut/zoneinfo")).unwrap();
    let sizes = ZoneInfo::from_buf_read(text.as_bytes()).unwrap().sizes(4096);
    let managed: Vec<_> =
        sizes.iter().map(|size| (size.zone.as_str(), size.managed >> 12)).collect();
    assert_eq!(
        managed,
        [("DMA", 3840), ("DMA32", 108_572), ("Normal", 0), ("Movable", 0), ("Device", 0)]
    );
    for broken in ["", "managed 5\n", "Node 0, zone DMA\n managed x\n", "Node x, zone DMA\n"] {
        assert!(ZoneInfo::from_buf_read(broken.as_bytes()).is_err(), "{broken:?}");
    }
    let old = ZoneInfo::from_buf_read("Node 0, zone DMA\n  pages free 5\n".as_bytes()).unwrap();
    assert!(old.sizes(4096).is_empty());
}
