//! How many incidents there were over a time, as stacked bars by cause, drawn as SVG. The figures stand below.

use std::collections::BTreeMap;

use coroner_core::incident::Cause;
use jiff::Timestamp;
use maud::{Markup, html};

use super::links;
use crate::query::TimeCount;

/// Height of the picture, in its own units; a bar is ten wide.
const HEIGHT: u64 = 100;

/// Causes with a colour of their own; the others share one.
const COLOURS: usize = 6;

/// How the time is cut.
pub(super) struct Parts {
    /// Length of one.
    pub(super) seconds: i64,
    /// How many there are before the one that is now.
    pub(super) count: i64,
    /// What one is called.
    pub(super) name: &'static str,
}

/// Incidents by cause, the most frequent first.
fn by_cause(counts: &[TimeCount]) -> Vec<(Cause, u64)> {
    let mut sums: BTreeMap<&'static str, (Cause, u64)> = BTreeMap::new();
    for count in counts {
        sums.entry(count.cause.name()).or_insert((count.cause, 0)).1 += count.count;
    }
    let mut sums: Vec<(Cause, u64)> = sums.into_values().collect();
    sums.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sums
}

/// A stacked bar for each part of the time. The causes lead to their lists, narrowed to a namespace and an owner.
pub(super) fn picture(
    counts: &[TimeCount],
    parts: &Parts,
    now: Timestamp,
    of: Option<(Option<&str>, &str)>,
) -> Markup {
    let causes = by_cause(counts);
    if causes.is_empty() {
        return html! { p { "No incident." } };
    }
    let now = now.as_second().div_euclid(parts.seconds);
    let colour =
        |cause: Cause| causes.iter().position(|(c, _)| *c == cause).unwrap_or(0).min(COLOURS);
    let mut stacks: BTreeMap<i64, Vec<&TimeCount>> = BTreeMap::new();
    for count in counts {
        stacks.entry(count.part).or_default().push(count);
    }
    let sum = |counts: &[&TimeCount]| counts.iter().map(|count| count.count).sum::<u64>();
    let most = stacks.values().map(|counts| sum(counts)).max().unwrap_or(1).max(1);
    let mut bars = Vec::new();
    for (part, counts) in &mut stacks {
        counts.sort_by_key(|count| colour(count.cause));
        // A node's clock may be ahead.
        let x = (parts.count - (now - *part)).clamp(0, parts.count) * 10;
        let mut below = 0;
        for count in counts {
            let from = below * HEIGHT / most;
            below += count.count;
            let to = below * HEIGHT / most;
            bars.push((x, HEIGHT - to, to - from, colour(count.cause)));
        }
    }
    let list = |cause: Cause| {
        let (namespace, owner) = of.unzip();
        let narrowed =
            [("namespace", namespace.flatten()), ("owner", owner), ("cause", Some(cause.name()))];
        links::with_query("/incidents", narrowed)
    };
    html! {
        figure {
            svg.hours viewBox={ "0 0 " ((parts.count + 1) * 10) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                aria-label={ "Incidents by " (parts.name) " and cause; the figures stand below" } {
                @for (x, y, height, colour) in &bars {
                    rect class={ "cause" (colour) } x=(x) y=(y) width="8" height=(height) {}
                }
            }
            figcaption {
                "At most " (most) " in " @if parts.name == "hour" { "an " } @else { "a " } (parts.name) "."
                ul.legend { @for (cause, count) in &causes {
                    li {
                        span class={ "key cause" (colour(*cause)) } {}
                        a href=(list(*cause)) { (cause.name()) }
                        ": " (count)
                    }
                } }
            }
        }
    }
}
