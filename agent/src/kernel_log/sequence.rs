//! How many records were lost, from their numbers alone.
//!
//! The kernel numbers records without holes (Documentation/ABI/testing/dev-kmsg) and tells a reader that was overtaken
//! once, with EPIPE, but not by how much. The numbers do, also across a restart of the agent within one boot.

/// Records that nobody will ever read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Number of the first.
    pub first: u64,
    /// How many.
    pub count: u64,
}

/// The numbers seen so far.
#[derive(Debug)]
pub(crate) struct Sequence {
    next: Option<u64>,
    resuming: bool,
}

impl Sequence {
    /// Begins; `acknowledged` is the last record an earlier run of this boot is done with.
    pub(crate) fn new(acknowledged: Option<u64>) -> Self {
        Self {
            next: acknowledged.map(|seq| seq.saturating_add(1)),
            resuming: acknowledged.is_some(),
        }
    }

    /// Notes a record and says what is missing before it.
    pub(crate) fn see(&mut self, seq: u64) -> Option<Lost> {
        let expected = self.next.replace(seq.saturating_add(1));
        self.resuming = false;
        let first = expected?;
        (seq > first).then(|| Lost { first, count: seq - first })
    }

    /// True until the first record after a resume was seen.
    pub(crate) fn is_resuming(&self) -> bool {
        self.resuming
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::fresh(None, &[400, 401, 402], &[])]
    #[case::hole(None, &[400, 403], &[(401, 2)])]
    #[case::two_holes(None, &[1, 3, 4, 9], &[(2, 1), (5, 4)])]
    #[case::resume_inside_ring(Some(500), &[400, 401], &[])]
    #[case::resume_next(Some(500), &[501, 502], &[])]
    #[case::resume_after_overrun(Some(500), &[511], &[(501, 10)])]
    #[case::backwards_is_no_loss(None, &[10, 3, 4], &[])]
    #[case::end_of_numbers(Some(u64::MAX), &[u64::MAX], &[])]
    fn losses(
        #[case] acknowledged: Option<u64>,
        #[case] seen: &[u64],
        #[case] expected: &[(u64, u64)],
    ) {
        let mut sequence = Sequence::new(acknowledged);
        assert_eq!(sequence.is_resuming(), acknowledged.is_some());
        let lost: Vec<_> =
            seen.iter().filter_map(|&s| sequence.see(s)).map(|l| (l.first, l.count)).collect();
        assert_eq!(lost, expected);
        assert!(!sequence.is_resuming());
    }
}
