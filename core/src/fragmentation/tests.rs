//! Free blocks as real kernels showed them, and those of machines we do not have.

use super::*;

const MIB: u64 = 1 << 20;

fn area(node: u32, zone: &str, page: u64, counts: &[u64]) -> FreeArea {
    let blocks = counts.iter().enumerate().map(|(order, n)| (page << order, *n)).collect();
    FreeArea { node, zone: zone.to_owned(), blocks }
}

fn size(node: u32, zone: &str, managed: u64) -> ZoneSize {
    ZoneSize { node, zone: zone.to_owned(), managed }
}

/// A guest of 512 MiB whose memory was cut to pieces on purpose (kernel 7.2), and the same before.
const CUT: [u64; 11] = [46_713, 42, 9, 7, 0, 0, 0, 0, 0, 0, 0];
const WHOLE: [u64; 11] = [5, 6, 4, 5, 3, 6, 3, 5, 3, 3, 94];
const DMA: [u64; 11] = [0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 3];

fn guest(counts: &[u64]) -> Judgement {
    let areas = [area(0, "DMA", 4096, &DMA), area(0, "DMA32", 4096, counts)];
    judge(&areas, &[size(0, "DMA", 15 * MIB), size(0, "DMA32", 424 * MIB)])
}

#[test]
fn a_guest_that_was_cut_to_pieces_and_the_same_before() {
    let cut = guest(&CUT);
    assert_eq!((cut.level, cut.unusable_permille), (Level::High, Some(1000)));
    let shortage = cut.shortage.unwrap();
    assert_eq!((shortage.order, shortage.block, shortage.blocks_left), (4, 65_536, 0));
    assert_eq!(
        shortage.to_string(),
        "183 MiB free, but no block of 64 KiB (order 4) in zone DMA32; network and fork allocations of that size \
         will fail"
    );
    let whole = guest(&WHOLE);
    assert_eq!((whole.level, whole.unusable_permille, whole.shortage), (Level::Low, Some(0), None));
}

#[test]
fn the_index_is_the_kernels() {
    let zone = area(0, "Normal", 4096, &[100, 50, 25, 0, 1]);
    // 316 pages in all: 216 of them in blocks of two and more.
    let index = |order: u32| unusable_permille(std::iter::once(&zone), 4096 << order);
    assert_eq!(
        (index(0), index(1), index(2), index(3)),
        (Some(0), Some(316), Some(632), Some(949))
    );
    assert_eq!((index(4), index(5)), (Some(949), Some(1000)));
    assert_eq!(unusable_permille(std::iter::once(&area(0, "N", 4096, &[0, 0])), 4096), None);
    assert_eq!(unusable_permille(std::iter::empty(), 4096), None);
    let huge = area(0, "N", 4096, &[u64::MAX, u64::MAX]);
    assert_eq!(unusable_permille(std::iter::once(&huge), 8192), Some(0), "saturated, not wrapped");
}

#[test]
fn small_zones_and_those_the_kernel_cannot_use_do_not_count() {
    let bad = [5_000, 0, 0, 0, 0, 0];
    let good = [0, 0, 0, 0, 100_000, 0];
    let sizes = [
        size(0, "DMA", 15 * MIB),
        size(0, "DMA32", 2048 * MIB),
        size(0, "Normal", 62_000 * MIB),
        size(0, "Movable", 62_000 * MIB),
    ];
    // DMA and DMA32 look bad, and nobody minds.
    let areas =
        [area(0, "DMA", 4096, &bad), area(0, "DMA32", 4096, &bad), area(0, "Normal", 4096, &good)];
    assert_eq!(judge(&areas, &sizes).level, Level::Low);
    // Movable has all the blocks one could wish for, and the kernel gets none of them.
    let areas =
        [area(0, "Normal", 4096, &[2_000_000, 0, 0, 0, 0]), area(0, "Movable", 4096, &good)];
    assert_eq!(judge(&areas, &sizes).shortage.map(|s| s.order), Some(1));
    // Without sizes only the oldest of the small zones is known.
    let areas = [area(0, "DMA", 4096, &bad), area(0, "Normal", 4096, &[100_000, 0, 0, 0, 0])];
    assert_eq!(judge(&areas, &[]).level, Level::High);
}

#[test]
fn several_nodes_serve_each_other() {
    let cut = [1_000_000, 0, 0, 0, 0];
    let sizes = [size(0, "Normal", 8192 * MIB), size(1, "Normal", 8192 * MIB)];
    let areas = [area(0, "Normal", 4096, &cut), area(1, "Normal", 4096, &[0, 0, 0, 0, 50_000])];
    assert_eq!(judge(&areas, &sizes).level, Level::Low);
    let areas =
        [area(0, "Normal", 4096, &cut[..1]), area(1, "Normal", 4096, &[1_100_000, 0, 0, 0, 0])];
    let shortage = judge(&areas, &sizes).shortage.unwrap();
    assert_eq!((shortage.node, shortage.free), (1, 2_100_000 * 4096));
    assert!(shortage.to_string().contains("in zone Normal of memory node 1;"), "{shortage}");
}

#[test]
fn memory_that_is_used_up_is_not_scattered() {
    let sizes = [size(0, "Normal", 8192 * MIB)];
    // 3 % free: between the two thresholds of nothing, so it is not alarming.
    assert_eq!(judge(&[area(0, "Normal", 4096, &[60_000, 0, 0, 0, 0])], &sizes).level, Level::Low);
    assert_eq!(
        judge(&[area(0, "Normal", 4096, &[110_000, 0, 0, 0, 0])], &sizes).level,
        Level::Between
    );
    assert_eq!(judge(&[area(0, "Normal", 4096, &[0, 0, 0, 0, 0])], &sizes).level, Level::Low);
    assert_eq!(judge(&[], &sizes).level, Level::Low);
    assert_eq!(judge(&[FreeArea::default()], &[]).level, Level::Low);
}

/// With pages of 64 KiB one page is enough; of 16 KiB an order of 2.
#[test]
fn other_page_sizes() {
    let sizes = [size(0, "Normal", 1024 * MIB)];
    assert_eq!(judge(&[area(0, "Normal", 65_536, &[9_000, 0, 0])], &sizes).level, Level::Low);
    let shortage = judge(&[area(0, "Normal", 16_384, &[9_000, 10, 0])], &sizes).shortage.unwrap();
    assert_eq!((shortage.order, shortage.block), (2, 65_536));
}

#[test]
fn a_few_blocks_left_are_said_to_be_few() {
    let shortage = guest(&[46_000, 40, 10, 5, 3, 1]).shortage.unwrap();
    assert_eq!((shortage.order, shortage.blocks_left), (4, 5));
    assert!(shortage.to_string().contains("only 5 blocks of 64 KiB (order 4)"), "{shortage}");
    assert!(shortage.to_string().ends_with("will soon fail"), "{shortage}");
}

#[test]
fn the_alarm_tells_where_it_came_from_and_ends_once() {
    let mut watch = Watch::default();
    for minute in 0..10 {
        assert_eq!(watch.sample(minute * 60, &guest(&WHOLE)), None);
    }
    assert_eq!(watch.sample(600, &guest(&CUT)), None, "one sample may be a moment");
    let Some(WatchChange::Raised(shortage)) = watch.sample(620, &guest(&CUT)) else {
        panic!("not raised");
    };
    assert_eq!(shortage.earlier.map(|e| (e.seconds, e.unusable_permille)), Some((620, 0)));
    assert!(
        shortage
            .to_string()
            .ends_with("100.0 % of free memory is in smaller blocks, 0.0 % were 10 min before")
    );
    let after: Vec<_> = (0..6).map(|n| watch.sample(640 + n * 20, &guest(&WHOLE))).collect();
    assert_eq!(after.iter().flatten().count(), 1);
    assert_eq!(after[2], Some(WatchChange::Cleared));
}
