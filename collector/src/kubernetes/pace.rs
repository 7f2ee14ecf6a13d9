//! How patient the watchers are.

use std::time::Duration;

/// Times and sizes. The defaults are for clusters; tests have none to lose.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Longest wait for the head of an answer.
    pub answer: Duration,
    /// Longest silence on a watch before it is taken for dead. Servers send a bookmark about every minute.
    pub silence: Duration,
    /// How long one watch may last; the server ends it then, and the next goes on where it ended.
    pub watch: Duration,
    /// The first wait after a failure is at most this long.
    pub first_retry: Duration,
    /// No wait after a failure is longer.
    pub longest_retry: Duration,
    /// The longest wait after a refusal, which is reached by degrees: somebody has to change a role first.
    pub refused_retry: Duration,
    /// Objects a page, from servers without streaming lists.
    pub page: u32,
    /// Bytes of the largest line of a watch. The largest object that etcd takes is 1.5 MiB.
    pub longest_line: usize,
    /// Bytes of the largest page.
    pub largest_page: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(30),
            silence: Duration::from_secs(150),
            watch: Duration::from_secs(290),
            first_retry: Duration::from_millis(500),
            longest_retry: Duration::from_secs(30),
            refused_retry: Duration::from_secs(30),
            page: 500,
            longest_line: 8 << 20,
            largest_page: 64 << 20,
        }
    }
}
