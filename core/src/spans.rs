//! Arithmetic of spans of time: what they cover together, what is left without some, where the holes are.
//!
//! A span has both its ends, and one that ends before it begins is none. Lists may overlap and need no order on the way
//! in; on the way out they are in order and no two touch.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// Its begin.
    pub from: Timestamp,
    /// Its end, not before its begin.
    pub to: Timestamp,
}

impl Span {
    /// From one time to another; `None` if the second is the earlier.
    #[must_use]
    pub fn new(from: Timestamp, to: Timestamp) -> Option<Self> {
        (from <= to).then_some(Self { from, to })
    }

    /// Whether the time is in it.
    #[must_use]
    pub fn holds(&self, time: Timestamp) -> bool {
        self.from <= time && time <= self.to
    }

    /// What both have.
    #[must_use]
    pub fn and(&self, other: &Self) -> Option<Self> {
        Self::new(self.from.max(other.from), self.to.min(other.to))
    }
}

/// What the spans cover together.
#[must_use]
pub fn union(spans: impl IntoIterator<Item = Span>) -> Vec<Span> {
    let mut spans: Vec<Span> = spans.into_iter().filter(|span| span.from <= span.to).collect();
    spans.sort_unstable();
    let mut all: Vec<Span> = Vec::new();
    for span in spans {
        match all.last_mut() {
            Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
            _ => all.push(span),
        }
    }
    all
}

/// What of the window the spans do not cover. Points are no holes: spans that touch have none between them.
#[must_use]
pub fn holes(spans: &[Span], window: Span) -> Vec<Span> {
    let mut holes = Vec::new();
    let mut from = window.from;
    for span in union(spans.iter().copied()) {
        if span.from >= window.to {
            break;
        }
        if span.from > from {
            holes.push(Span { from, to: span.from });
        }
        from = from.max(span.to);
    }
    if from < window.to {
        holes.push(Span { from, to: window.to });
    }
    holes
}

/// What is left of the spans without the cuts. Each cut takes its inside and leaves its ends.
#[must_use]
pub fn without(spans: &[Span], cuts: &[Span]) -> Vec<Span> {
    let cuts = union(cuts.iter().copied());
    let mut left = Vec::new();
    for span in union(spans.iter().copied()) {
        // Where nothing is cut the holes that the cuts leave are the span itself.
        left.extend(holes(&cuts, span));
    }
    left
}

/// How many of the layers cover the window where the fewest do. 0 for a window without length.
#[must_use]
pub fn thinnest(layers: &[Vec<Span>], window: Span) -> usize {
    let layers: Vec<Vec<Span>> = layers.iter().map(|layer| union(layer.iter().copied())).collect();
    let mut cuts: Vec<Timestamp> = layers
        .iter()
        .flatten()
        .flat_map(|span| [span.from, span.to])
        .filter(|cut| window.holds(*cut))
        .chain([window.from, window.to])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let covering = |pair: &[Timestamp]| {
        let [from, to] = pair else { return 0 };
        let covers = |layer: &&Vec<Span>| {
            // The last span that begins by then is the only one that can reach over it.
            let next = layer.partition_point(|span| span.from <= *from);
            next.checked_sub(1).and_then(|i| layer.get(i)).is_some_and(|span| span.to >= *to)
        };
        layers.iter().filter(covers).count()
    };
    cuts.windows(2).map(covering).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_763_726_400 + second).unwrap()
    }

    fn span(from: i64, to: i64) -> Span {
        Span { from: at(from), to: at(to) }
    }

    fn spans(list: &[(i64, i64)]) -> Vec<Span> {
        list.iter().map(|(from, to)| span(*from, *to)).collect()
    }

    #[test]
    fn spans_join_and_leave_holes() {
        type Case = (&'static [(i64, i64)], &'static [(i64, i64)], &'static [(i64, i64)]);
        let cases: [Case; 6] = [
            (&[], &[], &[(10, 20)]),
            (&[(0, 30)], &[(0, 30)], &[]),
            (&[(14, 16), (10, 12), (11, 15)], &[(10, 16)], &[(16, 20)]),
            (&[(5, 12), (12, 13), (18, 25)], &[(5, 13), (18, 25)], &[(13, 18)]),
            // One that ends before it begins is none.
            (&[(18, 12)], &[], &[(10, 20)]),
            (&[(0, 10), (20, 30)], &[(0, 10), (20, 30)], &[(10, 20)]),
        ];
        for (given, joined, left) in cases {
            assert_eq!(union(spans(given)), spans(joined), "{given:?}");
            assert_eq!(holes(&spans(given), span(10, 20)), spans(left), "{given:?}");
        }
    }

    #[test]
    fn a_cut_takes_what_it_holds() {
        let all = spans(&[(0, 100)]);
        assert_eq!(without(&all, &[]), all);
        assert_eq!(without(&all, &spans(&[(40, 60)])), spans(&[(0, 40), (60, 100)]));
        assert_eq!(without(&all, &spans(&[(-5, 10), (90, 200)])), spans(&[(10, 90)]));
        assert_eq!(without(&all, &spans(&[(-5, 200)])), []);
    }

    #[test]
    fn the_thinnest_place_counts() {
        let layers = [spans(&[(0, 50)]), spans(&[(40, 100)]), spans(&[(0, 100)])];
        assert_eq!(thinnest(&layers, span(0, 100)), 2);
        assert_eq!(thinnest(&layers, span(42, 48)), 3);
        assert_eq!(thinnest(&layers, span(0, 101)), 0);
        assert_eq!(thinnest(&layers, span(7, 7)), 0);
        assert_eq!(thinnest(&[], span(0, 1)), 0);
    }

    proptest! {
        #[test]
        fn holes_and_spans_fill_the_window_and_never_overlap(
            list in proptest::collection::vec((0_i64..60, 0_i64..60), 0..12),
            cuts in proptest::collection::vec((0_i64..60, 0_i64..60), 0..6),
        ) {
            let (given, cuts) = (spans(&list), spans(&cuts));
            let window = span(0, 60);
            let joined = union(given.clone());
            prop_assert!(joined.windows(2).all(|pair| pair[0].to < pair[1].from));
            let open = holes(&given, window);
            prop_assert!(open.iter().all(|hole| hole.from < hole.to));
            let left = without(&given, &cuts);
            // Second by second, by the middle of each, which no end ever lies on.
            for second in 0..60 {
                let middle = at(second).checked_add(jiff::SignedDuration::from_millis(500)).unwrap();
                let inside = |list: &[Span]| list.iter().any(|span| span.from <= span.to && span.holds(middle));
                prop_assert_eq!(inside(&joined), inside(&given));
                prop_assert_eq!(inside(&open), !inside(&given));
                prop_assert_eq!(inside(&left), inside(&given) && !inside(&cuts));
            }
            prop_assert_eq!(thinnest(std::slice::from_ref(&given), window) == 1, open.is_empty());
            prop_assert_eq!(thinnest(&[given.clone(), given], window) == 2, open.is_empty());
        }
    }
}
