//! Where the memory went, as one stacked bar with the limit as a line, drawn as SVG.
//!
//! Numbers stand beside the picture as text: who does not see it is told the same.

use coroner_core::bytes::Bytes;
use coroner_core::kernel::MemoryParts;
use maud::{Markup, html};

/// Width of the picture, in its own units.
const WIDTH: u64 = 1000;

/// A group's memory at its limit. Nothing where the report has no parts.
pub(super) fn memory(parts: MemoryParts, usage: Option<u64>, limit: Option<u64>) -> Markup {
    let Some(known) = parts.sum() else { return html! {} };
    let kinds = [
        ("anonymous", "Anonymous (processes)", parts.anonymous),
        ("shared", "tmpfs and shared", parts.shared),
        ("cache", "File cache", parts.cache),
        ("kernel", "Kernel", parts.kernel),
    ];
    let used = usage.unwrap_or(known).max(known);
    let rest = used - known;
    let kinds = kinds.into_iter().chain([("rest", "Not listed", (rest > 0).then_some(rest))]);
    let kinds: Vec<(&str, &str, u64)> =
        kinds.filter_map(|(class, name, bytes)| Some((class, name, bytes?))).collect();
    let scale = used.max(limit.unwrap_or(0)).max(1);
    // Widths are cut from running sums, so that rounding leaves neither a crack nor an overlap.
    let place = |bytes: u64| {
        u64::try_from(u128::from(bytes) * u128::from(WIDTH) / u128::from(scale)).unwrap_or(WIDTH)
    };
    let mut sum = 0;
    let pieces: Vec<(&str, u64, u64)> = kinds
        .iter()
        .map(|(class, _, bytes)| {
            let from = place(sum);
            sum += bytes;
            (*class, from, place(sum))
        })
        .collect();
    html! {
        figure {
            svg.bar viewBox={ "0 0 " (WIDTH) " 60" } preserveAspectRatio="none" role="img"
                aria-label="What the memory was made of; the figures stand below" {
                @for (class, from, to) in &pieces {
                    rect class=(class) x=(from) y="10" width=(to - from) height="40" {}
                }
                @if let Some(limit) = limit {
                    @let at = place(limit).min(WIDTH - 2);
                    rect.limit x=(at) y="0" width="3" height="60" {}
                }
            }
            figcaption {
                ul.legend {
                    @for (class, name, bytes) in &kinds {
                        li { span class={ "key " (class) } {} (name) ": " (Bytes(*bytes)) }
                    }
                    @if let Some(limit) = limit {
                        li { span.key.limit {} "Limit: " (Bytes(limit)) }
                    }
                }
            }
        }
    }
}
