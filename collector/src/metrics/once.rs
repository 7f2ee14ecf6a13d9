//! Counts each incident once, although it is judged again and again.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Incidents remembered; late evidence comes within minutes, in which no cluster has more deaths than this.
const REMEMBERED: usize = 4096;

/// The ids that were counted last.
#[derive(Debug, Default)]
pub(crate) struct Once(Mutex<(HashSet<String>, VecDeque<String>)>);

impl Once {
    /// Whether this id is to be counted now: it was not among the last ones.
    pub(crate) fn counts(&self, id: &str) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (set, order) = &mut *known;
        if !set.insert(id.to_owned()) {
            return false;
        }
        order.push_back(id.to_owned());
        if order.len() > REMEMBERED
            && let Some(oldest) = order.pop_front()
        {
            set.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counts_once_while_it_is_remembered() {
        let once = Once::default();
        assert!(once.counts("a") && !once.counts("a") && once.counts("b"));
        for n in 0..REMEMBERED {
            assert!(once.counts(&n.to_string()));
        }
        assert!(once.counts("a"), "forgotten");
        let known = once.0.lock().unwrap();
        assert_eq!((known.0.len(), known.1.len()), (REMEMBERED, REMEMBERED));
    }
}
