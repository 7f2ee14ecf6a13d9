//! How free memory is cut, as a small picture: a row for each zone, a column for each size of block.
//!
//! A cell shows how much of the zone's free memory lies in blocks of at least that size, hence could serve a request for
//! one: `#` half of it and more, `+` a fifth, `:` a twentieth, `.` less, `-` none. A zone in good order is `#` from end to
//! end; a fragmented one fades to the right.

use std::fmt::Write as _;

use coroner_core::bytes::Bytes;
use coroner_core::escape::terminal;
use coroner_core::kernel::FreeArea;

/// The picture, lines of at most `width` columns as far as the names of zones allow it. Empty where nothing is known.
pub(super) fn picture(areas: &[FreeArea], width: usize) -> String {
    let mut sizes: Vec<u64> =
        areas.iter().flat_map(|area| area.blocks.iter().map(|(size, _)| *size)).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let names: Vec<String> =
        areas.iter().map(|area| format!("{} {}", area.node, terminal(&area.zone))).collect();
    let (Some(name), false) =
        (names.iter().map(|name| name.chars().count()).max(), sizes.is_empty())
    else {
        return String::new();
    };
    // Largest blocks run out first: where there is no room for all, the smallest are left out.
    const CELL: usize = 5;
    const FREE: usize = 10;
    let name = name.max("zone".len());
    let room = width.saturating_sub(2 + name + FREE) / CELL;
    let sizes = sizes.split_off(sizes.len().saturating_sub(room.max(1)));
    let mut out = String::new();
    let _ = write!(out, "  {:name$}{:>FREE$}", "zone", "free");
    for size in &sizes {
        let _ = write!(out, "{:>CELL$}", short(*size));
    }
    out.push('\n');
    for (area, zone) in areas.iter().zip(names) {
        let held = |least: u64| -> u64 {
            let blocks = area.blocks.iter().filter(|(size, _)| *size >= least);
            blocks.fold(0, |sum, (size, count)| sum.saturating_add(size.saturating_mul(*count)))
        };
        let free = held(0);
        let _ = write!(out, "  {zone:name$}{:>FREE$}", Bytes(free).to_string());
        for size in &sizes {
            let _ = write!(out, "{:>CELL$}", symbol(held(*size), free));
        }
        out.push('\n');
    }
    let _ = writeln!(
        out,
        "  # half of the free memory is in blocks that large, + a fifth, : a 20th, . less"
    );
    out
}

fn symbol(held: u64, free: u64) -> char {
    match u128::from(held) * 100 {
        _ if held == 0 => '-',
        percent if percent >= u128::from(free) * 50 => '#',
        percent if percent >= u128::from(free) * 20 => '+',
        percent if percent >= u128::from(free) * 5 => ':',
        _ => '.',
    }
}

/// `4K`, `2M`.
fn short(bytes: u64) -> String {
    match bytes {
        0..0x400 => bytes.to_string(),
        0x400..0x10_0000 => format!("{}K", bytes >> 10),
        0x10_0000..0x4000_0000 => format!("{}M", bytes >> 20),
        _ => format!("{}G", bytes >> 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(zone: &str, counts: &[u64]) -> FreeArea {
        let blocks = counts.iter().enumerate().map(|(order, count)| (4096 << order, *count));
        FreeArea { node: 0, zone: zone.to_owned(), blocks: blocks.collect() }
    }

    #[test]
    fn a_fragmented_zone_fades_to_the_right() {
        let areas = [
            area("DMA32", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100]),
            area("Normal", &[100_000, 30_000, 4_000, 500, 80, 3, 0, 0, 0, 0, 0]),
            area("Movable", &[0; 11]),
        ];
        insta::assert_snapshot!(picture(&areas, 80), @r"
  zone           free   4K   8K  16K  32K  64K 128K 256K 512K   1M   2M   4M
  0 DMA32     400 MiB    #    #    #    #    #    #    #    #    #    #    #
  0 Normal    708 MiB    #    +    :    .    .    .    -    -    -    -    -
  0 Movable       0 B    -    -    -    -    -    -    -    -    -    -    -
  # half of the free memory is in blocks that large, + a fifth, : a 20th, . less
");
        assert!(picture(&areas, 80).lines().all(|line| line.chars().count() <= 80));
        // Where there is less room, the large blocks stay: those are the ones that run out.
        let narrow = picture(&areas, 40);
        assert!(narrow.contains("4M") && !narrow.contains("  4K"), "{narrow}");
        assert_eq!(picture(&[], 80), "");
        assert_eq!(picture(&[area("x", &[])], 80), "");
        assert!(!picture(&[area("\u{1b}[2J", &[u64::MAX, u64::MAX])], 0).contains('\u{1b}'));
    }
}
