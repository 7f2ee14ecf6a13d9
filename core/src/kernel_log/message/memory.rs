//! Lines that say how much memory went where (`mm/memcontrol.c`, `lib/show_mem.c`).

use super::super::fields::{kilobytes_after, leading_number, number_after};
use super::{Message, UsageOf, header};
use crate::kernel::FreeArea;

/// A total of the `Mem-Info:` block. The value beside it is in pages unless the name says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Total {
    Ram,
    Reserved,
    Anon,
    File,
    Unevictable,
    Shmem,
    SlabReclaimable,
    SlabUnreclaimable,
    PageTables,
    /// In bytes, of one zone.
    ZoneFreeBytes,
    /// In bytes.
    SwapTotalBytes,
    /// In bytes.
    SwapFreeBytes,
    /// In bytes, of one node and size.
    HugeTotalBytes,
    /// In bytes, of one node and size.
    HugeFreeBytes,
}

/// The counters of the first line, by the kernel's key.
const COUNTERS: [(&str, Total); 9] = [
    ("active_anon", Total::Anon),
    ("inactive_anon", Total::Anon),
    ("active_file", Total::File),
    ("inactive_file", Total::File),
    ("unevictable", Total::Unevictable),
    ("slab_reclaimable", Total::SlabReclaimable),
    ("slab_unreclaimable", Total::SlabUnreclaimable),
    ("shmem", Total::Shmem),
    ("pagetables", Total::PageTables),
];

/// `Mem-Info:` or, before 2.6.27, `Mem-info:`.
pub(super) fn marker(text: &str) -> Option<Message<'_>> {
    (text.trim_end() == "Mem-Info:" || text.trim_end() == "Mem-info:").then_some(Message::MemInfo)
}

pub(super) fn parse(text: &str) -> Option<Message<'_>> {
    match text.as_bytes().first()? {
        b'm' | b's' | b'k' => usage(text).or_else(|| counters(text)),
        b'N' => node(text.strip_prefix("Node ")?),
        b'F' => Some(Message::Totals(vec![(
            Total::SwapFreeBytes,
            swap(text.strip_prefix("Free swap")?)?,
        )])),
        b'T' => Some(Message::Totals(vec![(
            Total::SwapTotalBytes,
            swap(text.strip_prefix("Total swap")?)?,
        )])),
        b'0'..=b'9' => pages(text),
        b' ' | b'a' | b'f' | b'i' | b'u' => counters(text),
        _ => None,
    }
}

fn usage(text: &str) -> Option<Message<'_>> {
    const USAGES: [(&str, UsageOf); 4] = [
        ("memory: usage ", UsageOf::Memory),
        ("memory+swap: usage ", UsageOf::MemorySwap),
        ("swap: usage ", UsageOf::Swap),
        ("kmem: usage ", UsageOf::Kmem),
    ];
    let (_, of) = USAGES.into_iter().find(|(start, _)| text.starts_with(start))?;
    Some(Message::Usage { of, usage: header::usage(text) })
}

/// `130942 pages RAM`, `18530 pages reserved`
fn pages(text: &str) -> Option<Message<'_>> {
    let (pages, rest) = leading_number(text)?;
    let total = match rest.trim_end() {
        " pages RAM" | " pages of RAM" => Total::Ram,
        " pages reserved" | " reserved pages" => Total::Reserved,
        _ => return None,
    };
    Some(Message::Totals(vec![(total, pages)]))
}

/// `active_anon:660 inactive_anon:103625 isolated_anon:0`, with line breaks on 3.x and later.
fn counters(text: &str) -> Option<Message<'_>> {
    const STARTS: [&str; 7] = [
        "active_anon:",
        "active_file:",
        "unevictable:",
        "slab_reclaimable:",
        "mapped:",
        "inactive_anon:",
        "free:",
    ];
    let trimmed = text.trim_start();
    STARTS.iter().any(|start| trimmed.starts_with(start)).then_some(())?;
    let mut totals = Vec::new();
    for word in trimmed.split_ascii_whitespace() {
        let Some((key, value)) = word.split_once(':') else { continue };
        if let Some((_, total)) = COUNTERS.iter().find(|(name, _)| *name == key)
            && let Some((pages, "")) = leading_number(value)
        {
            totals.push((*total, pages));
        }
    }
    Some(Message::Totals(totals))
}

/// `= 0kB` or `= 0kB` behind other blanks; older kernels print `:            0kB`.
fn swap(rest: &str) -> Option<u64> {
    let (kilobytes, unit) = leading_number::<u64>(rest.trim_start_matches([' ', '=', ':']))?;
    unit.starts_with("kB").then(|| kilobytes.checked_mul(1024))?
}

/// A line about one node: its zones' free memory, free blocks, huge pages.
fn node(rest: &str) -> Option<Message<'_>> {
    let (node, rest) = leading_number::<u32>(rest)?;
    let rest = rest.strip_prefix(' ')?;
    if rest.starts_with("hugepages_total=") {
        let size = kilobytes_after(rest, "hugepages_size=")?;
        let bytes = |key| number_after::<u64>(rest, key).and_then(|n| n.checked_mul(size));
        return Some(Message::Totals(
            [
                (Total::HugeTotalBytes, bytes("hugepages_total=")),
                (Total::HugeFreeBytes, bytes("hugepages_free=")),
            ]
            .into_iter()
            .filter_map(|(total, bytes)| Some((total, bytes?)))
            .collect(),
        ));
    }
    if let Some((zone, blocks)) = rest.split_once(": ")
        && !zone.contains(' ')
    {
        let blocks = free_blocks(blocks)?;
        return Some(Message::FreeArea(FreeArea { node, zone: zone.to_owned(), blocks }));
    }
    let (zone, counters) = rest.split_once(' ')?;
    (!zone.contains(':')).then_some(())?;
    let free = kilobytes_after(counters.strip_prefix("free:").map(|_| counters)?, "free:")?;
    Some(Message::Totals(vec![(Total::ZoneFreeBytes, free)]))
}

/// `1*4kB (M) 0*8kB .. = 1668kB` as (block size in bytes, count).
fn free_blocks(text: &str) -> Option<Vec<(u64, u64)>> {
    // MAX_ORDER has never been above 19 on any machine.
    const MOST_ORDERS: usize = 24;
    let mut blocks = Vec::new();
    for word in text.split(' ').filter(|w| !w.is_empty() && !w.starts_with('(')).take(MOST_ORDERS) {
        if word == "=" {
            break;
        }
        let (count, size) = word.split_once('*')?;
        let size: u64 = size.strip_suffix("kB")?.parse().ok()?;
        blocks.push((size.checked_mul(1024)?, count.parse().ok()?));
    }
    (!blocks.is_empty()).then_some(blocks)
}

/// `anon 66736128`: a key of `memory.stat` and its value.
pub(super) fn stat(text: &str) -> Option<(&str, u64)> {
    let (key, value) = text.trim().split_once(' ')?;
    let known = !key.is_empty()
        && key.len() <= 48
        && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    (known && value.bytes().all(|b| b.is_ascii_digit())).then_some(())?;
    Some((key, value.parse().ok()?))
}

/// `cache:0KB rss:32640KB ..` of 5.2 and before, in bytes.
pub(super) fn inline_stats(text: &str) -> Vec<(String, u64)> {
    text.split_ascii_whitespace()
        .take(64)
        .filter_map(|word| {
            let (key, value) = word.split_once(':')?;
            let kilobytes: u64 = value.strip_suffix("KB")?.parse().ok()?;
            Some((key.to_owned(), kilobytes.checked_mul(1024)?))
        })
        .collect()
}
