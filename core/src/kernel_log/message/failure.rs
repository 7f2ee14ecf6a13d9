//! Allocations that failed without a kill (`mm/page_alloc.c`, `mm/slub.c`, `mm/vmalloc.c`).

use super::super::fields::{after, between, number_after, signed_after};
use super::{Message, header, name_before};

pub(super) fn parse(text: &str) -> Option<Message<'_>> {
    page_allocation(text).or_else(|| slab(text)).or_else(|| vmalloc(text))
}

fn page_allocation(text: &str) -> Option<Message<'_>> {
    const MARKER: &str = ": page allocation failure";
    let comm = name_before(text, MARKER)?;
    let rest = &text[comm.len() + MARKER.len()..];
    // A full stop up to 2.6.39, a colon since.
    rest.starts_with(['.', ':']).then_some(())?;
    Some(Message::PageAllocationFailure {
        comm,
        order: signed_after(rest, "order:"),
        gfp_mask: header::gfp_mask(rest, "mode:"),
        cpuset: after(rest, ",cpuset=")
            .and_then(|rest| rest.rfind(",mems_allowed=").map(|end| &rest[..end])),
    })
}

fn slab(text: &str) -> Option<Message<'_>> {
    if let Some(rest) = text.strip_prefix("SLUB: Unable to allocate memory on ") {
        return Some(Message::SlabFailure {
            node: signed_after(rest, "node "),
            gfp_mask: between(rest, "gfp=", ")").map(|mask| mask.split('(').next().unwrap_or(mask)),
        });
    }
    None
}

/// The second line of a slab failure.
pub(super) fn slab_cache(text: &str) -> Option<Message<'_>> {
    let rest = text.strip_prefix("cache: ")?;
    let end = rest.find(", object size: ")?;
    Some(Message::SlabCache {
        cache: &rest[..end],
        default_order: signed_after(rest, "default order: "),
        min_order: signed_after(rest, "min order: "),
    })
}

fn vmalloc(text: &str) -> Option<Message<'_>> {
    if let Some(comm) = name_before(text, ": vmalloc: allocation failure") {
        let rest = &text[comm.len()..];
        let size = between(rest, "allocated ", " bytes")
            .and_then(|sizes| sizes.split(" of ").nth(1)?.parse().ok());
        return Some(Message::Vmalloc {
            comm: Some(comm),
            size: size.or_else(|| number_after(rest, "failure: ")),
        });
    }
    // `COMM: vmalloc error: size N, ..` since 5.13.
    const MARKER: &str = "vmalloc error: size ";
    let at = text.find(MARKER)?;
    let comm = text[..at].strip_suffix(": ");
    (at == 0 || comm.is_some_and(super::plausible_name)).then_some(())?;
    Some(Message::Vmalloc { comm, size: number_after(text, MARKER) })
}
