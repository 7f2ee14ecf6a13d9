//! How a node's memory was over a time, drawn as SVG: what was held outside of pods against what is reserved for it, and how
//! much of the free memory was in blocks too small for each order.
//!
//! A sample speaks until the next one, but no longer than it takes until there must be one: what lies after that is left
//! empty, since nobody looked. The figures stand below each picture as a table: who does not see it is told the same.

use coroner_core::bytes::Bytes;
use coroner_core::finding::{Fragmentation, Headroom};
use coroner_core::fragmentation::unusable_permille;
use coroner_core::incident::whole_seconds;
use coroner_core::kernel::FreeArea;
use coroner_core::spans::Span;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::shown;
use crate::query::PARTS;

/// Width of the pictures, in their own units.
const WIDTH: i64 = 1000;

/// Height of the picture of the headroom.
const HEIGHT: u64 = 200;

/// Agents hand on a sample each hour; this leaves ten minutes for it to be late.
const EACH_HOUR: SignedDuration = SignedDuration::from_mins(70);

/// Zones that are drawn; a machine with many memory nodes has dozens.
const ZONES: usize = 12;

/// Height of an order in the heat map.
const ROW: usize = 10;

/// How long a sample speaks at most. Of a long time one in each part is read, the last of it.
fn speaks(window: &Span) -> SignedDuration {
    let part = window.to.duration_since(window.from) / PARTS;
    if part < EACH_HOUR { EACH_HOUR } else { part.saturating_add(EACH_HOUR) }
}

/// From where to where each sample speaks, in units of the width.
fn places<T>(window: &Span, samples: &[(Timestamp, T)]) -> Vec<(i64, i64)> {
    let whole = window.to.duration_since(window.from).as_millis().max(1);
    let place = |at: Timestamp| {
        let since = at.duration_since(window.from).as_millis().clamp(0, whole);
        i64::try_from(since * i128::from(WIDTH) / whole).unwrap_or(WIDTH)
    };
    let speaks = speaks(window);
    let next = samples.iter().skip(1).map(|(time, _)| *time).chain([window.to]);
    let span = |((time, _), next): (&(Timestamp, T), Timestamp)| {
        let end = time.checked_add(speaks).unwrap_or(Timestamp::MAX).min(next);
        let from = place(*time);
        (from, place(end).max(from + 1))
    };
    samples.iter().zip(next).map(span).collect()
}

/// Where the window begins and ends, under a picture.
fn ends(window: &Span) -> Markup {
    html! {
        p.ends { span { (whole_seconds(window.from)) } " " span { (whole_seconds(window.to)) } }
    }
}

/// What was held outside of pods, with the reservation as a line. Nothing where no sample tells.
pub(super) fn headroom(window: &Span, samples: &[(Timestamp, Headroom)]) -> Markup {
    let known = |(_, sample): &&(Timestamp, Headroom)| sample.outside.is_some();
    let most = samples.iter().filter(known).max_by_key(|(_, sample)| sample.outside);
    let Some((when, Some(most))) = most.map(|(when, sample)| (*when, sample.outside)) else {
        return html! {};
    };
    let reserved = samples.iter().filter_map(|(_, sample)| sample.reservation.bytes()).max();
    let top = most.max(reserved.unwrap_or(0)).saturating_add(most / 10).max(1);
    let height = |bytes: u64| {
        u64::try_from(u128::from(bytes) * u128::from(HEIGHT) / u128::from(top)).unwrap_or(HEIGHT)
    };
    let over = |sample: &Headroom| match (sample.outside, sample.reservation.bytes()) {
        (Some(outside), Some(reserved)) => outside > reserved,
        _ => false,
    };
    let times_over = samples.iter().filter(|(_, sample)| over(sample)).count();
    let drawn: Vec<(&Headroom, (i64, i64))> =
        samples.iter().map(|(_, sample)| sample).zip(places(window, samples)).collect();
    html! {
        figure {
            svg.headroom viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                aria-label="Memory held outside of pods over time, with the reservation as a line; the figures stand below" {
                @for (sample, (from, to)) in &drawn {
                    @if let Some(outside) = sample.outside.map(height) {
                        rect class=(if over(sample) { "outside over" } else { "outside" })
                            x=(from) y=(HEIGHT - outside) width=(to - from) height=(outside) {}
                    }
                    @if let Some(reserved) = sample.reservation.bytes().map(height) {
                        rect.limit x=(from) y=(HEIGHT - reserved) width=(to - from) height="2" {}
                    }
                }
            }
            (ends(window))
            figcaption {
                ul.legend {
                    li { span.key.outside {} "Held outside of pods: at most " (Bytes(most)) ", at " (whole_seconds(when)) }
                    @match reserved {
                        Some(reserved) => {
                            li { span.key.limit {} "Reserved: " (Bytes(reserved)) }
                            li { span.key.over {} "Above it in " (times_over) " of " (samples.len()) " samples" }
                        },
                        None => li { "What is reserved is not known." },
                    }
                }
                details {
                    summary { "Figures" }
                    div.wide { table {
                        thead { tr {
                            th scope="col" { "Time" } th scope="col" { "Outside of pods" }
                            th scope="col" { "Reserved" } th scope="col" { "Available" }
                        } }
                        tbody { @for (time, sample) in samples.iter().rev() { tr {
                            td.time { (whole_seconds(*time)) }
                            td { (amount(sample.outside)) } td { (amount(sample.reservation.bytes())) }
                            td { (amount(sample.available)) }
                        } } }
                    } }
                }
            }
        }
    }
}

fn amount(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_owned(), |bytes| Bytes(bytes).to_string())
}

/// A zone of a memory node.
type Zone<'a> = (u32, &'a str);

/// Free memory by zone, order and time. Nothing where no sample tells.
pub(super) fn fragmentation(window: &Span, samples: &[(Timestamp, Fragmentation)]) -> Markup {
    let Some((_, newest)) = samples.last() else { return html! {} };
    let zones: Vec<Zone<'_>> =
        newest.areas.iter().map(|area| (area.node, area.zone.as_str())).collect();
    let more = zones.len().saturating_sub(ZONES);
    let places = places(window, samples);
    html! {
        @for zone in zones.iter().take(ZONES) { (heat_map(*zone, window, samples, &places)) }
        @if more > 0 { p { "And " (more) " zones more." } }
    }
}

/// One zone: a row for each order, the largest on top.
fn heat_map(
    zone: Zone<'_>,
    window: &Span,
    samples: &[(Timestamp, Fragmentation)],
    places: &[(i64, i64)],
) -> Markup {
    let of = |sample: &'_ Fragmentation| -> Option<FreeArea> {
        sample.areas.iter().find(|area| (area.node, area.zone.as_str()) == zone).cloned()
    };
    let areas: Vec<Option<FreeArea>> = samples.iter().map(|(_, sample)| of(sample)).collect();
    let Some(newest) = areas.last().and_then(Option::as_ref) else { return html! {} };
    let orders = newest.blocks.len();
    let permille = |area: &FreeArea, order: usize| {
        let (block, _) = area.blocks.get(order)?;
        unusable_permille(std::iter::once(area), *block)
    };
    // Tenths, and neighbours alike become one: a picture of some kilobytes, not of a megabyte.
    let mut cells: Vec<(usize, u32, i64, i64)> = Vec::new();
    for order in 1..orders {
        for (area, (from, to)) in areas.iter().zip(places) {
            let tenths =
                area.as_ref().and_then(|area| permille(area, order)).map(|p| p.div_ceil(100));
            let Some(tenths) = tenths else { continue };
            match cells.last_mut() {
                Some((o, t, _, end)) if *o == order && *t == tenths && *end >= *from => *end = *to,
                _ => cells.push((order, tenths, *from, *to)),
            }
        }
    }
    let worst =
        |order: usize| areas.iter().flatten().filter_map(|area| permille(area, order)).max();
    let (node, name) = (zone.0, shown(zone.1));
    let height = orders.saturating_sub(1) * ROW;
    html! {
        figure {
            figcaption { "Zone " (name) " of memory node " (node) }
            svg.heat viewBox={ "0 0 " (WIDTH) " " (height) } preserveAspectRatio="none" role="img"
                aria-label={ "Free memory of zone " (name) " of memory node " (node) " in blocks too small, by order and time; the figures stand below" } {
                @for (order, tenths, from, to) in &cells {
                    rect class={ "heat" (tenths) } x=(from) y=((orders - 1 - order) * ROW) width=(to - from) height=(ROW) {}
                }
            }
            (ends(window))
            details {
                summary { "Figures" }
                div.wide { table {
                    thead { tr {
                        th scope="col" { "Order" } th scope="col" { "Block" } th scope="col" { "Free blocks now" }
                        th scope="col" { "Of no use now" } th scope="col" { "At worst" }
                    } }
                    tbody { @for (order, (block, free)) in newest.blocks.iter().enumerate() { tr {
                        td { (order) } td { (Bytes(*block)) } td { (free) }
                        td { (percent(permille(newest, order))) } td { (percent(worst(order))) }
                    } } }
                } }
            }
        }
    }
}

fn percent(permille: Option<u32>) -> String {
    permille.map_or_else(|| "-".to_owned(), |p| format!("{}.{} %", p / 10, p % 10))
}

/// What the colours of the heat maps mean.
pub(super) fn heat_legend() -> Markup {
    html! {
        ul.legend {
            li { span.key.heat0 {} "All that is free can serve the order" }
            li { span.key.heat5 {} "half of it" }
            li { span.key.heat10 {} "nothing of it" }
        }
        p.about { "The top row is the largest block, the lowest one order 1. Where nothing is drawn, nobody looked." }
    }
}
