//! What a source watched of a window, as a band with its holes, drawn as SVG.

use coroner_core::spans::Span;
use maud::{Markup, html};

/// Width of the picture, in its own units.
const WIDTH: i64 = 1000;

/// A band for one source.
pub(super) fn coverage(window: &Span, coverage: &[Span], what: &str) -> Markup {
    let whole = window.to.duration_since(window.from).as_millis().max(1);
    let place = |at: jiff::Timestamp| {
        let since = at.duration_since(window.from).as_millis().clamp(0, whole);
        since * i128::from(WIDTH) / whole
    };
    html! {
        svg.band viewBox={ "0 0 " (WIDTH) " 12" } preserveAspectRatio="none" role="img" aria-label=(what) {
            rect.missed x="0" y="0" width=(WIDTH) height="12" {}
            @for span in coverage {
                @let from = place(span.from);
                rect.watched x=(from) y="0" width=((place(span.to) - from).max(1)) height="12" {}
            }
        }
    }
}
